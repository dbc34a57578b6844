//! A store that counts what is written to it.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use greenroom_store::{
    ActorRecord, Birth, Commit, Created, DueAlarm, Epoch, Image, ListPage, ListQuery, NewActor,
    Snapshot, Store, StoreError, StoreFuture, StoreMemory, TailEntry,
};
use greenroom_types::{ActorId, ActorKey, ActorName};

/// What was written since the store was opened. Bytes are those of the bodies.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) commits: AtomicU64,
    pub(crate) journal_bytes: AtomicU64,
    pub(crate) snapshots: AtomicU64,
    pub(crate) snapshot_bytes: AtomicU64,
}

/// Passes everything to another store and counts the writes that succeed.
pub(crate) struct CountingStore<S> {
    store: S,
    counters: Arc<Counters>,
}

impl<S> CountingStore<S> {
    pub(crate) fn new(store: S, counters: Arc<Counters>) -> Self {
        Self { store, counters }
    }
}

impl<S: Store> Store for CountingStore<S> {
    fn create(&self, actor: NewActor) -> StoreFuture<Created> {
        self.store.create(actor)
    }

    fn create_claimed(&self, actor: NewActor) -> Result<Birth, StoreError> {
        self.store.create_claimed(actor)
    }

    fn lookup(&self, name: &ActorName, key: &ActorKey) -> StoreFuture<Option<ActorRecord>> {
        self.store.lookup(name, key)
    }

    fn record(&self, id: ActorId) -> StoreFuture<Option<ActorRecord>> {
        self.store.record(id)
    }

    fn load(&self, id: ActorId) -> StoreFuture<Option<Image>> {
        self.store.load(id)
    }

    fn append(&self, commit: Commit) -> StoreFuture<()> {
        let bytes = if commit.destroy {
            0
        } else {
            commit.body.len() as u64
        };
        let counters = Arc::clone(&self.counters);
        // The work starts at the call, so this must not move into the future.
        let appended = self.store.append(commit);
        Box::pin(async move {
            appended.await?;
            counters.commits.fetch_add(1, Relaxed);
            counters.journal_bytes.fetch_add(bytes, Relaxed);
            Ok(())
        })
    }

    fn snapshot(&self, id: ActorId, epoch: Epoch, snapshot: Snapshot) -> StoreFuture<()> {
        let bytes = snapshot.body.len() as u64;
        let counters = Arc::clone(&self.counters);
        let written = self.store.snapshot(id, epoch, snapshot);
        Box::pin(async move {
            written.await?;
            counters.snapshots.fetch_add(1, Relaxed);
            counters.snapshot_bytes.fetch_add(bytes, Relaxed);
            Ok(())
        })
    }

    fn read(&self, id: ActorId) -> StoreFuture<Option<(Option<Snapshot>, Vec<TailEntry>)>> {
        self.store.read(id)
    }

    fn release(&self, id: ActorId, epoch: Epoch) {
        self.store.release(id, epoch);
    }

    fn due_alarms(&self, now_ms: i64, limit: usize) -> StoreFuture<Vec<DueAlarm>> {
        self.store.due_alarms(now_ms, limit)
    }

    fn alarms_after(&self, after: DueAlarm, limit: usize) -> StoreFuture<Vec<DueAlarm>> {
        self.store.alarms_after(after, limit)
    }

    fn list(&self, query: ListQuery) -> StoreFuture<ListPage> {
        self.store.list(query)
    }

    fn failure(&self) -> Option<StoreError> {
        self.store.failure()
    }

    fn memory(&self) -> Option<StoreMemory> {
        self.store.memory()
    }

    fn close(&self) -> StoreFuture<()> {
        self.store.close()
    }
}
