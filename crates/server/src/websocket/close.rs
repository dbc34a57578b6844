//! How WebSockets end: codes, reasons, and what causes which.

use bytes::{BufMut, Bytes, BytesMut};
use greenroom_core::{CloseReason, SocketClose};
use greenroom_types::ActorError;

/// Longest reason that fits a close frame beside its code, in bytes (RFC 6455, 5.5).
const REASON: usize = 123;

/// A close frame that is to be sent. The reason never exceeds what fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Close {
    code: Option<u16>,
    reason: String,
}

impl Close {
    /// A close with `code`; the reason is cut to what fits.
    pub(crate) fn new(code: u16, reason: impl Into<String>) -> Self {
        let mut reason = reason.into();
        reason.truncate(reason.floor_char_boundary(REASON));
        Self {
            code: Some(code),
            reason,
        }
    }

    /// The client breaks the WebSocket protocol.
    pub(crate) fn protocol_error(what: &str) -> Self {
        Self::new(1002, what)
    }

    /// A text message that is not UTF-8.
    pub(crate) fn invalid_utf8() -> Self {
        Self::new(1007, "message.invalid_utf8")
    }

    /// A subprotocol names an encoding that nobody here speaks.
    pub(crate) fn unsupported_encoding() -> Self {
        Self::new(1003, "actor.unsupported_websocket_encoding")
    }

    /// A message that is none of the client protocol.
    pub(crate) fn invalid_request() -> Self {
        Self::new(1011, "actor.invalid_request")
    }

    /// A message over the incoming limit.
    pub(crate) fn incoming_too_long() -> Self {
        Self::new(1011, "message.incoming_too_long")
    }

    /// An event over the outgoing limit.
    pub(crate) fn outgoing_too_long() -> Self {
        Self::new(1011, "message.outgoing_too_long")
    }

    /// The actor let go of the connection without a word, because its instance was lost.
    pub(crate) fn lost() -> Self {
        Self::of_error(&ActorError::restarting())
    }

    /// An error that ends the connection: `group.code`, which the client parses.
    pub(crate) fn of_error(error: &ActorError) -> Self {
        Self::new(1011, format!("{}.{}", error.group, error.code))
    }

    /// A raw WebSocket is closed like this. 1005 stands for no code at all.
    fn of_socket(close: &SocketClose) -> Self {
        match close.code {
            1005 => Self::echo(None),
            code => Self::new(code, close.reason.as_str()),
        }
    }

    /// The actor or the runtime ends the connection.
    pub(crate) fn of_reason(reason: &CloseReason) -> Self {
        match reason {
            CloseReason::Disconnected(reason) => Self::new(1000, reason.as_str()),
            CloseReason::Closed(close) => Self::of_socket(close),
            CloseReason::Destroyed => Self::new(1000, ""),
            CloseReason::Refused(error) => Self::of_error(error),
            CloseReason::Replaced => Self::new(1008, "connection.replaced"),
            CloseReason::TooSlow => Self::new(1008, "actor.client_too_slow"),
            CloseReason::ShuttingDown => Self::new(1001, "ws.going_away"),
        }
    }

    /// The answer to a client's close: its code given back, nothing if it gave none.
    pub(crate) fn echo(code: Option<u16>) -> Self {
        Self {
            code,
            reason: String::new(),
        }
    }

    /// The code, if there is one.
    pub(crate) fn code(&self) -> Option<u16> {
        self.code
    }

    /// The reason; empty for none.
    pub(crate) fn reason(&self) -> &str {
        &self.reason
    }

    /// The frame's payload: `code u16 be | reason`, or nothing at all without a code.
    pub(crate) fn payload(&self) -> Bytes {
        let Some(code) = self.code else {
            return Bytes::new();
        };
        let mut payload = BytesMut::with_capacity(2 + self.reason.len());
        payload.put_u16(code);
        payload.put_slice(self.reason.as_bytes());
        payload.freeze()
    }
}

/// What a client is told that does not get in.
#[derive(Debug)]
pub(crate) struct Refusal {
    /// Said before the close, for those who listen: it has more to say than a close.
    pub(crate) error: Option<ActorError>,
    pub(crate) close: Close,
}

impl Refusal {
    /// A refusal at the door. Those who decided have something to say to the client; what only has to do
    /// with the server's own state is said by the close, as for every other actor that cannot be
    /// reached, so that clients go on trying.
    pub(crate) fn at_door(error: ActorError) -> Self {
        let close = Close::of_error(&error);
        let is_passing = matches!(&*error.group, "actor" | "guard");
        Self {
            error: (!is_passing).then_some(error),
            close,
        }
    }
}

impl From<Close> for Refusal {
    fn from(close: Close) -> Self {
        Self { error: None, close }
    }
}

/// Reads the payload of a client's close frame: its code and reason if it has any.
///
/// # Errors
/// The close to answer when the payload breaks the protocol.
pub(crate) fn parse_close(payload: &[u8]) -> Result<Option<SocketClose>, Close> {
    let Some((code, reason)) = payload.split_first_chunk() else {
        return if payload.is_empty() {
            Ok(None)
        } else {
            Err(Close::protocol_error("close code of one byte"))
        };
    };
    let code = u16::from_be_bytes(*code);
    if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
        return Err(Close::protocol_error("close code out of range"));
    }
    match str::from_utf8(reason) {
        Ok(reason) => Ok(Some(SocketClose {
            code,
            reason: reason.to_owned(),
        })),
        Err(_) => Err(Close::invalid_utf8()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_cut_at_a_character() {
        let close = Close::new(1000, "é".repeat(100));
        assert_eq!(close.payload().len(), 2 + 122);
        assert!(str::from_utf8(&close.payload()[2..]).is_ok());
    }

    #[test]
    fn reasons_of_the_runtime_have_their_codes() {
        let refused = ActorError::new("user", "no_entry", "");
        let cases = [
            (CloseReason::Disconnected("bye".to_owned()), 1000, "bye"),
            (CloseReason::Destroyed, 1000, ""),
            (CloseReason::Refused(refused), 1011, "user.no_entry"),
            (CloseReason::TooSlow, 1008, "actor.client_too_slow"),
            (CloseReason::ShuttingDown, 1001, "ws.going_away"),
        ];
        for (reason, code, text) in cases {
            assert_eq!(
                Close::of_reason(&reason),
                Close::new(code, text),
                "{reason:?}"
            );
        }
    }

    #[test]
    fn closes_of_clients_are_checked() {
        assert_eq!(parse_close(b""), Ok(None));
        let said = |code, reason: &str| {
            let reason = reason.to_owned();
            Ok(Some(SocketClose { code, reason }))
        };
        assert_eq!(parse_close(b"\x03\xe8Disposed"), said(1000, "Disposed"));
        assert_eq!(parse_close(b"\x0f\xa1"), said(4001, ""));
        for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, u16::MAX] {
            let payload = code.to_be_bytes();
            assert_eq!(
                parse_close(&payload),
                Err(Close::protocol_error("close code out of range")),
                "{code}"
            );
        }
        assert_eq!(
            parse_close(b"\x03"),
            Err(Close::protocol_error("close code of one byte"))
        );
        assert_eq!(parse_close(b"\x03\xe8\xff"), Err(Close::invalid_utf8()));
    }
}
