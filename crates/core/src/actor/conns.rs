//! An actor's connections and who listens to what. They belong to the actor, not to its instance,
//! and so they outlive its sleep.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use bytes::Bytes;
use greenroom_types::{ActorError, ActorId, EventFrame, limits, once::OnceCall};
use tokio::time::Instant;

use super::{
    asks::Asks,
    following::{Behind, Following},
    message::{Message, OnceWord},
    once::ConnCaller,
    sockets::Socket,
};
use crate::{
    ClientInfo, ClientMessage, CloseReason, ConnKey, Outbox, RestoredConn, ResumeClaim,
    ResumePoint, Resuming, Resync, SocketMessage, outbox::Broadcast, session::Session,
    weight::Outboxes,
};

/// Ended connections whose sessions are remembered.
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
    open: BTreeMap<ConnKey, Conn>,
    subscribers: BTreeMap<String, BTreeSet<ConnKey>>,
    /// Those that can come back.
    sessions: BTreeMap<[u8; 16], ConnKey>,
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
    outboxes: Arc<Outboxes>,
}

impl Conns {
    /// None yet. What waits for clients is told to `outboxes`.
    pub(crate) fn new(outboxes: Arc<Outboxes>) -> Self {
        Self {
            outboxes,
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
        self.outboxes.add(key, conn.outbox.gauge());
        self.open.insert(key, conn);
        key
    }

    /// Forgets a connection.
    pub(crate) fn remove(&mut self, key: ConnKey) {
        let Some(conn) = self.open.remove(&key) else {
            return;
        };
        self.outboxes.remove(key);
        self.undecided -= usize::from(conn.stage.is_undecided());
        self.unhandled -= conn.unhandled();
        self.staying_awake -= usize::from(conn.stays_awake());
        self.asks.forget(key);
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

    /// As [`Conns::admit`], for a raw WebSocket.
    pub(crate) fn admit_socket(&mut self, key: ConnKey, hibernates: bool) -> bool {
        if !self.admit(key) {
            return false;
        }
        let conn = self.open.get_mut(&key).expect("it was just admitted");
        if let Some(socket) = &mut conn.socket {
            socket.set_hibernates(hibernates);
        }
        self.staying_awake += usize::from(conn.stays_awake());
        true
    }

    /// Whether `key` is a raw WebSocket.
    pub(crate) fn is_socket(&self, key: ConnKey) -> bool {
        let conn = self.open.get(&key);
        conn.is_some_and(|conn| conn.socket.is_some())
    }

    /// Whether the actor has let `key` in.
    pub(crate) fn is_admitted(&self, key: ConnKey) -> bool {
        let conn = self.open.get(&key);
        conn.is_some_and(|conn| !conn.stage.is_undecided())
    }

    /// Whether raw WebSockets keep the actor awake: by being open, or with messages to handle.
    pub(crate) fn keep_awake(&self) -> bool {
        self.staying_awake > 0 || self.unhandled > 0
    }

    /// The raw WebSockets that do not outlive their instance.
    pub(crate) fn staying_awake(&self) -> Vec<ConnKey> {
        let conns = self.open.iter().filter(|(_, conn)| conn.stays_awake());
        conns.map(|(&key, _)| key).collect()
    }

    /// Keeps a message until it is handled. `false` when its socket is gone.
    pub(crate) fn received(&mut self, key: ConnKey, message: SocketMessage) -> bool {
        let conn = self.open.get_mut(&key);
        let Some(socket) = conn.and_then(|conn| conn.socket.as_mut()) else {
            return false;
        };
        socket.received(message);
        self.unhandled += 1;
        true
    }

    /// Forgets the oldest `count` messages of a raw WebSocket.
    pub(crate) fn handled(&mut self, key: ConnKey, count: usize) {
        let conn = self.open.get_mut(&key);
        if let Some(socket) = conn.and_then(|conn| conn.socket.as_mut()) {
            self.unhandled -= socket.handled(count);
        }
    }

    /// Whether there are messages that nobody has handled.
    pub(crate) fn has_unhandled(&self) -> bool {
        self.unhandled > 0
    }

    /// All messages that are not handled yet.
    pub(crate) fn unhandled(&self) -> Vec<(ConnKey, SocketMessage)> {
        let sockets = self
            .open
            .iter()
            .filter_map(|(&key, conn)| conn.socket.as_ref().map(|socket| (key, socket)));
        sockets
            .flat_map(|(key, socket)| socket.messages().map(move |message| (key, message.clone())))
            .collect()
    }

    /// Notes what a client says of its calls that run once.
    pub(crate) fn tell_once(&mut self, key: ConnKey, word: OnceWord) {
        if let Some(conn) = self.open.get_mut(&key) {
            let before = conn.calls.take().map(|calls| *calls);
            conn.calls = ConnCaller::told(before, word, Instant::now()).map(Box::new);
        }
    }

    /// What an action is known by that is to run once.
    pub(crate) fn once_call(
        &self,
        key: ConnKey,
        id: u64,
        user_key: Option<Box<str>>,
    ) -> Option<OnceCall> {
        let calls = self.open.get(&key)?.calls.as_deref();
        ConnCaller::call(calls, id, user_key)
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

    /// Adds or removes a subscription. One that is added begins after event `after`, unless it was there.
    ///
    /// # Errors
    /// `actor.overloaded` when the connection has too many.
    pub(crate) fn subscribe(
        &mut self,
        key: ConnKey,
        event: String,
        on: bool,
        after: u64,
    ) -> Result<(), ActorError> {
        let Some(conn) = self.open.get_mut(&key) else {
            return Ok(());
        };
        if on {
            let count = conn.subscriptions.len() + self.asks.count_of(key);
            if count >= limits::SUBSCRIPTIONS_PER_CONN && !conn.subscriptions.contains_key(&event) {
                return Err(too_many_subscriptions());
            }
            self.subscribers
                .entry(event.clone())
                .or_default()
                .insert(key);
            conn.subscriptions.entry(event).or_insert(after);
            return Ok(());
        }
        if conn.subscriptions.remove(&event).is_some() {
            let subscribers = self
                .subscribers
                .get_mut(&event)
                .expect("indexed together with the connection");
            subscribers.remove(&key);
            if subscribers.is_empty() {
                self.subscribers.remove(&event);
            }
        }
        self.asks.withdraw(key, event);
        Ok(())
    }

    /// Whether a connection hears an event.
    pub(crate) fn is_subscribed(&self, key: ConnKey, event: &str) -> bool {
        let subscribers = self.subscribers.get(event);
        subscribers.is_some_and(|subscribers| subscribers.contains(&key))
    }

    /// Notes that the instance has to decide about a subscription, and gives the ticket under which it
    /// will. `None` when there is nothing to decide.
    ///
    /// # Errors
    /// `actor.overloaded` when the connection has too many.
    pub(crate) fn ask(&mut self, key: ConnKey, event: String) -> Result<Option<u32>, ActorError> {
        let Some(conn) = self.open.get(&key) else {
            return Ok(None);
        };
        if conn.subscriptions.contains_key(&event) {
            return Ok(None);
        }
        let count = conn.subscriptions.len() + self.asks.count_of(key);
        if count >= limits::SUBSCRIPTIONS_PER_CONN {
            return Err(too_many_subscriptions());
        }
        Ok(self.asks.begin(key, event))
    }

    /// The instance has decided about a subscription. The event, if it is still wanted.
    pub(crate) fn asked(&mut self, key: ConnKey, ticket: u32) -> Option<String> {
        self.asks.end(key, ticket)
    }

    /// Gives up all decisions about subscriptions, in the order in which they were asked for.
    pub(crate) fn take_asks(&mut self) -> Vec<(ConnKey, String)> {
        self.asks.take_all()
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

    /// Sends an event to one connection, or to all its subscribers, and returns those that have to be
    /// dropped. Those that are behind get it when they catch up.
    pub(crate) fn tell(&self, to: Option<ConnKey>, mut event: Broadcast) -> Vec<ConnKey> {
        let subscribers = match to {
            Some(_) => None,
            None => self.subscribers.get(event.name()),
        };
        let mut dropped = Vec::new();
        for key in to.iter().chain(subscribers.into_iter().flatten()) {
            let conn = self.open.get(key);
            let conn = conn.filter(|conn| !conn.is_behind());
            if conn.is_some_and(|conn| conn.outbox.send_event(&mut event).is_err()) {
                dropped.push(*key);
            }
        }
        dropped
    }

    /// Lets `events` wait for one connection in addition to what may wait for it anyhow.
    pub(crate) fn make_room(&mut self, key: ConnKey, events: &[EventFrame]) {
        if let Some(conn) = self.open.get_mut(&key) {
            conn.outbox.make_room(events);
        }
    }

    /// The session of a connection whose client may come back, which takes the place of any other of that session.
    /// `None` for other connections. What the client claims is looked at the first time; `new` makes a session.
    pub(crate) fn follow(
        &mut self,
        key: ConnKey,
        actor: ActorId,
        new: impl FnOnce() -> Session,
    ) -> Option<Session> {
        let Some(conn) = self.open.get_mut(&key) else {
            let left = self.left.iter().rev().find(|(left, _)| *left == key);
            return left.map(|(_, session)| *session);
        };
        if !conn.can_resume {
            return None;
        }
        if let Some(following) = &conn.following {
            return Some(following.session);
        }
        let claim = conn.claim.take();
        let following = match claim.as_ref().map(|claim| claim.of(actor)) {
            Some(Some((session, last))) => Following::after(session, last),
            Some(None) => Following::new(new(), claim.map(|claim| claim.last())),
            None => Following::new(new(), None),
        };
        let session = following.session;
        conn.following = Some(Box::new(following));
        Some(session)
    }

    /// Lets `key` stand for its session, and gives the connection that did before.
    pub(crate) fn take_place(&mut self, key: ConnKey, session: Session) -> Option<ConnKey> {
        let before = self.sessions.insert(*session.as_bytes(), key);
        before.filter(|&before| before != key)
    }

    /// The connection that stands for a session.
    pub(crate) fn of_session(&self, session: Session) -> Option<ConnKey> {
        self.sessions.get(session.as_bytes()).copied()
    }

    /// The session of a connection whose events are numbered.
    pub(crate) fn session(&self, key: ConnKey) -> Option<Session> {
        let following = self.open.get(&key)?.following.as_ref()?;
        Some(following.session)
    }

    /// What a connection claims to have heard though that cannot be, once.
    pub(crate) fn take_refused(&mut self, key: ConnKey) -> Option<u64> {
        let conn = self.open.get_mut(&key)?;
        match &mut conn.following {
            Some(following) => following.refused.take(),
            None => conn.claim.take().map(|claim| claim.last()),
        }
    }

    /// What a connection that came back waits for.
    pub(super) fn behind(&mut self, key: ConnKey) -> Option<&mut Behind> {
        let following = self.open.get_mut(&key)?.following.as_mut()?;
        following.behind.as_mut()
    }

    /// A connection that came back has what it missed.
    pub(super) fn caught_up(&mut self, key: ConnKey) -> Option<Behind> {
        let following = self.open.get_mut(&key)?.following.as_mut()?;
        following.behind.take()
    }

    /// What a connection has subscribed to, and the last number before each began.
    pub(crate) fn subscriptions(&self, key: ConnKey) -> impl Iterator<Item = (&str, u64)> + '_ {
        let conn = self.open.get(&key);
        let subscriptions = conn.into_iter().flat_map(|conn| &conn.subscriptions);
        subscriptions.map(|(event, after)| (event.as_str(), *after))
    }

    /// Whether a connection gets the broadcast `number` of `event`.
    pub(crate) fn hears(&self, key: ConnKey, event: &str, number: u64) -> bool {
        let after = self
            .open
            .get(&key)
            .and_then(|conn| conn.subscriptions.get(event));
        after.is_some_and(|after| number > *after)
    }

    /// All connections whose events are numbered.
    pub(crate) fn following(&self) -> Vec<ConnKey> {
        self.sessions.values().copied().collect()
    }

    /// Who hears an event.
    pub(crate) fn subscribers(&self, event: &str) -> impl Iterator<Item = ConnKey> + '_ {
        self.subscribers.get(event).into_iter().flatten().copied()
    }

    /// Ends every connection for the same reason.
    pub(crate) fn close_all(&mut self, reason: &CloseReason) {
        for (&key, conn) in &self.open {
            self.outboxes.remove(key);
            // A client that is gone or stuck needs no goodbye.
            let _ = conn.outbox.send(ClientMessage::Close(reason.clone()));
        }
        self.open.clear();
        self.subscribers.clear();
        self.sessions.clear();
        self.undecided = 0;
        self.staying_awake = 0;
        self.unhandled = 0;
        self.asks = Asks::default();
    }
}

fn too_many_subscriptions() -> ActorError {
    let most = limits::SUBSCRIPTIONS_PER_CONN;
    ActorError::new(
        "actor",
        "overloaded",
        format!("a connection can hold {most} subscriptions"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{WhenSlow, outbox, outbox_with_limit};

    fn event(name: &str) -> Broadcast {
        let frame = EventFrame::new(name.to_owned(), Bytes::from_static(&[0x80]));
        Broadcast::new(frame, WhenSlow::Disconnect)
    }

    #[test]
    fn events_reach_subscribers_only_and_removal_leaves_no_trace() {
        let mut conns = Conns::default();
        let (first, mut first_reader) = outbox();
        let (second, _second_reader) = outbox();
        let a = conns.add(
            "a".into(),
            ClientInfo::default(),
            first,
            Resuming::Never,
            None,
        );
        let b = conns.add(
            "b".into(),
            ClientInfo::default(),
            second,
            Resuming::Never,
            None,
        );
        conns.subscribe(a, "tick".into(), true, 0).unwrap();
        conns.subscribe(a, "tick".into(), true, 0).unwrap();
        assert!(conns.tell(None, event("tick")).is_empty());
        assert!(conns.tell(None, event("tock")).is_empty());
        conns.subscribe(a, "tick".into(), false, 0).unwrap();
        conns.subscribe(b, "tick".into(), true, 0).unwrap();
        conns.tell(None, event("tick"));
        conns.remove(a);
        conns.remove(b);
        assert!(conns.subscribers.is_empty() && conns.is_empty());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime.block_on(async {
            assert!(matches!(
                first_reader.recv().await,
                Some(ClientMessage::Event(_))
            ));
            assert!(first_reader.recv().await.is_none());
        });
    }

    #[test]
    fn a_slow_connection_is_named_and_the_others_are_served() {
        let mut conns = Conns::default();
        let (slow, _slow_reader) = outbox_with_limit(1000);
        let (fast, _fast_reader) = outbox();
        let slow = conns.add(
            "slow".into(),
            ClientInfo::default(),
            slow,
            Resuming::Never,
            None,
        );
        let fast = conns.add(
            "fast".into(),
            ClientInfo::default(),
            fast,
            Resuming::Never,
            None,
        );
        for key in [slow, fast] {
            conns.subscribe(key, "tick".into(), true, 0).unwrap();
        }
        assert!(conns.tell(None, event("tick")).is_empty());
        assert_eq!(conns.tell(None, event("tick")), [slow]);
    }

    #[test]
    fn subscriptions_are_bounded() {
        let mut conns = Conns::default();
        let (outbox, _reader) = outbox();
        let key = conns.add(
            "a".into(),
            ClientInfo::default(),
            outbox,
            Resuming::Never,
            None,
        );
        for i in 0..limits::SUBSCRIPTIONS_PER_CONN {
            conns.subscribe(key, i.to_string(), true, 0).unwrap();
        }
        assert_eq!(
            conns
                .subscribe(key, "more".into(), true, 0)
                .unwrap_err()
                .code,
            "overloaded"
        );
        conns.subscribe(key, "0".into(), true, 0).unwrap();
    }
}
