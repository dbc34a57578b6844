//! The least that can be a client on a WebSocket, in any encoding of the protocol.

use anyhow::{Context, Result, ensure};
use bytes::{Buf, BytesMut};
use greenroom_types::{
    cbor,
    protocol::{Encoding, put_data, put_str, put_uint, put_version},
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use crate::{
    http::HttpClient,
    world::{World, gateway},
};

/// First byte of a whole message.
const TEXT: u8 = 0x81;
const BINARY: u8 = 0x82;
/// The bit that says that a mask follows. Ours is all zeros, which changes nothing for the server.
const MASKED: u8 = 0x80;

/// Our extensions of the protocol: who calls, and which calls it does not make again.
const CALLER: u64 = 40;
const ANSWERED: u64 = 42;
/// After so many actions the latter is said, as our own client does.
const ANSWERED_EVERY: u64 = 64;

/// A connection to an actor.
pub(crate) struct Socket {
    stream: DuplexStream,
    buffer: BytesMut,
    encoding: Encoding,
    last_id: u64,
    /// Whether actions are to run once.
    once: bool,
}

impl Socket {
    /// Connects to the counter with this key and takes the greeting.
    pub(crate) async fn open(world: &World, key: &str, encoding: Encoding) -> Result<Self> {
        let request = format!(
            "GET {} HTTP/1.1\r\nhost: localhost:6420\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             sec-websocket-protocol: rivet, rivet_encoding.{}, greenroom.1\r\n\r\n",
            gateway("connect", key),
            encoding.name()
        );
        let client = HttpClient::new(world.connect()?);
        let (stream, early) = client.upgrade(request.as_bytes()).await?;
        let mut socket = Self {
            stream,
            buffer: BytesMut::from(&early[..]),
            encoding,
            last_id: 0,
            once: false,
        };
        let greeting = socket.message().await?;
        ensure!(!greeting.is_empty(), "the greeting is empty");
        Ok(socket)
    }

    /// Says who calls, so that its actions run once from here on.
    pub(crate) async fn call_once(&mut self) -> Result<()> {
        ensure!(self.encoding == Encoding::Bare, "written for BARE only");
        self.once = true;
        let mut message = Vec::new();
        put_version(&mut message);
        put_uint(&mut message, CALLER);
        put_str(&mut message, "000102030405060708090a0b0c0d0e0f");
        put_uint(&mut message, self.last_id + 1);
        put_uint(&mut message, 0);
        self.send(&message).await
    }

    /// Sends the request for an action without arguments. No other may be under way if its number comes behind a whole
    /// number of times [`ANSWERED_EVERY`].
    pub(crate) async fn call(&mut self, action: &str) -> Result<()> {
        self.last_id += 1;
        if self.once && self.last_id % ANSWERED_EVERY == 1 {
            let mut message = Vec::new();
            put_version(&mut message);
            put_uint(&mut message, ANSWERED);
            put_uint(&mut message, self.last_id);
            self.send(&message).await?;
        }
        let message = action_request(self.encoding, self.last_id, action);
        self.send(&message).await
    }

    /// Subscribes to an event.
    pub(crate) async fn subscribe(&mut self, event: &str) -> Result<()> {
        ensure!(self.encoding == Encoding::Bare, "written for BARE only");
        let mut message = Vec::new();
        put_version(&mut message);
        put_uint(&mut message, 1);
        put_str(&mut message, event);
        message.push(1);
        self.send(&message).await
    }

    /// The next whole message of the server.
    pub(crate) async fn message(&mut self) -> Result<BytesMut> {
        loop {
            if let Some((start, length)) = message_bounds(&self.buffer)? {
                self.buffer.advance(start);
                return Ok(self.buffer.split_to(length));
            }
            let read = self.stream.read_buf(&mut self.buffer).await?;
            ensure!(read > 0, "the server closed the connection");
        }
    }

    async fn send(&mut self, message: &[u8]) -> Result<()> {
        let first = if self.encoding.is_text() {
            TEXT
        } else {
            BINARY
        };
        let length = u8::try_from(message.len()).context("too long for a short frame")?;
        ensure!(length < 126, "too long for a short frame");
        let mut frame = Vec::with_capacity(6 + message.len());
        frame.extend([first, MASKED | length, 0, 0, 0, 0]);
        frame.extend_from_slice(message);
        Ok(self.stream.write_all(&frame).await?)
    }
}

/// Where the payload of the first frame begins, and its length, if all of it is there.
fn message_bounds(bytes: &[u8]) -> Result<Option<(usize, usize)>> {
    let Some(&[first, second]) = bytes.first_chunk() else {
        return Ok(None);
    };
    ensure!(
        matches!(first, TEXT | BINARY),
        "not a whole message but a frame that begins with {first:#x}"
    );
    let (start, length) = match (second, bytes.get(2..4)) {
        (..126, _) => (2, usize::from(second)),
        (126, Some(&[high, low])) => (4, usize::from(u16::from_be_bytes([high, low]))),
        (126, _) => return Ok(None),
        _ => anyhow::bail!("a frame longer than anything expected"),
    };
    Ok((bytes.len() >= start + length).then_some((start, length)))
}

/// The message by which a client asks for an action without arguments.
pub(crate) fn action_request(encoding: Encoding, id: u64, action: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(64);
    match encoding {
        Encoding::Json => out.extend_from_slice(
            format!(
                r#"{{"body":{{"tag":"ActionRequest","val":{{"id":{id},"name":"{action}","args":[]}}}}}}"#
            )
            .as_bytes(),
        ),
        Encoding::Cbor => {
            cbor::put_map(&mut out, 1);
            cbor::put_text(&mut out, "body");
            cbor::put_map(&mut out, 2);
            cbor::put_text(&mut out, "tag");
            cbor::put_text(&mut out, "ActionRequest");
            cbor::put_text(&mut out, "val");
            cbor::put_map(&mut out, 3);
            cbor::put_text(&mut out, "id");
            cbor::put_uint(&mut out, id);
            cbor::put_text(&mut out, "name");
            cbor::put_text(&mut out, action);
            cbor::put_text(&mut out, "args");
            cbor::put_array(&mut out, 0);
        }
        Encoding::Bare => {
            put_version(&mut out);
            put_uint(&mut out, 0);
            put_uint(&mut out, id);
            put_str(&mut out, action);
            put_data(&mut out, &[0x80]);
        }
    }
    out
}
