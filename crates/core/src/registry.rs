//! Which actors have a task at the moment, and how to reach it.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use greenroom_store::ActorRecord;
use greenroom_types::{ActorId, ActorKey, ActorName};

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
    live: Mutex<Live>,
    /// No task is started any more. Set with the lock held, read without.
    closed: AtomicBool,
}

#[derive(Debug, Default)]
struct Live {
    handles: HashMap<ActorId, ActorHandle>,
    by_key: HashMap<(ActorName, ActorKey), ActorRecord>,
}

impl Registry {
    fn live(&self) -> MutexGuard<'_, Live> {
        // Nothing in here can panic halfway through a change.
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
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
            live.by_key
                .insert((record.name.clone(), record.key.clone()), record.clone());
        }
    }

    /// The record of an actor that has a task.
    pub(crate) fn by_key(&self, name: &ActorName, key: &ActorKey) -> Option<ActorRecord> {
        self.live()
            .by_key
            .get(&(name.clone(), key.clone()))
            .cloned()
    }

    /// Forgets `id` if `task` is its task; another may have taken its place.
    pub(crate) fn remove(&self, id: ActorId, task: &ActorHandle, record: Option<&ActorRecord>) {
        let mut live = self.live();
        let registered = live.handles.get(&id);
        if registered.is_some_and(|other| Arc::ptr_eq(&other.inbox, &task.inbox)) {
            live.remove(id, record);
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
            live.remove(id, record);
        }
        remove
    }
}

impl Live {
    fn remove(&mut self, id: ActorId, record: Option<&ActorRecord>) {
        self.handles.remove(&id);
        if let Some(record) = record {
            self.by_key
                .remove(&(record.name.clone(), record.key.clone()));
        }
    }
}
