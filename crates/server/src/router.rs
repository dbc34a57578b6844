//! From a request to the part that answers it.

use std::sync::Arc;

use greenroom_types::ActorError;
use hyper::{Method, Request};
use tracing::trace;

use crate::{
    app::App,
    body::RequestBody,
    connection::UpgradeSlot,
    cors::Cors,
    dispatch::{self, Origin},
    failure::gateway_error,
    gateway, head, info, metrics,
    reply::Reply,
    rest, sse,
};

/// The parts of the server, by path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Health,
    Metadata,
    Metrics,
    Actors,
    Gateway,
    /// Messages to connections whose way back is an event stream.
    Connections,
    /// Anything else: perhaps a file.
    Files,
}

impl Part {
    fn of(path: &str) -> Self {
        let first = path.trim_start_matches('/').split('/').next().unwrap_or("");
        match first {
            "actors" => Self::Actors,
            "gateway" => Self::Gateway,
            "connections" => Self::Connections,
            "health" if path == "/health" => Self::Health,
            "metadata" if path == "/metadata" => Self::Metadata,
            "metrics" if path == "/metrics" => Self::Metrics,
            _ => Self::Files,
        }
    }
}

/// Answers one request. What asks for a WebSocket is left in `slot`.
pub(crate) async fn handle(
    app: &Arc<App>,
    slot: &UpgradeSlot,
    mut request: Request<RequestBody>,
) -> Reply {
    dispatch::distrust(&mut request);
    trace!(method = %request.method(), "request");
    let cors = Cors::of(request.headers());
    if let Some(mut reply) = head::refusal(&app.config, &request) {
        cors.apply(reply.headers_mut());
        return reply;
    }
    let by_header = gateway::is_header_routed(&request);
    let part = if by_header {
        Part::Gateway
    } else {
        Part::of(request.uri().path())
    };
    if let Err(error) = may_ask(app, slot, part, &request) {
        let mut reply = gateway::refuse(slot, &mut request, &error);
        cors.apply(reply.headers_mut());
        return reply;
    }
    if request.method() == Method::OPTIONS {
        let cors = cors.with_private_network(&app.sites);
        return match part {
            Part::Gateway => cors.gateway_preflight(),
            Part::Actors
            | Part::Connections
            | Part::Metadata
            | Part::Metrics
            | Part::Health
            | Part::Files => cors.mirrored_preflight(),
        };
    }
    let mut reply = match part {
        Part::Health => read_only(request.method(), || info::health(app)),
        Part::Metadata => read_only(request.method(), || info::metadata(app)),
        Part::Metrics => metrics::metrics(app, &request).await,
        Part::Gateway => gateway::handle(app, slot, request).await,
        Part::Actors => rest::handle(app, slot, request).await,
        Part::Connections => sse::receive(app, request).await,
        Part::Files => file(app, &request).await,
    };
    cors.apply(reply.headers_mut());
    reply
}

/// Whether browsers may carry this request here. Pages that may not use the server still hear so, as everything else
/// does: preflights are answered, and what the server says of itself is open to everybody.
fn may_ask(
    app: &App,
    slot: &UpgradeSlot,
    part: Part,
    request: &Request<RequestBody>,
) -> Result<(), ActorError> {
    if dispatch::origin(request) == Origin::Trusted {
        return Ok(());
    }
    app.sites.check_host(slot.peer(), request.headers())?;
    let is_open = matches!(part, Part::Health | Part::Metadata);
    if is_open || request.method() == Method::OPTIONS {
        return Ok(());
    }
    app.sites.check_page(slot.peer(), request)
}

/// Answers GET and HEAD, refuses the rest.
pub(crate) fn read_only(method: &Method, answer: impl FnOnce() -> Reply) -> Reply {
    match check_read_only(method) {
        Ok(()) => answer(),
        Err(error) => gateway_error(&error),
    }
}

/// # Errors
/// `actor.method_not_allowed` for anything but GET and HEAD.
pub(crate) fn check_read_only(method: &Method) -> Result<(), ActorError> {
    if method == Method::GET || method == Method::HEAD {
        Ok(())
    } else {
        Err(ActorError::method_not_allowed(method.as_str(), "GET"))
    }
}

async fn file(app: &App, request: &Request<RequestBody>) -> Reply {
    if let Some(files) = &app.files
        && let Some(reply) = files
            .get(request.method(), request.uri(), request.headers())
            .await
    {
        return reply;
    }
    match request.uri().path() {
        "/" => read_only(request.method(), || info::banner(app)),
        path => gateway_error(&ActorError::no_route(path)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_to_their_part() {
        let cases = [
            ("/health", Part::Health),
            ("/metadata", Part::Metadata),
            ("/metrics", Part::Metrics),
            ("/metrics/x", Part::Files),
            ("/actors", Part::Actors),
            ("/actors/", Part::Actors),
            ("/actors/abc/sleep", Part::Actors),
            ("/gateway/counter/action/x", Part::Gateway),
            ("/gateway", Part::Gateway),
            ("//gateway/counter", Part::Gateway),
            ("/connections/abc/message", Part::Connections),
            ("/", Part::Files),
            ("/index.html", Part::Files),
            ("/healthy", Part::Files),
            ("/health/x", Part::Files),
            ("/actorsx", Part::Files),
        ];
        for (path, part) in cases {
            assert_eq!(Part::of(path), part, "{path}");
        }
    }
}
