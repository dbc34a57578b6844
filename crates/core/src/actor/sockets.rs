//! What raw WebSockets have beside a connection: messages that are handled one by one, and sleep that
//! some of them prevent.
//!
//! A message counts as handled when the instance has said so and the commit of that turn is durable.
//! Until then it is kept, and told again to the next instance if the socket hibernates. What is kept of
//! one socket is bounded in bytes: its client is read no further.

use std::{collections::VecDeque, sync::Arc};

use greenroom_types::{ActorError, limits};
use tokio::{sync::Semaphore, time::Instant};

use super::task::{ActorTask, Phase};
use crate::{CloseReason, ConnKey, HostEvent, SocketClose, SocketMessage};

/// What one message costs of its socket's [`limits::SOCKET_WINDOW`].
pub(crate) fn cost(message: &SocketMessage) -> u32 {
    const OVERHEAD: usize = 64;
    let cost = (message.data.len() + OVERHEAD).min(limits::SOCKET_WINDOW);
    u32::try_from(cost).expect("the window is small")
}

/// The raw part of a connection.
#[derive(Debug)]
pub(crate) struct Socket {
    /// Whether the actor may sleep while it is open.
    hibernates: bool,
    /// Messages that were passed on and not handled yet, in order.
    unhandled: VecDeque<SocketMessage>,
    credit: Arc<Semaphore>,
}

impl Socket {
    /// `credit` is what its client may still send.
    pub(crate) fn new(credit: Arc<Semaphore>) -> Self {
        Self {
            hibernates: false,
            unhandled: VecDeque::new(),
            credit,
        }
    }

    pub(crate) fn hibernates(&self) -> bool {
        self.hibernates
    }

    pub(crate) fn set_hibernates(&mut self, hibernates: bool) {
        self.hibernates = hibernates;
    }

    /// How many messages are not handled yet.
    pub(crate) fn unhandled(&self) -> usize {
        self.unhandled.len()
    }

    /// Those messages, oldest first.
    pub(crate) fn messages(&self) -> impl Iterator<Item = &SocketMessage> {
        self.unhandled.iter()
    }

    pub(crate) fn received(&mut self, message: SocketMessage) {
        self.unhandled.push_back(message);
    }

    /// Forgets the oldest `count` messages, and lets the client send as much again. How many there
    /// were.
    pub(crate) fn handled(&mut self, count: usize) -> usize {
        let count = count.min(self.unhandled.len());
        let permits: u32 = self.unhandled.drain(..count).map(|m| cost(&m)).sum();
        self.credit.add_permits(permits as usize);
        count
    }
}

impl Drop for Socket {
    /// Nobody takes what the client still sends.
    fn drop(&mut self) {
        self.credit.close();
    }
}

impl ActorTask {
    /// Passes a message on to the instance.
    pub(super) fn socket_message(&mut self, conn: ConnKey, message: SocketMessage) {
        let Phase::Live(live) = &mut self.phase else {
            return;
        };
        if !self.conns.received(conn, message.clone()) {
            return;
        }
        let event = HostEvent::SocketMessage(conn, message);
        self.shared.host.deliver(live.instance, event);
    }

    /// Tells the instance of a raw WebSocket that has ended.
    pub(super) fn socket_closed(&mut self, conn: ConnKey, close: SocketClose) {
        if let Phase::Live(live) = &mut self.phase {
            live.idle_since = Instant::now();
            let event = HostEvent::SocketClosed(conn, close);
            self.shared.host.deliver(live.instance, event);
        }
    }

    /// The instance is done with its oldest messages of `conn`.
    pub(super) fn socket_handled(&mut self, conn: ConnKey, count: usize) {
        if let Phase::Live(live) = &mut self.phase {
            live.idle_since = Instant::now();
        }
        self.conns.handled(conn, count);
        self.has_replayed = false;
    }

    /// Tells a new instance what the one before it has left undone, and then who has gone meanwhile.
    pub(super) fn resume_sockets(&mut self) {
        let Phase::Live(live) = &self.phase else {
            return;
        };
        for (conn, message) in self.conns.unhandled() {
            let event = HostEvent::SocketMessage(conn, message);
            self.shared.host.deliver(live.instance, event);
        }
        for (conn, close) in std::mem::take(&mut self.departed) {
            self.disconnect_as(conn, close);
        }
    }

    /// Closes the raw WebSockets that do not outlive their instance.
    pub(super) fn close_sockets(&mut self, reason: &CloseReason) {
        for conn in self.conns.staying_awake() {
            self.conns.close(conn, reason.clone());
        }
    }

    /// A connection ends while nobody is awake to be told. It is kept for the next wake if the actor
    /// wants to know, and is cause enough to wake up when nobody else is connected.
    pub(super) fn departs_asleep(&mut self, conn: ConnKey, close: Option<SocketClose>) {
        if !self.conns.is_admitted(conn) || !self.options.notices_departures {
            return self.disconnect_as(conn, close);
        }
        if self.departed.iter().all(|(other, _)| *other != conn) {
            self.departed.push((conn, close));
        }
    }

    /// Whether all who are still listed have gone.
    pub(super) fn have_all_departed(&self) -> bool {
        !self.departed.is_empty() && self.departed.len() >= self.conns.len()
    }

    /// Nobody will be told of those who have gone: the actor does not start.
    pub(super) fn forget_departed(&mut self) {
        for (conn, _) in std::mem::take(&mut self.departed) {
            self.conns.remove(conn);
        }
    }

    /// Whether to wake up at once for messages that a lost instance has left unhandled. Only once in a
    /// row, or a store that keeps failing would make it a loop.
    pub(super) fn wants_replay(&mut self) -> bool {
        let wants = self.conns.has_unhandled() && !self.has_replayed;
        self.has_replayed |= wants;
        wants
    }

    /// Ends a raw WebSocket whose message cannot be handled.
    pub(super) fn fail_socket(&mut self, conn: ConnKey, error: &ActorError) {
        if self.conns.contains(conn) {
            self.refuse(conn, error);
            self.socket_closed(conn, SocketClose::broken());
        }
    }
}
