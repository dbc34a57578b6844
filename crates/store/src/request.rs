//! Writes on their way to an engine, and their answers.

use bytes::Bytes;
use greenroom_types::ActorId;
use tokio::sync::oneshot;

use crate::{Commit, Created, Epoch, NewActor, Snapshot, StoreError, StoreFuture};

/// A write that was accepted, in the order in which the store's methods were called.
#[derive(Debug)]
pub(crate) enum Request {
    Create {
        actor: NewActor,
        /// The claim that was made along with it, which ends if there is no new actor.
        claim: Option<Epoch>,
        answer: Answer<Created>,
    },
    Append {
        commit: Commit,
        answer: Answer<()>,
    },
    Snapshot {
        id: ActorId,
        epoch: Epoch,
        snapshot: Snapshot,
        answer: Answer<()>,
    },
    /// Writes nothing; answered when everything before it was.
    Barrier {
        answer: Answer<()>,
    },
}

/// What a request weighs besides its contents.
const ROW: usize = 128;

impl Request {
    /// About how many bytes the creation of `actor` holds in memory and will write.
    pub(crate) fn weight_of_creation(actor: &NewActor) -> usize {
        ROW + actor.input.as_ref().map_or(0, |input| input.len())
    }

    /// The same of any request.
    pub(crate) fn weight(&self) -> usize {
        match self {
            Self::Create { actor, .. } => Self::weight_of_creation(actor),
            Self::Append { commit, .. } => ROW + commit.body.len(),
            Self::Snapshot { snapshot, .. } => ROW + snapshot.body.len(),
            Self::Barrier { .. } => ROW,
        }
    }
}

/// Where the result of one write goes, and what was written along with it. Nobody listening is fine.
#[derive(Debug)]
pub(crate) struct Answer<T>(oneshot::Sender<(Result<T, StoreError>, Bytes)>);

impl<T: Send + 'static> Answer<T> {
    /// An answer to give, and the future that receives it.
    pub(crate) fn new() -> (Self, StoreFuture<T>) {
        let (sender, receiver) = oneshot::channel();
        let lost = || {
            Err(StoreError::Failed(
                "the write was dropped without an answer".to_owned(),
            ))
        };
        (
            Self(sender),
            Box::pin(async move { receiver.await.map_or_else(|_| lost(), |(result, _)| result) }),
        )
    }

    pub(crate) fn send(self, result: Result<T, StoreError>) {
        self.send_back(result, Bytes::new());
    }

    /// As [`Answer::send`], and gives back what was written, so that its memory is freed by the thread that took it. An
    /// allocator with a cache for each thread (glibc's) would otherwise use it for the rows that the writer keeps for
    /// long: one of them in a page is enough for the page to stay with the process when the actor is asleep.
    pub(crate) fn send_back(self, result: Result<T, StoreError>, written: Bytes) {
        // The caller may have dropped its future; the write took effect all the same.
        let _ = self.0.send((result, written));
    }
}

/// The answer that is known at once.
pub(crate) fn ready<T: Send + 'static>(result: Result<T, StoreError>) -> StoreFuture<T> {
    Box::pin(std::future::ready(result))
}

/// Undoes something when it is dropped, unless it was [kept](Undo::keep) before.
pub(crate) struct Undo<F: FnOnce()>(Option<F>);

impl<F: FnOnce()> Undo<F> {
    /// Will call `undo` once.
    pub(crate) fn new(undo: F) -> Self {
        Self(Some(undo))
    }

    /// Does not undo it after all.
    pub(crate) fn keep(mut self) {
        self.0 = None;
    }
}

impl<F: FnOnce()> Drop for Undo<F> {
    fn drop(&mut self) {
        if let Some(undo) = self.0.take() {
            undo();
        }
    }
}
