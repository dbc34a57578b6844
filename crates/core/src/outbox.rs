//! The way from an actor to one client: an ordered queue with a limit in bytes.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use bytes::Bytes;
use greenroom_types::{ActorError, ActorId, EventFrame, limits};
use tokio::sync::mpsc;

use crate::{SocketClose, SocketMessage, StreamPart};

/// Something for a connected client. The order in the queue is the order on the wire.
#[derive(Clone, Debug)]
pub enum ClientMessage {
    /// The connection is accepted. Always first.
    Init {
        /// The actor that was reached.
        actor: ActorId,
        /// The connection's public id.
        conn_id: String,
    },
    /// The answer to an action: a value in compat form.
    Response {
        /// The client's id for the action.
        id: u64,
        /// The result.
        output: Bytes,
    },
    /// An action failed, or (without an id) the connection was refused.
    Error {
        /// The client's id for the action.
        id: Option<u64>,
        /// What happened.
        error: ActorError,
    },
    /// A part of the answer to an action that streams. An `Error` ends it as well.
    Stream {
        /// The client's id for the action.
        id: u64,
        /// Which part.
        part: StreamPart,
    },
    /// A message on a raw WebSocket; the only ones that those get, beside closes.
    Raw(SocketMessage),
    /// An event, shared between all who get it.
    Event(EventFrame),
    /// Close the connection; nothing follows.
    Close(CloseReason),
}

/// Why the server ends a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CloseReason {
    /// The actor disconnected the client, with this reason.
    Disconnected(String),
    /// The actor closed the raw WebSocket.
    Closed(SocketClose),
    /// The actor was destroyed.
    Destroyed,
    /// The actor refused the connection. The error went out before.
    Refused(ActorError),
    /// The client does not read fast enough.
    TooSlow,
    /// The process is shutting down.
    ShuttingDown,
}

/// The sending half, held by the actor.
#[derive(Clone, Debug)]
pub struct Outbox {
    queue: mpsc::UnboundedSender<ClientMessage>,
    backlog: Arc<AtomicUsize>,
    limit: usize,
}

/// The receiving half, held by whoever writes to the client.
#[derive(Debug)]
pub struct OutboxReader {
    queue: mpsc::UnboundedReceiver<ClientMessage>,
    backlog: Arc<AtomicUsize>,
}

/// The client is gone, or has too much waiting. Drop the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutboxClosed {
    /// The reader is gone.
    Gone,
    /// More than the limit is waiting.
    TooSlow,
}

/// A queue to one client that holds at most [`limits::CONN_BACKLOG`] bytes, or one message.
pub fn outbox() -> (Outbox, OutboxReader) {
    outbox_with_limit(limits::CONN_BACKLOG)
}

/// A queue to one client that holds at most `limit` bytes, or one message.
pub fn outbox_with_limit(limit: usize) -> (Outbox, OutboxReader) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let backlog = Arc::new(AtomicUsize::new(0));
    (
        Outbox {
            queue: sender,
            backlog: Arc::clone(&backlog),
            limit,
        },
        OutboxReader {
            queue: receiver,
            backlog,
        },
    )
}

impl Outbox {
    /// Queues `message` without waiting.
    ///
    /// # Errors
    /// [`OutboxClosed`] when the client is gone or too slow. After `TooSlow` the queue ends with a
    /// [`ClientMessage::Close`].
    pub fn send(&self, message: ClientMessage) -> Result<(), OutboxClosed> {
        let weight = weight(&message);
        let waiting = self.backlog.fetch_add(weight, Ordering::Relaxed);
        // A message that is larger than the limit all by itself says nothing about how fast the client reads.
        if waiting > 0 && waiting + weight > self.limit {
            let _ = self.queue.send(ClientMessage::Close(CloseReason::TooSlow));
            return Err(OutboxClosed::TooSlow);
        }
        self.queue.send(message).map_err(|_| OutboxClosed::Gone)
    }
}

impl OutboxReader {
    /// Waits for messages and moves up to `max` of them into `into`. Returns how many; 0 means
    /// that nothing will ever come again.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped.
    pub async fn recv_many(&mut self, into: &mut Vec<ClientMessage>, max: usize) -> usize {
        let count = self.queue.recv_many(into, max).await;
        let taken: usize = into[into.len() - count..].iter().map(weight).sum();
        self.backlog.fetch_sub(taken, Ordering::Relaxed);
        count
    }

    /// Waits for the next message. `None` means that nothing will ever come again.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped.
    pub async fn recv(&mut self) -> Option<ClientMessage> {
        let message = self.queue.recv().await?;
        self.backlog.fetch_sub(weight(&message), Ordering::Relaxed);
        Some(message)
    }
}

/// What a message counts against the limit: its payload and a flat share for bookkeeping. A shared
/// event counts for each client that it waits for.
fn weight(message: &ClientMessage) -> usize {
    const OVERHEAD: usize = 64;
    OVERHEAD
        + match message {
            ClientMessage::Response { output, .. } => output.len(),
            ClientMessage::Stream {
                part: StreamPart::Item(item),
                ..
            } => item.len(),
            ClientMessage::Event(event) => event.name().len() + event.args().len(),
            ClientMessage::Error { error, .. } => {
                error.message.len() + error.metadata.as_ref().map_or(0, Bytes::len)
            }
            ClientMessage::Init { .. }
            | ClientMessage::Close(_)
            | ClientMessage::Stream {
                part: StreamPart::Start | StreamPart::End,
                ..
            } => 0,
            ClientMessage::Raw(message) => message.data.len(),
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn large() -> ClientMessage {
        ClientMessage::Response {
            id: 1,
            output: Bytes::from_static(&[0; 1000]),
        }
    }

    #[tokio::test]
    async fn one_message_over_the_limit_is_no_slow_client_and_a_second_one_is() {
        let (sender, mut reader) = outbox_with_limit(500);
        for _ in 0..3 {
            sender.send(large()).expect("nothing else waits");
            reader.recv().await.expect("it is there");
        }
        sender.send(large()).expect("nothing else waits");
        assert_eq!(sender.send(large()), Err(OutboxClosed::TooSlow));
        reader.recv().await.expect("it is there");
        let end = reader.recv().await;
        assert!(matches!(
            end,
            Some(ClientMessage::Close(CloseReason::TooSlow))
        ));
    }
}
