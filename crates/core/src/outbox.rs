//! The way from an actor to one client: an ordered queue with a limit in bytes.
//!
//! Whoever writes to the client takes batches, and what of a batch is not written yet still counts. A
//! queue costs nothing while it is empty.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use greenroom_types::{ActorError, ActorId, EventFrame, limits};

mod backlog;
mod broadcast;
mod reader;
mod weight;

pub use self::reader::OutboxReader;

pub(crate) use self::broadcast::Broadcast;
use self::broadcast::Kind;
use self::{
    backlog::Backlog,
    weight::{lasting, weight},
};
use crate::{SocketClose, SocketMessage, StreamPart};

/// From this many waiting bytes on, messages are kept as copies of their own: they came as parts of
/// larger buffers, which a client that does not read must not hold on to.
const LASTING: usize = 16 * 1024;

/// Something for a connected client. The order in the queue is the order on the wire.
#[derive(Clone, Debug)]
pub enum ClientMessage {
    /// The connection is accepted. Always first.
    Init {
        /// The actor that was reached.
        actor: ActorId,
        /// The connection's public id.
        conn_id: String,
        /// Where the client is in the events, if it may come back to them.
        resume: Option<ResumePoint>,
        /// There if it says that it comes back, and cannot. Clients of ours see that by `resume`.
        refused: Option<Resync>,
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
    /// A subscription of a client that may come back has begun: with the first event after `number`.
    Subscribed {
        /// The event's name.
        event: String,
        /// The last event before it. Everything up to it that was for this client is out.
        number: u64,
    },
    /// A client that came back, or is slow, has missed events that nobody can tell it.
    Resync(Resync),
    /// Close the connection; nothing follows.
    Close(CloseReason),
}

/// Where a client that may come back begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResumePoint {
    /// What it shows when it comes back. The same that it has shown if it was taken for who it said it is.
    pub proof: String,
    /// The last event that it knows of, or does not get: what follows is after that.
    pub number: u64,
}

/// Which events a client has missed for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resync {
    /// The last event that it knows of.
    pub from: u64,
    /// It gets everything after this one again.
    pub to: u64,
    /// Why.
    pub reason: ResyncReason,
}

/// Why events cannot be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResyncReason {
    /// They are not kept any more.
    Expired,
    /// The client was connected to an actor that is destroyed, or says so.
    Unknown,
    /// The actor keeps no events.
    Off,
    /// An event is larger than what the server sends.
    TooLarge,
    /// The client does not read fast enough, and the actor said that they may be left out then.
    Slow,
}

impl ResyncReason {
    /// Its name on the wire: `expired`, `unknown`, `off`, `too_large` or `slow`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Unknown => "unknown",
            Self::Off => "off",
            Self::TooLarge => "too_large",
            Self::Slow => "slow",
        }
    }
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
    /// Its client has come back, over another connection.
    Replaced,
    /// The client does not read fast enough.
    TooSlow,
    /// The process is shutting down.
    ShuttingDown,
}

/// The sending half, held by the actor. Dropping it ends the queue behind what waits.
#[derive(Debug)]
pub struct Outbox {
    shared: Arc<Shared>,
    limit: usize,
    /// Whether the client can be told that it missed something.
    sees_gaps: bool,
}

/// What both halves have. The lock is a sync one because both ends are tasks of their own; it is held for
/// one operation on the queue.
#[derive(Debug, Default)]
struct Shared(Mutex<Backlog>);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Backlog> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Shows how much waits in an outbox.
#[derive(Debug)]
pub(crate) struct Gauge(Arc<Shared>);

impl Gauge {
    /// The bytes that wait or are being written.
    pub(crate) fn bytes(&self) -> usize {
        self.0.lock().bytes()
    }
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
    let shared = Arc::new(Shared::default());
    let reader = OutboxReader::new(Arc::clone(&shared));
    let outbox = Outbox {
        shared,
        limit,
        sees_gaps: false,
    };
    (outbox, reader)
}

impl Outbox {
    /// The queue holds at most this many bytes from now on, or one message.
    pub(crate) fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    /// The client can be told that it missed something.
    pub(crate) fn see_gaps(&mut self) {
        self.sees_gaps = true;
    }

    /// So much more may wait from now on as `events` are: what a client missed says nothing about how fast it reads.
    pub(crate) fn make_room(&mut self, events: &[EventFrame]) {
        let messages = events.iter().cloned().map(ClientMessage::Event);
        let bytes: usize = messages.map(|message| weight(&message)).sum();
        self.limit = self.limit.saturating_add(bytes);
    }

    /// The bytes that wait in it, for those who add them up.
    pub(crate) fn gauge(&self) -> Gauge {
        Gauge(Arc::clone(&self.shared))
    }

    /// Queues `message` without waiting.
    ///
    /// # Errors
    /// [`OutboxClosed`] when the client is gone or too slow. After `TooSlow` the connection is as good as
    /// broken: what waited is given up, and only a [`ClientMessage::Close`] is left.
    pub fn send(&self, message: ClientMessage) -> Result<(), OutboxClosed> {
        let mut backlog = self.shared.lock();
        let message = if backlog.bytes() < LASTING {
            message
        } else {
            lasting(message)
        };
        let reader = backlog.push(message, Kind::Whole, self.limit)?;
        drop(backlog);
        reader.wake();
        Ok(())
    }

    /// Queues an event that other clients may get as well.
    ///
    /// # Errors
    /// As [`Outbox::send`].
    pub(crate) fn send_event(&self, event: &mut Broadcast) -> Result<(), OutboxClosed> {
        let mut backlog = self.shared.lock();
        let frame = if backlog.bytes() < LASTING {
            event.frame()
        } else {
            event.lasting()
        };
        let message = ClientMessage::Event(frame);
        let reader = backlog.push(message, event.kind(self.sees_gaps), self.limit)?;
        drop(backlog);
        reader.wake();
        Ok(())
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        let reader = self.shared.lock().end_by_sender();
        reader.wake();
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
        let end = reader.recv().await;
        assert!(matches!(
            end,
            Some(ClientMessage::Close(CloseReason::TooSlow))
        ));
    }
}
