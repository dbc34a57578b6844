//! A store whose faults a test controls.

use std::sync::{Mutex, MutexGuard, PoisonError};

use greenroom_types::{ActorId, ActorKey, ActorName};
use tokio::sync::watch;

use crate::{
    ActorRecord, Birth, Commit, Created, DueAlarm, Epoch, Image, ListPage, ListQuery, MemoryStore,
    NewActor, Snapshot, Store, StoreError, StoreFuture, TailEntry, request::ready,
};

/// A [`Store`] in memory with a durable and a volatile part.
///
/// A write is volatile from the call on and becomes durable with the next sync, which also answers
/// it. Without a fault there is a sync after every write. All reads see the durable part only, as
/// with a real engine.
///
/// ```
/// # use greenroom_store::{Store, testing::{self, FaultStore}};
/// # testing::block_on(async {
/// let store = FaultStore::new();
/// let actor = testing::new_actor(1, "room", &["a"]);
/// store.create(actor.clone()).await?;
/// let epoch = store.load(actor.id).await?.expect("it was created").epoch;
///
/// store.pause_syncs();
/// let first = store.append(testing::commit(actor.id, epoch, 1, "hello"));
/// store.until_held(1).await;
/// store.release_syncs();
/// first.await?;
///
/// store.pause_syncs();
/// let lost = store.append(testing::commit(actor.id, epoch, 2, "never synced"));
/// let store = store.crash(0);
/// let image = store.load(actor.id).await?.expect("it was created");
/// assert_eq!(image.tail.len(), 1);
/// # drop(lost);
/// # Ok::<_, greenroom_store::StoreError>(())
/// # }).unwrap();
/// ```
#[derive(Debug)]
pub struct FaultStore {
    store: MemoryStore,
    faults: Mutex<Faults>,
    /// Whether loads wait.
    loads: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct Faults {
    frozen: bool,
    /// How many appends succeed before the one that fails, and its error.
    failing_append: Option<(u64, StoreError)>,
}

impl Default for FaultStore {
    fn default() -> Self {
        Self::new()
    }
}

impl FaultStore {
    /// An empty store without faults.
    pub fn new() -> Self {
        Self::over(MemoryStore::new())
    }

    fn over(store: MemoryStore) -> Self {
        Self {
            store,
            faults: Mutex::default(),
            loads: watch::Sender::new(false),
        }
    }

    /// From now on loads are unanswered.
    pub fn pause_loads(&self) {
        self.loads.send_replace(true);
    }

    /// Answers all loads, and goes on without a pause.
    pub fn release_loads(&self) {
        self.loads.send_replace(false);
    }

    /// From now on writes stay volatile and unanswered.
    pub fn pause_syncs(&self) {
        self.store.hold(true);
    }

    /// Syncs everything that is volatile, in order, and goes on without a pause.
    pub fn release_syncs(&self) {
        self.store.hold(false);
        self.store.write_held(usize::MAX);
    }

    /// Syncs the oldest `count` volatile writes. The pause goes on.
    pub fn sync(&self, count: usize) {
        self.store.write_held(count);
    }

    /// How many writes are volatile.
    pub fn held(&self) -> usize {
        *self.store.held().borrow()
    }

    /// Waits until at least `count` writes are volatile.
    pub async fn until_held(&self, count: usize) {
        let mut held = self.store.held();
        held.wait_for(|held| *held >= count)
            .await
            .expect("the sender is part of the store");
    }

    /// Refuses the `nth` append from now on (the next one is the first) with this error. The ones
    /// before and after it are treated as usual, so those of the same claim fail as well.
    ///
    /// # Panics
    /// When `nth` is 0.
    pub fn fail_append(&self, nth: u64, error: StoreError) {
        let before = nth.checked_sub(1).expect("appends are counted from 1");
        self.faults().failing_append = Some((before, error));
    }

    /// Fails all syncs from now on: what is volatile is answered with [`StoreError::Failed`] when
    /// its sync comes, and new writes are refused.
    pub fn fail_syncs(&self) {
        self.store
            .fail(StoreError::Failed("a test fails all syncs".to_owned()));
    }

    /// Makes later calls succeed without effect, so that destructors of a crashed node cannot save
    /// anything. Reads go on, and so do the answers to earlier writes.
    pub fn freeze(&self) {
        self.faults().frozen = true;
    }

    /// The store as it comes up after a crash: what was durable, and of the volatile writes the
    /// oldest `keep`. This store is frozen, and its volatile writes stay unanswered as long as it
    /// exists.
    pub fn crash(&self, keep: usize) -> Self {
        self.freeze();
        self.store.hold(true);
        Self::over(MemoryStore::with(self.store.after_crash(keep)))
    }

    /// The store as it would come up if the crash happened at this moment. This one goes on.
    pub fn after_crash(&self, keep: usize) -> Self {
        Self::over(MemoryStore::with(self.store.after_crash(keep)))
    }

    fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_frozen(&self) -> bool {
        self.faults().frozen
    }

    /// The error for this append, if it is the one that fails.
    fn next_append(&self) -> Option<StoreError> {
        let mut faults = self.faults();
        let (before, error) = faults.failing_append.take()?;
        match before.checked_sub(1) {
            Some(before) => {
                faults.failing_append = Some((before, error));
                None
            }
            None => Some(error),
        }
    }
}

impl Store for FaultStore {
    fn create(&self, actor: NewActor) -> StoreFuture<Created> {
        if self.is_frozen() {
            ready(Ok(Created::New))
        } else {
            self.store.create(actor)
        }
    }

    fn create_claimed(&self, actor: NewActor) -> Result<Birth, StoreError> {
        if self.is_frozen() {
            return Ok(Birth {
                epoch: Epoch(u64::MAX),
                created: ready(Ok(Created::New)),
            });
        }
        self.store.create_claimed(actor)
    }

    fn lookup(&self, name: &ActorName, key: &ActorKey) -> StoreFuture<Option<ActorRecord>> {
        self.store.lookup(name, key)
    }

    fn record(&self, id: ActorId) -> StoreFuture<Option<ActorRecord>> {
        self.store.record(id)
    }

    fn load(&self, id: ActorId) -> StoreFuture<Option<Image>> {
        let load = self.store.load(id);
        let mut paused = self.loads.subscribe();
        if !*paused.borrow() {
            return load;
        }
        Box::pin(async move {
            // Without the store nobody pauses anything.
            let _ = paused.wait_for(|paused| !paused).await;
            load.await
        })
    }

    fn append(&self, commit: Commit) -> StoreFuture<()> {
        if self.is_frozen() {
            return ready(Ok(()));
        }
        if let Some(error) = self.next_append() {
            self.store.refuse(&commit);
            return ready(Err(error));
        }
        self.store.append(commit)
    }

    fn snapshot(&self, id: ActorId, epoch: Epoch, snapshot: Snapshot) -> StoreFuture<()> {
        if self.is_frozen() {
            ready(Ok(()))
        } else {
            self.store.snapshot(id, epoch, snapshot)
        }
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

    fn close(&self) -> StoreFuture<()> {
        if self.is_frozen() {
            ready(Ok(()))
        } else {
            self.store.close()
        }
    }
}
