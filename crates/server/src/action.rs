//! Actions over HTTP: a stateless call to an actor.

use bytes::Bytes;
use greenroom_core::{CallOutcome, CallRequest, ClientFacts, ClientInfo};
use greenroom_types::{
    ActorError, limits,
    once::{CALL_HEADER, KEY_HEADER, OnceCall},
    protocol::{Encoding, conn_params_from_header, decode_action_request, encode_action_response},
};
use hyper::{
    HeaderMap, Method, Request, StatusCode,
    header::{HeaderName, HeaderValue},
};
use tracing::{Instrument, debug, debug_span};

use crate::{
    access::{Intents, Visitor},
    app::App,
    body::{RequestBody, read_parts},
    dispatch::CHAIN,
    failure::{call_error, gateway_error, is_not_found, name_actor},
    gateway::{Reached, Target},
    reply::{self, Reply},
    result_stream::{self, takes_streams},
};

/// The header that names the encoding of a call and its answer.
const X_RIVET_ENCODING: HeaderName = HeaderName::from_static("x-rivet-encoding");
/// The header with the caller's connection parameters, as JSON text.
const X_RIVET_CONN_PARAMS: HeaderName = HeaderName::from_static("x-rivet-conn-params");
/// [`CALL_HEADER`] and [`KEY_HEADER`], ready to be looked up.
const CALL: HeaderName = HeaderName::from_static(CALL_HEADER);
const KEY: HeaderName = HeaderName::from_static(KEY_HEADER);

/// Answers `POST {gateway}/action/{name}`. Everything that can be checked without the actor is
/// checked before it is located, so that a malformed call neither creates nor wakes it.
pub(crate) async fn call(
    app: &App,
    target: &Target,
    name: String,
    request: Request<RequestBody>,
    visitor: Visitor,
) -> Reply {
    let encoding = encoding_of(&request);
    let seen = visitor.seen.clone();
    let streams = takes_streams(request.headers());
    let (mut call, spare) = match read_call(app, encoding, name, request, seen).await {
        Ok(read) => read,
        Err(error) => return call_error(&error, encoding, None),
    };
    let params = call.client.params.as_ref();
    let entered = target.enter(app, &visitor, Intents::ACTION, params);
    let mut entered = match entered.await {
        Ok(entered) => entered,
        Err(error) => return gateway_error(&error),
    };
    call.client.set_auth(entered.take_auth());
    let mut actor = match entered.reach(app).await {
        Ok(actor) => actor,
        Err(error) => return gateway_error(&error),
    };
    let span = debug_span!("action", actor = %actor.id, action = call.name);
    let (generation, result) = app
        .runtime
        .call_in_life(actor.id, call, streams)
        .instrument(span)
        .await;
    actor.generation = generation.get();
    let result = result
        .inspect_err(|error| debug!(actor = %actor.id, %error, "action failed"))
        .and_then(|outcome| response(app, encoding, outcome, spare));
    answer(result, encoding, &actor)
}

/// Whether a request to an action says that a call is given up, and does not call.
pub(crate) fn is_given_up(request: &Request<RequestBody>) -> bool {
    request.method() == Method::DELETE && request.headers().contains_key(&CALL)
}

/// Answers `DELETE {gateway}/action/{name}`: whoever has made the call that [`CALL_HEADER`] names does not wait for it
/// any more, and does not come back. Says nothing of whether there is such a call.
pub(crate) async fn give_up(
    app: &App,
    target: &Target,
    request: Request<RequestBody>,
    visitor: Visitor,
) -> Reply {
    let call = request.headers().get(&CALL);
    let given_up = async {
        let call = OnceCall::from_headers(call.map(HeaderValue::as_bytes), None)?;
        let params = params_of(&request)?;
        let entered = target
            .enter(app, &visitor, Intents::ACTION, params.as_ref())
            .await?;
        match (call, entered.find(app).await) {
            (Some(call), Ok(actor)) => app.runtime.give_up(actor, call.id).await,
            (_, Err(error)) if !is_not_found(&error) => return Err(error),
            _ => {}
        }
        Ok(())
    };
    match given_up.await {
        Ok(()) => reply::empty(StatusCode::NO_CONTENT),
        Err(error) => gateway_error(&error),
    }
}

/// The encoding that a stateless call asks for.
pub(crate) fn encoding_of(request: &Request<RequestBody>) -> Encoding {
    let named = request
        .headers()
        .get(&X_RIVET_ENCODING)
        .and_then(|name| name.to_str().ok());
    Encoding::from_header(named)
}

/// The answer to a stateless call that reached its actor.
pub(crate) fn answer(
    result: Result<Reply, ActorError>,
    encoding: Encoding,
    actor: &Reached,
) -> Reply {
    match result {
        Ok(mut reply) => {
            name_actor(&mut reply, actor);
            reply
        }
        // Only now is it known that an id leads nowhere.
        Err(error) if is_not_found(&error) => gateway_error(&error),
        Err(error) => call_error(&error, encoding, Some(actor)),
    }
}

/// The connection parameters of a stateless call.
fn params_of(request: &Request<RequestBody>) -> Result<Option<Bytes>, ActorError> {
    request
        .headers()
        .get(&X_RIVET_CONN_PARAMS)
        .map(|value| conn_params_from_header(value.as_bytes()))
        .transpose()
}

/// The actors that wait for the answer of a stateless call.
pub(crate) fn chain_of(request: &Request<RequestBody>) -> Option<Box<str>> {
    let chain = request.headers().get(&CHAIN)?;
    chain.to_str().ok().map(Box::from)
}

/// Refuses a body that is too large to be sent.
pub(crate) fn within_limit(app: &App, body: Bytes) -> Result<Bytes, ActorError> {
    let limit = app.config.max_outgoing_message;
    if body.len() > limit {
        return Err(ActorError::outgoing_too_long(body.len(), limit));
    }
    Ok(body)
}

/// Reads what a stateless call or message consists of: who sends it, and its body. `seen` is what the
/// actor is told of the request. Gives back the map of its headers, emptied, for those of the answer.
pub(crate) async fn read_stateless(
    app: &App,
    request: Request<RequestBody>,
    seen: Option<Bytes>,
) -> Result<(ClientInfo, Bytes, HeaderMap), ActorError> {
    let params = params_of(&request)?;
    let chain = chain_of(&request);
    let (head, body) = request.into_parts();
    let body = read_parts(
        &head.headers,
        body,
        app.config.max_incoming_message,
        app.config.body_read_timeout,
    )
    .await?;
    let client = ClientInfo::from(ClientFacts {
        params,
        auth: None,
        request: seen,
        chain,
    });
    Ok((client, body, reply::emptied(head.headers)))
}

async fn read_call(
    app: &App,
    encoding: Encoding,
    name: String,
    request: Request<RequestBody>,
    seen: Option<Bytes>,
) -> Result<(CallRequest, HeaderMap), ActorError> {
    if name.len() > limits::MEMBER_NAME {
        return Err(ActorError::member_name_too_long("action", name.len()));
    }
    let header = |name: &HeaderName| request.headers().get(name).map(HeaderValue::as_bytes);
    let once = OnceCall::from_headers(header(&CALL), header(&KEY))?;
    let (client, body, spare) = read_stateless(app, request, seen).await?;
    let request = decode_action_request(encoding, body)?;
    let call = CallRequest {
        name,
        args: request.args,
        compat: request.compat,
        client,
        once: once.map(Box::new),
    };
    Ok((call, spare))
}

/// The answer to a call that came to something, its headers in `spare`.
fn response(
    app: &App,
    encoding: Encoding,
    outcome: CallOutcome,
    spare: HeaderMap,
) -> Result<Reply, ActorError> {
    match outcome {
        CallOutcome::Value(output) => {
            let body = within_limit(app, encode_action_response(encoding, &output)?)?;
            Ok(reply::bytes_with(spare, encoding.content_type(), body))
        }
        CallOutcome::Stream(stream) => {
            let limit = app.config.max_outgoing_message;
            Ok(result_stream::reply(stream, encoding, limit))
        }
    }
}
