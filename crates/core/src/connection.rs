//! The client's side of a connection.

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use greenroom_types::{ActorError, ActorId, limits, once::CallerId};
use tokio::sync::{Semaphore, TryAcquireError};

use crate::{
    ConnKey, Generation, SocketClose, SocketMessage,
    actor::{Control, Message, OnceWord, StreamKey, Word, cost},
    inbox::{Sending, Unsent},
    registry::ActorHandle,
    shared::Shared,
};

/// The client's side of a connection. Dropping it closes the connection.
pub struct Connection {
    shared: Arc<Shared>,
    actor: ActorId,
    conn: ConnKey,
    id: String,
    /// The task that the connection belongs to: it lives for as long as it has connections.
    task: ActorHandle,
    /// Whether the client can take streams.
    streams: bool,
    /// What the client of a raw WebSocket may still send.
    credit: Option<Arc<Semaphore>>,
    /// Room for words that overtake the mailbox, which does not bound them.
    unheeded: Arc<Semaphore>,
    /// How its client closed it.
    close: Option<SocketClose>,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("actor", &self.actor)
            .field("conn", &self.conn)
            .finish_non_exhaustive()
    }
}

impl Connection {
    pub(crate) fn new(
        shared: Arc<Shared>,
        actor: ActorId,
        conn: ConnKey,
        id: String,
        task: ActorHandle,
        streams: bool,
        credit: Option<Arc<Semaphore>>,
    ) -> Self {
        Self {
            shared,
            actor,
            conn,
            id,
            task,
            streams,
            credit,
            unheeded: Arc::new(Semaphore::new(limits::UNHEEDED_WORDS)),
            close: None,
        }
    }

    /// The connection's public id; empty when the actor could not be started to admit it.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Which life the actor is in.
    pub fn generation(&self) -> &Generation {
        &self.task.generation
    }

    /// The actor at the other end.
    pub fn actor(&self) -> ActorId {
        self.actor
    }

    /// Calls an action; the answer comes through the outbox under `id`. Waits only while the
    /// actor's mailbox is full, which holds up a client that sends faster than the actor works.
    ///
    /// # Errors
    /// Only when the connection is closed.
    pub fn action(&self, id: u64, name: String, args: Bytes, compat: bool) -> Passing<'_> {
        self.keyed_action(id, name, args, compat, None)
    }

    /// As [`Connection::action`], for a call that the user knows by `key`: it runs once for all
    /// connections and callers that call it by that.
    ///
    /// # Errors
    /// Only when the connection is closed.
    pub fn keyed_action(
        &self,
        id: u64,
        name: String,
        args: Bytes,
        compat: bool,
        key: Option<Box<str>>,
    ) -> Passing<'_> {
        self.send(Message::Action {
            conn: self.conn,
            id,
            name,
            args,
            compat,
            streams: self.streams,
            key,
        })
    }

    /// From here on, actions are to run once: their ids are the numbers of the calls of `caller`, over
    /// whatever connection they come. Those below `next` may have been made before, the first of them
    /// `waited_ms` ago.
    ///
    /// # Errors
    /// Only when the connection is closed.
    pub fn calls_of(&self, caller: CallerId, next: u64, waited_ms: u64) -> Passing<'_> {
        let word = OnceWord::Caller {
            caller,
            next,
            waited_ms,
        };
        self.send(Message::Once {
            conn: self.conn,
            word,
        })
    }

    /// The client makes no action with an id below `first` again.
    ///
    /// # Errors
    /// Only when the connection is closed.
    pub fn answered(&self, first: u64) -> Passing<'_> {
        let word = OnceWord::Answered { first };
        self.send(Message::Once {
            conn: self.conn,
            word,
        })
    }

    /// Gives up the action that the client knows by `id`: the actor is told, and may have run it.
    /// Does nothing when it is answered. Waits while the actor's mailbox is full, or too much of this kind
    /// is not looked at.
    ///
    /// # Errors
    /// Only when the connection is closed.
    pub async fn cancel(&self, id: u64) -> Result<(), ActorError> {
        let conn = self.conn;
        // At once, and again behind the action if that has not been looked at.
        let word = self.word().await;
        self.task
            .inbox
            .tell(Control::CancelAction { conn, id, word });
        self.send(Message::Cancel { conn, id }).await
    }

    /// The client has taken so many items of the stream that it knows by `id`. Waits while too much of this
    /// kind is not looked at.
    pub async fn credit(&self, id: u64, items: u32) {
        let stream = StreamKey::Conn(self.conn, id);
        let word = Some(self.word().await);
        let credit = Control::Credit {
            stream,
            items,
            word,
        };
        self.task.inbox.tell(credit);
    }

    /// Room for a word to the actor, until it is looked at.
    async fn word(&self) -> Word {
        let room = Arc::clone(&self.unheeded).acquire_owned().await;
        Word(room.expect("never closed"))
    }

    /// Subscribes to an event or ends the subscription. Idempotent.
    ///
    /// # Errors
    /// Only when the connection is closed.
    pub fn subscribe(&self, event: String, on: bool) -> Passing<'_> {
        self.send(Message::Subscribe {
            conn: self.conn,
            event,
            on,
        })
    }

    /// Says what a client that came back had subscribed to: it gets what it missed of that, in order, and then what
    /// follows. For any other client these are subscriptions that begin. With `more`, it has not said all of it yet.
    ///
    /// # Errors
    /// Only when the connection is closed.
    pub fn resume(&self, events: Vec<String>, more: bool) -> Passing<'_> {
        let conn = self.conn;
        self.send(Message::Resume { conn, events, more })
    }

    /// Sends a message on a raw WebSocket. Waits while the actor has too much of it to handle.
    ///
    /// # Errors
    /// Only when the connection is closed.
    pub async fn message(&self, message: SocketMessage) -> Result<(), ActorError> {
        if let Some(credit) = &self.credit {
            let cost = cost(&message);
            let credit = match credit.try_acquire_many(cost) {
                // Boxed, as it is rare.
                Err(TryAcquireError::NoPermits) => Box::pin(credit.acquire_many(cost)).await.ok(),
                taken => taken.ok(),
            };
            credit.ok_or_else(ActorError::not_found)?.forget();
        }
        let conn = self.conn;
        self.send(Message::Socket { conn, message }).await
    }

    /// The client has closed its raw WebSocket like this.
    pub fn closed_with(mut self, close: SocketClose) {
        self.close = Some(close);
    }

    fn send(&self, message: Message) -> Passing<'_> {
        let running = self.shared.check_running();
        Passing(running.map(|()| self.task.inbox.send(message)))
    }
}

/// A message on its way to the actor. Waits only while its mailbox is full.
///
/// # Errors
/// Only when the connection is closed.
#[must_use]
pub struct Passing<'a>(Result<Sending<'a, Message, Control>, ActorError>);

impl Future for Passing<'_> {
    type Output = Result<(), ActorError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            Ok(sending) => Pin::new(sending)
                .poll(cx)
                .map_err(|_| ActorError::not_found()),
            Err(stopping) => Poll::Ready(Err(stopping.clone())),
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // Behind the calls that the client made before, unless there is no room.
        let (conn, close) = (self.conn, self.close.take());
        let message = Message::Disconnect { conn, close };
        if let Err(Unsent::Full(Message::Disconnect { conn, close })) =
            self.task.inbox.try_send(message)
        {
            self.task.inbox.tell(Control::Disconnect(conn, close));
        }
    }
}
