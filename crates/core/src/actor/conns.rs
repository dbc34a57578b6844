//! An actor's connections and who listens to what. They belong to the actor, not to its instance,
//! and so they outlive its sleep.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use greenroom_types::{ActorError, ActorId, EventFrame, limits};

use super::{asks::Asks, message::Message};
use crate::{ClientInfo, ClientMessage, CloseReason, ConnKey, Outbox, RestoredConn};

/// One connection.
#[derive(Debug)]
pub(crate) struct Conn {
    id: String,
    client: ClientInfo,
    state: Option<Bytes>,
    outbox: Outbox,
    subscriptions: BTreeSet<String>,
    stage: Stage,
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
    /// How many of `open` are undecided.
    undecided: usize,
    /// Subscriptions that are undecided.
    asks: Asks,
    last: u32,
}

impl Conns {
    /// Registers a connection that is not admitted yet.
    pub(crate) fn add(&mut self, id: String, client: ClientInfo, outbox: Outbox) -> ConnKey {
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
            // The request has served its purpose once the connection is decided about.
            client: ClientInfo {
                request: None,
                ..client
            },
            state: None,
            outbox,
            subscriptions: BTreeSet::new(),
            stage: Stage::Undecided { early: Vec::new() },
        };
        self.undecided += 1;
        self.open.insert(key, conn);
        key
    }

    /// Forgets a connection.
    pub(crate) fn remove(&mut self, key: ConnKey) {
        let Some(conn) = self.open.remove(&key) else {
            return;
        };
        self.undecided -= usize::from(conn.stage.is_undecided());
        self.asks.forget(key);
        for event in &conn.subscriptions {
            if let Some(subscribers) = self.subscribers.get_mut(event) {
                subscribers.remove(&key);
                if subscribers.is_empty() {
                    self.subscribers.remove(event);
                }
            }
        }
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
        let conn = self.open.get_mut(&key);
        let Some(early) = conn.and_then(|conn| conn.stage.early()) else {
            return Arrival::Handle(message);
        };
        if early.len() >= limits::EARLY_MESSAGES {
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

    /// Adds or removes a subscription.
    ///
    /// # Errors
    /// `actor.overloaded` when the connection has too many.
    pub(crate) fn subscribe(
        &mut self,
        key: ConnKey,
        event: String,
        on: bool,
    ) -> Result<(), ActorError> {
        let Some(conn) = self.open.get_mut(&key) else {
            return Ok(());
        };
        if on {
            let count = conn.subscriptions.len() + self.asks.count_of(key);
            if count >= limits::SUBSCRIPTIONS_PER_CONN && !conn.subscriptions.contains(&event) {
                return Err(too_many_subscriptions());
            }
            self.subscribers
                .entry(event.clone())
                .or_default()
                .insert(key);
            conn.subscriptions.insert(event);
            return Ok(());
        }
        if conn.subscriptions.remove(&event) {
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
        if conn.subscriptions.contains(&event) {
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
    pub(crate) fn open(&mut self, key: ConnKey, actor: ActorId) -> Option<Vec<Message>> {
        let Some(conn) = self.open.get_mut(&key) else {
            return Some(Vec::new());
        };
        let early = conn.stage.early().map(std::mem::take).unwrap_or_default();
        conn.stage = Stage::Open;
        let init = ClientMessage::Init {
            actor,
            conn_id: conn.id.clone(),
        };
        conn.outbox.send(init).ok().map(|()| early)
    }

    /// Sends an event to all its subscribers and returns those that have to be dropped.
    pub(crate) fn broadcast(&self, event: &EventFrame) -> Vec<ConnKey> {
        let subscribers = self.subscribers.get(event.name()).into_iter().flatten();
        subscribers
            .copied()
            .filter(|&key| !self.send(key, ClientMessage::Event(event.clone())))
            .collect()
    }

    /// Ends every connection for the same reason.
    pub(crate) fn close_all(&mut self, reason: &CloseReason) {
        for conn in self.open.values() {
            // A client that is gone or stuck needs no goodbye.
            let _ = conn.outbox.send(ClientMessage::Close(reason.clone()));
        }
        self.open.clear();
        self.subscribers.clear();
        self.undecided = 0;
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
    use crate::{outbox, outbox_with_limit};

    fn event(name: &str) -> EventFrame {
        EventFrame::new(name.to_owned(), Bytes::from_static(&[0x80]))
    }

    #[test]
    fn events_reach_subscribers_only_and_removal_leaves_no_trace() {
        let mut conns = Conns::default();
        let (first, mut first_reader) = outbox();
        let (second, _second_reader) = outbox();
        let a = conns.add("a".into(), ClientInfo::default(), first);
        let b = conns.add("b".into(), ClientInfo::default(), second);
        conns.subscribe(a, "tick".into(), true).unwrap();
        conns.subscribe(a, "tick".into(), true).unwrap();
        assert!(conns.broadcast(&event("tick")).is_empty());
        assert!(conns.broadcast(&event("tock")).is_empty());
        conns.subscribe(a, "tick".into(), false).unwrap();
        conns.subscribe(b, "tick".into(), true).unwrap();
        conns.broadcast(&event("tick"));
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
        let (slow, _slow_reader) = outbox_with_limit(100);
        let (fast, _fast_reader) = outbox();
        let slow = conns.add("slow".into(), ClientInfo::default(), slow);
        let fast = conns.add("fast".into(), ClientInfo::default(), fast);
        for key in [slow, fast] {
            conns.subscribe(key, "tick".into(), true).unwrap();
        }
        assert!(conns.broadcast(&event("tick")).is_empty());
        assert_eq!(conns.broadcast(&event("tick")), [slow]);
    }

    #[test]
    fn subscriptions_are_bounded() {
        let mut conns = Conns::default();
        let (outbox, _reader) = outbox();
        let key = conns.add("a".into(), ClientInfo::default(), outbox);
        for i in 0..limits::SUBSCRIPTIONS_PER_CONN {
            conns.subscribe(key, i.to_string(), true).unwrap();
        }
        assert_eq!(
            conns.subscribe(key, "more".into(), true).unwrap_err().code,
            "overloaded"
        );
        conns.subscribe(key, "0".into(), true).unwrap();
    }
}
