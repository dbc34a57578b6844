//! The result of a stateless call that streams, as the body of its answer.
//!
//! Whoever can take one says so with `application/vnd.greenroom.stream` in `accept`; the body has that type
//! then. It consists of messages as a connection would bring them, all with the id 0: `StreamItem`, and
//! at last `StreamEnd` or `Error`. JSON has one per line; CBOR and BARE have each behind its length in
//! bytes as `u32` in big endian. A body without its last message broke off.

use bytes::{BufMut, Bytes, BytesMut};
use futures_util::stream::unfold;
use greenroom_core::{BodyAborted, ReplyStream};
use greenroom_types::{
    ActorError,
    protocol::{Encoding, ServerFrame, encode_server_frame},
};
use http_body_util::{BodyExt, StreamBody};
use hyper::{HeaderMap, body::Frame, header::ACCEPT};

use crate::reply::{self, Reply};

/// The type of such a body.
const CONTENT_TYPE: &str = "application/vnd.greenroom.stream";

/// Whether a request comes from a client that can take results that stream.
pub(crate) fn takes_streams(headers: &HeaderMap) -> bool {
    headers.get_all(ACCEPT).iter().any(|accept| {
        accept
            .to_str()
            .is_ok_and(|accept| accept.split(',').any(|kind| kind.trim() == CONTENT_TYPE))
    })
}

/// The stream as an answer, which proxies are told not to hold back.
pub(crate) fn reply(stream: ReplyStream, encoding: Encoding, limit: usize) -> Reply {
    let mut reply = reply::stream(CONTENT_TYPE, body(stream, encoding, limit));
    reply::pass_on_at_once(reply.headers_mut());
    reply
}

/// The stream as a body. When nobody reads it any more, the call is cancelled.
fn body(stream: ReplyStream, encoding: Encoding, limit: usize) -> reply::StreamBody {
    let state = Some((stream, Writer { encoding, limit }));
    let pieces = unfold(state, |state| async move {
        let (mut stream, writer) = state?;
        let (piece, is_last) = writer.piece(stream.next().await);
        let rest = (!is_last).then_some((stream, writer));
        Some((Ok::<_, BodyAborted>(Frame::data(piece)), rest))
    });
    StreamBody::new(pieces).boxed_unsync()
}

struct Writer {
    encoding: Encoding,
    /// Largest message, in bytes.
    limit: usize,
}

impl Writer {
    /// The next piece, and whether it is the last one.
    fn piece(&self, item: Option<Result<Bytes, ActorError>>) -> (Bytes, bool) {
        match item {
            Some(Ok(item)) => {
                let message = self.encode(ServerFrame::StreamItem { id: 0, item: &item });
                if message.len() > self.limit {
                    let error = ActorError::outgoing_too_long(message.len(), self.limit);
                    return (self.framed(&self.error(&error)), true);
                }
                (self.framed(&message), false)
            }
            Some(Err(error)) => (self.framed(&self.error(&error)), true),
            None => (
                self.framed(&self.encode(ServerFrame::StreamEnd { id: 0 })),
                true,
            ),
        }
    }

    fn error(&self, error: &ActorError) -> Bytes {
        self.encode(ServerFrame::Error {
            action_id: Some(0),
            error,
            actor: None,
        })
    }

    fn encode(&self, frame: ServerFrame<'_>) -> Bytes {
        encode_server_frame(self.encoding, frame)
    }

    fn framed(&self, message: &[u8]) -> Bytes {
        let mut out = BytesMut::with_capacity(message.len() + 4);
        if self.encoding.is_text() {
            out.put_slice(message);
            out.put_u8(b'\n');
        } else {
            let len = u32::try_from(message.len()).expect("messages in memory are below 4 GiB");
            out.put_u32(len);
            out.put_slice(message);
        }
        out.freeze()
    }
}
