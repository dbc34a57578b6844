//! Requests to an actor's own HTTP handler: passed through as they are, both bodies streaming.

mod body;
mod headers;

use std::sync::Arc;

use bytes::Bytes;
use greenroom_core::{ClientFacts, ClientInfo, Fetch, FetchRequest, FetchResponse};
use greenroom_types::{ActorError, protocol::conn_params_from_header};
use hyper::{Method, Request, StatusCode, body::Body as _, ext::ReasonPhrase};
use tokio::sync::oneshot;
use tracing::debug;

use self::body::{Limits, discard, into_stream, pump};
pub(crate) use self::headers::is_hop_by_hop;
use crate::{
    access::{Intents, Visitor},
    action::chain_of,
    app::App,
    body::{RequestBody, is_held_back},
    failure::{fetch_error, gateway_error, name_actor},
    gateway::{Reached, Target},
    reply::{self, Reply},
};

/// Where the handler's paths begin, below the actor.
const PATH: &str = "/request";
const X_RIVET_CONN_PARAMS: &str = "x-rivet-conn-params";

/// The path that the handler sees, if `path` is below its own.
pub(crate) fn path_of(path: &str) -> Option<&str> {
    match path.strip_prefix(PATH)? {
        "" => Some("/"),
        rest if rest.starts_with('/') => Some(rest),
        _ => None,
    }
}

/// Whether raw WebSockets connect at `path`. The handler sees it whole.
pub(crate) fn is_socket_path(path: &str) -> bool {
    path.strip_prefix("/websocket")
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Answers a request to the handler. `seen` is the request as the actor is told of it.
pub(crate) async fn fetch(
    app: &Arc<App>,
    target: &Target,
    seen: Bytes,
    visitor: Visitor,
    request: Request<RequestBody>,
) -> Reply {
    let method = request.method();
    // No `Request` object can have these methods.
    if matches!(method.as_str(), "CONNECT" | "TRACE" | "TRACK") {
        return gateway_error(&ActorError::method_not_allowed(
            method.as_str(),
            "another method",
        ));
    }
    let params = request
        .headers()
        .get(X_RIVET_CONN_PARAMS)
        .map(|value| conn_params_from_header(value.as_bytes()))
        .transpose();
    let params = match params {
        Ok(params) => params,
        Err(error) => return fetch_error(&error, None),
    };
    // Nor can one with these methods have a body.
    let has_body =
        !matches!(*method, Method::GET | Method::HEAD) && !request.body().is_end_stream();
    let limits = Limits::of(app);
    let announced = request.body().size_hint().lower();
    let is_held_back = is_held_back(request.headers());
    if has_body && announced > limits.size as u64 {
        let error = ActorError::request_body_too_long(limits.size);
        if !is_held_back {
            discard(request.into_body(), limits.patience).await;
        }
        return fetch_error(&error, None);
    }
    let entered = target.enter(app, &visitor, Intents::REQUEST, params.as_ref());
    let mut entered = match entered.await {
        Ok(entered) => entered,
        Err(error) => {
            // A client that sends first and reads later is to see this, not a reset.
            if !is_held_back {
                discard(request.into_body(), limits.patience).await;
            }
            return gateway_error(&error);
        }
    };
    let chain = chain_of(&request);
    let auth = entered.take_auth();
    let mut actor = match entered.reach(app).await {
        Ok(actor) => actor,
        Err(error) => return gateway_error(&error),
    };
    let client = ClientInfo::from(ClientFacts {
        params,
        auth,
        request: Some(seen),
        chain,
    });
    let fetch = app
        .runtime
        .fetch(actor.id, FetchRequest { client, has_body });
    let answered = match fetch {
        Ok(mut fetch) => {
            let answered = exchange(&mut fetch, request.into_body(), limits).await;
            actor.generation = fetch.generation().get();
            answered
        }
        Err(error) => Err(error),
    };
    match answered {
        Ok(response) => answer(response, &actor),
        Err(error) => {
            debug!(actor = %actor.id, %error, "request failed");
            fetch_error(&error, Some(&actor))
        }
    }
}

/// Sends the request's body on its way and waits for the response to begin.
async fn exchange(
    fetch: &mut Fetch,
    body: RequestBody,
    limits: Limits,
) -> Result<FetchResponse, ActorError> {
    let Some(writer) = fetch.take_body() else {
        return fetch.response().await;
    };
    let (exceed, exceeded) = oneshot::channel();
    // On its own, because response and request may take turns in any way. It ends with the request's
    // body at the latest, and that with the connection.
    tokio::spawn(pump(body, writer, limits, exceed));
    // The handler's own complaint about a body that breaks off comes second.
    tokio::select! {
        biased;
        Ok(()) = exceeded => Err(ActorError::request_body_too_long(limits.size)),
        response = fetch.response() => response,
    }
}

fn answer(response: FetchResponse, actor: &Reached) -> Reply {
    let FetchResponse { head, body } = response;
    let mut reply = match body {
        Some(body) => reply::streaming(into_stream(body)),
        None => reply::empty(StatusCode::OK),
    };
    // Hosts answer with final statuses only; anything else is a bug of theirs.
    let status = StatusCode::from_u16(head.status).ok();
    *reply.status_mut() = status
        .filter(|status| status.as_u16() >= 200)
        .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if let Ok(reason) = ReasonPhrase::try_from(head.reason.into_bytes())
        && !reason.as_bytes().is_empty()
    {
        reply.extensions_mut().insert(reason);
    }
    headers::put(reply.headers_mut(), head.headers);
    name_actor(&mut reply, actor);
    reply
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handlers_see_their_own_path() {
        let cases = [
            ("/request", Some("/")),
            ("/request/", Some("/")),
            ("/request/a%2Fb/c", Some("/a%2Fb/c")),
            ("/requests", None),
            ("/action/x", None),
        ];
        for (path, seen) in cases {
            assert_eq!(path_of(path), seen, "{path}");
        }
    }
}
