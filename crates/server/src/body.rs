//! Reading request bodies: bounded in size and time.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use greenroom_types::ActorError;
use http_body_util::{BodyExt, Either, combinators::BoxBody};
use hyper::body::{Body, Incoming};
use tokio::time::{Instant, timeout_at};

/// The body of a request: off a TCP connection, or out of this process.
pub(crate) type RequestBody = Either<Incoming, InProcessBody>;

/// A body that does not come over a socket.
pub type InProcessBody = BoxBody<Bytes, std::io::Error>;

/// How much of an oversized body is read and thrown away, in bytes, so that a client that sends
/// first and reads later sees the error instead of a reset.
const DISCARD: usize = 32 * 1024 * 1024;

/// A body that comes at this pace is waited for however large it is, in bytes per second. Slower than
/// any network that somebody uses, and fast enough that connections cannot be kept with a byte now and
/// then.
const SLOWEST: u64 = 1024;

/// Reads a whole body of at most `limit` bytes. Its sender has `patience` on top of what its bytes take
/// at the [slowest](SLOWEST) pace.
///
/// # Errors
/// `message.incoming_too_long`, or `request.invalid` when the body breaks off or does not end in
/// time.
pub(crate) async fn read_body(
    mut body: RequestBody,
    limit: usize,
    patience: Duration,
) -> Result<Bytes, ActorError> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > limit.max(DISCARD) {
        return Err(ActorError::incoming_too_long(announced, limit));
    }
    let mut read = BytesMut::with_capacity(announced.min(limit));
    let mut len = 0;
    let began = Instant::now();
    loop {
        let deadline = began + patience + at_slowest(len);
        let Ok(frame) = timeout_at(deadline, body.frame()).await else {
            return Err(ActorError::invalid_request(format!(
                "the body did not arrive within {patience:?}, nor at {SLOWEST} bytes per second"
            )));
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
    fn paced(parts: usize, size: usize, pause: u64) -> RequestBody {
        let frames = stream::iter(0..parts).then(move |_| async move {
            sleep(Duration::from_secs(pause)).await;
            Ok::<_, io::Error>(Frame::data(Bytes::from(vec![7; size])))
        });
        Either::Right(BodyExt::boxed(StreamBody::new(Box::pin(frames))))
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
        let error = read_body(body, 1 << 20, PATIENCE).await;
        assert_eq!(&*error.expect_err("it is given up").code, "invalid");
    }
}
