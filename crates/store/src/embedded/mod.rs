//! The embedded engine: one process, one data directory, no server.
//!
//! Rows live in an LSM tree ([`layout`] describes them byte by byte). One thread writes
//! ([`writer`]): all actors share its syncs. Reads go to the tree directly and see exactly what is
//! durable; only the earliest alarms are known without one ([`due_window`]).

mod creation;
mod data_dir;
mod due_window;
mod files;
mod layout;
mod log_check;
mod medium;
mod shared;
mod staging;
mod tables;
#[cfg(test)]
mod tests;
mod version_check;
mod writer;

use std::{
    ops::Bound,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    thread::JoinHandle,
};

use greenroom_types::{ActorId, ActorKey, ActorName};
use tokio::{sync::watch, task::spawn_blocking};

use self::{
    medium::Medium,
    shared::{Engine, Shared},
    tables::Tables,
    writer::Writer,
};
use crate::{
    ActorRecord, Birth, Commit, Created, DueAlarm, Epoch, Image, ListPage, ListQuery, NewActor,
    OpenError, Snapshot, Store, StoreError, StoreFuture, StoreMemory, TailEntry,
    request::{Answer, Request, Undo, ready},
};

/// How to open an [`EmbeddedStore`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EmbeddedConfig {
    /// The data directory. Created when it does not exist.
    pub path: PathBuf,
    /// Memory for recently read data, in bytes. Default: 64 MiB.
    pub cache_bytes: u64,
    /// Writes are refused with [`StoreError::Full`] when they would leave less than this many bytes
    /// free on the disk; the engine needs room to merge its files. Default: 128 MiB.
    pub reserve_bytes: u64,
}

impl EmbeddedConfig {
    /// The defaults, for the data directory `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        const MIB: u64 = 1024 * 1024;
        Self {
            path: path.into(),
            cache_bytes: 64 * MIB,
            reserve_bytes: 128 * MIB,
        }
    }
}

/// A [`Store`] in a directory of this machine, for one process at a time.
///
/// Waiting for its futures needs a tokio runtime: larger reads run on its blocking threads.
///
/// When the disk fills up, writes are refused beforehand with [`StoreError::Full`] and work again
/// when there is room. Should a write or sync fail all the same, the callers of that batch get
/// [`StoreError::Full`] or [`StoreError::Failed`], whichever it was, and everybody after them gets
/// [`StoreError::Failed`]: the engine cannot know what reached the disk, so only opening the store
/// anew tells.
///
/// Dropping the store without [`Store::close`] finishes what was accepted as well; it blocks for as
/// long as that takes.
pub struct EmbeddedStore {
    shared: Arc<Shared>,
    writer: Mutex<Option<JoinHandle<()>>>,
    gone: watch::Receiver<()>,
}

impl EmbeddedStore {
    /// Opens the data directory, and creates it when there is none. Blocks; after a crash for up to
    /// a few seconds.
    ///
    /// # Errors
    /// [`OpenError`], whose text says what to do.
    pub fn open(config: EmbeddedConfig) -> Result<Self, OpenError> {
        let medium = Medium::of(config.path.clone(), config.reserve_bytes);
        Self::open_with(config, medium)
    }

    fn open_with(config: EmbeddedConfig, medium: Medium) -> Result<Self, OpenError> {
        let data_dir::Opened {
            tables,
            lock,
            incarnation,
        } = data_dir::open(&config)?;
        let (gone_sender, gone) = watch::channel(());
        let engine = Arc::new(Engine {
            tables,
            _lock: lock,
            _gone: gone_sender,
        });
        let shared = Arc::new(Shared::new(Arc::clone(&engine), incarnation));
        let writer = Writer {
            engine,
            shared: Arc::clone(&shared),
            medium,
        };
        let thread = std::thread::Builder::new().name("greenroom-store".to_owned());
        let thread = thread
            .spawn(|| writer.run())
            .map_err(|error| OpenError::Unusable {
                path: config.path,
                reason: format!("its writer thread cannot be started ({error})"),
            })?;
        Ok(Self {
            shared,
            writer: Mutex::new(Some(thread)),
            gone,
        })
    }

    /// Runs a small read on the calling thread.
    fn read_now<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Tables) -> Result<T, StoreError>,
    ) -> StoreFuture<T> {
        let engine = self.shared.lock().engine();
        ready(engine.and_then(|engine| read(&engine.tables)))
    }

    /// Runs a read that may take longer on a thread for blocking work.
    fn read_aside<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Tables) -> Result<T, StoreError> + Send + 'static,
    ) -> StoreFuture<T> {
        let shared = Arc::clone(&self.shared);
        // The database is looked up when the future is polled: one that is kept around unpolled
        // must not keep the store from closing.
        Box::pin(async move {
            let engine = shared.lock().engine()?;
            aside(move || read(&engine.tables)).await
        })
    }
}

/// Runs `work` on a thread for blocking work.
async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    match spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) if error.is_panic() => Err(StoreError::Corrupt(
            "the engine panicked while reading".to_owned(),
        )),
        Err(_) => Err(StoreError::Closed),
    }
}

/// Looks for alarms, and reads those that are not in memory. Blocks.
fn search_due(
    shared: &Shared,
    tables: &Tables,
    until_ms: i64,
    limit: usize,
) -> Result<Vec<DueAlarm>, StoreError> {
    // One reading at a time: it begins where the window ends. Other searches wait for it, and nobody else does.
    let _turn = shared
        .due_reading
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    let _search = Search(shared);
    loop {
        let mut state = shared.lock();
        if let Some(found) = state.due.find(until_ms, limit) {
            return Ok(found);
        }
        let reading = state.due.begin_reading(limit);
        drop(state);
        let found = tables.alarms_after(reading.after, reading.limit)?;
        shared.lock().due.end_reading(reading, &found);
    }
}

/// A search that may read. However it ends, changes are not kept for it any more.
struct Search<'a>(&'a Shared);

impl Drop for Search<'_> {
    fn drop(&mut self) {
        self.0.lock().due.end_search();
    }
}

impl Store for EmbeddedStore {
    fn create(&self, actor: NewActor) -> StoreFuture<Created> {
        let (answer, result) = Answer::new();
        let claim = None;
        let request = Request::Create {
            actor,
            claim,
            answer,
        };
        let state = self.shared.lock();
        if let Err(error) = state.check_room(request.weight()) {
            return ready(Err(error));
        }
        self.shared.enqueue(state, request);
        result
    }

    fn create_claimed(&self, actor: NewActor) -> Result<Birth, StoreError> {
        let (answer, created) = Answer::new();
        let mut state = self.shared.lock();
        state.check_room(Request::weight_of_creation(&actor))?;
        let epoch = state.claims.claim_new(actor.id);
        let claim = Some(epoch);
        let request = Request::Create {
            actor,
            claim,
            answer,
        };
        self.shared.enqueue(state, request);
        Ok(Birth { epoch, created })
    }

    fn lookup(&self, name: &ActorName, key: &ActorKey) -> StoreFuture<Option<ActorRecord>> {
        self.read_now(|tables| tables.lookup(name, key))
    }

    fn record(&self, id: ActorId) -> StoreFuture<Option<ActorRecord>> {
        self.read_now(|tables| tables.record(id))
    }

    fn load(&self, id: ActorId) -> StoreFuture<Option<Image>> {
        let mut state = self.shared.lock();
        if let Err(error) = state.engine() {
            return ready(Err(error));
        }
        let (epoch, busy) = state.claims.claim(id);
        let earlier_writes = busy.then(|| {
            let (answer, done) = Answer::new();
            self.shared.enqueue(state, Request::Barrier { answer });
            done
        });
        let shared = Arc::clone(&self.shared);
        // A load that is abandoned, fails, or finds nothing leaves no claim behind.
        let claim = Undo::new(move || shared.release(id, epoch));
        let shared = Arc::clone(&self.shared);
        Box::pin(async move {
            if let Some(done) = earlier_writes {
                done.await?;
            }
            let engine = shared.lock().engine()?;
            let Some(actor) = aside(move || engine.tables.actor(id)).await? else {
                return Ok(None);
            };
            let journal = &actor.journal;
            shared
                .lock()
                .claims
                .loaded(id, epoch, journal.last_seq(), journal.snapshot_seq());
            claim.keep();
            let tables::StoredActor {
                record,
                journal,
                alarm,
            } = actor;
            Ok(Some(Image {
                epoch,
                record,
                snapshot: journal.snapshot,
                tail: journal.tail,
                alarm,
            }))
        })
    }

    fn append(&self, commit: Commit) -> StoreFuture<()> {
        let (answer, result) = Answer::new();
        let request = Request::Append { commit, answer };
        let Request::Append { commit, .. } = &request else {
            unreachable!("it was just made")
        };
        let mut state = self.shared.lock();
        let accepted = state.check_room(request.weight());
        let accepted = accepted.and_then(|()| state.claims.accept_commit(commit));
        if let Err(error) = accepted {
            state.claims.refuse_new(commit.actor, commit.epoch);
            return ready(Err(error));
        }
        self.shared.enqueue(state, request);
        result
    }

    fn snapshot(&self, id: ActorId, epoch: Epoch, snapshot: Snapshot) -> StoreFuture<()> {
        let (answer, result) = Answer::new();
        let seq = snapshot.seq;
        let request = Request::Snapshot {
            id,
            epoch,
            snapshot,
            answer,
        };
        let mut state = self.shared.lock();
        let accepted = state.check_room(request.weight());
        let accepted = accepted.and_then(|()| state.claims.accept_snapshot(id, epoch, seq));
        if let Err(error) = accepted {
            return ready(Err(error));
        }
        self.shared.enqueue(state, request);
        result
    }

    fn read(&self, id: ActorId) -> StoreFuture<Option<(Option<Snapshot>, Vec<TailEntry>)>> {
        self.read_aside(move |tables| {
            Ok(tables
                .journal(id)?
                .map(|journal| (journal.snapshot, journal.tail)))
        })
    }

    fn release(&self, id: ActorId, epoch: Epoch) {
        self.shared.release(id, epoch);
    }

    fn due_alarms(&self, now_ms: i64, limit: usize) -> StoreFuture<Vec<DueAlarm>> {
        let mut state = self.shared.lock();
        if let Err(error) = state.engine() {
            return ready(Err(error));
        }
        if let Some(found) = state.due.find(now_ms, limit) {
            return ready(Ok(found));
        }
        drop(state);
        let shared = Arc::clone(&self.shared);
        self.read_aside(move |tables| search_due(&shared, tables, now_ms, limit))
    }

    fn alarms_after(&self, after: DueAlarm, limit: usize) -> StoreFuture<Vec<DueAlarm>> {
        let after = Bound::Excluded((after.due_ms, after.actor));
        self.read_aside(move |tables| tables.alarms_after(after, limit))
    }

    fn list(&self, query: ListQuery) -> StoreFuture<ListPage> {
        self.read_aside(move |tables| tables.list(&query))
    }

    fn failure(&self) -> Option<StoreError> {
        self.shared.lock().failure()
    }

    fn memory(&self) -> Option<StoreMemory> {
        let engine = self.shared.lock().engine().ok()?;
        Some(engine.tables.memory())
    }

    fn close(&self) -> StoreFuture<()> {
        self.shared.close();
        let writer = self
            .writer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let mut gone = self.gone.clone();
        Box::pin(async move {
            if let Some(writer) = writer {
                // It ends by itself once everything that was accepted is answered.
                let _ = spawn_blocking(|| writer.join()).await;
            }
            // Readers that are still at it hold the database open. An error says that the sender
            // is gone, which is what this waits for.
            let _ = gone.changed().await;
            Ok(())
        })
    }
}

impl Drop for EmbeddedStore {
    fn drop(&mut self) {
        self.shared.close();
        let writer = self
            .writer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(writer) = writer {
            // The writer notes its own panics.
            let _ = writer.join();
        }
    }
}
