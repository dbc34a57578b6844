//! Cross-origin access: which pages of other origins may read our answers. All that get any, with credentials: whose
//! pages may ask is decided before ([`Sites`]), and those that may not can read why.

use hyper::{
    HeaderMap, StatusCode,
    header::{
        ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS,
        ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS,
        ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD,
        HeaderName, HeaderValue, ORIGIN, VARY,
    },
};

use crate::{
    access::Sites,
    reply::{Reply, empty},
};

/// Methods that a page may use on the gateway.
const GATEWAY_METHODS: &str = "GET, POST, PUT, DELETE, OPTIONS, PATCH";
/// Methods that a page may use elsewhere when its preflight does not name one.
const OTHER_METHODS: &str = "GET, POST, PUT, DELETE, OPTIONS";
/// How long a browser may remember a preflight, in seconds.
const MAX_AGE: &str = "86400";

/// Asked for by browsers before a page of the internet may reach a server of a local network.
const REQUEST_PRIVATE_NETWORK: HeaderName =
    HeaderName::from_static("access-control-request-private-network");
const ALLOW_PRIVATE_NETWORK: HeaderName =
    HeaderName::from_static("access-control-allow-private-network");

/// What a request says about where it comes from.
#[derive(Debug)]
pub(crate) struct Cors {
    origin: Option<HeaderValue>,
    method: Option<HeaderValue>,
    headers: Option<HeaderValue>,
    /// Whether the browser asks if a page of the internet may come in.
    asks_for_private_network: bool,
}

impl Cors {
    /// Reads the request's headers.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        Self {
            origin: headers.get(ORIGIN).cloned(),
            method: headers.get(ACCESS_CONTROL_REQUEST_METHOD).cloned(),
            headers: headers.get(ACCESS_CONTROL_REQUEST_HEADERS).cloned(),
            asks_for_private_network: headers.contains_key(REQUEST_PRIVATE_NETWORK),
        }
    }

    /// The same, letting pages of the internet in only if the settings name their origin.
    pub(crate) fn with_private_network(mut self, sites: &Sites) -> Self {
        let origin = self.origin.as_ref().and_then(|value| value.to_str().ok());
        self.asks_for_private_network &= origin.is_some_and(|origin| sites.names_origin(origin));
        self
    }

    /// The answer to a preflight on the gateway. The actor is not asked.
    pub(crate) fn gateway_preflight(&self) -> Reply {
        let mut reply = empty(StatusCode::NO_CONTENT);
        let headers = reply.headers_mut();
        headers.insert(
            ACCESS_CONTROL_ALLOW_METHODS,
            HeaderValue::from_static(GATEWAY_METHODS),
        );
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, self.allowed_headers());
        headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(MAX_AGE));
        self.put_private_network(headers);
        self.apply(headers);
        reply
    }

    /// The answer to a preflight elsewhere: it mirrors what is asked for.
    pub(crate) fn mirrored_preflight(&self) -> Reply {
        let mut reply = empty(StatusCode::OK);
        let headers = reply.headers_mut();
        let methods = self
            .method
            .clone()
            .unwrap_or(HeaderValue::from_static(OTHER_METHODS));
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, methods);
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, self.allowed_headers());
        headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(MAX_AGE));
        self.put_private_network(headers);
        self.apply(headers);
        headers.insert(
            VARY,
            HeaderValue::from_static(
                "origin, access-control-request-method, access-control-request-headers",
            ),
        );
        reply
    }

    /// Adds the headers that every answer carries, errors included. An actor's own HTTP handler that
    /// says itself who may read its answer has the last word.
    pub(crate) fn apply(&self, headers: &mut HeaderMap) {
        if headers.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN) {
            return;
        }
        headers.insert(
            ACCESS_CONTROL_ALLOW_ORIGIN,
            self.origin.clone().unwrap_or(HeaderValue::from_static("*")),
        );
        headers.insert(
            ACCESS_CONTROL_ALLOW_CREDENTIALS,
            HeaderValue::from_static("true"),
        );
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("*"));
        if self.origin.is_some() {
            headers.append(VARY, HeaderValue::from_static("Origin"));
        }
    }

    fn put_private_network(&self, headers: &mut HeaderMap) {
        if self.asks_for_private_network {
            headers.insert(ALLOW_PRIVATE_NETWORK, HeaderValue::from_static("true"));
        }
    }

    fn allowed_headers(&self) -> HeaderValue {
        self.headers
            .clone()
            .unwrap_or(HeaderValue::from_static("*"))
    }
}
