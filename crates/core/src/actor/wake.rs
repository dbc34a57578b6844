//! Waking: claiming an actor's journal and folding it into a state image.

use std::{future::poll_fn, sync::Arc};

use bytes::Bytes;
use greenroom_store::{ActorRecord, Birth, Store};
use greenroom_types::{ActorError, ActorId};
use tokio::time::Instant;
use tracing::{debug, error};

use super::journal::Journal;
use crate::{
    CrashPolicy,
    image::{
        ImageError,
        journal::{self, Folded},
    },
    kv::Kv,
    mark::Mark,
    once::CallWindow,
    queue::Queue,
    schedule::Schedule,
    shared::Shared,
    store_error,
    window::Window,
};

/// An actor that is claimed and ready to start.
pub(crate) struct Woken {
    pub(crate) record: ActorRecord,
    pub(crate) journal: Journal,
    /// The mark that the instance before has left.
    pub(crate) found: Option<Mark>,
    pub(crate) state: Option<Bytes>,
    pub(crate) schedule: Schedule,
    pub(crate) kv: Kv,
    pub(crate) queue: Queue,
    pub(crate) state_version: Option<u32>,
    pub(crate) events: Option<Window>,
    pub(crate) calls: CallWindow,
}

impl Woken {
    /// An actor that is being created, and has no past.
    pub(crate) fn new(store: Arc<dyn Store>, record: ActorRecord, birth: Birth) -> Self {
        let journal = Journal::of_new(store, record.id, birth);
        Self::with(record, journal, None, Folded::default())
    }

    fn with(record: ActorRecord, journal: Journal, found: Option<Mark>, folded: Folded) -> Self {
        Self {
            record,
            journal,
            found,
            state: folded.state,
            schedule: folded.schedule,
            kv: folded.kv,
            queue: folded.queue,
            state_version: folded.state_version,
            events: folded.events,
            calls: folded.calls,
        }
    }
}

/// Folding more bytes than this could hold others up, and is done aside.
const FOLD_IN_PLACE: usize = 64 * 1024;

/// Claims `id` and reads what it is. `counts` says whether this start, should it take the process down, is one that is
/// not counted yet.
///
/// # Errors
/// `actor.not_found`, also for an actor that is destroyed now because its last instance was lost; a
/// store's error; `internal` when what is stored cannot be read.
pub(crate) async fn wake(
    shared: Arc<Shared>,
    id: ActorId,
    counts: bool,
) -> Result<Woken, ActorError> {
    let (store, env) = (Arc::clone(&shared.store), &shared.env);
    let image = store
        .load(id)
        .await
        .map_err(|e| store_error(&e))?
        .ok_or_else(ActorError::not_found)?;
    let mut journal = Journal::new(Arc::clone(&store), &image);
    let found = journal.mark();
    // An actor of an unknown type does not start, nor does it end.
    if let (Some(options), Some(mark)) = (shared.actors.get(&image.record.name), found) {
        let is_over = match mark {
            Mark::Awake { .. } => options.crash_policy == CrashPolicy::Destroy,
            Mark::Destroy { .. } => mark.is_end_without_hook(),
            Mark::Resume => false,
        };
        let losses = mark.losses();
        if is_over {
            debug!(actor = %id, losses, "the actor's instance was lost, it is destroyed");
            journal.commit_destroy();
        } else if mark.is_end()
            || counts && (mark != Mark::Resume || options.crash_policy != CrashPolicy::Destroy)
        {
            // Counted before it starts: that may take the process down. One that has to be awake to be removed with its
            // process is not yet.
            journal.set_mark(Some(mark.counted()), None, Instant::now());
            if journal.owes() {
                journal.commit(&[]);
            }
        }
        if journal.is_writing() {
            let (_, result) = poll_fn(|cx| journal.poll_durable(cx)).await;
            if is_over || result.is_err() {
                store.release(id, journal.epoch());
                return Err(result.map_or_else(|e| store_error(&e), |()| ActorError::not_found()));
            }
        }
    }
    let record = image.record.clone();
    let tail: usize = image.tail.iter().map(|entry| entry.body.len()).sum();
    let size = tail + image.snapshot.as_ref().map_or(0, |s| s.body.len());
    let is_light = size <= FOLD_IN_PLACE
        || tail == 0
            && !image
                .snapshot
                .as_ref()
                .is_some_and(|s| journal::has_kv(&s.body));
    let fold = move || {
        let tail = image.tail.into_iter().map(|entry| entry.body);
        let mut folded = journal::fold(image.snapshot.map(|s| s.body), tail)?;
        folded.kv = folded.kv.detached();
        Ok::<_, ImageError>(folded)
    };
    let folded = if is_light {
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
        Ok(folded) => Ok(Woken::with(record, journal, found, folded)),
        Err(cause) => {
            error!(actor = %id, %cause, "the stored state of an actor cannot be read");
            store.release(id, journal.epoch());
            Err(ActorError::internal())
        }
    }
}
