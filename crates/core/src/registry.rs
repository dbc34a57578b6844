//! Which actors have a task at the moment, and how to reach it.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use bytes::Bytes;
use greenroom_store::ActorRecord;
use greenroom_types::{ActorId, ActorKey, ActorName, SeededHash, shrink_sparse};
use tokio_util::sync::CancellationToken;

use crate::{
    Generation,
    actor::{Control, Message},
    inbox::Inbox,
    weight::Scale,
};

/// The way to one actor's task.
#[derive(Clone, Debug)]
pub(crate) struct ActorHandle {
    pub(crate) inbox: Arc<Inbox<Message, Control>>,
    /// Kept up to date by the task.
    pub(crate) generation: Generation,
    /// Kept up to date by the task, too.
    pub(crate) scale: Arc<Scale>,
}

/// All actors with a task. The lock is held for a few lines at a time and never across a wait: it
/// is asked once for every stateless call, from many threads.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    live: Arc<Mutex<Live>>,
    /// No task is started any more. Set with the lock held, read without.
    closed: AtomicBool,
}

#[derive(Debug, Default)]
struct Live {
    handles: HashMap<ActorId, ActorHandle, SeededHash>,
    by_key: HashMap<(ActorName, ActorKey), Known>,
    /// Those among them that are not created for certain. Whoever sends them something is not answered before that.
    begun: HashMap<ActorId, Waited, SeededHash>,
    /// Keys for which actors are being created that have no task, and how many at once.
    creating: HashMap<(ActorName, ActorKey), usize>,
    /// How many tasks have ended, and creations without one.
    ended: u64,
}

/// What the record of an actor says besides its key: one in each entry of the table is enough.
#[derive(Clone, Debug)]
struct Known {
    id: ActorId,
    created_at_ms: i64,
    input: Option<Bytes>,
}

impl Known {
    fn of(record: &ActorRecord) -> Self {
        Self {
            id: record.id,
            created_at_ms: record.created_at_ms,
            input: record.input.clone(),
        }
    }

    fn record(&self, (name, key): (ActorName, ActorKey)) -> ActorRecord {
        ActorRecord {
            id: self.id,
            name,
            key,
            created_at_ms: self.created_at_ms,
            input: self.input.clone(),
        }
    }
}

/// What those wait for who look for an actor that is being created, if there are any: its end.
type Waited = Option<Underway>;

/// Wakes those who wait in the order in which they came, so that a simulation runs the same way again.
#[derive(Debug, Default)]
struct Underway(CancellationToken);

impl Drop for Underway {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// The creation of an actor that has a task, while it is under way.
#[derive(Debug)]
pub(crate) struct Creation(CancellationToken);

impl Creation {
    /// Waits until it is done or has failed.
    pub(crate) async fn settled(self) {
        self.0.cancelled().await;
    }
}

/// Of when it is that a key was not known: how many tasks had ended, and creations without one. As long as
/// no other has, whoever was created since is still known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unknown(u64);

/// What came of [`Registry::begin`].
#[derive(Debug)]
pub(crate) enum Beginning {
    /// The actor has a task.
    Begun,
    /// Somebody else's creation of the same key is under way, or done.
    Known(ActorRecord),
    /// The key may be somebody else's. Only the store knows.
    Doubtful,
    /// No task begins any more.
    Closed,
}

/// A creation without a task. Until it is dropped, nobody else creates an actor of that key with one.
#[derive(Debug)]
pub(crate) struct Creating {
    live: Arc<Mutex<Live>>,
    key: (ActorName, ActorKey),
}

impl Drop for Creating {
    fn drop(&mut self) {
        let mut live = lock(&self.live);
        live.ended += 1;
        if let Some(count) = live.creating.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                live.creating.remove(&self.key);
                shrink_sparse(&mut live.creating);
            }
        }
    }
}

fn lock(live: &Mutex<Live>) -> MutexGuard<'_, Live> {
    // Nothing in here can panic halfway through a change.
    live.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Registry {
    fn live(&self) -> MutexGuard<'_, Live> {
        lock(&self.live)
    }

    /// The handle of `id`, made by `start` if there is none. `None` once the registry is closed.
    pub(crate) fn get_or_insert(
        &self,
        id: ActorId,
        start: impl FnOnce() -> ActorHandle,
    ) -> Option<ActorHandle> {
        let mut live = self.live();
        if self.is_closed() {
            return None;
        }
        Some(live.handles.entry(id).or_insert_with(start).clone())
    }

    /// Lets no task begin any more and gives the handles of those that have: in one step, so that
    /// none is missed. `None` when that was done before.
    pub(crate) fn close(&self) -> Option<Vec<ActorHandle>> {
        let live = self.live();
        if self.closed.swap(true, Ordering::AcqRel) {
            return None;
        }
        // In an order that does not depend on chance, for those who replay a run.
        let mut handles: Vec<_> = live.handles.iter().collect();
        handles.sort_by_key(|(id, _)| **id);
        Some(handles.into_iter().map(|(_, task)| task.clone()).collect())
    }

    /// Whether tasks may begin.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// The handle of `id`, if it has a task.
    pub(crate) fn get(&self, id: ActorId) -> Option<ActorHandle> {
        self.live().handles.get(&id).cloned()
    }

    /// The handles of those actors that have a task and are asked for, in no order.
    pub(crate) fn handles(&self, of: impl Fn(ActorId) -> bool) -> Vec<ActorHandle> {
        let live = self.live();
        let asked_for = live.handles.iter().filter(|(id, _)| of(**id));
        asked_for.map(|(_, handle)| handle.clone()).collect()
    }

    /// The scales of all actors that have a task, in no order.
    pub(crate) fn scales(&self) -> Vec<Arc<Scale>> {
        let live = self.live();
        live.handles
            .values()
            .map(|handle| Arc::clone(&handle.scale))
            .collect()
    }

    /// How many actors have a task.
    pub(crate) fn len(&self) -> usize {
        self.live().handles.len()
    }

    /// Spares later look-ups by key while the actor has a task.
    pub(crate) fn remember_key(&self, record: &ActorRecord) {
        let mut live = self.live();
        if live.handles.contains_key(&record.id) {
            let key = (record.name.clone(), record.key.clone());
            live.by_key.insert(key, Known::of(record));
            let waited = live.begun.remove(&record.id).flatten();
            shrink_sparse(&mut live.begun);
            drop(live);
            drop(waited);
        }
    }

    /// The record of an actor that has a task, and its creation if that is under way.
    pub(crate) fn by_key(
        &self,
        name: &ActorName,
        key: &ActorKey,
    ) -> Option<(ActorRecord, Option<Creation>)> {
        let mut live = self.live();
        let record = live.record(name, key)?;
        let creation = live.creation_of(record.id);
        Some((record, creation))
    }

    /// The creation of an actor that has a task, if it is under way.
    pub(crate) fn creation_of(&self, id: ActorId) -> Option<Creation> {
        self.live().creation_of(id)
    }

    /// The record of an actor that has a task, also of one whose creation is under way.
    pub(crate) fn find(&self, name: &ActorName, key: &ActorKey) -> Result<ActorRecord, Unknown> {
        let live = self.live();
        live.record(name, key).ok_or(Unknown(live.ended))
    }

    /// Notes that an actor is being created without a task.
    pub(crate) fn creating(&self, name: &ActorName, key: &ActorKey) -> Creating {
        let key = (name.clone(), key.clone());
        *self.live().creating.entry(key.clone()).or_default() += 1;
        let live = Arc::clone(&self.live);
        Creating { live, key }
    }

    /// Creates an actor and its task by `start`, if its key is nobody's: neither in the store, where it was not
    /// found after `unknown`, nor here. One key is never created twice at once, so no code runs for an actor that
    /// turns out not to be the one.
    ///
    /// # Errors
    /// That of `start`.
    pub(crate) fn begin<E>(
        &self,
        record: &ActorRecord,
        unknown: Unknown,
        start: impl FnOnce() -> Result<ActorHandle, E>,
    ) -> Result<Beginning, E> {
        let key = (record.name.clone(), record.key.clone());
        let mut live = self.live();
        if self.is_closed() {
            return Ok(Beginning::Closed);
        }
        if let Some(known) = live.by_key.get(&key) {
            return Ok(Beginning::Known(known.record(key)));
        }
        if unknown != Unknown(live.ended) || live.creating.contains_key(&key) {
            return Ok(Beginning::Doubtful);
        }
        let handle = start()?;
        live.handles.insert(record.id, handle);
        live.begun.insert(record.id, None);
        live.by_key.insert(key, Known::of(record));
        Ok(Beginning::Begun)
    }

    /// Forgets `id` if `task` is its task; another may have taken its place.
    pub(crate) fn remove(&self, id: ActorId, task: &ActorHandle, record: Option<&ActorRecord>) {
        let mut live = self.live();
        let registered = live.handles.get(&id);
        if registered.is_some_and(|other| Arc::ptr_eq(&other.inbox, &task.inbox)) {
            let waited = live.remove(id, record);
            drop(live);
            drop(waited);
        }
    }

    /// Forgets `id` if `idle` holds while nobody can get a new handle.
    pub(crate) fn remove_if(
        &self,
        id: ActorId,
        record: Option<&ActorRecord>,
        idle: impl FnOnce() -> bool,
    ) -> bool {
        let mut live = self.live();
        let remove = idle();
        if remove {
            let waited = live.remove(id, record);
            drop(live);
            drop(waited);
        }
        remove
    }
}

impl Live {
    fn record(&self, name: &ActorName, key: &ActorKey) -> Option<ActorRecord> {
        let key = (name.clone(), key.clone());
        let known = self.by_key.get(&key)?;
        Some(known.record(key))
    }

    /// What this gives is to be dropped without the lock.
    fn remove(&mut self, id: ActorId, record: Option<&ActorRecord>) -> Waited {
        self.handles.remove(&id);
        self.ended += 1;
        let waited = self.begun.remove(&id).flatten();
        shrink_sparse(&mut self.begun);
        if let Some(record) = record {
            let key = (record.name.clone(), record.key.clone());
            // The next actor of that key may be there already.
            if self.by_key.get(&key).is_some_and(|known| known.id == id) {
                self.by_key.remove(&key);
            }
        }
        shrink_sparse(&mut self.handles);
        shrink_sparse(&mut self.by_key);
        waited
    }

    fn creation_of(&mut self, id: ActorId) -> Option<Creation> {
        let waited = self.begun.get_mut(&id)?;
        let Underway(end) = waited.get_or_insert_default();
        Some(Creation(end.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_somebody_creates_or_has_just_created_is_doubtful() {
        let registry = Registry::default();
        let record = ActorRecord {
            id: ActorId::from_bytes([1; 16]),
            name: ActorName::new("list").expect("a valid name"),
            key: ActorKey::new(Vec::new()).expect("a valid key"),
            created_at_ms: 0,
            input: None,
        };
        let find = || {
            let found = registry.find(&record.name, &record.key);
            found.expect_err("it has no task")
        };
        let begin = |unknown| registry.begin(&record, unknown, || Err("it would begin"));
        assert_eq!(begin(find()).err(), Some("it would begin"));
        let before = find();
        let creating = registry.creating(&record.name, &record.key);
        for unknown in [before, find()] {
            assert!(matches!(begin(unknown), Ok(Beginning::Doubtful)));
        }
        drop(creating);
        assert!(matches!(begin(before), Ok(Beginning::Doubtful)));
        assert_eq!(begin(find()).err(), Some("it would begin"));
    }
}
