//! The read side of a WebSocket: from bytes to whole messages, with every rule of RFC 6455 that
//! protects the reader enforced.

mod frames;

use bytes::{Bytes, BytesMut};
use fastwebsockets::OpCode;
use greenroom_core::SocketClose;
use tokio::io::AsyncRead;

use self::frames::{Frame, FrameReader};
use super::close::{Close, parse_close};

/// What a client sent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Inbound {
    /// A text message. Valid UTF-8.
    Text(Bytes),
    /// A binary message.
    Binary(Bytes),
    /// A ping, to be answered with its payload.
    Ping(Bytes),
    /// An answer to a ping, or an unasked sign of life.
    Pong,
    /// A piece of a message that goes on.
    Piece,
    /// The client closes, with this code and reason if it gave any.
    Close(Option<SocketClose>),
}

/// Why no message comes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ReadError {
    /// The connection is gone.
    Gone,
    /// The client broke a rule; it is told with this close.
    Violation(Close),
}

/// Reads the frames of a client. Messages, however fragmented, are limited as a whole.
pub(crate) struct MessageReader<R> {
    frames: FrameReader<R>,
    partial: Option<Partial>,
    limit: usize,
}

/// The beginning of a fragmented message.
struct Partial {
    text: bool,
    bytes: BytesMut,
    /// How many of the bytes are known to be whole characters; only of texts.
    checked: usize,
}

impl Partial {
    /// Checks what has come of a text, up to a character that is cut by the end of its frame.
    ///
    /// # Errors
    /// When no continuation could make it UTF-8: its sender need not go on.
    fn check(&mut self) -> Result<(), ReadError> {
        if !self.text {
            return Ok(());
        }
        match str::from_utf8(&self.bytes[self.checked..]) {
            Ok(text) => self.checked += text.len(),
            Err(error) if error.error_len().is_none() => self.checked += error.valid_up_to(),
            Err(_) => return Err(ReadError::Violation(Close::invalid_utf8())),
        }
        Ok(())
    }
}

impl<R: AsyncRead + Unpin> MessageReader<R> {
    /// Reads what `came` before, and then from `stream`; messages over `limit` bytes are violations.
    pub(crate) fn new(stream: R, came: BytesMut, limit: usize) -> Self {
        Self {
            frames: FrameReader::new(stream, came, limit),
            partial: None,
            limit,
        }
    }

    /// What it reads from. What has come already is thrown away.
    pub(crate) fn into_stream(self) -> R {
        self.frames.into_stream()
    }

    /// The next thing that the client sent.
    ///
    /// # Cancel safety
    /// None: bytes are lost when the future is dropped before it is ready.
    pub(crate) async fn next(&mut self) -> Result<Inbound, ReadError> {
        let Frame {
            fin,
            opcode,
            payload,
        } = self.frames.next().await?;
        match opcode {
            OpCode::Close => parse_close(&payload)
                .map(Inbound::Close)
                .map_err(ReadError::Violation),
            OpCode::Ping => Ok(Inbound::Ping(payload.freeze())),
            OpCode::Pong => Ok(Inbound::Pong),
            OpCode::Text | OpCode::Binary if self.partial.is_some() => {
                Err(protocol_error("new message inside a fragmented one"))
            }
            OpCode::Text | OpCode::Binary if fin => message(opcode == OpCode::Text, payload),
            OpCode::Text | OpCode::Binary => {
                let mut partial = Partial {
                    text: opcode == OpCode::Text,
                    bytes: payload,
                    checked: 0,
                };
                partial.check()?;
                self.partial = Some(partial);
                Ok(Inbound::Piece)
            }
            OpCode::Continuation => self.carry_on(fin, &payload),
        }
    }

    fn carry_on(&mut self, fin: bool, payload: &[u8]) -> Result<Inbound, ReadError> {
        let Some(mut partial) = self.partial.take() else {
            return Err(protocol_error("continuation of nothing"));
        };
        if partial.bytes.len() + payload.len() > self.limit {
            return Err(ReadError::Violation(Close::incoming_too_long()));
        }
        partial.bytes.extend_from_slice(payload);
        partial.check()?;
        if !fin {
            self.partial = Some(partial);
            return Ok(Inbound::Piece);
        }
        match partial {
            Partial {
                text: false, bytes, ..
            } => Ok(Inbound::Binary(bytes.freeze())),
            Partial { bytes, checked, .. } if checked == bytes.len() => {
                Ok(Inbound::Text(bytes.freeze()))
            }
            Partial { .. } => Err(ReadError::Violation(Close::invalid_utf8())),
        }
    }
}

fn message(text: bool, bytes: BytesMut) -> Result<Inbound, ReadError> {
    if !text {
        return Ok(Inbound::Binary(bytes.freeze()));
    }
    match str::from_utf8(&bytes) {
        Ok(_) => Ok(Inbound::Text(bytes.freeze())),
        Err(_) => Err(ReadError::Violation(Close::invalid_utf8())),
    }
}

fn protocol_error(what: &str) -> ReadError {
    ReadError::Violation(Close::protocol_error(what))
}

#[cfg(test)]
mod tests;
