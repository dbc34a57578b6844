//! The way from a message that comes alone to the stream that it belongs to.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use greenroom_core::Connection;
use greenroom_types::protocol::{ClientFrame, Encoding};
use tokio::sync::mpsc;
use tracing::trace;

use crate::{access::Secret, passing, websocket::Close};

/// Random bytes of a token.
const TOKEN: usize = 32;

/// An open stream, as those see it who have a message for its actor.
pub(super) struct Link {
    token: Secret,
    pub(super) encoding: Encoding,
    connection: Connection,
    closes: mpsc::Sender<Close>,
}

impl Link {
    /// A link with a token that nobody can guess, and where the stream learns that it has to close.
    ///
    /// # Panics
    /// When the operating system has no randomness to give.
    pub(super) fn new(encoding: Encoding, connection: Connection) -> (Self, mpsc::Receiver<Close>) {
        let mut token = [0; TOKEN];
        getrandom::fill(&mut token).expect("the operating system provides randomness");
        let (closes, closed) = mpsc::channel(1);
        let link = Self {
            token: Secret::new(URL_SAFE_NO_PAD.encode(token)),
            encoding,
            connection,
            closes,
        };
        (link, closed)
    }

    pub(super) fn token(&self) -> &str {
        self.token.reveal()
    }

    /// Whether `claimed` is the token.
    pub(super) fn is_token(&self, claimed: &[u8]) -> bool {
        self.token.is(claimed)
    }

    /// Passes a message on to the actor, once there is room for it in its mailbox. What comes after
    /// the connection has closed is dropped, as on a socket: the stream says why it closed.
    pub(super) async fn pass(&self, message: ClientFrame) {
        // Waiting ends with the stream.
        tokio::select! {
            biased;
            passed = passing::pass(&self.connection, message) => if let Err(error) = passed {
                trace!(%error, "message to a connection that closed");
            },
            () = self.closes.closed() => {}
        }
    }

    /// Ends the stream. The first reason counts.
    pub(super) fn close(&self, close: Close) {
        // Fails when another reason waits already, or the stream has ended.
        let _ = self.closes.try_send(close);
    }
}

/// The streams that are open, by the ids of their connections.
///
/// A lock because streams begin and end in the tasks of their own TCP connections, and messages
/// come over others; it is held for one operation on the map.
#[derive(Default)]
pub(crate) struct Links(Mutex<HashMap<String, Weak<Link>>>);

impl Links {
    pub(super) fn get(&self, id: &str) -> Option<Arc<Link>> {
        self.with(|links| links.get(id).and_then(Weak::upgrade))
    }

    pub(super) fn add(&self, link: &Arc<Link>) {
        let id = link.connection.id().to_owned();
        self.with(|links| links.insert(id, Arc::downgrade(link)));
    }

    pub(super) fn remove(&self, link: &Link) {
        self.with(|links| links.remove(link.connection.id()));
    }

    fn with<T>(&self, work: impl FnOnce(&mut HashMap<String, Weak<Link>>) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
