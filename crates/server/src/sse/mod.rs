//! Connections as event streams, for clients that cannot have a WebSocket: one response that never
//! ends brings what the actor says, and requests take what the client says.
//!
//! **Down**: `GET {gateway}/sse`, in every form of gateway URL. Connection parameters come as JSON in
//! the header `x-rivet-conn-params` or, because pages cannot set headers on an `EventSource`, in the
//! query parameter `rvt-conn-params`. The encoding comes in `x-rivet-encoding` or `rvt-encoding`;
//! JSON unless given. What is wrong with the request or its actor is an HTTP error. Otherwise:
//!
//! ```text
//! id: 1
//! data: {"body":{"tag":"Init","val":{"actorId":"…","connectionId":"…","connectionToken":"…"}}}
//!
//! :                                        a heartbeat, after 15 s without a message
//!
//! event: close                             the last thing, whoever ends the connection
//! data: {"code":1000,"reason":"kicked"}    as in the close frame of a WebSocket
//! ```
//!
//! Each message is what a WebSocket would get in the same encoding: JSON as it is, CBOR and BARE in
//! base64. A refusal is an `Error` message and a close. The end of the stream is the end of the
//! connection. The query parameter `rvt-event`, which may be there several times, names events to
//! subscribe to.
//!
//! If the actor keeps its events (`options.resume`), ids say where the client is in them, and a request with
//! `Last-Event-ID` gets a fresh connection with a fresh `Init`, and behind that what it missed of the events that
//! `rvt-event` names and of those to that connection alone. If that is not known any more, there is an event
//! `resync` with `{"from":…,"to":…,"reason":"…"}` instead. In other cases ids count up from 1, and mean nothing.
//!
//! **Up**: `POST /connections/{connectionId}/message` with `connectionToken` in the header
//! `x-rivet-conn-token`. The body is a message as a WebSocket would take it, in the encoding of the
//! stream, or several: JSON one per line; CBOR and BARE always with their length in bytes as `u32` in
//! big endian in front. 202 without a body says that all of it is on its way to the actor; replies
//! come down the stream. A client that waits for that before it sends the next request has its
//! messages handled in order; the order of requests that overtake each other is nobody's promise. A
//! message that would end a WebSocket ends the stream, for the same reason.
//!
//! A client whose `accept` names `application/vnd.greenroom.stream` as well knows our extensions of the
//! protocol: `Init` has `extensions`, results may stream, events have their numbers, and a client that has come back
//! says with a `ResumeRequest` what it had subscribed to.
//!
//! Limits are those of WebSockets: of sizes in both directions, of what may wait for a client that
//! does not read, of the time that it may take without reading anything.

mod batch;
mod link;
mod message;
mod query;
mod stream;
mod text;

use std::sync::Arc;

use bytes::Bytes;
use greenroom_core::{ClientFacts, ClientInfo, ConnRequest, ResumeClaim, Resuming, outbox};
use greenroom_types::{
    ActorError,
    protocol::{Encoding, conn_params_from_header, conn_params_from_json},
};
use hyper::HeaderMap;
use tracing::debug;

use crate::{
    access::{Intents, Visitor},
    app::App,
    failure::{gateway_error, name_actor},
    gateway::{Reached, Target},
    reply::{self, Reply},
    result_stream::takes_streams,
};

pub(crate) use link::Links;
pub(crate) use message::receive;
pub(crate) use query::StreamQuery;
use stream::EventStream;

/// Where an actor's event stream is.
pub(crate) const PATH: &str = "/sse";

const LAST_EVENT_ID: &str = "last-event-id";
const X_RIVET_ENCODING: &str = "x-rivet-encoding";
const X_RIVET_CONN_PARAMS: &str = "x-rivet-conn-params";

/// Answers `GET {gateway}/sse`. What can be checked without the actor is checked first.
/// `seen` is what the actor is told of the request.
pub(crate) async fn open(
    app: &Arc<App>,
    target: &Target,
    query: StreamQuery,
    headers: &HeaderMap,
    visitor: Visitor,
) -> Reply {
    match connect(app, target, query, headers, visitor).await {
        Ok((stream, actor)) => {
            let mut reply = reply::stream("text/event-stream", stream.into_body());
            reply::pass_on_at_once(reply.headers_mut());
            name_actor(&mut reply, &actor);
            reply
        }
        Err(error) => gateway_error(&error),
    }
}

async fn connect(
    app: &Arc<App>,
    target: &Target,
    query: StreamQuery,
    headers: &HeaderMap,
    visitor: Visitor,
) -> Result<(EventStream, Reached), ActorError> {
    let encoding = encoding(&query, headers)?;
    let mut client = ClientInfo::from(ClientFacts {
        params: params(&query, headers)?,
        auth: None,
        request: visitor.seen.clone(),
        chain: None,
    });
    let extended = takes_streams(headers);
    let params = client.params.as_ref();
    let entered = target.enter(app, &visitor, Intents::CONNECT, params);
    let mut entered = entered.await?;
    client.set_auth(entered.take_auth());
    let seat = entered.take_seat();
    let record = entered.resolve(app).await?;
    let (sender, reader) = outbox();
    // What is no claim of ours is the id of a stream that nobody could come back to.
    let claim = headers.get(LAST_EVENT_ID);
    let claim = claim.and_then(|id| ResumeClaim::parse(id.to_str().ok()?));
    let request = ConnRequest {
        raw: false,
        client,
        streams: extended,
        resuming: Resuming::Later(claim),
        outbox: sender,
    };
    let connection = app.runtime.connect(record.id, request).await?;
    // Clients of ours say later what they had subscribed to; others have said all of it.
    if !query.events.is_empty() || claim.is_some() && !extended {
        connection.resume(query.events, false).await?;
    }
    debug!(actor = %record.id, conn = connection.id(), "event stream connected");
    let actor = Reached {
        id: record.id,
        key: Some(record.key),
        generation: connection.generation().get(),
    };
    Ok((
        EventStream::new(app, encoding, extended, connection, reader, seat),
        actor,
    ))
}

fn encoding(query: &StreamQuery, headers: &HeaderMap) -> Result<Encoding, ActorError> {
    match &query.encoding {
        Some(name) => Encoding::from_name(name).ok_or_else(|| {
            ActorError::guard(
                "query_invalid_params",
                "the parameter `rvt-encoding` has to be `json`, `cbor` or `bare`",
            )
        }),
        None => {
            let name = headers.get(X_RIVET_ENCODING);
            Ok(Encoding::from_header(
                name.and_then(|name| name.to_str().ok()),
            ))
        }
    }
}

fn params(query: &StreamQuery, headers: &HeaderMap) -> Result<Option<Bytes>, ActorError> {
    match (&query.params, headers.get(X_RIVET_CONN_PARAMS)) {
        (Some(json), _) => conn_params_from_json(json.as_bytes()).map(Some),
        (None, Some(value)) => conn_params_from_header(value.as_bytes()).map(Some),
        (None, None) => Ok(None),
    }
}
