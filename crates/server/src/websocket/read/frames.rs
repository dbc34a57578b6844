//! From bytes to frames (RFC 6455, 5.2), with no memory taken while nothing comes.

use std::{future::poll_fn, io, mem::MaybeUninit, pin::Pin, task::ready};

use bytes::{Buf, BytesMut};
use fastwebsockets::OpCode;
use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf};

use super::{Close, ReadError, protocol_error};

/// Longest payload of a control frame (RFC 6455, 5.5).
const CONTROL: usize = 125;
/// Most bytes that are read on the stack before it is known what they are.
const PIECE: usize = 8 * 1024;
/// Payloads below this are copied out of what came with other frames, or each would keep all of that in memory.
const SMALL: usize = 1024;

/// One frame of a client, unmasked.
pub(super) struct Frame {
    /// Whether its message ends with it.
    pub(super) fin: bool,
    pub(super) opcode: OpCode,
    pub(super) payload: BytesMut,
}

/// Reads frames. What has come of the next ones is kept, and nothing else: most connections are
/// silent most of the time, and a buffer would be most of what they cost.
pub(super) struct FrameReader<R> {
    stream: R,
    /// Has memory only while it is not empty.
    came: BytesMut,
    limit: usize,
}

/// The first two bytes of a frame.
struct Start {
    fin: bool,
    opcode: OpCode,
    masked: bool,
    /// The length, or what says where it is.
    len: u8,
}

impl<R: AsyncRead + Unpin> FrameReader<R> {
    /// Reads what `came` before, and then from `stream`; frames of more than `limit` bytes are violations before
    /// they have come.
    pub(super) fn new(stream: R, came: BytesMut, limit: usize) -> Self {
        Self {
            stream,
            came,
            limit,
        }
    }

    /// What it reads from.
    pub(super) fn into_stream(self) -> R {
        self.stream
    }

    /// The next frame.
    ///
    /// # Cancel safety
    /// None: bytes are lost when the future is dropped before it is ready.
    pub(super) async fn next(&mut self) -> Result<Frame, ReadError> {
        let is_alone = self.came.is_empty();
        self.fill(2).await?;
        let start = Start::read([self.came.get_u8(), self.came.get_u8()])?;
        self.fill(start.rest()).await?;
        let len = match start.len {
            126 => usize::from(self.came.get_u16()),
            // What does not fit is more than any limit.
            127 => usize::try_from(self.came.get_u64()).unwrap_or(usize::MAX),
            len => usize::from(len),
        };
        start.check(len, self.limit)?;
        let key = self.came.get_u32().to_be_bytes();
        self.fill(len).await?;
        let is_last = self.came.len() == len;
        let mut payload = if is_last && (is_alone || len >= SMALL) {
            std::mem::take(&mut self.came)
        } else if is_last {
            BytesMut::from(&std::mem::take(&mut self.came)[..])
        } else if len < SMALL {
            let payload = BytesMut::from(&self.came[..len]);
            self.came.advance(len);
            payload
        } else {
            self.came.split_to(len)
        };
        unmask(&mut payload, key);
        Ok(Frame {
            fin: start.fin,
            opcode: start.opcode,
            payload,
        })
    }

    /// Reads until at least `len` bytes are there.
    async fn fill(&mut self, len: usize) -> Result<(), ReadError> {
        while self.came.len() < len {
            let missing = len - self.came.len();
            let read = if missing < PIECE {
                self.read_piece().await
            } else {
                self.came.reserve(missing);
                self.stream.read_buf(&mut self.came).await
            };
            if !matches!(read, Ok(1..)) {
                return Err(ReadError::Gone);
            }
        }
        Ok(())
    }

    /// Takes what there is. The stack lends the room, because nobody knows when something comes.
    async fn read_piece(&mut self) -> io::Result<usize> {
        poll_fn(|cx| {
            let mut room = [MaybeUninit::uninit(); PIECE];
            let mut piece = ReadBuf::uninit(&mut room);
            ready!(Pin::new(&mut self.stream).poll_read(cx, &mut piece))?;
            self.came.extend_from_slice(piece.filled());
            Ok(piece.filled().len()).into()
        })
        .await
    }
}

impl Start {
    fn read([first, second]: [u8; 2]) -> Result<Self, ReadError> {
        if first & 0x70 != 0 {
            return Err(protocol_error("reserved bits are set"));
        }
        let opcode = OpCode::try_from(first & 0x0f);
        Ok(Self {
            fin: first & 0x80 != 0,
            opcode: opcode.map_err(|_| protocol_error("unknown opcode"))?,
            masked: second & 0x80 != 0,
            len: second & 0x7f,
        })
    }

    /// How many bytes follow before the payload: a longer length, and the key.
    fn rest(&self) -> usize {
        let len = match self.len {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        if self.masked { len + 4 } else { len }
    }

    /// Refuses a frame of `len` bytes before they have come.
    fn check(&self, len: usize, limit: usize) -> Result<(), ReadError> {
        if !self.masked {
            return Err(protocol_error("unmasked frame"));
        }
        if matches!(self.opcode, OpCode::Close | OpCode::Ping | OpCode::Pong) {
            return match len {
                _ if !self.fin => Err(protocol_error("fragmented control frame")),
                0..=CONTROL => Ok(()),
                _ => Err(protocol_error("control frame too long")),
            };
        }
        if len > limit {
            return Err(ReadError::Violation(Close::incoming_too_long()));
        }
        Ok(())
    }
}

/// Takes the client's mask off, eight bytes at a time.
fn unmask(payload: &mut [u8], key: [u8; 4]) {
    let wide = u64::from_ne_bytes([
        key[0], key[1], key[2], key[3], key[0], key[1], key[2], key[3],
    ]);
    let mut words = payload.chunks_exact_mut(8);
    for word in &mut words {
        let masked = u64::from_ne_bytes((&*word).try_into().expect("it has eight bytes"));
        word.copy_from_slice(&(masked ^ wide).to_ne_bytes());
    }
    for (byte, key) in words.into_remainder().iter_mut().zip(key.iter().cycle()) {
        *byte ^= key;
    }
}
