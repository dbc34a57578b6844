//! Destroying an actor that cannot start: no hook runs, but its data goes.

use std::sync::Arc;

use bytes::Bytes;
use greenroom_store::{Commit, Store};
use greenroom_types::{ActorError, ActorId};
use tokio::sync::oneshot;

use super::task::ActorTask;
use crate::store_error;

impl ActorTask {
    /// Removes the actor without an instance and answers `done`.
    pub(super) fn destroy_unstarted(&self, done: oneshot::Sender<Result<(), ActorError>>) {
        let destroy = remove(Arc::clone(&self.shared.store), self.id);
        self.shared.tasks.spawn(async move {
            let _ = done.send(destroy.await);
        });
    }
}

async fn remove(store: Arc<dyn Store>, actor: ActorId) -> Result<(), ActorError> {
    let image = store
        .load(actor)
        .await
        .map_err(|e| store_error(&e))?
        .ok_or_else(ActorError::not_found)?;
    let at_snapshot = image.snapshot.map_or(0, |s| s.seq);
    let seq = image.tail.last().map_or(at_snapshot, |entry| entry.seq) + 1;
    let commit = Commit {
        actor,
        epoch: image.epoch,
        seq,
        body: Bytes::new(),
        alarm: None,
        destroy: true,
    };
    let result = store.append(commit).await;
    store.release(actor, image.epoch);
    result.map_err(|e| store_error(&e))
}
