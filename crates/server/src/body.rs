//! Reading request bodies: bounded in size and time.

use std::{future::poll_fn, pin::Pin, task::Poll, time::Duration};

use bytes::{Bytes, BytesMut};
use greenroom_types::ActorError;
use http_body_util::{BodyExt, Either, combinators::BoxBody};
use hyper::{
    HeaderMap, Request,
    body::{Body, Incoming},
    header::{CONTENT_ENCODING, EXPECT},
};
use tokio::time::{Instant, error::Elapsed, timeout_at};

use crate::linger;

/// The body of a request: off a TCP connection, or out of this process.
pub(crate) type RequestBody = Either<Incoming, InProcessBody>;

/// A body that does not come over a socket.
pub type InProcessBody = BoxBody<Bytes, std::io::Error>;

/// How much of an oversized body is read and thrown away, in bytes, so that a client that sends
/// first and reads later sees the error instead of a reset, and can keep its connection.
pub(crate) const DISCARD: usize = linger::MOST;

/// A body that comes at this pace is waited for however large it is, in bytes per second. Slower than
/// any network that somebody uses, and fast enough that connections cannot be kept with a byte now and
/// then.
const SLOWEST: u64 = 1024;

/// Whether the sender waits to be told that its body is wanted (RFC 9110, 10.1.1). It is told so when the body
/// is read, so one that is not wanted must not be.
pub(crate) fn is_held_back(headers: &HeaderMap) -> bool {
    headers
        .get(EXPECT)
        .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"))
}

/// Reads the whole body of a request, of at most `limit` bytes. Its sender has `patience` on top of what its bytes
/// take at the [slowest](SLOWEST) pace.
///
/// # Errors
/// `message.incoming_too_long`; `request.content_encoding_unsupported` for what is compressed;
/// `request.timed_out` when it does not end in time, and `request.invalid` when it breaks off.
pub(crate) async fn read_body(
    request: Request<RequestBody>,
    limit: usize,
    patience: Duration,
) -> Result<Bytes, ActorError> {
    let (head, body) = request.into_parts();
    read_parts(&head.headers, body, limit, patience).await
}

/// As [`read_body`], for those who need the headers again.
///
/// # Errors
/// As for [`read_body`].
pub(crate) async fn read_parts(
    headers: &HeaderMap,
    mut body: RequestBody,
    limit: usize,
    patience: Duration,
) -> Result<Bytes, ActorError> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    let tolerated = match is_held_back(headers) {
        true => limit,
        false => limit.max(DISCARD),
    };
    let refusal = check_encoding(headers).err();
    if announced > tolerated || refusal.is_some() && is_held_back(headers) {
        let too_long = || ActorError::incoming_too_long(announced, limit);
        return Err(refusal.unwrap_or_else(too_long));
    }
    let read = collect(&mut body, limit, patience).await;
    match refusal {
        Some(refusal) => Err(refusal),
        None => read,
    }
}

/// Bodies are read as they are: one that says it is compressed would be taken for nonsense.
fn check_encoding(headers: &HeaderMap) -> Result<(), ActorError> {
    let mut codings = headers.get_all(CONTENT_ENCODING).iter();
    let Some(coding) = codings.find(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity"))
    else {
        return Ok(());
    };
    let coding = String::from_utf8_lossy(coding.as_bytes());
    Err(ActorError::new(
        "request",
        "content_encoding_unsupported",
        format!("the body has the content encoding `{coding}`: send it without one"),
    ))
}

/// What comes of a body, as far as it is wanted.
async fn collect(
    body: &mut RequestBody,
    limit: usize,
    patience: Duration,
) -> Result<Bytes, ActorError> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    let mut read = BytesMut::with_capacity(announced.min(limit));
    let mut len = 0;
    let began = Instant::now();
    loop {
        let deadline = began + patience + at_slowest(len);
        let Ok(frame) = by(deadline, body.frame()).await else {
            return Err(ActorError::new(
                "request",
                "timed_out",
                format!(
                    "the body did not arrive within {patience:?}, nor at {SLOWEST} bytes per second"
                ),
            ));
        };
        let Some(frame) = frame else {
            break;
        };
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

/// What comes of `future` until `deadline`. Most bodies come along with their heads, and no timer is made for those.
async fn by<F: Future + Unpin>(deadline: Instant, mut future: F) -> Result<F::Output, Elapsed> {
    let at_once = poll_fn(|cx| {
        Poll::Ready(match Pin::new(&mut future).poll(cx) {
            Poll::Ready(output) => Some(output),
            Poll::Pending => None,
        })
    });
    match at_once.await {
        Some(output) => Ok(output),
        None => timeout_at(deadline, future).await,
    }
}

/// How long so many bytes take at the slowest pace.
fn at_slowest(bytes: usize) -> Duration {
    Duration::from_millis(bytes as u64 * 1000 / SLOWEST)
}

#[cfg(test)]
mod tests {
    use std::io;

    use futures_util::{StreamExt, stream};
    use http_body_util::StreamBody;
    use hyper::body::Frame;
    use tokio::time::sleep;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(30);

    /// A body of so many parts, with so many seconds before each.
    fn paced(parts: usize, size: usize, pause: u64) -> Request<RequestBody> {
        let frames = stream::iter(0..parts).then(move |_| async move {
            sleep(Duration::from_secs(pause)).await;
            Ok::<_, io::Error>(Frame::data(Bytes::from(vec![7; size])))
        });
        Request::new(Either::Right(BodyExt::boxed(StreamBody::new(Box::pin(
            frames,
        )))))
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_but_steady_sender_is_waited_for() {
        let (parts, size) = (100, 8 * 1024);
        let body = read_body(paced(parts, size, 5), 1 << 20, PATIENCE).await;
        assert_eq!(body.expect("it comes to its end").len(), parts * size);
    }

    #[tokio::test(start_paused = true)]
    async fn a_byte_now_and_then_is_too_slow() {
        let began = Instant::now();
        let error = read_body(paced(100, 1, 5), 1 << 20, PATIENCE).await;
        let error = error.expect_err("it is given up");
        assert!(error.message.contains("did not arrive"), "{error:?}");
        assert!(began.elapsed() < PATIENCE + Duration::from_secs(1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_sender_that_falls_silent_is_given_up() {
        let silent = stream::iter([Ok(Frame::data(Bytes::from_static(b"half")))])
            .chain(stream::pending::<Result<_, io::Error>>());
        let body = Either::Right(BodyExt::boxed(StreamBody::new(silent)));
        let error = read_body(Request::new(body), 1 << 20, PATIENCE).await;
        assert_eq!(&*error.expect_err("it is given up").code, "timed_out");
    }
}
