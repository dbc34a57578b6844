//! Reading request bodies: bounded in size and time.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use greenroom_types::ActorError;
use http_body_util::{BodyExt, Either, combinators::BoxBody};
use hyper::body::{Body, Incoming};

/// The body of a request: off a TCP connection, or out of this process.
pub(crate) type RequestBody = Either<Incoming, InProcessBody>;

/// A body that does not come over a socket.
pub type InProcessBody = BoxBody<Bytes, std::io::Error>;

/// How much of an oversized body is read and thrown away, in bytes, so that a client that sends
/// first and reads later sees the error instead of a reset.
const DISCARD: usize = 32 * 1024 * 1024;

/// Reads a whole body of at most `limit` bytes within `patience`.
///
/// # Errors
/// `message.incoming_too_long`, or `request.invalid` when the body breaks off or does not end in
/// time.
pub(crate) async fn read_body(
    body: RequestBody,
    limit: usize,
    patience: Duration,
) -> Result<Bytes, ActorError> {
    match tokio::time::timeout(patience, collect(body, limit)).await {
        Ok(read) => read,
        Err(_) => Err(ActorError::invalid_request(format!(
            "the body did not arrive within {patience:?}"
        ))),
    }
}

async fn collect(mut body: RequestBody, limit: usize) -> Result<Bytes, ActorError> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > limit.max(DISCARD) {
        return Err(ActorError::incoming_too_long(announced, limit));
    }
    let mut read = BytesMut::with_capacity(announced.min(limit));
    let mut len = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| ActorError::invalid_request("the body broke off"))?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        len += data.len();
        if len > limit.max(DISCARD) {
            break;
        }
        if len <= limit {
            read.extend_from_slice(&data);
        }
    }
    if len > limit {
        Err(ActorError::incoming_too_long(len, limit))
    } else {
        Ok(read.freeze())
    }
}
