//! What the store's handle and its writer thread share.

use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
};

use greenroom_types::{ActorId, limits};

use super::{
    data_dir::DataDirLock,
    due_window::{self, DueWindow},
    tables::Tables,
};
use crate::{Epoch, StoreError, claims::Claims, request::Request};

/// Bytes of writes that may wait for the writer before new ones are refused. What it is writing does not count any more,
/// a batch at most; nor does what it has written, which stays in memory until its answer is looked at.
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
pub(super) struct Shared {
    state: Mutex<State>,
    /// The writer waits here for something to do.
    arrived: Condvar,
    /// Held by the search that reads alarms from the table, on a thread for blocking work.
    pub(super) due_reading: Mutex<()>,
}

pub(super) struct State {
    pub(super) claims: Claims,
    pub(super) due: DueWindow,
    /// Absent once the store is closed.
    open: Option<Arc<Engine>>,
    /// What waits for the writer, in the order of the calls.
    queue: VecDeque<Request>,
    /// The writer sleeps, and nobody has woken it yet.
    is_writer_asleep: bool,
    /// The writer has panicked. Nobody answers any more.
    is_writer_gone: bool,
    /// Why no write is taken any more.
    failed: Option<StoreError>,
    /// Bytes that wait for the writer or are being written.
    backlog: usize,
}

/// What is written with one sync.
pub(super) struct Batch {
    pub(super) requests: Vec<Request>,
    /// Of all of them together, in bytes.
    pub(super) weight: usize,
    /// Why they are not to be written, if so.
    pub(super) failure: Option<StoreError>,
}

impl Shared {
    pub(super) fn new(engine: Arc<Engine>, incarnation: u32) -> Self {
        let state = State {
            claims: Claims::new(incarnation),
            due: DueWindow::new(due_window::SIZE),
            open: Some(engine),
            queue: VecDeque::new(),
            is_writer_asleep: false,
            is_writer_gone: false,
            failed: None,
            backlog: 0,
        };
        Self {
            state: Mutex::new(state),
            arrived: Condvar::new(),
            due_reading: Mutex::new(()),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere must not take the store down; the writer notes its own as a failure.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands a request to the writer. The lock is let go of before the writer is woken, which would only
    /// wait for it.
    pub(super) fn enqueue(&self, mut state: MutexGuard<'_, State>, request: Request) {
        if state.open.is_none() || state.is_writer_gone {
            // Without a writer the request is dropped, which answers it.
            drop(state);
            return;
        }
        state.backlog += request.weight();
        state.queue.push_back(request);
        let wakes = std::mem::take(&mut state.is_writer_asleep);
        drop(state);
        if wakes {
            self.arrived.notify_one();
        }
    }

    /// Waits for a request and takes those that have arrived behind it, as far as they are not too much
    /// for one batch. `None` when the store is closed and nothing is left.
    pub(super) fn next_batch(&self) -> Option<Batch> {
        let mut state = self.lock();
        while state.queue.is_empty() {
            state.open.as_ref()?;
            state.is_writer_asleep = true;
            let woken = self.arrived.wait(state);
            state = woken.unwrap_or_else(PoisonError::into_inner);
        }
        Some(state.take_batch())
    }

    /// The writer is gone. What waits is dropped, which answers it.
    pub(super) fn lose_writer(&self, error: StoreError) {
        let mut state = self.lock();
        state.fail(error);
        state.is_writer_gone = true;
        let waiting = std::mem::take(&mut state.queue);
        drop(state);
        drop(waiting);
    }

    /// Lets the writer finish and go. Later calls are answered [`StoreError::Closed`].
    pub(super) fn close(&self) {
        let mut state = self.lock();
        let engine = state.open.take();
        drop(state);
        self.arrived.notify_one();
        // It may be the last hold on the database.
        drop(engine);
    }

    /// Gives back a claim.
    pub(super) fn release(&self, id: ActorId, epoch: Epoch) {
        self.lock().claims.release(id, epoch);
    }
}

impl State {
    /// The open database, for reading.
    pub(super) fn engine(&self) -> Result<Arc<Engine>, StoreError> {
        self.open.as_ref().map(Arc::clone).ok_or(StoreError::Closed)
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

    /// The next batch, at least one request.
    fn take_batch(&mut self) -> Batch {
        let mut weight = 0;
        let fits = self.queue.iter().take_while(|request| {
            weight += request.weight();
            weight <= limits::COMMIT_BATCH
        });
        let count = fits.count().max(1);
        let requests: Vec<_> = self.queue.drain(..count).collect();
        Batch {
            weight: requests.iter().map(Request::weight).sum(),
            requests,
            failure: self.failed.clone(),
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
}
