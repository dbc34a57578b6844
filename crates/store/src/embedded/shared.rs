//! What the store's handle and its writer thread share.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc::Sender};

use greenroom_types::{ActorId, limits};

use super::{data_dir::DataDirLock, due_floor::DueFloor, tables::Tables};
use crate::{Epoch, StoreError, claims::Claims, request::Request};

/// Bytes of writes that may wait for the writer before new ones are refused.
const BACKLOG: usize = 8 * limits::COMMIT_BATCH;

/// The open database and what has to outlive it. Fields are dropped in this order.
pub(super) struct Engine {
    pub(super) tables: Tables,
    pub(super) _lock: DataDirLock,
    /// Its receivers notice when all of the above is gone.
    pub(super) _gone: tokio::sync::watch::Sender<()>,
}

/// State behind one lock, so that claims, their checks and the order of the queue agree. The lock
/// is held for lines at a time and never while waiting or doing I/O.
pub(super) struct Shared(Mutex<State>);

pub(super) struct State {
    pub(super) claims: Claims,
    pub(super) due_floor: DueFloor,
    /// Absent once the store is closed.
    open: Option<Open>,
    /// Why no write is taken any more.
    failed: Option<StoreError>,
    /// Bytes that wait for the writer or are being written.
    backlog: usize,
}

struct Open {
    engine: Arc<Engine>,
    requests: Sender<Request>,
}

impl Shared {
    pub(super) fn new(engine: Arc<Engine>, requests: Sender<Request>, incarnation: u32) -> Self {
        Self(Mutex::new(State {
            claims: Claims::new(incarnation),
            due_floor: DueFloor::default(),
            open: Some(Open { engine, requests }),
            failed: None,
            backlog: 0,
        }))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere must not take the store down; the writer notes its own as a failure.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives back a claim.
    pub(super) fn release(&self, id: ActorId, epoch: Epoch) {
        self.lock().claims.release(id, epoch);
    }
}

impl State {
    /// The open database, for reading.
    pub(super) fn engine(&self) -> Result<Arc<Engine>, StoreError> {
        self.open
            .as_ref()
            .map(|open| Arc::clone(&open.engine))
            .ok_or(StoreError::Closed)
    }

    /// Whether a write of this size can be queued at the moment.
    pub(super) fn check_room(&self, weight: usize) -> Result<(), StoreError> {
        if self.open.is_none() {
            return Err(StoreError::Closed);
        }
        if let Some(failed) = &self.failed {
            return Err(failed.clone());
        }
        if self.backlog > 0 && self.backlog + weight > BACKLOG {
            let waiting = self.backlog;
            return Err(StoreError::Full(format!(
                "{waiting} bytes wait to be written, limit is {BACKLOG}"
            )));
        }
        Ok(())
    }

    /// Hands a request to the writer.
    pub(super) fn enqueue(&mut self, request: Request) {
        self.backlog += request.weight();
        if let Some(open) = &self.open {
            // Without a writer the request is dropped, which answers it.
            let _ = open.requests.send(request);
        }
    }

    /// Notes that requests of this weight are answered.
    pub(super) fn drained(&mut self, weight: usize) {
        self.backlog -= weight;
    }

    /// Refuses all writes from now on.
    pub(super) fn fail(&mut self, error: StoreError) {
        self.failed.get_or_insert(error);
    }

    /// Why no write is taken any more, if so.
    pub(super) fn failure(&self) -> Option<StoreError> {
        self.failed.clone()
    }

    /// Lets the writer finish and go. Later calls are answered [`StoreError::Closed`]. What comes
    /// back may be the last hold on the database and is to be dropped without the lock.
    pub(super) fn close(&mut self) -> impl Sized + use<> {
        self.open.take()
    }
}
