//! What an actor task can be told.

use bytes::Bytes;
use greenroom_store::{Epoch, StoreError};
use greenroom_types::{
    ActorError,
    once::{CallerId, OnceId},
};
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};

use super::{
    exchanges::{ExchangeEvent, ResponseSender},
    snapshot::SnapshotSize,
};
use crate::{
    CallId, CallRequest, ClientInfo, ConnKey, ConnRequest, Connection, Instance, PublishRequest,
    SocketClose, SocketMessage, Turn, mark::Mark, reply_stream::StreamEvent, stream::BodyReader,
};

/// Work from clients. Waits in the bounded mailbox, in order, and wakes the actor if need be.
#[derive(Debug)]
pub(crate) enum Message {
    Call {
        token: u64,
        request: CallRequest,
        /// Whether the caller can take a stream.
        streams: bool,
        reply: oneshot::Sender<Result<Answer, ActorError>>,
    },
    Fetch {
        token: u64,
        client: ClientInfo,
        /// There when a body follows.
        body: Option<BodyReader>,
        reply: ResponseSender,
    },
    Publish {
        token: u64,
        request: Box<PublishRequest>,
        reply: oneshot::Sender<Result<Answer, ActorError>>,
    },
    Connect {
        request: ConnRequest,
        registered: oneshot::Sender<Connection>,
    },
    Action {
        conn: ConnKey,
        id: u64,
        name: String,
        args: Bytes,
        compat: bool,
        /// Whether the client can take a stream.
        streams: bool,
        /// What the user calls it by, if it is to run once.
        key: Option<Box<str>>,
    },
    /// What a client says of its calls that run once.
    Once {
        conn: ConnKey,
        word: OnceWord,
    },
    /// A client does not wait for an action any more. In order behind the action, which
    /// [`Control::CancelAction`] might overtake.
    Cancel {
        conn: ConnKey,
        id: u64,
    },
    /// Whoever has made this call does not wait for it any more. In order behind the call, which
    /// [`Control::GiveUp`] might overtake.
    GiveUp(OnceId),
    Subscribe {
        conn: ConnKey,
        event: String,
        on: bool,
    },
    /// What a client that came back had subscribed to.
    Resume {
        conn: ConnKey,
        events: Vec<String>,
        /// Whether that is not all of it.
        more: bool,
    },
    /// A message on a raw WebSocket.
    Socket {
        conn: ConnKey,
        message: SocketMessage,
    },
    Disconnect {
        conn: ConnKey,
        /// How a raw WebSocket was closed, if its client said so.
        close: Option<SocketClose>,
    },
    /// An alarm is due. Waking is all that it takes: an awake actor watches its own.
    Alarm,
    /// The actor was marked when the process before this one ended.
    Revive(Mark),
    Sleep,
    Destroy {
        done: oneshot::Sender<Result<(), ActorError>>,
    },
}

/// What a client says of its calls that run once.
#[derive(Clone, Copy, Debug)]
pub(crate) enum OnceWord {
    /// The actions of the connection are calls of this caller, numbered by their ids.
    Caller {
        caller: CallerId,
        /// Lower ones may have been made before, the first of them so long ago.
        next: u64,
        waited_ms: u64,
    },
    /// None with a lower id is made again.
    Answered { first: u64 },
}

/// What a stateless call came to.
#[derive(Debug)]
pub(crate) enum Answer {
    Value(Bytes),
    Stream(mpsc::UnboundedReceiver<StreamEvent>),
}

/// A stream, as whoever takes it knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum StreamKey {
    /// The token of a stateless call.
    Stateless(u64),
    /// The client's id for an action.
    Conn(ConnKey, u64),
}

/// The place of what a client says past the mailbox: it is free again when the task has looked at that.
#[derive(Debug)]
pub(crate) struct Word(
    #[expect(dead_code, reason = "held until it is dropped")] pub(crate) OwnedSemaphorePermit,
);

/// Word from the host and the runtime. Never waits behind client work.
#[derive(Debug)]
pub(crate) enum Control {
    /// Boxed, because the channel keeps room for dozens.
    Turn(Instance, Box<Turn>),
    /// Something about an exchange of an instance.
    Exchange(Instance, CallId, ExchangeEvent),
    /// The caller of the stateless call or request with this token is gone.
    Cancel(u64),
    /// Whoever has made this call does not wait for it any more, and does not come back. Answers whether there is
    /// such a call.
    GiveUp {
        id: OnceId,
        found: oneshot::Sender<bool>,
    },
    /// A client does not wait for an action any more.
    CancelAction {
        conn: ConnKey,
        id: u64,
        word: Word,
    },
    /// Items of a stream were taken.
    Credit {
        stream: StreamKey,
        items: u32,
        /// There when a client of a connection says so.
        word: Option<Word>,
    },
    /// A connection is gone while the mailbox was full.
    Disconnect(ConnKey, Option<SocketClose>),
    /// A background snapshot of the journal claimed under this epoch ended: with its size, or without one because there was nothing to fold.
    Snapshotted(Epoch, Result<Option<SnapshotSize>, StoreError>),
    /// The host does not come to run anything at the moment; it is said again and again.
    Stalled,
    /// The host runs again.
    Recovered,
    Shutdown,
    /// The instance is to end as if the process had crashed.
    Crash,
}
