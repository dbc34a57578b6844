//! Which actors have a task at the moment, and how to reach it.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use greenroom_store::ActorRecord;
use greenroom_types::{ActorId, ActorKey, ActorName};
use tokio::sync::mpsc;

use crate::actor::{Control, Message};

/// The way to one actor's task.
#[derive(Clone, Debug)]
pub(crate) struct ActorHandle {
    pub(crate) mailbox: mpsc::Sender<Message>,
    pub(crate) control: mpsc::UnboundedSender<Control>,
}

/// All actors with a task. The lock is held for a few lines at a time and never across a wait: it
/// is asked once for every stateless call, from many threads.
#[derive(Debug, Default)]
pub(crate) struct Registry(Mutex<Live>);

#[derive(Debug, Default)]
struct Live {
    handles: HashMap<ActorId, ActorHandle>,
    by_key: HashMap<(ActorName, ActorKey), ActorRecord>,
}

impl Registry {
    fn live(&self) -> MutexGuard<'_, Live> {
        // Nothing in here can panic halfway through a change.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The handle of `id`, made by `start` if there is none.
    pub(crate) fn get_or_insert(
        &self,
        id: ActorId,
        start: impl FnOnce() -> ActorHandle,
    ) -> ActorHandle {
        self.live().handles.entry(id).or_insert_with(start).clone()
    }

    /// The handle of `id`, if it has a task.
    pub(crate) fn get(&self, id: ActorId) -> Option<ActorHandle> {
        self.live().handles.get(&id).cloned()
    }

    /// Every handle.
    pub(crate) fn all(&self) -> Vec<ActorHandle> {
        self.live().handles.values().cloned().collect()
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

    /// Forgets `id`.
    pub(crate) fn remove(&self, id: ActorId, record: Option<&ActorRecord>) {
        self.live().remove(id, record);
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
