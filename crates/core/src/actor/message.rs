//! What an actor task can be told.

use bytes::Bytes;
use greenroom_store::{Epoch, StoreError};
use greenroom_types::ActorError;
use tokio::sync::oneshot;

use super::exchanges::{ExchangeEvent, ResponseSender};
use crate::{
    CallId, CallRequest, ClientInfo, ConnKey, ConnRequest, Connection, Instance, PublishRequest,
    Turn, mark::Mark, stream::BodyReader,
};

/// Work from clients. Waits in the bounded mailbox, in order, and wakes the actor if need be.
#[derive(Debug)]
pub(crate) enum Message {
    Call {
        token: u64,
        request: CallRequest,
        reply: oneshot::Sender<Result<Bytes, ActorError>>,
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
        reply: oneshot::Sender<Result<Bytes, ActorError>>,
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
    },
    Subscribe {
        conn: ConnKey,
        event: String,
        on: bool,
    },
    Disconnect {
        conn: ConnKey,
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

/// Word from the host and the runtime. Never waits behind client work.
#[derive(Debug)]
pub(crate) enum Control {
    Turn(Instance, Turn),
    /// Something about an exchange of an instance.
    Exchange(Instance, CallId, ExchangeEvent),
    /// The caller of the stateless call or request with this token is gone.
    Cancel(u64),
    /// A connection is gone while the mailbox was full.
    Disconnect(ConnKey),
    /// A background snapshot of the journal claimed under this epoch ended: with the size of its
    /// body in bytes, or without one because there was nothing to fold.
    Snapshotted(Epoch, Result<Option<u64>, StoreError>),
    Shutdown,
}
