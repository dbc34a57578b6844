//! What an actor has only while it is awake: its instance, its calls, its journal and its gate.

use std::collections::HashMap;

use bytes::Bytes;
use greenroom_types::{ActorError, limits};
use tokio::{sync::oneshot, time::Instant};

use super::{alarms::Alarms, gate::OutputGate, journal::Journal};
use crate::{CallId, ConnKey, Departure, Instance, StopReason, kv::Kv};

/// An awake actor.
pub(crate) struct Live {
    pub(crate) instance: Instance,
    pub(crate) stage: Stage,
    pub(crate) journal: Journal,
    pub(crate) gate: OutputGate<Release>,
    pub(crate) calls: Calls,
    pub(crate) alarms: Alarms,
    pub(crate) kv: Kv,
    /// The actor is to sleep or to be destroyed: when its calls are answered, or at this time at
    /// the latest.
    pub(crate) wants: Option<(StopReason, Instant)>,
    pub(crate) idle_since: Instant,
    pub(crate) snapshotting: bool,
}

/// Where an instance is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// It has not said that it is ready. After the deadline it is given up.
    Starting { deadline: Instant },
    /// It takes calls.
    Running,
    /// It is finishing. After the deadline it is not waited for.
    Stopping {
        reason: StopReason,
        deadline: Instant,
    },
    /// It has finished; only its commits are under way.
    Stopped { reason: StopReason },
}

/// Who waits for a call.
#[derive(Debug)]
pub(crate) enum Caller {
    Stateless {
        token: u64,
        reply: oneshot::Sender<Result<Bytes, ActorError>>,
    },
    /// Nobody: the call is an alarm of this name.
    Alarm {
        id: String,
    },
    Conn {
        conn: ConnKey,
        id: u64,
    },
}

/// Something that leaves the actor once its commit is durable.
#[derive(Debug)]
pub(crate) enum Release {
    Reply(Caller, Result<Bytes, ActorError>),
    Event {
        to: Option<ConnKey>,
        name: String,
        args: Bytes,
    },
    Accept(ConnKey),
    Refuse(ConnKey, ActorError),
    Disconnect(ConnKey, String),
    /// What to give back with the connection in the next life.
    ConnState(ConnKey, Bytes),
    Depart(Departure),
    Subscribe(ConnKey, u32),
    RefuseSubscription(ConnKey, u32, ActorError),
    Saved(u32),
}

/// The calls in progress.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    callers: HashMap<CallId, Caller>,
    last: u32,
    /// Replies that wait for their commit.
    held: usize,
}

impl Calls {
    /// Whether there is no room for another call. Those whose reply waits for its commit count as
    /// well, or a store that stalls would let replies pile up without end.
    pub(crate) fn is_full(&self) -> bool {
        self.callers.len() + self.held >= limits::CALLS_IN_PROGRESS
    }

    /// Notes that a reply waits for its commit.
    pub(crate) fn hold_reply(&mut self) {
        self.held += 1;
    }

    /// Notes that a reply that waited is out.
    pub(crate) fn reply_released(&mut self) {
        self.held -= 1;
    }

    /// Whether no call is unanswered.
    pub(crate) fn is_empty(&self) -> bool {
        self.callers.is_empty()
    }

    /// Remembers who waits and names the call.
    pub(crate) fn begin(&mut self, caller: Caller) -> CallId {
        loop {
            self.last = self.last.wrapping_add(1);
            if !self.callers.contains_key(&CallId(self.last)) {
                break;
            }
        }
        self.callers.insert(CallId(self.last), caller);
        CallId(self.last)
    }

    /// Ends a call. `None` when it was answered before.
    pub(crate) fn end(&mut self, call: CallId) -> Option<Caller> {
        self.callers.remove(&call)
    }

    /// The stateless call with this token.
    pub(crate) fn by_token(&self, token: u64) -> Option<CallId> {
        let wanted =
            |caller: &Caller| matches!(caller, Caller::Stateless { token: t, .. } if *t == token);
        self.callers
            .iter()
            .find(|(_, caller)| wanted(caller))
            .map(|(&call, _)| call)
    }

    /// Gives up all calls, in the order in which they began.
    pub(crate) fn take_all(&mut self) -> Vec<Caller> {
        let mut all: Vec<_> = self.callers.drain().collect();
        all.sort_by_key(|(call, _)| *call);
        all.into_iter().map(|(_, caller)| caller).collect()
    }
}
