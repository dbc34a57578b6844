//! The seam to whoever decides about requests from outside before any actor is touched.

use std::{fmt, future::Future, net::IpAddr, ops::BitOr, pin::Pin};

use bytes::Bytes;
use greenroom_types::{ActorError, ActorId, ActorKey, ActorName};

/// Decides about requests from outside. A refused one causes no wake, no creation and no read.
pub trait Gatekeeper: fmt::Debug + Send + Sync + 'static {
    /// Decides about one request. An `Ok` is what is then known of the visitor: one value in compat
    /// form, which actors get as the connection's `auth`.
    ///
    /// # Cancel safety
    /// Dropping the future means that nobody waits for the decision.
    fn decide(&self, request: AccessRequest) -> Verdict;
}

/// A decision on its way.
pub type Verdict = Pin<Box<dyn Future<Output = Result<Option<Bytes>, ActorError>> + Send>>;

/// A request from outside, before it gets anywhere.
#[derive(Clone, Debug)]
pub struct AccessRequest {
    /// What it is about to do.
    pub intents: Intents,
    /// The type of the actor. Absent for a request that names the actor by its id, because finding out
    /// would take a read, and for a listing of all types.
    pub name: Option<ActorName>,
    /// The actor's key. Absent for the same reason.
    pub key: Option<ActorKey>,
    /// The actor's id, if that is how it is named.
    pub id: Option<ActorId>,
    /// The connection parameters, in compat form.
    pub params: Option<Bytes>,
    /// The token that came with it, in whichever way.
    pub token: Option<String>,
    /// The address that it comes from, if it is known.
    pub address: Option<IpAddr>,
    /// The HTTP request, as in [`ClientFacts::request`](greenroom_core::ClientFacts::request).
    pub request: Bytes,
}

/// What a request is about to do: a set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Intents(u16);

impl Intents {
    /// Find an actor that exists.
    pub const GET: Self = Self(1);
    /// Create an actor, at least if it does not exist.
    pub const CREATE: Self = Self(2);
    /// Open a connection.
    pub const CONNECT: Self = Self(4);
    /// Call an action without a connection.
    pub const ACTION: Self = Self(8);
    /// Send an HTTP request to the actor.
    pub const REQUEST: Self = Self(16);
    /// Open a raw WebSocket to the actor.
    pub const WEBSOCKET: Self = Self(32);
    /// Put a message into a queue.
    pub const PUBLISH: Self = Self(64);
    /// List actors.
    pub const LIST: Self = Self(128);
    /// Destroy an actor.
    pub const DESTROY: Self = Self(256);
    /// Put an actor to sleep.
    pub const SLEEP: Self = Self(512);

    /// The set as bits, in the order of the constants from the lowest up.
    pub fn bits(self) -> u16 {
        self.0
    }

    /// Whether a connection is to be opened, of whichever kind.
    pub(crate) fn opens_connection(self) -> bool {
        self.0 & (Self::CONNECT.0 | Self::WEBSOCKET.0) != 0
    }
}

impl BitOr for Intents {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}
