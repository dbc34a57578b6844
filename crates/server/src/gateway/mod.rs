//! Requests to actors: whom they mean, and what they want of it.

mod target;
mod upgrade;

use std::{borrow::Cow, sync::Arc};

use bytes::Bytes;
use greenroom_types::{
    ActorError, cbor,
    gateway::{GatewayRequest, GatewayTarget},
};
use hyper::{Method, Request, StatusCode, Uri, Version, header::HeaderName};
use percent_encoding::percent_decode_str;

pub(crate) use target::{Reached, Target, check_namespace};
use upgrade::Wanted;

use crate::{
    access::{Intents, Visitor},
    action,
    app::App,
    body::RequestBody,
    client_info::Seen,
    connection::UpgradeSlot,
    failure::gateway_error,
    info, queue, raw,
    reply::{self, Reply},
    router::read_only,
    sse::{self, StreamQuery},
};

/// A request to an actor.
struct Routed<'u> {
    target: Target,
    /// The path as the actor sees it, raw.
    path: &'u str,
    /// The query as the actor sees it, raw.
    query: Option<Cow<'u, str>>,
    /// What the query says about an event stream.
    stream: StreamQuery,
    /// The token in the URL or in the subprotocols.
    token: Option<String>,
}

impl Routed<'_> {
    /// Who sent the request.
    fn visitor(&self, app: &App, slot: &UpgradeSlot, request: &Request<RequestBody>) -> Visitor {
        Visitor::of(app, slot.peer(), request, self.token.as_ref(), || {
            self.seen_at(self.path, request)
        })
    }

    /// What the actor is told of a request to `path`.
    fn seen_at(&self, path: &str, request: &Request<RequestBody>) -> Bytes {
        let seen = Seen {
            method: request.method(),
            path,
            query: self.query.as_deref(),
            headers: request.headers(),
        };
        seen.encode()
    }
}

/// Whether the request names its actor in its headers. A path that names one comes first.
pub(crate) fn is_header_routed(request: &Request<RequestBody>) -> bool {
    if request.uri().path().starts_with("/gateway/") {
        return false;
    }
    if wants_websocket(request) {
        return upgrade::handshake(request.headers()).target.is_some();
    }
    request.headers().contains_key(&X_RIVET_TARGET)
}

const X_RIVET_TARGET: HeaderName = HeaderName::from_static("x-rivet-target");
const X_RIVET_ACTOR: HeaderName = HeaderName::from_static("x-rivet-actor");

/// Whether the request asks for a WebSocket, as RFC 6455 has it.
fn wants_websocket(request: &Request<RequestBody>) -> bool {
    request.method() == Method::GET
        && request.version() == Version::HTTP_11
        && fastwebsockets::upgrade::is_upgrade_request(request)
}

/// Refuses a request before anything else is known of it. Whoever asked for a WebSocket is told by its close.
pub(crate) fn refuse(
    slot: &UpgradeSlot,
    request: &mut Request<RequestBody>,
    error: &ActorError,
) -> Reply {
    match wants_websocket(request) {
        true => upgrade::accept(slot, request, Err(error.clone())),
        false => gateway_error(error),
    }
}

/// Answers a request to an actor.
pub(crate) async fn handle(
    app: &Arc<App>,
    slot: &UpgradeSlot,
    mut request: Request<RequestBody>,
) -> Reply {
    // Shares its bytes with the request, so that the parts of the URL need not be copied out of it.
    let uri = request.uri().clone();
    let query;
    let routed = match is_header_routed(&request) {
        true => by_headers(&request, &uri),
        false => match StreamQuery::split(uri.path(), uri.query()) {
            Ok((rest, stream)) => {
                query = rest;
                by_path(app, uri.path(), query.as_deref(), stream)
            }
            Err(error) => Err(error),
        },
    };
    if wants_websocket(&request) {
        let target = routed.and_then(|routed| match routed.path {
            "/connect" => {
                let visitor = routed.visitor(app, slot, &request);
                Ok(Wanted {
                    seen: visitor.seen.clone(),
                    is_raw: false,
                    target: routed.target,
                    visitor,
                })
            }
            path if raw::is_socket_path(path) => Ok(Wanted {
                seen: Some(routed.seen_at(path, &request)),
                is_raw: true,
                visitor: routed.visitor(app, slot, &request),
                target: routed.target,
            }),
            path => Err(elsewhere(path)),
        });
        return upgrade::accept(slot, &mut request, target);
    }
    match routed {
        Ok(routed) => http(app, slot, routed, request).await,
        Err(error) => gateway_error(&error),
    }
}

/// `query` is without what is about the event stream.
fn by_path<'u>(
    app: &App,
    path: &'u str,
    query: Option<&'u str>,
    stream: StreamQuery,
) -> Result<Routed<'u>, ActorError> {
    let parsed = GatewayRequest::parse(path, query)?;
    let mut parsed = parsed.ok_or_else(|| ActorError::no_route(path))?;
    let token = match &mut parsed.target {
        GatewayTarget::Id { token, .. } => token.take(),
        GatewayTarget::Query(query) => query.token.take(),
    };
    Ok(Routed {
        token: token.map(Cow::into_owned),
        target: Target::of(app, parsed.target)?,
        path: parsed.path,
        query: parsed.query,
        stream,
    })
}

/// Names in headers, or for WebSockets in subprotocols. Only ids can be named so.
fn by_headers<'u>(request: &Request<RequestBody>, uri: &'u Uri) -> Result<Routed<'u>, ActorError> {
    let header = |name: &HeaderName| {
        request
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned)
    };
    let (target, actor, token) = if wants_websocket(request) {
        let handshake = upgrade::handshake(request.headers());
        (handshake.target, handshake.actor, handshake.token)
    } else {
        (header(&X_RIVET_TARGET), header(&X_RIVET_ACTOR), None)
    };
    if target.as_deref() != Some("actor") {
        return Err(ActorError::guard(
            "invalid_target",
            "the only target that can be named is `actor`",
        ));
    }
    let id = actor
        .ok_or_else(|| ActorError::guard("missing_header", "the id of the actor is missing"))?;
    Ok(Routed {
        target: Target::of_id(&id)?,
        path: uri.path(),
        query: uri.query().map(Cow::Borrowed),
        stream: StreamQuery::default(),
        token,
    })
}

async fn http(
    app: &Arc<App>,
    slot: &UpgradeSlot,
    routed: Routed<'_>,
    request: Request<RequestBody>,
) -> Reply {
    let visitor = routed.visitor(app, slot, &request);
    if let Some(path) = raw::path_of(routed.path) {
        let seen = routed.seen_at(path, &request);
        return raw::fetch(app, &routed.target, seen, visitor, request).await;
    }
    let Routed {
        target,
        path,
        stream,
        ..
    } = routed;
    let method = request.method();
    if path == sse::PATH {
        if method != Method::GET {
            return gateway_error(&ActorError::method_not_allowed(method.as_str(), "GET"));
        }
        return sse::open(app, &target, stream, request.headers(), visitor).await;
    }
    if let Some((member, name)) = Member::at(path) {
        if let Member::Action = member
            && action::is_given_up(&request)
        {
            return action::give_up(app, &target, request, visitor).await;
        }
        if method != Method::POST {
            return gateway_error(&ActorError::method_not_allowed(method.as_str(), "POST"));
        }
        let Some(name) = name else {
            return gateway_error(&ActorError::invalid_request("the name is not UTF-8"));
        };
        return match member {
            Member::Action => action::call(app, &target, name, request, visitor).await,
            Member::Queue => queue::publish(app, &target, name, request, visitor).await,
        };
    }
    if !matches!(path, "/" | "/health" | "/metadata") {
        return gateway_error(&elsewhere(path));
    }
    let found = async {
        let entered = target.enter(app, &visitor, Intents::REQUEST, None).await?;
        entered.resolve(app).await
    };
    let actor = match found.await {
        Ok(actor) => actor,
        Err(error) => return gateway_error(&error),
    };
    read_only(method, || match path {
        "/health" => reply::text(StatusCode::OK, "ok"),
        "/metadata" => info::actor_metadata(app, &actor.name),
        _ => info::actor_banner(app, &actor.name),
    })
}

/// What of an actor can be named in a path.
#[derive(Clone, Copy)]
enum Member {
    Action,
    Queue,
}

impl Member {
    /// What `path` names, and its name unless that is not UTF-8.
    fn at(path: &str) -> Option<(Self, Option<String>)> {
        let (member, name) = match path.strip_prefix("/action/") {
            Some(name) => (Self::Action, name),
            None => (Self::Queue, path.strip_prefix("/queue/")?),
        };
        if name.is_empty() || name.contains('/') {
            return None;
        }
        let decoded = percent_decode_str(name).decode_utf8().ok();
        Some((member, decoded.map(Cow::into_owned)))
    }
}

/// Why a path of an actor cannot be served: it is reserved for what this server does not do, or it
/// does not exist, which is an `actor.not_found` that says so in its metadata.
fn elsewhere(path: &str) -> ActorError {
    let first = path.trim_start_matches('/').split('/').next().unwrap_or("");
    match first {
        "connect" if path == "/connect" => ActorError::guard(
            "upgrade_required",
            "this is where WebSockets connect: ask for an upgrade over HTTP/1.1, or use `/sse`",
        ),
        "websocket" => ActorError::guard(
            "upgrade_required",
            "this is where raw WebSockets connect: ask for an upgrade over HTTP/1.1",
        ),
        "inspector" | "dynamic" | "metrics" => ActorError::new(
            "feature",
            "unsupported",
            format!("this server does not support `/{first}` of actors"),
        ),
        _ => {
            let mut error = ActorError::not_found();
            error.message = "nothing is served at this path of the actor".to_owned();
            error.metadata = Some(route_metadata(path));
            error
        }
    }
}

/// `{resource: "route", id: path}`.
fn route_metadata(path: &str) -> Bytes {
    let mut out = Vec::with_capacity(32 + path.len());
    cbor::put_map(&mut out, 2);
    cbor::put_text(&mut out, "resource");
    cbor::put_text(&mut out, "route");
    cbor::put_text(&mut out, "id");
    cbor::put_text(&mut out, path);
    out.into()
}
