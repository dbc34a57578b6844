//! An actor's connections and who listens to what. They belong to the actor, not to its instance,
//! and so they outlive its sleep.

mod callers;
mod raw;
mod sessions;
mod subscriptions;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use bytes::Bytes;
use greenroom_types::{ActorId, EventFrame, limits, once::CallerId};

use super::{
    asks::Asks, following::Following, message::Message, once::ConnCaller, sockets::Socket,
};
use crate::{
    ClientInfo, ClientMessage, CloseReason, ConnKey, Outbox, RestoredConn, ResumeClaim,
    ResumePoint, Resuming, Resync, session::Session, weight::Scale,
};

/// Ended connections whose sessions are remembered, and as many whose callers are.
const LEFT: usize = 1024;

/// One connection.
#[derive(Debug)]
pub(crate) struct Conn {
    id: String,
    client: ClientInfo,
    state: Option<Bytes>,
    outbox: Outbox,
    /// By event, with the last number before each began. Without numbers, 0.
    subscriptions: BTreeMap<String, u64>,
    stage: Stage,
    /// There for a raw WebSocket.
    socket: Option<Socket>,
    /// Whether its client may come back to events that it missed.
    can_resume: bool,
    /// What it says of where it was, until that is looked at.
    claim: Option<Box<ResumeClaim>>,
    /// There once it is known, if the actor keeps its events.
    following: Option<Box<Following>>,
    /// There when its actions are to run once.
    calls: Option<Box<ConnCaller>>,
}

impl Conn {
    /// Whether it keeps the actor awake by being open.
    fn stays_awake(&self) -> bool {
        let socket = self.socket.as_ref();
        !self.stage.is_undecided() && socket.is_some_and(|socket| !socket.hibernates())
    }

    /// Whether it hears no event yet.
    fn is_behind(&self) -> bool {
        let following = self.following.as_ref();
        following.is_some_and(|following| following.behind.is_some())
    }

    fn unhandled(&self) -> usize {
        self.socket.as_ref().map_or(0, Socket::unhandled)
    }
}

/// How far a connection has come.
#[derive(Debug)]
enum Stage {
    /// The instance has not decided about it.
    Undecided { early: Vec<Message> },
    /// The instance has admitted it; its `Init` waits for the commit of that turn.
    Admitted { early: Vec<Message> },
    /// `Init` is out.
    Open,
}

impl Stage {
    /// What the client sent before its `Init` was out.
    fn early(&mut self) -> Option<&mut Vec<Message>> {
        match self {
            Self::Undecided { early } | Self::Admitted { early } => Some(early),
            Self::Open => None,
        }
    }

    fn is_undecided(&self) -> bool {
        matches!(self, Self::Undecided { .. })
    }
}

/// What becomes of a message from a client.
#[derive(Debug)]
pub(crate) enum Arrival {
    /// It is to be handled.
    Handle(Message),
    /// It is kept until the connection is open.
    Kept,
    /// The client has sent too much without waiting to be let in.
    TooEarly,
}

/// All connections of one actor.
#[derive(Debug, Default)]
pub(crate) struct Conns {
    /// Boxed, because the tree has room for eleven as soon as there is one.
    open: BTreeMap<ConnKey, Box<Conn>>,
    subscribers: BTreeMap<String, BTreeSet<ConnKey>>,
    /// Those that can come back.
    sessions: BTreeMap<[u8; 16], ConnKey>,
    /// Those whose clients have said who makes their calls.
    callers: BTreeMap<CallerId, ConnKey>,
    /// Those of them that have ended, the last ones: one that was opened before may be heard of later.
    left_callers: VecDeque<(CallerId, ConnKey)>,
    /// Those of the last connections that have ended: the instance may not know yet, and still send them events,
    /// which are for whoever comes back.
    left: VecDeque<(ConnKey, Session)>,
    /// How many of `open` are undecided.
    undecided: usize,
    /// Admitted raw WebSockets that keep the actor awake.
    staying_awake: usize,
    /// Messages of raw WebSockets that are not handled yet.
    unhandled: usize,
    /// Subscriptions that are undecided.
    asks: Asks,
    last: u32,
    /// Where others see what waits for clients.
    scale: Arc<Scale>,
}

impl Conns {
    /// None yet. What waits for clients is told to the outboxes of `scale`.
    pub(crate) fn new(scale: Arc<Scale>) -> Self {
        Self {
            scale,
            ..Self::default()
        }
    }

    /// Registers a connection that is not admitted yet.
    pub(crate) fn add(
        &mut self,
        id: String,
        mut client: ClientInfo,
        outbox: Outbox,
        resuming: Resuming,
        socket: Option<Socket>,
    ) -> ConnKey {
        // The request has served its purpose once the connection is decided about, unless the
        // handler of a raw WebSocket is to see it again.
        if socket.is_none() {
            client.forget_request();
        }
        // The all-ones value means "no connection" to hosts, and a key must not be in use.
        loop {
            self.last = self.last.wrapping_add(1) % u32::MAX;
            if !self.open.contains_key(&ConnKey(self.last)) {
                break;
            }
        }
        let key = ConnKey(self.last);
        let conn = Conn {
            id,
            client,
            state: None,
            outbox,
            subscriptions: BTreeMap::new(),
            stage: Stage::Undecided { early: Vec::new() },
            can_resume: resuming != Resuming::Never && socket.is_none(),
            claim: match resuming {
                Resuming::Never => None,
                Resuming::Later(claim) => claim.map(Box::new),
            },
            following: None,
            socket,
            calls: None,
        };
        self.undecided += 1;
        self.scale.outboxes().add(key, conn.outbox.gauge());
        self.open.insert(key, Box::new(conn));
        key
    }

    /// Forgets a connection.
    pub(crate) fn remove(&mut self, key: ConnKey) {
        let Some(conn) = self.open.remove(&key) else {
            return;
        };
        self.scale.outboxes().remove(key);
        self.undecided -= usize::from(conn.stage.is_undecided());
        self.unhandled -= conn.unhandled();
        self.staying_awake -= usize::from(conn.stays_awake());
        self.asks.forget(key);
        if let Some(caller) = conn.calls.as_ref().map(|calls| calls.caller()) {
            // As with sessions.
            if self.callers.get(&caller) == Some(&key) {
                self.callers.remove(&caller);
                if self.left_callers.len() == LEFT {
                    self.left_callers.pop_front();
                }
                self.left_callers.push_back((caller, key));
            }
        }
        if let Some(following) = &conn.following {
            let session = following.session.as_bytes();
            // Another connection may have taken its place.
            if self.sessions.get(session) == Some(&key) {
                self.sessions.remove(session);
            }
            if self.left.len() == LEFT {
                self.left.pop_front();
            }
            self.left.push_back((key, following.session));
        }
        for event in conn.subscriptions.keys() {
            if let Some(subscribers) = self.subscribers.get_mut(event) {
                subscribers.remove(&key);
                if subscribers.is_empty() {
                    self.subscribers.remove(event);
                }
            }
        }
    }

    /// The key of the newest one, for those who want to know later which ones there were.
    pub(crate) fn last(&self) -> ConnKey {
        ConnKey(self.last)
    }

    /// How many there are, admitted or not.
    pub(crate) fn len(&self) -> usize {
        self.open.len()
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Whether `key` is open, admitted or not.
    pub(crate) fn contains(&self, key: ConnKey) -> bool {
        self.open.contains_key(&key)
    }

    /// Whether a decision about a connection or a subscription is under way.
    pub(crate) fn is_deciding(&self) -> bool {
        self.undecided > 0 || !self.asks.is_empty()
    }

    /// Looks at a message that came over `key` before it is handled: nothing that a client sends
    /// takes effect before it knows that it is accepted.
    pub(crate) fn arrived(&mut self, key: ConnKey, message: Message) -> Arrival {
        let Some(conn) = self.open.get_mut(&key) else {
            return Arrival::Handle(message);
        };
        let is_raw = conn.socket.is_some();
        let Some(early) = conn.stage.early() else {
            return Arrival::Handle(message);
        };
        // Whoever leaves without a word need not be let in first.
        if matches!(message, Message::Disconnect { .. }) && early.is_empty() {
            return Arrival::Handle(message);
        }
        // What a raw WebSocket has sent is bounded in bytes.
        if !is_raw && early.len() >= limits::EARLY_MESSAGES {
            return Arrival::TooEarly;
        }
        early.push(message);
        Arrival::Kept
    }

    /// Marks `key` as admitted by the actor. `false` when there was nothing to decide.
    pub(crate) fn admit(&mut self, key: ConnKey) -> bool {
        let Some(conn) = self.open.get_mut(&key) else {
            return false;
        };
        let Stage::Undecided { early } = &mut conn.stage else {
            return false;
        };
        let early = std::mem::take(early);
        conn.stage = Stage::Admitted { early };
        self.undecided -= 1;
        true
    }

    /// Whether the actor has let `key` in.
    pub(crate) fn is_admitted(&self, key: ConnKey) -> bool {
        let conn = self.open.get(&key);
        conn.is_some_and(|conn| !conn.stage.is_undecided())
    }

    /// Ends one connection.
    pub(crate) fn close(&mut self, key: ConnKey, reason: CloseReason) {
        self.send(key, ClientMessage::Close(reason));
        self.remove(key);
    }

    /// Keeps what the instance wants back when it wakes.
    pub(crate) fn keep_state(&mut self, key: ConnKey, state: Bytes) {
        if let Some(conn) = self.open.get_mut(&key) {
            // Copied, or a small state would pin the whole batch that it came in.
            conn.state = Some(Bytes::copy_from_slice(&state));
        }
    }

    /// The admitted connections, for a new instance.
    pub(crate) fn restored(&self) -> Vec<RestoredConn> {
        self.open
            .iter()
            .filter(|(_, conn)| !conn.stage.is_undecided())
            .map(|(&key, conn)| RestoredConn {
                conn: key,
                id: conn.id.clone(),
                client: conn.client.clone(),
                state: conn.state.clone(),
                raw: conn.socket.is_some(),
            })
            .collect()
    }

    /// Connections that wait for an instance's decision.
    pub(crate) fn undecided(&self) -> Vec<ConnKey> {
        self.open
            .iter()
            .filter(|(_, conn)| conn.stage.is_undecided())
            .map(|(&key, _)| key)
            .collect()
    }

    /// Sends `message` to one connection. `false` when that connection has to be dropped.
    pub(crate) fn send(&self, key: ConnKey, message: ClientMessage) -> bool {
        self.open
            .get(&key)
            .is_none_or(|conn| conn.outbox.send(message).is_ok())
    }

    /// Tells the client that it is accepted, and gives what it sent before it knew. `None` when the
    /// connection has to be dropped.
    pub(crate) fn open(
        &mut self,
        key: ConnKey,
        actor: ActorId,
        resume: Option<ResumePoint>,
        refused: Option<Resync>,
    ) -> Option<Vec<Message>> {
        let Some(conn) = self.open.get_mut(&key) else {
            return Some(Vec::new());
        };
        let early = conn.stage.early().map(std::mem::take).unwrap_or_default();
        conn.stage = Stage::Open;
        let init = ClientMessage::Init {
            actor,
            conn_id: conn.id.clone(),
            resume,
            refused,
        };
        let sent = conn.outbox.send(init).is_ok();
        // What came over a raw WebSocket counts though its client has gone; that it has comes last.
        (sent || conn.socket.is_some()).then_some(early)
    }

    /// Lets `events` wait for one connection in addition to what may wait for it anyhow.
    pub(crate) fn make_room(&mut self, key: ConnKey, events: &[EventFrame]) {
        if let Some(conn) = self.open.get_mut(&key) {
            conn.outbox.make_room(events);
        }
    }

    /// Ends every connection for the same reason.
    pub(crate) fn close_all(&mut self, reason: &CloseReason) {
        for (&key, conn) in &self.open {
            self.scale.outboxes().remove(key);
            // A client that is gone or stuck needs no goodbye.
            let _ = conn.outbox.send(ClientMessage::Close(reason.clone()));
        }
        self.open.clear();
        self.subscribers.clear();
        self.sessions.clear();
        self.callers.clear();
        self.undecided = 0;
        self.staying_awake = 0;
        self.unhandled = 0;
        self.asks = Asks::default();
    }
}

#[cfg(test)]
mod tests;
