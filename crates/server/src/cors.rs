//! Cross-origin access: which pages of other origins may read our answers. All of them, with
//! credentials, since access is decided by the auth stage and not by the page's origin.

use hyper::{
    HeaderMap, StatusCode,
    header::{
        ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS,
        ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS,
        ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD,
        HeaderValue, ORIGIN, VARY,
    },
};

use crate::reply::{Reply, empty};

/// Methods that a page may use on the gateway.
const GATEWAY_METHODS: &str = "GET, POST, PUT, DELETE, OPTIONS, PATCH";
/// Methods that a page may use elsewhere when its preflight does not name one.
const OTHER_METHODS: &str = "GET, POST, PUT, DELETE, OPTIONS";
/// How long a browser may remember a preflight, in seconds.
const MAX_AGE: &str = "86400";

/// What a request says about where it comes from.
#[derive(Debug)]
pub(crate) struct Cors {
    origin: Option<HeaderValue>,
    method: Option<HeaderValue>,
    headers: Option<HeaderValue>,
}

impl Cors {
    /// Reads the request's headers.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        Self {
            origin: headers.get(ORIGIN).cloned(),
            method: headers.get(ACCESS_CONTROL_REQUEST_METHOD).cloned(),
            headers: headers.get(ACCESS_CONTROL_REQUEST_HEADERS).cloned(),
        }
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

    fn allowed_headers(&self) -> HeaderValue {
        self.headers
            .clone()
            .unwrap_or(HeaderValue::from_static("*"))
    }
}
