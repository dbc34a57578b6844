//! Folding a journal's tail into a snapshot, in the background and without the actor.

use std::sync::Arc;

use greenroom_store::{Epoch, Snapshot, Store, StoreError};
use greenroom_types::ActorId;
use tokio::sync::oneshot;

use crate::{Env, image::journal};

/// The bytes of a snapshot.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SnapshotSize {
    /// All of it.
    pub(crate) total: u64,
    /// The state's image in it.
    pub(crate) state: u64,
}

/// Reads the actor's durable journal, folds it, and replaces it by the fold. Gives the size of the
/// fold; none when there was nothing to fold.
///
/// The snapshot may be older than the journal's end by the time that it is written; the commits
/// after it stay.
pub(crate) async fn write_snapshot(
    store: Arc<dyn Store>,
    env: Arc<dyn Env>,
    actor: ActorId,
    epoch: Epoch,
) -> Result<Option<SnapshotSize>, StoreError> {
    let Some((snapshot, tail)) = store.read(actor).await? else {
        return Ok(None);
    };
    let Some(seq) = tail.last().map(|entry| entry.seq) else {
        return Ok(None);
    };
    let (done, folded) = oneshot::channel();
    env.offload(Box::new(move || {
        let tail = tail.into_iter().map(|entry| entry.body);
        let result = journal::fold(snapshot.map(|s| s.body), tail);
        // The receiver is gone only when the runtime is.
        let _ = done.send(result.map(|folded| {
            let state = folded.state.as_ref().map_or(0, |state| state.len() as u64);
            (journal::encode_snapshot(&folded), state)
        }));
    }));
    let (body, state) = folded
        .await
        .map_err(|_| StoreError::Closed)?
        .map_err(|error| StoreError::Corrupt(error.to_string()))?;
    let total = body.len() as u64;
    store.snapshot(actor, epoch, Snapshot { seq, body }).await?;
    Ok(Some(SnapshotSize { total, state }))
}
