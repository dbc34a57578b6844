//! The engine in memory: for tests, and the ground of [`testing::FaultStore`](crate::testing).

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use greenroom_types::{ActorId, ActorKey, ActorName};
use tokio::sync::watch;

use crate::{
    ActorRecord, AlarmChange, Birth, Commit, Created, DueAlarm, Epoch, Image, ListPage, ListQuery,
    NewActor, Snapshot, Store, StoreError, StoreFuture, TailEntry,
    claims::Claims,
    request::{Answer, Request, Undo, ready},
};

/// A [`Store`] whose contents live as long as it does. Every write is answered at once. Clones share
/// the contents.
#[derive(Clone, Debug)]
pub struct MemoryStore {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug)]
struct Inner {
    claims: Claims,
    contents: Contents,
    closed: bool,
    failed: Option<StoreError>,
    /// Writes that were accepted and wait for [`MemoryStore::write_held`], oldest first.
    held: VecDeque<Request>,
    holding: bool,
    held_count: watch::Sender<usize>,
}

/// What a restart would find.
#[derive(Clone, Debug, Default)]
pub(crate) struct Contents {
    incarnation: u32,
    actors: BTreeMap<ActorId, Stored>,
    keys: BTreeMap<(ActorName, String), ActorId>,
}

#[derive(Clone, Debug)]
struct Stored {
    record: ActorRecord,
    snapshot: Option<Snapshot>,
    tail: Vec<TailEntry>,
    alarm: Option<i64>,
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::with(Contents::default())
    }

    /// A store as it comes up after a restart with these contents.
    pub(crate) fn with(mut contents: Contents) -> Self {
        contents.incarnation += 1;
        Self {
            inner: Arc::new(Mutex::new(Inner {
                claims: Claims::new(contents.incarnation),
                contents,
                closed: false,
                failed: None,
                held: VecDeque::new(),
                holding: false,
                held_count: watch::Sender::new(0),
            })),
        }
    }

    /// The store as it comes up after a restart: with everything that this one has acknowledged. This
    /// one is closed.
    #[must_use]
    pub fn reopened(&self) -> Self {
        let mut inner = self.lock();
        inner.closed = true;
        Self::with(inner.contents.clone())
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        lock(&self.inner)
    }

    fn read_now<T: Send + 'static>(&self, read: impl FnOnce(&Contents) -> T) -> StoreFuture<T> {
        let inner = self.lock();
        ready(if inner.closed {
            Err(StoreError::Closed)
        } else {
            Ok(read(&inner.contents))
        })
    }
}

/// Control over when writes happen, for [`testing::FaultStore`](crate::testing).
#[cfg(any(test, feature = "testing"))]
impl MemoryStore {
    /// Keeps writes waiting from now on, or no longer. Those that wait stay until they are written.
    pub(crate) fn hold(&self, holding: bool) {
        self.lock().holding = holding;
    }

    /// Writes and answers the oldest `count` writes that wait.
    pub(crate) fn write_held(&self, count: usize) {
        let mut inner = self.lock();
        let mut left = count;
        while let Some(request) = inner
            .held
            .pop_front_if(|request| left > 0 || is_barrier(request))
        {
            left -= usize::from(!is_barrier(&request));
            inner.write(request);
        }
        inner.count_held();
    }

    /// How many writes wait.
    pub(crate) fn held(&self) -> watch::Receiver<usize> {
        self.lock().held_count.subscribe()
    }

    /// Fails all writes that wait and all that come.
    pub(crate) fn fail(&self, error: StoreError) {
        self.lock().failed = Some(error);
    }

    /// Refuses a commit as if it had been handed in and turned down.
    pub(crate) fn refuse(&self, commit: &Commit) {
        self.lock().claims.refuse_new(commit.actor, commit.epoch);
    }

    /// What a restart would find if only the oldest `keep` of the waiting writes had made it.
    pub(crate) fn after_crash(&self, keep: usize) -> Contents {
        let inner = self.lock();
        let mut contents = inner.contents.clone();
        for request in inner
            .held
            .iter()
            .filter(|request| !is_barrier(request))
            .take(keep)
        {
            match request {
                Request::Create { actor, .. } => {
                    contents.create(actor);
                }
                // Of an actor that turned out to be there already, nothing more is written.
                Request::Append { commit, .. } if contents.actors.contains_key(&commit.actor) => {
                    contents.append(commit);
                }
                Request::Snapshot { id, snapshot, .. } if contents.actors.contains_key(id) => {
                    contents.snapshot(*id, snapshot);
                }
                Request::Append { .. } | Request::Snapshot { .. } | Request::Barrier { .. } => {}
            }
        }
        contents
    }
}

fn is_barrier(request: &Request) -> bool {
    matches!(request, Request::Barrier { .. })
}

fn lock(inner: &Mutex<Inner>) -> MutexGuard<'_, Inner> {
    inner.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Inner {
    fn check_open(&self) -> Result<(), StoreError> {
        match &self.failed {
            _ if self.closed => Err(StoreError::Closed),
            Some(error) => Err(error.clone()),
            None => Ok(()),
        }
    }

    fn submit(&mut self, request: Request) {
        // A barrier waits for what is before it, and for nothing else.
        let must_wait = self.holding && !is_barrier(&request);
        if must_wait || !self.held.is_empty() {
            self.held.push_back(request);
            self.count_held();
        } else {
            self.write(request);
        }
    }

    fn count_held(&self) {
        self.held_count.send_replace(
            self.held
                .iter()
                .filter(|request| !is_barrier(request))
                .count(),
        );
    }

    fn write(&mut self, request: Request) {
        let failed = self.failed.clone().map_or(Ok(()), Err);
        match request {
            Request::Create {
                actor,
                claim,
                answer,
            } => {
                let created = failed.map(|()| self.contents.create(&actor));
                if let Some(epoch) = claim {
                    if created != Ok(Created::New) {
                        self.claims.break_claim(actor.id, epoch);
                    }
                    self.claims.settle(actor.id);
                }
                answer.send(created);
            }
            Request::Append { commit, answer } => {
                let admitted =
                    failed.and_then(|()| self.claims.admit_commit(commit.actor, commit.epoch));
                match admitted {
                    Ok(()) => self.contents.append(&commit),
                    Err(_) => self.claims.break_claim(commit.actor, commit.epoch),
                }
                self.claims.settle(commit.actor);
                answer.send(admitted);
            }
            Request::Snapshot {
                id,
                epoch,
                snapshot,
                answer,
            } => {
                let admitted =
                    failed.and_then(|()| self.claims.admit_snapshot(id, epoch, snapshot.seq));
                if admitted.is_ok() {
                    self.contents.snapshot(id, &snapshot);
                }
                self.claims.settle(id);
                answer.send(admitted.map(|_| ()));
            }
            Request::Barrier { answer } => answer.send(Ok(())),
        }
    }
}

impl Contents {
    fn create(&mut self, actor: &NewActor) -> Created {
        let key = (actor.name.clone(), actor.key.to_storage());
        if let Some(owner) = self.keys.get(&key) {
            return Created::Existing(self.actors[owner].record.clone());
        }
        self.keys.insert(key, actor.id);
        let stored = Stored {
            record: actor.clone(),
            snapshot: None,
            tail: Vec::new(),
            alarm: None,
        };
        self.actors.insert(actor.id, stored);
        Created::New
    }

    fn append(&mut self, commit: &Commit) {
        if commit.destroy {
            if let Some(Stored { record, .. }) = self.actors.remove(&commit.actor) {
                self.keys.remove(&(record.name, record.key.to_storage()));
            }
            return;
        }
        let actor = self
            .actors
            .get_mut(&commit.actor)
            .expect("only an actor that exists can be claimed");
        actor.tail.push(TailEntry {
            seq: commit.seq,
            body: commit.body.clone(),
        });
        match commit.alarm {
            Some(AlarmChange::Set(due_ms)) => actor.alarm = Some(due_ms),
            Some(AlarmChange::Clear) => actor.alarm = None,
            None => {}
        }
    }

    fn snapshot(&mut self, id: ActorId, snapshot: &Snapshot) {
        let actor = self
            .actors
            .get_mut(&id)
            .expect("only an actor that exists can be claimed");
        actor.tail.retain(|entry| entry.seq > snapshot.seq);
        actor.snapshot = Some(snapshot.clone());
    }

    fn alarms(&self) -> Vec<DueAlarm> {
        let due = |(id, stored): (&ActorId, &Stored)| {
            stored.alarm.map(|due_ms| DueAlarm { actor: *id, due_ms })
        };
        let mut alarms: Vec<_> = self.actors.iter().filter_map(due).collect();
        alarms.sort_by_key(|alarm| (alarm.due_ms, alarm.actor));
        alarms
    }

    fn list(&self, query: &ListQuery) -> ListPage {
        let after = |key: &str| {
            query
                .cursor
                .as_ref()
                .is_none_or(|cursor| key.as_bytes() > cursor)
        };
        let limit = query.limit.max(1);
        let mut actors: Vec<_> = self
            .keys
            .iter()
            .filter(|((name, key), _)| *name == query.name && after(key))
            .map(|(_, id)| &self.actors[id].record)
            .filter(|record| record.key.parts().starts_with(query.prefix.parts()))
            .take(limit + 1)
            .cloned()
            .collect();
        let more = actors.len() > limit;
        actors.truncate(limit);
        let last = actors
            .last()
            .filter(|_| more)
            .map(|record| Bytes::from(record.key.to_storage()));
        ListPage { actors, next: last }
    }
}

/// Reads for a claim and completes it.
fn finish_load(inner: &mut Inner, id: ActorId, epoch: Epoch) -> Option<Image> {
    let Stored {
        record,
        snapshot,
        tail,
        alarm,
    } = inner.contents.actors.get(&id)?.clone();
    let snapshot_seq = snapshot.as_ref().map_or(0, |snapshot| snapshot.seq);
    let last_seq = tail.last().map_or(snapshot_seq, |entry| entry.seq);
    inner.claims.loaded(id, epoch, last_seq, snapshot_seq);
    Some(Image {
        epoch,
        record,
        snapshot,
        tail,
        alarm,
    })
}

impl Store for MemoryStore {
    fn create(&self, actor: NewActor) -> StoreFuture<Created> {
        let (answer, result) = Answer::new();
        let mut inner = self.lock();
        if let Err(error) = inner.check_open() {
            return ready(Err(error));
        }
        let claim = None;
        inner.submit(Request::Create {
            actor,
            claim,
            answer,
        });
        result
    }

    fn create_claimed(&self, actor: NewActor) -> Result<Birth, StoreError> {
        let (answer, created) = Answer::new();
        let mut inner = self.lock();
        inner.check_open()?;
        let epoch = inner.claims.claim_new(actor.id);
        let claim = Some(epoch);
        inner.submit(Request::Create {
            actor,
            claim,
            answer,
        });
        Ok(Birth { epoch, created })
    }

    fn lookup(&self, name: &ActorName, key: &ActorKey) -> StoreFuture<Option<ActorRecord>> {
        let key = (name.clone(), key.to_storage());
        self.read_now(|contents| {
            contents
                .keys
                .get(&key)
                .map(|id| contents.actors[id].record.clone())
        })
    }

    fn record(&self, id: ActorId) -> StoreFuture<Option<ActorRecord>> {
        self.read_now(|contents| contents.actors.get(&id).map(|stored| stored.record.clone()))
    }

    fn load(&self, id: ActorId) -> StoreFuture<Option<Image>> {
        let mut locked = self.lock();
        if locked.closed {
            return ready(Err(StoreError::Closed));
        }
        let (epoch, busy) = locked.claims.claim(id);
        if !busy {
            let image = finish_load(&mut locked, id, epoch);
            if image.is_none() {
                locked.claims.release(id, epoch);
            }
            return ready(Ok(image));
        }
        let (answer, earlier_writes) = Answer::new();
        locked.submit(Request::Barrier { answer });
        drop(locked);
        let inner = Arc::clone(&self.inner);
        let undo = Undo::new(move || lock(&inner).claims.release(id, epoch));
        let inner = Arc::clone(&self.inner);
        Box::pin(async move {
            earlier_writes.await?;
            let image = finish_load(&mut lock(&inner), id, epoch);
            if image.is_some() {
                undo.keep();
            }
            Ok(image)
        })
    }

    fn append(&self, commit: Commit) -> StoreFuture<()> {
        let (answer, result) = Answer::new();
        let mut inner = self.lock();
        let accepted = inner
            .check_open()
            .and_then(|()| inner.claims.accept_commit(&commit));
        if let Err(error) = accepted {
            inner.claims.refuse_new(commit.actor, commit.epoch);
            return ready(Err(error));
        }
        inner.submit(Request::Append { commit, answer });
        result
    }

    fn snapshot(&self, id: ActorId, epoch: Epoch, snapshot: Snapshot) -> StoreFuture<()> {
        let (answer, result) = Answer::new();
        let mut inner = self.lock();
        let accepted = inner.check_open();
        if let Err(error) =
            accepted.and_then(|()| inner.claims.accept_snapshot(id, epoch, snapshot.seq))
        {
            return ready(Err(error));
        }
        inner.submit(Request::Snapshot {
            id,
            epoch,
            snapshot,
            answer,
        });
        result
    }

    fn read(&self, id: ActorId) -> StoreFuture<Option<(Option<Snapshot>, Vec<TailEntry>)>> {
        self.read_now(|contents| {
            contents
                .actors
                .get(&id)
                .map(|stored| (stored.snapshot.clone(), stored.tail.clone()))
        })
    }

    fn release(&self, id: ActorId, epoch: Epoch) {
        self.lock().claims.release(id, epoch);
    }

    fn due_alarms(&self, now_ms: i64, limit: usize) -> StoreFuture<Vec<DueAlarm>> {
        self.read_now(|contents| {
            contents
                .alarms()
                .into_iter()
                .take_while(|alarm| alarm.due_ms <= now_ms)
                .take(limit)
                .collect()
        })
    }

    fn alarms_after(&self, after: DueAlarm, limit: usize) -> StoreFuture<Vec<DueAlarm>> {
        self.read_now(|contents| {
            let mut alarms = contents.alarms();
            alarms.retain(|alarm| (alarm.due_ms, alarm.actor) > (after.due_ms, after.actor));
            alarms.truncate(limit);
            alarms
        })
    }

    fn list(&self, query: ListQuery) -> StoreFuture<ListPage> {
        self.read_now(|contents| contents.list(&query))
    }

    fn failure(&self) -> Option<StoreError> {
        self.lock().failed.clone()
    }

    fn close(&self) -> StoreFuture<()> {
        let mut inner = self.lock();
        inner.closed = true;
        let (answer, earlier_writes) = Answer::new();
        inner.submit(Request::Barrier { answer });
        earlier_writes
    }
}
