//! What stands between the runtime and the fault-injecting store: a witness of every write, and the planted
//! bugs of stores.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use greenroom_store::{
    ActorRecord, AlarmChange, Birth, Commit, Created, DueAlarm, Epoch, Image, ListPage, ListQuery,
    NewActor, Snapshot, Store, StoreError, StoreFuture, TailEntry, testing::FaultStore,
};
use greenroom_types::{ActorId, ActorKey, ActorName};

use crate::{Plant, book::Book, rng::Rng};

/// A store that writes down what is written, and checks that claims which are over are refused.
pub(crate) struct Witness {
    book: Book,
    node: String,
    store: Arc<FaultStore>,
    plant: Option<Plant>,
    spoilt: Arc<Mutex<Spoilt>>,
}

/// What planted bugs remember, for all nodes of a store.
pub(crate) struct Spoilt {
    rng: Rng,
    /// The newest claim of each actor, and the position of its next commit.
    claims: BTreeMap<ActorId, (Epoch, u64)>,
}

/// Times of day; everything later is a mark of the runtime's.
const LATEST_TIME_MS: i64 = i64::MAX / 2;

impl Witness {
    pub(crate) fn new(
        book: Book,
        node: String,
        store: Arc<FaultStore>,
        plant: Option<Plant>,
        spoilt: Arc<Mutex<Spoilt>>,
    ) -> Self {
        Self {
            book,
            node,
            store,
            plant,
            spoilt,
        }
    }

    fn is_planted(&self, plant: Plant) -> bool {
        self.plant == Some(plant)
    }

    /// Spoils a commit on its way.
    fn spoil(&self, commit: &mut Commit) {
        let mut spoilt = lock(&self.spoilt);
        if self.is_planted(Plant::DropAlarm)
            && matches!(commit.alarm, Some(AlarmChange::Set(due_ms)) if due_ms < LATEST_TIME_MS)
            && spoilt.rng.chance(60)
        {
            commit.alarm = Some(AlarmChange::Clear);
        }
        if self.is_planted(Plant::SkipEpochCheck)
            && let Some((epoch, next)) = spoilt.claims.get_mut(&commit.actor)
        {
            (commit.epoch, commit.seq) = (*epoch, *next);
            *next += 1;
        }
    }
}

impl Spoilt {
    pub(crate) fn new(rng: Rng) -> Self {
        Self {
            rng,
            claims: BTreeMap::new(),
        }
    }
}

fn lock(spoilt: &Mutex<Spoilt>) -> MutexGuard<'_, Spoilt> {
    spoilt.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Store for Witness {
    fn create(&self, actor: NewActor) -> StoreFuture<Created> {
        let (book, id) = (self.book.clone(), actor.id);
        let created = self.store.create(actor);
        Box::pin(async move {
            let result = created.await;
            if matches!(result, Ok(Created::New)) {
                book.note(format!("store has created {id}"));
            }
            result
        })
    }

    fn create_claimed(&self, actor: NewActor) -> Result<Birth, StoreError> {
        let (book, node, id) = (self.book.clone(), self.node.clone(), actor.id);
        let Birth { epoch, created } = self.store.create_claimed(actor)?;
        book.note(format!("{node} creates and claims {id} as {}", epoch.0));
        let mut pages = book.pages();
        let newest = pages.claims.entry(id).or_default();
        *newest = (*newest).max(epoch.0);
        drop(pages);
        lock(&self.spoilt).claims.insert(id, (epoch, 1));
        let answers_early = self.is_planted(Plant::AckBeforeSync);
        let created: StoreFuture<Created> = Box::pin(async move {
            if answers_early {
                return Ok(Created::New);
            }
            let result = created.await;
            match &result {
                Ok(Created::New) => book.note(format!("store has created {id}")),
                Ok(Created::Existing(other)) => {
                    book.note(format!(
                        "{node} has not created {id}: {} is there",
                        other.id
                    ));
                }
                Err(error) => book.note(format!("{node} has not created {id}: {error}")),
            }
            result
        });
        Ok(Birth { epoch, created })
    }

    fn lookup(&self, name: &ActorName, key: &ActorKey) -> StoreFuture<Option<ActorRecord>> {
        self.store.lookup(name, key)
    }

    fn record(&self, id: ActorId) -> StoreFuture<Option<ActorRecord>> {
        self.store.record(id)
    }

    fn load(&self, id: ActorId) -> StoreFuture<Option<Image>> {
        let (book, node) = (self.book.clone(), self.node.clone());
        let forgets = self.is_planted(Plant::ForgetCommit);
        let spoilt = Arc::clone(&self.spoilt);
        let load = self.store.load(id);
        Box::pin(async move {
            let mut result = load.await;
            if let Ok(Some(image)) = &mut result {
                let epoch = image.epoch;
                book.note(format!("{node} claims {id} as {}", epoch.0));
                let mut pages = book.pages();
                let newest = pages.claims.entry(id).or_default();
                *newest = (*newest).max(epoch.0);
                drop(pages);
                let mut spoilt = lock(&spoilt);
                let at_snapshot = image.snapshot.as_ref().map_or(0, |s| s.seq);
                let last = image.tail.last().map_or(at_snapshot, |entry| entry.seq);
                spoilt.claims.insert(id, (epoch, last + 1));
                if forgets && image.tail.len() > 1 && spoilt.rng.chance(20) {
                    image.tail.pop();
                }
            }
            result
        })
    }

    fn append(&self, mut commit: Commit) -> StoreFuture<()> {
        let (book, node) = (self.book.clone(), self.node.clone());
        let (id, epoch, seq) = (commit.actor, commit.epoch, commit.seq);
        let newest = book.pages().claims.get(&id).copied().unwrap_or_default();
        let is_over = epoch.0 < newest;
        book.note(format!(
            "{node} commits {seq} of {id} as {}: {} bytes, alarm {:?}{}",
            epoch.0,
            commit.body.len(),
            commit.alarm,
            if commit.destroy { ", the end" } else { "" },
        ));
        self.spoil(&mut commit);
        let append = self.store.append(commit);
        if self.is_planted(Plant::AckBeforeSync) {
            return Box::pin(std::future::ready(Ok(())));
        }
        Box::pin(async move {
            let result = append.await;
            match &result {
                Ok(()) if is_over => book.violation(format!(
                    "one writer: commit {seq} of {id} was taken from claim {}, the newest is {newest}",
                    epoch.0
                )),
                Ok(()) => {}
                Err(error) => book.note(format!("{node} has not committed {seq} of {id}: {error}")),
            }
            result
        })
    }

    fn snapshot(&self, id: ActorId, epoch: Epoch, snapshot: Snapshot) -> StoreFuture<()> {
        self.book
            .note(format!("{} folds {id} up to {}", self.node, snapshot.seq));
        self.store.snapshot(id, epoch, snapshot)
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
        self.store.close()
    }
}
