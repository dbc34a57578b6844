//! What messages count against the limit of an outbox: about the memory that they take while they wait.

use bytes::Bytes;

use super::ClientMessage;
use crate::StreamPart;

/// The place in the queue.
const PLACE: usize = 128;
/// What an event takes beside its name and arguments.
const EVENT: usize = 384;

/// An event counts in full for each client that it waits for, though they share it: each limit holds by
/// itself, and together they count rather more than there is. Its arguments count twice, because whoever
/// writes it first leaves the encoded form with it.
pub(super) fn weight(message: &ClientMessage) -> usize {
    PLACE
        + match message {
            ClientMessage::Response { output, .. } => output.len(),
            ClientMessage::Stream {
                part: StreamPart::Item(item),
                ..
            } => item.len(),
            ClientMessage::Event(event) => EVENT + event.name().len() + 2 * event.args().len(),
            ClientMessage::Error { error, .. } => {
                error.message.len() + error.metadata.as_ref().map_or(0, Bytes::len)
            }
            ClientMessage::Subscribed { event, .. } => event.len(),
            ClientMessage::Init { .. }
            | ClientMessage::Resync(_)
            | ClientMessage::Close(_)
            | ClientMessage::Stream {
                part: StreamPart::Start | StreamPart::End,
                ..
            } => 0,
            ClientMessage::Raw(message) => message.data.len(),
        }
}

/// The message in memory of its own: as it comes, it may be a part of a buffer that is much larger.
pub(super) fn lasting(message: ClientMessage) -> ClientMessage {
    let own = |bytes: &Bytes| Bytes::copy_from_slice(bytes);
    match message {
        ClientMessage::Response { id, output } => ClientMessage::Response {
            id,
            output: own(&output),
        },
        ClientMessage::Stream {
            id,
            part: StreamPart::Item(item),
        } => ClientMessage::Stream {
            id,
            part: StreamPart::Item(own(&item)),
        },
        ClientMessage::Raw(mut message) => {
            message.data = own(&message.data);
            ClientMessage::Raw(message)
        }
        ClientMessage::Event(event) => ClientMessage::Event(event.detached()),
        ClientMessage::Error { id, mut error } => {
            error.metadata = error.metadata.as_ref().map(own);
            ClientMessage::Error { id, error }
        }
        other @ (ClientMessage::Init { .. }
        | ClientMessage::Subscribed { .. }
        | ClientMessage::Resync(_)
        | ClientMessage::Stream {
            part: StreamPart::Start | StreamPart::End,
            ..
        }
        | ClientMessage::Close(_)) => other,
    }
}
