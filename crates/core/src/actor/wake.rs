//! Waking: claiming an actor's journal and folding it into a state image.

use std::sync::Arc;

use bytes::Bytes;
use greenroom_store::{ActorRecord, Store};
use greenroom_types::{ActorError, ActorId};
use tracing::error;

use super::journal::Journal;
use crate::{Env, image::journal, schedule::Schedule, store_error};

/// An actor that is claimed and ready to start.
pub(crate) struct Woken {
    pub(crate) record: ActorRecord,
    pub(crate) journal: Journal,
    pub(crate) state: Option<Bytes>,
    pub(crate) schedule: Schedule,
}

/// Folding more bytes than this could hold others up, and is done aside.
const FOLD_IN_PLACE: usize = 64 * 1024;

/// Claims `id` and reads its state.
pub(crate) async fn wake(
    store: Arc<dyn Store>,
    env: Arc<dyn Env>,
    id: ActorId,
) -> Result<Woken, ActorError> {
    let image = store
        .load(id)
        .await
        .map_err(|e| store_error(&e))?
        .ok_or_else(ActorError::not_found)?;
    let journal = Journal::new(Arc::clone(&store), &image);
    let record = image.record.clone();
    let tail: usize = image.tail.iter().map(|entry| entry.body.len()).sum();
    let size = tail + image.snapshot.as_ref().map_or(0, |s| s.body.len());
    let fold = move || {
        let tail = image.tail.into_iter().map(|entry| entry.body);
        journal::fold(image.snapshot.map(|s| s.body), tail)
    };
    let folded = if tail == 0 || size <= FOLD_IN_PLACE {
        fold()
    } else {
        let (done, folded) = tokio::sync::oneshot::channel();
        env.offload(Box::new(move || {
            let _ = done.send(fold());
        }));
        match folded.await {
            Ok(folded) => folded,
            Err(_) => {
                error!(actor = %id, "folding an actor's journal was given up");
                store.release(id, journal.epoch());
                return Err(ActorError::internal());
            }
        }
    };
    match folded {
        Ok(folded) => Ok(Woken {
            record,
            journal,
            state: folded.state,
            schedule: folded.schedule,
        }),
        Err(cause) => {
            error!(actor = %id, %cause, "the stored state of an actor cannot be read");
            store.release(id, journal.epoch());
            Err(ActorError::internal())
        }
    }
}
