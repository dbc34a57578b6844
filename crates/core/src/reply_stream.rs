//! The answer to a stateless call: a value, or a stream of them.

use std::sync::Arc;

use bytes::Bytes;
use greenroom_types::{ActorError, ActorId, limits};
use tokio::sync::mpsc;

use crate::{
    actor::{Control, StreamKey},
    shared::Shared,
};

/// What a call came to.
#[derive(Debug)]
pub enum CallOutcome {
    /// A value in compat form.
    Value(Bytes),
    /// Values to come.
    Stream(ReplyStream),
}

/// What arrives on the way from an actor to whoever takes its stream.
#[derive(Debug)]
pub(crate) enum StreamEvent {
    Item(Bytes),
    Failed(ActorError),
    End,
}

/// The items of an answer that streams. The actor produces only a few more than are taken. Dropping
/// the stream before its end cancels the call.
pub struct ReplyStream {
    shared: Arc<Shared>,
    actor: ActorId,
    token: u64,
    events: mpsc::UnboundedReceiver<StreamEvent>,
    taken: u32,
    taken_bytes: usize,
    ended: bool,
}

impl std::fmt::Debug for ReplyStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReplyStream")
            .field("actor", &self.actor)
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}

impl ReplyStream {
    pub(crate) fn new(
        shared: Arc<Shared>,
        actor: ActorId,
        token: u64,
        events: mpsc::UnboundedReceiver<StreamEvent>,
    ) -> Self {
        Self {
            shared,
            actor,
            token,
            events,
            taken: 0,
            taken_bytes: 0,
            ended: false,
        }
    }

    /// The next item. `None` after the last one, and after an error.
    ///
    /// # Errors
    /// What the action threw, or `actor.restarting` when its instance was lost.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> Option<Result<Bytes, ActorError>> {
        if self.ended {
            return None;
        }
        if self.taken >= limits::STREAM_CREDIT || self.taken_bytes >= limits::STREAM_CREDIT_BYTES {
            self.give_credit();
        }
        match self.events.recv().await {
            Some(StreamEvent::Item(item)) => {
                self.taken += 1;
                self.taken_bytes += item.len();
                Some(Ok(item))
            }
            Some(StreamEvent::Failed(error)) => {
                self.ended = true;
                Some(Err(error))
            }
            Some(StreamEvent::End) => {
                self.ended = true;
                None
            }
            None => {
                self.ended = true;
                Some(Err(self.shared.lost()))
            }
        }
    }

    fn give_credit(&mut self) {
        self.tell(Control::Credit {
            stream: StreamKey::Stateless(self.token),
            items: self.taken,
            word: None,
        });
        (self.taken, self.taken_bytes) = (0, 0);
    }

    fn tell(&self, control: Control) {
        if let Some(task) = self.shared.registry.get(self.actor) {
            task.inbox.tell(control);
        }
    }
}

impl Drop for ReplyStream {
    fn drop(&mut self) {
        if !self.ended {
            self.tell(Control::Cancel(self.token));
        }
    }
}
