//! Building HTTP answers.

use bytes::Bytes;
use greenroom_core::BodyAborted;
use http_body_util::{Either, Full, combinators::UnsyncBoxBody};
use hyper::{
    HeaderMap, Response, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue},
};
use serde::Serialize;
use tower_http::services::fs::ServeFileSystemResponseBody;

/// The body of an answer: bytes at hand, a file, or what is yet to happen.
pub type Body = Either<Full<Bytes>, Either<ServeFileSystemResponseBody, StreamBody>>;

/// Tells proxies of the nginx kind to pass on what they get at once.
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// A map of headers with room for more is not used again.
const MOST_KEPT: usize = 32;

/// A body that grows for as long as somebody reads it.
pub type StreamBody = UnsyncBoxBody<Bytes, BodyAborted>;

/// An HTTP answer.
pub(crate) type Reply = Response<Body>;

/// An answer without a body.
pub(crate) fn empty(status: StatusCode) -> Reply {
    let mut reply = Response::new(Either::Left(Full::default()));
    *reply.status_mut() = status;
    reply
}

/// An answer with a body.
pub(crate) fn bytes(
    status: StatusCode,
    content_type: &'static str,
    body: impl Into<Bytes>,
) -> Reply {
    let mut reply = Response::new(Either::Left(Full::new(body.into())));
    *reply.status_mut() = status;
    reply
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    reply
}

/// A good answer with a body, whose headers take the place of `spare`.
pub(crate) fn bytes_with(spare: HeaderMap, content_type: &'static str, body: Bytes) -> Reply {
    let mut reply = Response::new(Either::Left(Full::new(body)));
    *reply.headers_mut() = spare;
    reply
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    reply
}

/// The map of a request's headers as one for those of its answer. The connection keeps that for its next request in
/// turn, so that none is made for either; one with a lot of room it is not to keep.
pub(crate) fn emptied(mut headers: HeaderMap) -> HeaderMap {
    // Repeated names take room that is not in its capacity.
    if headers.capacity() > MOST_KEPT || headers.len() > MOST_KEPT {
        return HeaderMap::new();
    }
    headers.clear();
    headers
}

/// An answer whose body grows; what it is, is for the caller to say.
pub(crate) fn streaming(body: StreamBody) -> Reply {
    Response::new(Either::Right(Either::Right(body)))
}

/// An answer whose body grows.
pub(crate) fn stream(content_type: &'static str, body: StreamBody) -> Reply {
    let mut reply = streaming(body);
    reply
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    reply
}

/// Tells proxies to pass on what they get of a body that grows, as soon as they get it.
pub(crate) fn pass_on_at_once(headers: &mut HeaderMap) {
    headers.insert(
        CACHE_CONTROL,
        HeaderValue::from_static("no-cache, no-transform"),
    );
    headers.insert(X_ACCEL_BUFFERING, HeaderValue::from_static("no"));
}

/// An answer for people.
pub(crate) fn text(status: StatusCode, body: impl Into<Bytes>) -> Reply {
    bytes(status, "text/plain; charset=utf-8", body)
}

/// An answer for programs.
pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Reply {
    let body =
        serde_json::to_vec(body).expect("our answers have text keys and no failing serializers");
    bytes(status, "application/json", body)
}
