//! Opening a WebSocket to an actor. Whatever stands against it is said with a close after the
//! handshake: browsers do not let their pages see a refused one.

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use fastwebsockets::upgrade::upgrade;
use greenroom_core::{ClientFacts, ClientInfo, ResumeClaim, Resuming};
use greenroom_types::{
    ActorError,
    protocol::{Encoding, Handshake},
};
use http_body_util::{Either, Full};
use hyper::{
    HeaderMap, Request, StatusCode,
    body::Body as _,
    header::{HeaderValue, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION},
};

use super::Target;
use crate::{
    access::Visitor,
    body::RequestBody,
    connection::UpgradeSlot,
    failure::gateway_error,
    reply::Reply,
    websocket::{Close, Pending, Plan},
};

/// The subprotocol that the server speaks.
const RIVET: HeaderValue = HeaderValue::from_static("rivet");
/// Bytes of the key of a handshake.
const KEY: usize = 16;

/// What an upgrade asks for.
pub(super) struct Wanted {
    pub(super) target: Target,
    pub(super) visitor: Visitor,
    /// The request as the actor is told of it, if it is.
    pub(super) seen: Option<Bytes>,
    /// Whether it is a raw WebSocket.
    pub(super) is_raw: bool,
}

/// What the subprotocol headers of a request say.
pub(super) fn handshake(headers: &HeaderMap) -> Handshake {
    let lines: Vec<&str> = headers
        .get_all(SEC_WEBSOCKET_PROTOCOL)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .collect();
    Handshake::parse(&lines.join(","))
}

/// Answers an upgrade and leaves the socket in `slot`, bound for `target` or for the close that
/// says what is wrong.
pub(super) fn accept(
    slot: &UpgradeSlot,
    request: &mut Request<RequestBody>,
    wanted: Result<Wanted, ActorError>,
) -> Reply {
    if let Err(error) = check(request) {
        return gateway_error(&error);
    }
    let handshake = handshake(request.headers());
    let (reply, upgrade) = match upgrade(request) {
        Ok(accepted) => accepted,
        Err(error) => return refused(&error.to_string()),
    };
    let address = match &wanted {
        Ok(wanted) => wanted.visitor.address,
        Err(_) => slot.peer(),
    };
    let plan = plan(&handshake, wanted);
    slot.put(Pending {
        upgrade,
        encoding: handshake.encoding().unwrap_or_default(),
        address,
        extended: handshake.extended,
        plan,
    });
    let mut reply = reply.map(|_| Either::Left(Full::default()));
    if handshake.offers_rivet {
        reply.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, RIVET);
    }
    reply
}

/// What a handshake has to be beside what it has to have (RFC 6455, 4.2.1).
fn check(request: &Request<RequestBody>) -> Result<(), ActorError> {
    if !request.body().is_end_stream() {
        return Err(ActorError::invalid_request("a handshake has no body"));
    }
    let mut keys = request.headers().get_all(SEC_WEBSOCKET_KEY).iter();
    // That there is none is said elsewhere.
    let Some(key) = keys.next() else {
        return Ok(());
    };
    let is_key = STANDARD
        .decode(key.as_bytes())
        .is_ok_and(|key| key.len() == KEY);
    if !is_key || keys.next().is_some() {
        return Err(ActorError::invalid_request(
            "`sec-websocket-key` is 16 bytes in base64, once",
        ));
    }
    Ok(())
}

/// Where the socket leads. What the client got wrong itself comes before where it wanted to go.
fn plan(handshake: &Handshake, wanted: Result<Wanted, ActorError>) -> Result<Plan, Close> {
    let _: Encoding = handshake
        .encoding()
        .map_err(|_| Close::unsupported_encoding())?;
    let params = handshake
        .conn_params()
        .map_err(|error| match &*error.group {
            "message" => Close::of_error(&error),
            _ => Close::invalid_request(),
        })?;
    let resuming = resuming(handshake).map_err(|_| Close::invalid_request())?;
    let wanted = wanted.map_err(|error| Close::of_error(&error))?;
    let client = ClientInfo::from(ClientFacts {
        params,
        auth: None,
        request: wanted.seen,
        chain: None,
    });
    Ok(Plan {
        target: wanted.target,
        visitor: wanted.visitor,
        is_raw: wanted.is_raw,
        client,
        resuming,
    })
}

/// Only who knows the extensions of the protocol can come back.
fn resuming(handshake: &Handshake) -> Result<Resuming, ActorError> {
    let claim = match handshake.resume.as_deref() {
        Some(text) => Some(ResumeClaim::parse(text).ok_or_else(|| {
            ActorError::invalid_request("`greenroom_resume` is not a proof and a number")
        })?),
        None => None,
    };
    Ok(match handshake.extended {
        true => Resuming::Later(claim),
        false => Resuming::Never,
    })
}

/// A handshake that is none.
fn refused(why: &str) -> Reply {
    let mut reply = gateway_error(&ActorError::invalid_request(why));
    reply
        .headers_mut()
        .insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    *reply.status_mut() = StatusCode::UPGRADE_REQUIRED;
    reply
}
