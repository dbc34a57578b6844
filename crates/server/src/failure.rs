//! Errors as HTTP answers.

use greenroom_types::{
    ActorError, ActorKey,
    cbor::Reader,
    protocol::{ActorRef, Encoding, encode_error_body},
};
use hyper::{
    StatusCode,
    header::{HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE},
};

use crate::{
    gateway::Reached,
    reply::{self, Reply},
    status::status_of,
};

/// Names the error of the gateway: `group.code`.
const X_RIVET_ERROR: HeaderName = HeaderName::from_static("x-rivet-error");
const X_RIVET_ACTOR: HeaderName = HeaderName::from_static("x-rivet-actor");
const X_RIVET_ACTOR_KEY: HeaderName = HeaderName::from_static("x-rivet-actor-key");
const X_RIVET_ACTOR_GENERATION: HeaderName = HeaderName::from_static("x-rivet-actor-generation");

/// An error from before an actor was reached. Always JSON, whatever encoding the request speaks.
pub(crate) fn gateway_error(error: &ActorError) -> Reply {
    let encoding = Encoding::Json;
    let body = encode_error_body(encoding, error, None);
    let mut reply = reply::bytes(status_of(error), encoding.content_type(), body);
    mark(&mut reply, error);
    reply
}

/// An error about a call, in the encoding of the call.
pub(crate) fn call_error(error: &ActorError, encoding: Encoding, actor: Option<&Reached>) -> Reply {
    let from = actor.map(|actor| ActorRef {
        id: actor.id,
        generation: actor.generation,
        key: actor.key.as_ref().map(ActorKey::to_storage),
    });
    let body = encode_error_body(encoding, error, from.as_ref());
    let mut reply = reply::bytes(status_of(error), encoding.content_type(), body);
    if let Some(actor) = actor {
        name_actor(&mut reply, actor);
    }
    reply
}

/// An error instead of the response of an actor's own HTTP handler. Always JSON, and marked, so that
/// clients can tell it from what handlers answer.
pub(crate) fn fetch_error(error: &ActorError, actor: Option<&Reached>) -> Reply {
    let mut reply = call_error(error, Encoding::Json, actor);
    mark(&mut reply, error);
    reply
}

fn mark(reply: &mut Reply, error: &ActorError) {
    if let Ok(code) = HeaderValue::try_from(format!("{}.{}", error.group, error.code)) {
        reply.headers_mut().insert(X_RIVET_ERROR, code);
    }
    if let Some(seconds) = retry_after(error) {
        reply.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    if reply.status() == StatusCode::UNAUTHORIZED {
        let challenge = HeaderValue::from_static("Bearer");
        reply.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    }
}

/// Says in the headers which actor answered.
pub(crate) fn name_actor(reply: &mut Reply, actor: &Reached) {
    let headers = reply.headers_mut();
    let id = HeaderValue::from_bytes(&actor.id.to_text());
    headers.insert(
        X_RIVET_ACTOR,
        id.expect("an id is made of letters and digits"),
    );
    if actor.generation != 0 {
        headers.insert(X_RIVET_ACTOR_GENERATION, actor.generation.into());
    }
    // A key with line breaks or other control characters cannot be a header, and is left out.
    let key = actor
        .key
        .as_ref()
        .and_then(|key| HeaderValue::try_from(key.to_storage()).ok());
    if let Some(key) = key {
        headers.insert(X_RIVET_ACTOR_KEY, key);
    }
}

/// The `retryAfter` of a rate limit, in seconds.
fn retry_after(error: &ActorError) -> Option<u64> {
    if error.group != "guard" || error.code != "rate_limit" {
        return None;
    }
    let mut reader = Reader::new(error.metadata.as_ref()?);
    let mut members = reader.map().ok()?;
    while members.more(&mut reader).ok()? {
        if reader.text().ok()? == "retryAfter" {
            return reader.uint().ok();
        }
        reader.skip_item().ok()?;
    }
    None
}

/// Whether the error says that there is no such actor.
pub(crate) fn is_not_found(error: &ActorError) -> bool {
    error.group == "actor" && error.code == "not_found"
}
