//! Messages for the queues of actors, over HTTP.

use bytes::Bytes;
use greenroom_core::{PublishRequest, Published};
use greenroom_types::{
    ActorError, cbor, limits,
    protocol::{Encoding, QueueStatus, decode_queue_request, encode_queue_response},
};
use hyper::{Request, StatusCode};
use tracing::{Instrument, debug, debug_span};

use crate::{
    access::{Intents, Visitor},
    action::{answer, encoding_of, read_stateless, within_limit},
    app::App,
    body::RequestBody,
    failure::{call_error, gateway_error},
    gateway::Target,
    reply::{self, Reply},
};

/// Answers `POST {gateway}/queue/{name}`. As with actions, a malformed message neither creates nor
/// wakes the actor.
pub(crate) async fn publish(
    app: &App,
    target: &Target,
    queue: String,
    request: Request<RequestBody>,
    visitor: Visitor,
) -> Reply {
    let encoding = encoding_of(&request);
    let seen = visitor.seen.clone();
    let mut message = match read_message(app, encoding, queue, request, seen).await {
        Ok(message) => message,
        Err(error) => return call_error(&error, encoding, None),
    };
    let params = message.client.params.as_ref();
    let entered = target.enter(app, &visitor, Intents::PUBLISH, params);
    let mut entered = match entered.await {
        Ok(entered) => entered,
        Err(error) => return gateway_error(&error),
    };
    message.client.set_auth(entered.take_auth());
    let mut actor = match entered.reach(app).await {
        Ok(actor) => actor,
        Err(error) => return gateway_error(&error),
    };
    let span = debug_span!("publish", actor = %actor.id, queue = message.queue);
    let (generation, result) = app
        .runtime
        .publish(actor.id, message)
        .instrument(span)
        .await;
    actor.generation = generation.get();
    let result = result
        .inspect_err(|error| debug!(actor = %actor.id, %error, "a message was not taken"))
        .map_err(with_hint)
        .and_then(|published| response(app, encoding, &published));
    let result = result.map(|body| reply::bytes(StatusCode::OK, encoding.content_type(), body));
    answer(result, encoding, &actor)
}

async fn read_message(
    app: &App,
    encoding: Encoding,
    queue: String,
    request: Request<RequestBody>,
    seen: Option<Bytes>,
) -> Result<PublishRequest, ActorError> {
    if queue.len() > limits::MEMBER_NAME {
        return Err(ActorError::member_name_too_long("queue", queue.len()));
    }
    let (client, body, _) = read_stateless(app, request, seen).await?;
    let request = decode_queue_request(encoding, body)?;
    Ok(PublishRequest {
        queue,
        body: request.body,
        compat: request.compat,
        client,
        wait: request.wait,
        timeout_ms: request.timeout_ms,
    })
}

fn response(app: &App, encoding: Encoding, published: &Published) -> Result<Bytes, ActorError> {
    let (status, response) = match published {
        Published::Completed(response) => (QueueStatus::Completed, response.as_deref()),
        Published::TimedOut => (QueueStatus::TimedOut, None),
    };
    within_limit(app, encode_queue_response(encoding, status, response)?)
}

/// Clients of the protocol send a message again after a pause if the error says that it is the inbox
/// that is full.
fn with_hint(mut error: ActorError) -> ActorError {
    if error.group == "actor" && error.code == "overloaded" && error.metadata.is_none() {
        let mut metadata = Vec::with_capacity(64);
        cbor::put_map(&mut metadata, 2);
        cbor::put_text(&mut metadata, "channel");
        cbor::put_text(&mut metadata, "dispatch_inbox");
        cbor::put_text(&mut metadata, "operation");
        cbor::put_text(&mut metadata, "dispatch_queue_send");
        error.metadata = Some(metadata.into());
    }
    error
}
