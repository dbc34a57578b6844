//! The one shape of an error that a caller sees, over every transport.

use std::borrow::Cow;

use bytes::Bytes;

use crate::limits;

/// What went wrong, in the caller's terms. `group` and `code` are stable and meant for programs,
/// `message` is for people and may change.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{group}.{code}: {message}")]
pub struct ActorError {
    /// Which part speaks: `user`, `actor`, `message`, `guard`, `encoding`, `internal` …
    pub group: Cow<'static, str>,
    /// What happened, in snake case and unique within the group.
    pub code: Cow<'static, str>,
    /// A sentence for people: the thing, the limit, the actual value, what to do.
    pub message: String,
    /// Further facts as one CBOR value in the protocol's compat form.
    pub metadata: Option<Bytes>,
}

impl ActorError {
    /// An error of one of our own groups.
    pub fn new(group: &'static str, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            group: group.into(),
            code: code.into(),
            message: message.into(),
            metadata: None,
        }
    }

    /// The mask for everything that is not the caller's business. The cause belongs in the log.
    pub fn internal() -> Self {
        Self::new("rivetkit", "internal_error", "An internal error occurred")
    }

    /// No such actor (or it was destroyed).
    pub fn not_found() -> Self {
        Self::new(
            "actor",
            "not_found",
            "the actor does not exist or has been destroyed",
        )
    }

    /// The registry knows no actor type of this name.
    pub fn not_registered(name: &str) -> Self {
        let shown: String = name.chars().take(limits::NAME_CHARS).collect();
        Self::new(
            "actor",
            "not_registered",
            format!(
                "no actor named `{shown}` is registered: check the name and the registry's `use`"
            ),
        )
    }

    /// `create` found the key taken.
    pub fn duplicate_key() -> Self {
        Self::new(
            "actor",
            "duplicate_key",
            "an actor with this key already exists",
        )
    }

    /// The actor's mailbox or its calls in progress are at their limit. The call did not run.
    pub fn overloaded() -> Self {
        Self::new(
            "actor",
            "overloaded",
            "the actor has too much work waiting: retry later",
        )
    }

    /// The actor's instance was lost while the call was waiting. Retrying helps; the call may or
    /// may not have run.
    pub fn restarting() -> Self {
        Self::new(
            "actor",
            "restarting",
            "the actor is restarting: retry the call",
        )
    }

    /// The process is shutting down.
    pub fn stopping() -> Self {
        Self::new(
            "actor",
            "stopping",
            "the server is shutting down: retry on its successor",
        )
    }

    /// The actor did not become ready in time.
    pub fn not_ready() -> Self {
        Self::new("actor", "not_ready", "the actor did not start in time")
    }

    /// A request that is over a size limit.
    pub fn incoming_too_long(len: usize, max: usize) -> Self {
        Self::new(
            "message",
            "incoming_too_long",
            format!("the message has {len} bytes, limit is {max} (`maxIncomingMessageSize`)"),
        )
    }

    /// A reply or event that is over a size limit.
    pub fn outgoing_too_long(len: usize, max: usize) -> Self {
        Self::new(
            "message",
            "outgoing_too_long",
            format!("the message has {len} bytes, limit is {max} (`maxOutgoingMessageSize`)"),
        )
    }

    /// Bytes that are not what their encoding promises.
    pub fn invalid_encoding(what: impl Into<String>) -> Self {
        Self::new("encoding", "invalid", what)
    }

    /// A request that is well formed but not allowed here.
    pub fn invalid_request(what: impl Into<String>) -> Self {
        Self::new("request", "invalid", what)
    }

    /// The store could not take the write. Nothing was acknowledged.
    pub fn store_unavailable() -> Self {
        Self::new(
            "actor",
            "store_unavailable",
            "the store cannot accept writes at the moment",
        )
    }
}
