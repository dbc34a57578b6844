//! What an actor has only while it is awake: its instance, its calls, its journal and its gate.

use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use greenroom_types::{ActorError, IdHash, limits};
use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};

use super::{
    alarms::Alarms,
    events::RecordedEvent,
    exchanges::{Exchange, ResponseSender},
    gate::OutputGate,
    journal::Journal,
    message::{Answer, StreamKey},
    once::OnceCalls,
};
use crate::{
    CallId, ConnKey, Departure, FetchResponse, Instance, SocketClose, SocketMessage, StopReason,
    WhenSlow, kv::Kv, reply_stream::StreamEvent, stream::Piece, weight::QueueSizes, window::Window,
};

/// An awake actor.
pub(crate) struct Live {
    pub(crate) instance: Instance,
    pub(crate) stage: Stage,
    pub(crate) journal: Journal,
    pub(crate) gate: OutputGate<Release>,
    pub(crate) calls: Calls,
    pub(crate) alarms: Alarms,
    pub(crate) kv: Kv,
    /// The recent events, if the actor keeps them. The newest may be of commits that are under way.
    pub(crate) window: Option<Box<Window>>,
    pub(crate) queue: QueueSizes,
    /// The actor is to sleep or to be destroyed, as soon as it runs.
    pub(crate) wants: Option<StopReason>,
    /// The instance before had asked for its end, and was lost before that was there.
    pub(crate) is_doomed: bool,
    pub(crate) idle_since: Instant,
    /// The instance has something in progress besides calls.
    pub(crate) held_awake: bool,
    /// Whether the instance has asked for the actor to be woken if it is lost.
    pub(crate) resumes: Resumes,
    /// When the mark goes that it does not need any more.
    pub(crate) unmark_at: Option<Instant>,
    /// The next process is to wake the actor. Settled when it begins to stop: by its end, what it was
    /// about is over. Until it has started, this is what the process before has left behind.
    pub(crate) goes_on: bool,
    /// How many instances before this one were lost in a row, and when that is forgotten.
    pub(crate) losses: u8,
    pub(crate) steady_at: Option<Instant>,
    pub(crate) snapshotting: bool,
    pub(crate) once: OnceCalls,
}

impl Live {
    /// Ends a call. `None` when it was answered before.
    pub(crate) fn end_call(&mut self, call: CallId) -> Option<Caller> {
        self.idle_since = Instant::now();
        self.calls.end(call)
    }

    /// Gives back the room that nothing is in.
    pub(crate) fn trim(&mut self) {
        self.calls.trim();
        self.gate.trim();
        self.journal.trim();
        self.once.trim();
    }
}

/// Whether an instance is to be followed by another if it is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resumes {
    /// It has never asked for it.
    Never,
    /// It had asked for it, and does not need it at the moment.
    NotNow,
    /// Yes.
    Yes,
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
        reply: oneshot::Sender<Result<Answer, ActorError>>,
    },
    Fetch(Box<Exchange>),
    /// Nobody: the call is an alarm of this name.
    Alarm {
        id: String,
    },
    Conn {
        conn: ConnKey,
        id: u64,
    },
    /// The answer has begun to stream.
    Stream(StreamTo),
}

/// Where a stream goes.
#[derive(Clone, Debug)]
pub(crate) enum StreamTo {
    Stateless {
        token: u64,
        events: mpsc::UnboundedSender<StreamEvent>,
    },
    Conn {
        conn: ConnKey,
        id: u64,
    },
}

impl StreamTo {
    fn key(&self) -> StreamKey {
        match self {
            Self::Stateless { token, .. } => StreamKey::Stateless(*token),
            Self::Conn { conn, id } => StreamKey::Conn(*conn, *id),
        }
    }
}

/// What tells a caller that a stream begins.
#[derive(Debug)]
pub(crate) enum Opening {
    Stateless {
        reply: oneshot::Sender<Result<Answer, ActorError>>,
        events: mpsc::UnboundedReceiver<StreamEvent>,
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
    Response(ResponseSender, FetchResponse),
    /// A piece of a response; absent when it breaks off here.
    Piece(mpsc::UnboundedSender<Piece>, Option<Piece>),
    Open(Opening),
    Item(StreamTo, Bytes),
    Event {
        to: Option<ConnKey>,
        name: String,
        args: Bytes,
        when_slow: WhenSlow,
    },
    /// An event that is kept.
    Recorded(RecordedEvent),
    Accept(ConnKey),
    Refuse(ConnKey, ActorError),
    Disconnect(ConnKey, String),
    SocketSend(ConnKey, SocketMessage),
    SocketClose(ConnKey, SocketClose),
    SocketHandled(ConnKey, u32),
    /// What to give back with the connection in the next life.
    ConnState(ConnKey, Bytes),
    Depart(Departure),
    Subscribe(ConnKey, u32),
    RefuseSubscription(ConnKey, u32, ActorError),
    Saved(u32),
}

impl Release {
    /// Whether a caller waits for it.
    pub(crate) fn is_reply(&self) -> bool {
        matches!(self, Self::Reply(..) | Self::Response(..))
    }
}

/// The calls in progress.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    callers: HashMap<CallId, Caller, IdHash>,
    /// The calls whose answer streams, and how many of its items nobody has said to have taken.
    streams: HashMap<StreamKey, (CallId, u32)>,
    /// The calls in progress that the host knows to be given up.
    given_up: HashSet<CallId, IdHash>,
    last: u32,
    /// Replies that wait for their commit.
    held: usize,
    /// Callers that wait for a call of another.
    joined: usize,
}

impl Calls {
    /// Whether there is no room for another call. Those whose reply waits for its commit count as
    /// well, or a store that stalls would let replies pile up without end.
    pub(crate) fn is_full(&self) -> bool {
        self.callers.len() + self.held + self.joined >= limits::CALLS_IN_PROGRESS
    }

    /// Notes that a reply waits for its commit.
    pub(crate) fn hold_reply(&mut self) {
        self.held += 1;
    }

    /// Notes that a reply that waited is out.
    pub(crate) fn reply_released(&mut self) {
        self.held -= 1;
    }

    /// How many calls are unanswered.
    pub(crate) fn len(&self) -> usize {
        self.callers.len()
    }

    /// Notes that one more caller waits for a call that is in progress.
    pub(crate) fn join(&mut self) {
        self.joined += 1;
    }

    /// Notes that callers do not wait for the call of another any more.
    pub(crate) fn unjoin(&mut self, callers: usize) {
        self.joined -= callers;
    }

    /// Who waits for a call.
    pub(crate) fn caller(&self, call: CallId) -> Option<&Caller> {
        self.callers.get(&call)
    }

    /// Gives back the room that nothing is in.
    fn trim(&mut self) {
        self.callers.shrink_to_fit();
        self.streams.shrink_to_fit();
        self.given_up.shrink_to_fit();
    }

    /// Whether no call is unanswered.
    pub(crate) fn is_empty(&self) -> bool {
        self.callers.is_empty()
    }

    /// The newest call, for those who want to know later which ones there were.
    pub(crate) fn last(&self) -> CallId {
        CallId(self.last)
    }

    /// The calls in progress that are no newer than `last` and whose callers wait, in order.
    pub(crate) fn awaited_up_to(&self, last: CallId) -> Vec<CallId> {
        let is_old = |call: CallId| last.0.wrapping_sub(call.0) <= u32::MAX / 2;
        let awaited = self
            .callers
            .iter()
            .filter(|(call, caller)| is_old(**call) && !matches!(caller, Caller::Alarm { .. }));
        let mut calls: Vec<CallId> = awaited.map(|(&call, _)| call).collect();
        calls.sort();
        calls
    }

    /// The request that `call` answers.
    pub(crate) fn exchange(&self, call: CallId) -> Option<&Exchange> {
        match self.callers.get(&call) {
            Some(Caller::Fetch(exchange)) => Some(exchange),
            Some(
                Caller::Stateless { .. }
                | Caller::Alarm { .. }
                | Caller::Conn { .. }
                | Caller::Stream(_),
            )
            | None => None,
        }
    }

    /// As [`Calls::exchange`].
    pub(crate) fn exchange_mut(&mut self, call: CallId) -> Option<&mut Exchange> {
        match self.callers.get_mut(&call) {
            Some(Caller::Fetch(exchange)) => Some(exchange),
            Some(
                Caller::Stateless { .. }
                | Caller::Alarm { .. }
                | Caller::Conn { .. }
                | Caller::Stream(_),
            )
            | None => None,
        }
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
        let caller = self.callers.remove(&call)?;
        self.given_up.remove(&call);
        if let Caller::Stream(to) = &caller {
            self.streams.remove(&to.key());
        }
        Some(caller)
    }

    /// The answer to `call` begins to stream. `None` when nobody can take a stream.
    pub(crate) fn begin_stream(&mut self, call: CallId) -> Option<Opening> {
        let (to, opening) = match self.callers.remove(&call)? {
            Caller::Stateless { token, reply } => {
                let (sender, events) = mpsc::unbounded_channel();
                let to = StreamTo::Stateless {
                    token,
                    events: sender,
                };
                (to, Opening::Stateless { reply, events })
            }
            Caller::Conn { conn, id } => (StreamTo::Conn { conn, id }, Opening::Conn { conn, id }),
            other @ (Caller::Alarm { .. } | Caller::Fetch(_) | Caller::Stream(_)) => {
                self.callers.insert(call, other);
                return None;
            }
        };
        self.streams.insert(to.key(), (call, 0));
        self.callers.insert(call, Caller::Stream(to));
        Some(opening)
    }

    /// Where the next item of the stream of `call` goes.
    pub(crate) fn item(&mut self, call: CallId) -> Option<&StreamTo> {
        match self.callers.get(&call) {
            Some(Caller::Stream(to)) => {
                if let Some((_, untaken)) = self.streams.get_mut(&to.key()) {
                    *untaken = untaken.saturating_add(1);
                }
                Some(to)
            }
            Some(
                Caller::Stateless { .. }
                | Caller::Alarm { .. }
                | Caller::Fetch(_)
                | Caller::Conn { .. },
            )
            | None => None,
        }
    }

    /// The call whose answer is this stream.
    pub(crate) fn by_stream(&self, stream: StreamKey) -> Option<CallId> {
        self.streams.get(&stream).map(|&(call, _)| call)
    }

    /// Items of a stream were taken: the call, and how many that can be at most. `None` if it can be none.
    pub(crate) fn take_items(&mut self, stream: StreamKey, items: u32) -> Option<(CallId, u32)> {
        let (call, untaken) = self.streams.get_mut(&stream)?;
        let items = items.min(*untaken);
        *untaken -= items;
        (items > 0).then_some((*call, items))
    }

    /// Notes that a call in progress is given up. `false` if that was known.
    pub(crate) fn give_up(&mut self, call: CallId) -> bool {
        self.given_up.insert(call)
    }

    /// Whether the instance was told that a call in progress is given up.
    pub(crate) fn is_given_up(&self, call: CallId) -> bool {
        self.given_up.contains(&call)
    }

    /// The stateless call or request with this token.
    pub(crate) fn by_token(&self, token: u64) -> Option<CallId> {
        self.by_stream(StreamKey::Stateless(token)).or_else(|| {
            self.find(|caller| match caller {
                Caller::Stateless { token: t, .. } => *t == token,
                Caller::Fetch(exchange) => exchange.token == token,
                Caller::Alarm { .. } | Caller::Conn { .. } | Caller::Stream(_) => false,
            })
        })
    }

    /// The call that a client knows by this id.
    pub(crate) fn by_conn(&self, conn: ConnKey, id: u64) -> Option<CallId> {
        let wanted = (conn, id);
        self.by_stream(StreamKey::Conn(conn, id)).or_else(|| {
            self.find(
                |caller| matches!(caller, Caller::Conn { conn, id } if (*conn, *id) == wanted),
            )
        })
    }

    fn find(&self, wanted: impl Fn(&Caller) -> bool) -> Option<CallId> {
        self.callers
            .iter()
            .find(|(_, caller)| wanted(caller))
            .map(|(&call, _)| call)
    }

    /// Gives up all calls, in the order in which they began.
    pub(crate) fn take_all(&mut self) -> Vec<Caller> {
        self.streams.clear();
        self.given_up.clear();
        self.joined = 0;
        let mut all: Vec<_> = self.callers.drain().collect();
        all.sort_by_key(|(call, _)| *call);
        all.into_iter().map(|(_, caller)| caller).collect()
    }
}
