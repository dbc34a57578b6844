//! Messages of clients whose actor answers over an event stream.

use greenroom_types::{ActorError, protocol::decode_client_frame};
use hyper::{Method, Request, StatusCode};

use super::batch;
use crate::{
    app::App,
    body::{RequestBody, read_body},
    failure::gateway_error,
    reply::{self, Reply},
    websocket::Close,
};

/// The header with the token that came with `Init`.
const X_RIVET_CONN_TOKEN: &str = "x-rivet-conn-token";

/// Answers `POST /connections/{id}/message`.
pub(crate) async fn receive(app: &App, request: Request<RequestBody>) -> Reply {
    let path = request.uri().path();
    let Some(id) = path
        .strip_prefix("/connections/")
        .and_then(|rest| rest.strip_suffix("/message"))
        .filter(|id| !id.is_empty() && !id.contains('/'))
    else {
        return gateway_error(&ActorError::no_route(path));
    };
    let method = request.method();
    if method != Method::POST {
        return gateway_error(&ActorError::method_not_allowed(method.as_str(), "POST"));
    }
    let id = id.to_owned();
    match pass_on(app, &id, request).await {
        Ok(()) => reply::empty(StatusCode::ACCEPTED),
        Err(error) => gateway_error(&error),
    }
}

async fn pass_on(app: &App, id: &str, request: Request<RequestBody>) -> Result<(), ActorError> {
    let link = app.links.get(id).ok_or_else(not_found)?;
    let claimed = request.headers().get(X_RIVET_CONN_TOKEN);
    if !link.is_token(claimed.map_or(b"", |token| token.as_bytes())) {
        return Err(ActorError::forbidden(format!(
            "`{X_RIVET_CONN_TOKEN}` is not the token of this connection"
        )));
    }
    let limit = app.config.max_incoming_message;
    let body = read_body(
        request,
        limit.saturating_add(batch::ROOM),
        app.config.body_read_timeout,
    );
    let body = body.await.inspect_err(|error| {
        if error.group == "message" {
            link.close(Close::incoming_too_long());
        }
    })?;
    let messages = batch::messages(link.encoding, &body);
    for message in messages.inspect_err(|_| link.close(Close::invalid_request()))? {
        if message.len() > limit {
            link.close(Close::incoming_too_long());
            return Err(ActorError::incoming_too_long(message.len(), limit));
        }
        // A client that breaks the protocol loses its connection, as on a socket.
        let message = decode_client_frame(link.encoding, false, message)
            .inspect_err(|_| link.close(Close::invalid_request()))?;
        link.pass(message).await;
    }
    Ok(())
}

fn not_found() -> ActorError {
    ActorError::new(
        "connection",
        "not_found",
        "there is no event stream of this connection: open a new one",
    )
}
