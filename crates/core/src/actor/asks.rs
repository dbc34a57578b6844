//! Subscriptions that the instance has yet to decide about.

use std::collections::BTreeMap;

use crate::ConnKey;

/// Who waits for which event, by the ticket under which the instance was asked.
#[derive(Debug, Default)]
pub(super) struct Asks {
    waiting: BTreeMap<u32, (ConnKey, String)>,
    tickets: BTreeMap<(ConnKey, String), u32>,
    last: u32,
}

impl Asks {
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Begins to wait, and gives the ticket. `None` if it waits already.
    pub(super) fn begin(&mut self, conn: ConnKey, event: String) -> Option<u32> {
        let place = (conn, event);
        if self.tickets.contains_key(&place) {
            return None;
        }
        loop {
            self.last = self.last.wrapping_add(1);
            if !self.waiting.contains_key(&self.last) {
                break;
            }
        }
        self.waiting.insert(self.last, place.clone());
        self.tickets.insert(place, self.last);
        Some(self.last)
    }

    /// Ends the wait under `ticket`, and gives the event. `None` if nobody waits any more.
    pub(super) fn end(&mut self, conn: ConnKey, ticket: u32) -> Option<String> {
        if self.waiting.get(&ticket)?.0 != conn {
            return None;
        }
        let place = self.waiting.remove(&ticket)?;
        self.tickets.remove(&place);
        Some(place.1)
    }

    /// A connection has lost interest in an event.
    pub(super) fn withdraw(&mut self, conn: ConnKey, event: String) {
        if let Some(ticket) = self.tickets.remove(&(conn, event)) {
            self.waiting.remove(&ticket);
        }
    }

    /// A connection is gone.
    pub(super) fn forget(&mut self, conn: ConnKey) {
        for event in self.events_of(conn) {
            self.withdraw(conn, event);
        }
    }

    /// How many events a connection waits for.
    pub(super) fn count_of(&self, conn: ConnKey) -> usize {
        self.range(conn).count()
    }

    /// Gives up all waits, in the order in which they began.
    pub(super) fn take_all(&mut self) -> Vec<(ConnKey, String)> {
        self.tickets.clear();
        std::mem::take(&mut self.waiting).into_values().collect()
    }

    fn events_of(&self, conn: ConnKey) -> Vec<String> {
        self.range(conn).map(|(_, event)| event.clone()).collect()
    }

    fn range(&self, conn: ConnKey) -> impl Iterator<Item = &(ConnKey, String)> {
        let places = self.tickets.range((conn, String::new())..);
        places
            .map(|(place, _)| place)
            .take_while(move |place| place.0 == conn)
    }
}
