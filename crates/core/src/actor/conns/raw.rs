//! The raw WebSockets among the connections.

use super::Conns;
use crate::{ConnKey, SocketMessage};

impl Conns {
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
}
