//! Bodies of HTTP exchanges on their way through the runtime: pieces in order, bounded by credit.
//!
//! Whoever reads grants credit in bytes, and whoever writes holds back once it is used up. Both
//! directions begin with [`limits::STREAM_WINDOW`] bytes and no piece is larger than
//! [`limits::STREAM_PIECE`], so that a slow reader costs no more memory than that, however long the
//! body is.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use bytes::Bytes;
use greenroom_types::limits;
use tokio::sync::{Notify, Semaphore, mpsc};

use crate::{
    CallId, Instance,
    actor::{Control, ExchangeEvent},
    shared::Shared,
};

/// The other side has no use for a body any more, or will not complete it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the body was given up")]
pub struct BodyAborted;

/// A part of a response's body on its way out. A channel that ends without an `End` was aborted.
#[derive(Debug)]
pub(crate) enum Piece {
    Data(Bytes),
    End,
}

/// The reading end of a request's body. Dropping it tells the writer that nobody reads any more, whether
/// the actor ever heard of the request or not.
#[derive(Debug)]
pub(crate) struct BodyReader(Arc<Flow>);

impl BodyReader {
    pub(crate) fn new(flow: Arc<Flow>) -> Self {
        Self(flow)
    }

    /// The body has a reader from now on. `false` when its writer is gone already.
    pub(crate) fn open(&self, instance: Instance, call: CallId) -> bool {
        self.0.open(instance, call)
    }

    /// So many bytes more are taken.
    pub(crate) fn grant(&self, bytes: usize) {
        self.0.grant(bytes);
    }
}

impl Drop for BodyReader {
    fn drop(&mut self) {
        self.0.credit.close();
        self.0.abandoned.notify_one();
    }
}

/// How far a request's body has come, and how much of it the actor takes.
#[derive(Debug)]
pub(crate) struct Flow {
    /// A sync lock, held for one assignment.
    stage: Mutex<Stage>,
    credit: Semaphore,
    /// Tells the writer that its reader is gone.
    abandoned: Notify,
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    /// Nobody reads yet.
    Pending,
    /// The call that reads it.
    Open(Instance, CallId),
    /// Nothing comes any more.
    Over,
}

impl Flow {
    pub(crate) fn new() -> Self {
        Self {
            stage: Mutex::new(Stage::Pending),
            credit: Semaphore::new(0),
            abandoned: Notify::new(),
        }
    }

    fn open(&self, instance: Instance, call: CallId) -> bool {
        let mut stage = self.stage();
        if matches!(*stage, Stage::Over) {
            return false;
        }
        *stage = Stage::Open(instance, call);
        drop(stage);
        self.credit.add_permits(limits::STREAM_WINDOW);
        true
    }

    fn grant(&self, bytes: usize) {
        // No more than was ever out, whatever the reader says.
        let room = limits::STREAM_WINDOW.saturating_sub(self.credit.available_permits());
        self.credit.add_permits(bytes.min(room));
    }

    fn stage(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The writing end of a request's body. Dropping it before [`BodyWriter::finish`] aborts the body.
pub struct BodyWriter {
    shared: Arc<Shared>,
    flow: Arc<Flow>,
}

impl fmt::Debug for BodyWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BodyWriter").finish_non_exhaustive()
    }
}

impl BodyWriter {
    pub(crate) fn new(shared: Arc<Shared>, flow: Arc<Flow>) -> Self {
        Self { shared, flow }
    }

    /// Passes on a part of the body, as soon as the actor has room for it.
    ///
    /// # Errors
    /// When the actor has no use for the body any more.
    pub async fn write(&mut self, mut part: Bytes) -> Result<(), BodyAborted> {
        while !part.is_empty() {
            let piece = part.split_to(part.len().min(limits::STREAM_PIECE));
            let size = u32::try_from(piece.len()).expect("a piece is small");
            let credit = self.flow.credit.acquire_many(size).await;
            credit.map_err(|_| BodyAborted)?.forget();
            self.send(ExchangeEvent::Data(piece));
        }
        Ok(())
    }

    /// Returns once the actor has no use for the body any more, for whoever waits for the next part of it.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped.
    pub async fn abandoned(&self) {
        if !self.flow.credit.is_closed() {
            self.flow.abandoned.notified().await;
        }
    }

    /// The body is complete. Returns once the actor has been told, or has no use for it.
    pub async fn finish(self) {
        // Nobody can be told before there is a reader, which is when credit comes up.
        if self.flow.credit.acquire().await.is_ok() {
            self.send(ExchangeEvent::End);
            *self.flow.stage() = Stage::Over;
        }
    }

    fn send(&self, event: ExchangeEvent) {
        let stage = *self.flow.stage();
        if let Stage::Open(instance, call) = stage {
            self.shared
                .to_instance(instance, Control::Exchange(instance, call, event));
        }
    }
}

impl Drop for BodyWriter {
    fn drop(&mut self) {
        self.send(ExchangeEvent::Abort);
        *self.flow.stage() = Stage::Over;
    }
}

/// The body of a response. Dropping it before its end tells the actor that nobody reads it.
pub struct ResponseBody {
    pieces: mpsc::UnboundedReceiver<Piece>,
    shared: Arc<Shared>,
    instance: Instance,
    call: CallId,
    /// Bytes that were read and for which no credit was granted yet.
    owed: usize,
    is_over: bool,
}

impl fmt::Debug for ResponseBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseBody")
            .field("call", &self.call)
            .finish_non_exhaustive()
    }
}

impl ResponseBody {
    pub(crate) fn new(
        pieces: mpsc::UnboundedReceiver<Piece>,
        shared: Arc<Shared>,
        instance: Instance,
        call: CallId,
    ) -> Self {
        Self {
            pieces,
            shared,
            instance,
            call,
            owed: 0,
            is_over: false,
        }
    }

    /// The next part; `None` at the end.
    ///
    /// # Errors
    /// When the body breaks off. Nothing follows.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyAborted>>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        self.pieces.poll_recv(cx).map(|piece| match piece {
            Some(Piece::Data(data)) => {
                self.consumed(data.len());
                Some(Ok(data))
            }
            Some(Piece::End) => {
                self.is_over = true;
                None
            }
            None => {
                self.is_over = true;
                Some(Err(BodyAborted))
            }
        })
    }

    /// Grants credit for what was read, in large steps: each is a message to the host.
    fn consumed(&mut self, bytes: usize) {
        self.owed += bytes;
        if self.owed >= limits::STREAM_WINDOW / 2 {
            let owed = std::mem::take(&mut self.owed);
            self.tell(ExchangeEvent::Credit(owed));
        }
    }

    fn tell(&self, event: ExchangeEvent) {
        let control = Control::Exchange(self.instance, self.call, event);
        self.shared.to_instance(self.instance, control);
    }
}

impl Drop for ResponseBody {
    fn drop(&mut self) {
        if !self.is_over {
            self.tell(ExchangeEvent::Abandon);
        }
    }
}
