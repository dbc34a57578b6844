//! Raw WebSockets: messages that pass through unchanged, and how such a socket ends.

use bytes::Bytes;

/// A whole message of a raw WebSocket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SocketMessage {
    /// Whether it is text, which is UTF-8 then, or binary.
    pub text: bool,
    /// What it says.
    pub data: Bytes,
}

/// How a raw WebSocket ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SocketClose {
    /// The close code (RFC 6455, 7.4). 1005 for none, 1006 for a connection that broke.
    pub code: u16,
    /// What was said about it, of at most 123 bytes.
    pub reason: String,
}

impl SocketClose {
    /// The code of an end that was meant.
    pub const NORMAL: u16 = 1000;

    /// The connection broke, or nobody knows better.
    pub fn broken() -> Self {
        Self {
            code: 1006,
            reason: String::new(),
        }
    }

    /// A close that says nothing.
    pub fn without_code() -> Self {
        Self {
            code: 1005,
            reason: String::new(),
        }
    }

    /// The actor goes away, perhaps to come back.
    pub fn going_away() -> Self {
        Self {
            code: 1001,
            reason: "ws.going_away".to_owned(),
        }
    }
}
