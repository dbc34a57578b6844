//! The runtime's front: everything that a server or a host may ask of it.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use greenroom_store::{ActorRecord, ListPage, ListQuery, Store};
use greenroom_types::{ActorError, ActorId, ActorKey, ActorName};

use crate::{ActorHost, ActorOptions, Env, Instance, Outbox, Turn};

/// What a runtime is made of.
pub struct RuntimeConfig {
    /// Where journals live.
    pub store: Arc<dyn Store>,
    /// What runs user code.
    pub host: Arc<dyn ActorHost>,
    /// Clock and randomness.
    pub env: Arc<dyn Env>,
    /// The actor types that exist, with their settings.
    pub actors: BTreeMap<ActorName, ActorOptions>,
}

/// A stateless call.
#[derive(Clone, Debug)]
pub struct CallRequest {
    /// The dotted action name.
    pub name: String,
    /// The arguments: one CBOR array.
    pub args: Bytes,
    /// Whether `args` are in compat form.
    pub compat: bool,
    /// The caller's connection parameters, in compat form.
    pub params: Option<Bytes>,
}

/// A connection that asks to be admitted.
#[derive(Debug)]
pub struct ConnRequest {
    /// Its parameters, in compat form.
    pub params: Option<Bytes>,
    /// Where its messages go. `Init` or an `Error` and a `Close` will come first.
    pub outbox: Outbox,
}

/// A running actor system. Cheap to clone.
#[derive(Clone)]
pub struct Runtime {}

/// The client's side of a connection. Dropping it closes the connection.
#[derive(Debug)]
pub struct Connection {}

impl Runtime {
    /// Starts the runtime on the current tokio runtime.
    pub fn start(_config: RuntimeConfig) -> Self {
        unimplemented!()
    }

    /// Finds an actor by key without creating it.
    ///
    /// # Errors
    /// `actor.not_registered`, `actor.not_found`, `actor.stopping`, or an internal error.
    pub async fn get(&self, _name: &ActorName, _key: &ActorKey) -> Result<ActorRecord, ActorError> {
        unimplemented!()
    }

    /// Finds an actor by id. A destroyed one is not found.
    pub async fn get_by_id(&self, _id: ActorId) -> Result<ActorRecord, ActorError> {
        unimplemented!()
    }

    /// Creates an actor.
    ///
    /// # Errors
    /// As [`Runtime::get`], and `actor.duplicate_key`, `actor.input_too_large`.
    pub async fn create(
        &self,
        _name: &ActorName,
        _key: &ActorKey,
        _input: Option<Bytes>,
    ) -> Result<ActorRecord, ActorError> {
        unimplemented!()
    }

    /// Finds an actor by key or creates it; `true` when it was created. Races resolve to one.
    pub async fn get_or_create(
        &self,
        _name: &ActorName,
        _key: &ActorKey,
        _input: Option<Bytes>,
    ) -> Result<(ActorRecord, bool), ActorError> {
        unimplemented!()
    }

    /// Lists actors, a page at a time.
    pub async fn list(&self, _query: ListQuery) -> Result<ListPage, ActorError> {
        unimplemented!()
    }

    /// Calls an action without a connection, waking the actor if need be. Dropping the future
    /// cancels the call.
    pub async fn call(&self, _id: ActorId, _request: CallRequest) -> Result<Bytes, ActorError> {
        unimplemented!()
    }

    /// Opens a connection, waking the actor if need be. Returns once the connection is registered
    /// with the actor; whether it is admitted comes through the outbox.
    pub async fn connect(&self, _id: ActorId, _request: ConnRequest) -> Result<Connection, ActorError> {
        unimplemented!()
    }

    /// Destroys an actor as `c.destroy()` does. Returns when it is gone.
    pub async fn destroy(&self, _id: ActorId) -> Result<(), ActorError> {
        unimplemented!()
    }

    /// Puts an actor to sleep as `c.sleep()` does, without waiting for it.
    pub async fn sleep(&self, _id: ActorId) -> Result<(), ActorError> {
        unimplemented!()
    }

    /// Takes what an instance produced. Called by the host, from any thread; never blocks. Turns
    /// of an instance that is gone are dropped.
    pub fn turn(&self, _instance: Instance, _turn: Turn) {
        unimplemented!()
    }

    /// Refuses new work, puts every actor to sleep within its grace period, closes all
    /// connections, and closes the store. Returns when everything is durable. Idempotent.
    pub async fn shutdown(&self) {
        unimplemented!()
    }
}

impl Connection {
    /// The connection's public id.
    pub fn id(&self) -> &str {
        unimplemented!()
    }

    /// Calls an action; the answer comes through the outbox under `id`. Waits only while the
    /// actor's mailbox is full.
    ///
    /// # Errors
    /// Only when the connection is closed.
    pub async fn action(&self, _id: u64, _name: String, _args: Bytes, _compat: bool) -> Result<(), ActorError> {
        unimplemented!()
    }

    /// Subscribes to an event or ends the subscription. Idempotent.
    pub async fn subscribe(&self, _event: String, _on: bool) -> Result<(), ActorError> {
        unimplemented!()
    }
}
