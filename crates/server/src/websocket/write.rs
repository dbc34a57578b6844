//! The write side of a WebSocket: one owner, so that nothing ever interleaves inside a message.
//!
//! What waits is written as one batch with one system call where possible, and each event is
//! framed once per encoding and shared by all its receivers.

use std::{
    future::poll_fn,
    io::{self, IoSlice},
    pin::{Pin, pin},
    task::Poll,
    time::Duration,
};

use bytes::{Buf, Bytes};
use fastwebsockets::OpCode;
use greenroom_core::{ClientMessage, CloseReason, Generation, OutboxReader, SocketMessage};
use greenroom_types::{
    ActorError, ActorId, EventFrame,
    protocol::{ActorRef, Encoding, ServerFrame, encode_server_frame},
};
use tokio::io::{AsyncWrite, AsyncWriteExt};

use crate::resume_frame::{resync_frame, too_large};
use crate::stream_frame::stream_frame;

use super::{
    close::{Close, Refusal},
    control::{Control, ControlQueue},
    frame::{frame, payload_len},
};

/// Most messages of one batch.
const BATCH: usize = 64;
/// Slowest rate at which a client may take a batch, in bytes per second.
const SLOWEST: usize = 16 * 1024;

/// Limits of the write side.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WriteLimits {
    /// Largest message, in bytes.
    pub(crate) message: usize,
    /// Longest time without a byte being taken, and what a batch may take beside what [`SLOWEST`]
    /// allows for its size.
    pub(crate) patience: Duration,
}

/// Writes messages and control frames to one client.
pub(crate) struct MessageWriter<W> {
    out: W,
    encoding: Encoding,
    /// Whether the client knows our extensions of the protocol.
    extended: bool,
    limits: WriteLimits,
    /// Frames that are framed and not yet written.
    frames: Vec<Bytes>,
    /// Whether the last of `frames` is a close.
    closing: bool,
    /// The close that ends a connection which the actor has turned away.
    turned_away: Option<Close>,
    /// Whether only raw messages and closes are written.
    is_raw: bool,
    /// Whom errors are of.
    actor: Option<(ActorId, Generation)>,
}

impl<W: AsyncWrite + Unpin> MessageWriter<W> {
    /// A writer in the client protocol.
    pub(crate) fn new(out: W, encoding: Encoding, extended: bool, limits: WriteLimits) -> Self {
        Self {
            is_raw: false,
            out,
            encoding,
            extended,
            limits,
            frames: Vec::new(),
            closing: false,
            turned_away: None,
            actor: None,
        }
    }

    /// From here on nothing is written that belongs to the client protocol.
    pub(crate) fn is_raw(&mut self) {
        self.is_raw = true;
    }

    /// From here on errors say that they are of this actor.
    pub(crate) fn speaks_for(&mut self, actor: ActorId, generation: Generation) {
        self.actor = Some((actor, generation));
    }

    /// Writes what comes from the actor and from the read side, until one of them says to close
    /// and the close is written. When the actor turns the client away, the close is left to be written
    /// with [`MessageWriter::refuse`], and given back.
    ///
    /// # Errors
    /// When the connection breaks or the client takes too long to read.
    pub(crate) async fn run(
        &mut self,
        outbox: &mut OutboxReader,
        control: &ControlQueue,
    ) -> io::Result<Option<Refusal>> {
        let mut messages = Vec::new();
        while !self.closing && self.turned_away.is_none() {
            let mut full = false;
            // Control frames come first: they are few, bounded by their own queue, and a client
            // that floods us with pings delays nobody's messages but its own.
            tokio::select! {
                biased;
                first = control.recv() => self.control(first),
                count = outbox.recv_many(&mut messages, BATCH) => {
                    if count == 0 {
                        self.close(&Close::lost());
                    }
                    full = count == BATCH;
                    messages.drain(..).for_each(|message| self.message(&message));
                }
            }
            self.flush().await?;
            if full {
                // The read side shares our task: give it a turn before the next of many batches.
                tokio::task::yield_now().await;
            }
        }
        Ok(self.turned_away.take().map(Refusal::from))
    }

    /// Writes an error that is about the connection.
    ///
    /// # Errors
    /// As [`MessageWriter::run`].
    pub(crate) async fn say(&mut self, error: &ActorError) -> io::Result<()> {
        if !self.is_raw {
            self.push(self.error(None, error));
        }
        self.flush().await
    }

    /// Writes a close and nothing else.
    ///
    /// # Errors
    /// As [`MessageWriter::run`].
    pub(crate) async fn refuse(&mut self, close: &Close) -> io::Result<()> {
        self.close(close);
        self.flush().await
    }

    fn control(&mut self, control: Control) {
        match control {
            Control::Ping => self.push(frame(OpCode::Ping, b"")),
            Control::Pong(payload) => self.push(frame(OpCode::Pong, &payload)),
            Control::Close(close) => self.close(&close),
        }
    }

    fn message(&mut self, message: &ClientMessage) {
        match message {
            ClientMessage::Raw(message) => self.raw(message),
            ClientMessage::Init { .. }
            | ClientMessage::Response { .. }
            | ClientMessage::Error { .. }
            | ClientMessage::Event(_)
                if self.is_raw => {}
            ClientMessage::Init {
                actor,
                conn_id,
                resume,
                refused: _,
            } => {
                self.push(self.frame(ServerFrame::Init {
                    actor: *actor,
                    conn_id,
                    token: None,
                    extended: self.extended,
                    resume: resume.as_ref().map(|at| (&*at.proof, at.number)),
                }));
            }
            ClientMessage::Subscribed { event, number } => {
                let number = *number;
                self.push(self.frame(ServerFrame::Subscribed { number, event }));
            }
            ClientMessage::Resync(resync) => self.push(self.frame(resync_frame(resync))),
            ClientMessage::Response { id, output } => {
                self.response(*id, ServerFrame::Response { id: *id, output });
            }
            ClientMessage::Stream { id, part } => self.response(*id, stream_frame(*id, part)),
            ClientMessage::Error { id, error } => self.push(self.error(*id, error)),
            ClientMessage::Event(event) => self.event(event),
            ClientMessage::Close(reason @ CloseReason::Refused(_)) => {
                self.turned_away = Some(Close::of_reason(reason));
            }
            ClientMessage::Close(reason) => self.close(&Close::of_reason(reason)),
        }
    }

    /// Nobody can be told that a message is too large: it ends the connection.
    fn raw(&mut self, message: &SocketMessage) {
        let opcode = if message.text {
            OpCode::Text
        } else {
            OpCode::Binary
        };
        if message.data.len() > self.limits.message {
            self.close(&Close::outgoing_too_long());
        } else {
            self.push(frame(opcode, &message.data));
        }
    }

    /// An oversized result costs the caller its action, not its connection.
    fn response(&mut self, id: u64, frame: ServerFrame<'_>) {
        let framed = self.frame(frame);
        let (len, max) = (payload_len(&framed), self.limits.message);
        if len > max {
            self.push(self.error(Some(id), &ActorError::outgoing_too_long(len, max)));
        } else {
            self.push(framed);
        }
    }

    /// An event has no caller who could be told: one that is too large ends the connection. But a client that may
    /// come back would get it again: that one is told that it misses it.
    fn event(&mut self, event: &EventFrame) {
        let slot = self.encoding.slot();
        let framed = event.encoded(slot, self.extended, |name, args, number| {
            self.frame(ServerFrame::Event { name, args, number })
        });
        if payload_len(&framed) > self.limits.message {
            match event.number().filter(|_| self.extended) {
                Some(number) => self.push(self.frame(resync_frame(&too_large(number)))),
                None => self.close(&Close::outgoing_too_long()),
            }
        } else {
            self.push(framed);
        }
    }

    fn close(&mut self, close: &Close) {
        self.push(frame(OpCode::Close, &close.payload()));
        self.closing = true;
    }

    fn error(&self, action_id: Option<u64>, error: &ActorError) -> Bytes {
        let actor = self.actor.as_ref().map(|(id, generation)| ActorRef {
            id: *id,
            generation: generation.get(),
            key: None,
        });
        self.frame(ServerFrame::Error {
            action_id,
            error,
            actor: actor.as_ref(),
        })
    }

    fn frame(&self, message: ServerFrame<'_>) -> Bytes {
        let opcode = if self.encoding.is_text() {
            OpCode::Text
        } else {
            OpCode::Binary
        };
        frame(opcode, &encode_server_frame(self.encoding, message))
    }

    /// Queues a frame for the next flush. Nothing follows a close.
    fn push(&mut self, frame: Bytes) {
        if !self.closing {
            // Most have one at a time.
            if self.frames.capacity() == 0 {
                self.frames.reserve_exact(1);
            }
            self.frames.push(frame);
        }
    }

    /// Writes all queued frames. The client has to take something within the patience, and all of
    /// it at a rate of at least [`SLOWEST`] after that.
    async fn flush(&mut self) -> io::Result<()> {
        let patience = self.limits.patience;
        let bytes: usize = self.frames.iter().map(Bytes::len).sum();
        let allowance = Duration::from_secs((bytes / SLOWEST) as u64);
        {
            let written = pin!(write_all(&mut self.out, &mut self.frames, patience));
            within(patience.saturating_add(allowance), written).await?;
        }
        if self.closing {
            self.out.shutdown().await?;
        }
        Ok(())
    }
}

/// Writes `frames` in order and leaves them empty. Fails when nothing moves within `patience`.
async fn write_all(
    out: &mut (impl AsyncWrite + Unpin),
    frames: &mut Vec<Bytes>,
    patience: Duration,
) -> io::Result<()> {
    let mut done = 0;
    while done < frames.len() {
        let rest = &frames[done..];
        // The slices are made anew for each try: kept while it waits, they would take a kilobyte of
        // every open connection.
        let write = pin!(poll_fn(|cx| {
            // The kernel takes one piece for less than a list of one.
            if let [only] = rest {
                return Pin::new(&mut *out).poll_write(cx, only);
            }
            let mut slices = [IoSlice::new(&[]); BATCH];
            for (slice, frame) in slices.iter_mut().zip(rest) {
                *slice = IoSlice::new(frame);
            }
            let count = rest.len().min(BATCH);
            Pin::new(&mut *out).poll_write_vectored(cx, &slices[..count])
        }));
        let mut written = within(patience, write).await?;
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        while written > 0 {
            let frame = &mut frames[done];
            let step = written.min(frame.len());
            frame.advance(step);
            written -= step;
            if frame.is_empty() {
                done += 1;
            }
        }
    }
    frames.clear();
    out.flush().await
}

/// What `work` comes to, or [`io::ErrorKind::TimedOut`] when that takes longer than `limit`.
///
/// The clock is not looked at for what need not wait, as nearly all writes; so every open connection has room for the
/// work, but not for waiting for it.
async fn within<T>(
    limit: Duration,
    mut work: Pin<&mut impl Future<Output = io::Result<T>>>,
) -> io::Result<T> {
    let at_once = poll_fn(|cx| Poll::Ready(work.as_mut().poll(cx)));
    if let Poll::Ready(result) = at_once.await {
        return result;
    }
    match Box::pin(tokio::time::timeout(limit, work)).await {
        Ok(result) => result,
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    }
}

#[cfg(test)]
mod tests;
