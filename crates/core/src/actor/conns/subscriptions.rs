//! Who hears which event.

use greenroom_types::{ActorError, limits};

use super::Conns;
use crate::{ConnKey, outbox::Broadcast};

impl Conns {
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

    /// Who hears an event.
    pub(crate) fn subscribers(&self, event: &str) -> impl Iterator<Item = ConnKey> + '_ {
        self.subscribers.get(event).into_iter().flatten().copied()
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
