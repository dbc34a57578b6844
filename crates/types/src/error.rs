//! The one shape of an error that a caller sees, over every transport.

use std::borrow::Cow;

use bytes::Bytes;

use crate::{InvalidKey, InvalidName, cbor, limits};

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

    /// The caller has given up before the call ran.
    pub fn aborted() -> Self {
        Self::new("actor", "aborted", "the caller has given up")
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

    /// A request for an actor's own HTTP handler whose body is over `max` bytes.
    pub fn request_body_too_long(max: usize) -> Self {
        Self::new(
            "message",
            "incoming_too_long",
            format!("the body has more than {max} bytes, the limit (`maxRequestBodySize`)"),
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

    /// An action or event name (`what` says which) of `len` bytes, over the limit.
    pub fn member_name_too_long(what: &str, len: usize) -> Self {
        let max = limits::MEMBER_NAME;
        Self::invalid_request(format!("the {what} name has {len} bytes, limit is {max}"))
    }

    /// The actor has no such action.
    pub fn action_not_found(name: &str) -> Self {
        let shown: String = name.chars().take(limits::MEMBER_NAME).collect();
        Self::new(
            "actor",
            "action_not_found",
            format!("the actor has no action `{shown}`"),
        )
    }

    /// The action did not answer in time. It may still be running.
    pub fn action_timed_out() -> Self {
        Self::new(
            "actor",
            "action_timed_out",
            "the action did not answer in time",
        )
    }

    /// The action did not answer in time, because the process that runs its actor runs nothing.
    pub fn action_timed_out_blocked() -> Self {
        Self::new(
            "actor",
            "action_timed_out",
            "the action did not answer in time: the process of the actor is blocked (its log says by what)",
        )
    }

    /// A call that is to run once was made again, and whether it has run before is not known any more.
    pub fn call_expired() -> Self {
        Self::new(
            "actor",
            "call_expired",
            "the call was made again too late: its answer, if there was one, is not kept any more, and \
             it does not run again",
        )
    }

    /// A call that is to run once was made again after its actor had been lost in the middle of it.
    pub fn call_interrupted() -> Self {
        Self::new(
            "actor",
            "call_interrupted",
            "the actor was lost while the call was running, and part of what it did may be stored: it \
             does not run again",
        )
    }

    /// Another call was made with the id or the key of this one.
    pub fn call_mismatch() -> Self {
        Self::new(
            "actor",
            "call_mismatch",
            "another action, or other arguments, were called under the same id or idempotency key",
        )
    }

    /// The path exists, but not for this HTTP method.
    pub fn method_not_allowed(method: &str, allowed: &str) -> Self {
        let shown: String = method.chars().take(32).collect();
        Self::new(
            "actor",
            "method_not_allowed",
            format!("`{shown}` is not allowed here: use {allowed}"),
        )
    }

    /// A WebSocket asks for an encoding that does not exist.
    pub fn unsupported_websocket_encoding(name: &str) -> Self {
        let shown: String = name.chars().take(32).collect();
        Self::new(
            "actor",
            "unsupported_websocket_encoding",
            format!("the encoding `{shown}` is unknown: use json, cbor or bare"),
        )
    }

    /// The caller has not shown who it is.
    pub fn unauthorized(what: impl Into<String>) -> Self {
        Self::new("auth", "unauthorized", what)
    }

    /// The caller may not do this.
    pub fn forbidden(what: impl Into<String>) -> Self {
        Self::new("auth", "forbidden", what)
    }

    /// The caller has done too much lately; `why` says of what. It may try again after `wait`, which
    /// stands in the metadata as `retryAfter`, in whole seconds.
    pub fn rate_limited(wait: std::time::Duration, why: impl Into<String>) -> Self {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        let mut metadata = Vec::new();
        cbor::put_map(&mut metadata, 1);
        cbor::put_text(&mut metadata, "retryAfter");
        cbor::put_uint(&mut metadata, seconds.max(1));
        Self {
            metadata: Some(metadata.into()),
            ..Self::new("guard", "rate_limit", why)
        }
    }

    /// An actor's input that is over its limit.
    pub fn input_too_large(len: usize) -> Self {
        let max = limits::INPUT;
        Self::new(
            "actor",
            "input_too_large",
            format!("the input has {len} bytes, limit is {max}"),
        )
    }

    /// There is no such namespace.
    pub fn namespace_not_found(namespace: &str) -> Self {
        let shown: String = namespace.chars().take(limits::NAME_CHARS).collect();
        Self::new(
            "namespace",
            "not_found",
            format!("there is no namespace `{shown}`"),
        )
    }

    /// Nothing answers at this path.
    pub fn no_route(path: &str) -> Self {
        let shown: String = path.chars().take(limits::MEMBER_NAME).collect();
        Self::new("guard", "no_route", format!("nothing answers at `{shown}`"))
    }

    /// A gateway URL that cannot be understood. `code` is one of the `query_*` codes.
    pub fn guard(code: &'static str, message: impl Into<String>) -> Self {
        Self::new("guard", code, message)
    }

    /// The store has failed for good: what was to be stored may or may not be found by the next
    /// process, and nothing more is taken by this one.
    pub fn store_failed() -> Self {
        Self::new(
            "actor",
            "store_failed",
            "the store has failed and takes no more writes until the process restarts",
        )
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

impl From<InvalidKey> for ActorError {
    fn from(error: InvalidKey) -> Self {
        Self::new("actor", "key_too_large", error.to_string())
    }
}

impl From<InvalidName> for ActorError {
    fn from(error: InvalidName) -> Self {
        Self::new("actor", "invalid_name", error.to_string())
    }
}
