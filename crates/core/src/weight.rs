//! What each actor that has a task weighs: numbers that its task keeps up to date and that others read
//! without asking it. They cost a few relaxed stores per burst of events.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU32, AtomicU64, Ordering::Relaxed},
    },
};

use greenroom_store::ActorRecord;
use greenroom_types::{ActorId, ActorKey, ActorName};

use crate::{ConnKey, Instance, outbox::Gauge, queue::QueueUpdate};

/// Who an actor is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Its id.
    pub id: ActorId,
    /// Its type.
    pub name: ActorName,
    /// Its key.
    pub key: ActorKey,
}

/// What an actor weighs, in bytes where nothing else is said. What its code keeps in variables of its own
/// nobody can count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weight {
    /// Its state: the image as of the wake or the last snapshot, and the changes since.
    pub state: u64,
    /// Its key-value pairs.
    pub kv: u64,
    /// The messages that wait in its queues.
    pub queue: u64,
    /// What waits to be read by its clients.
    pub outbox: u64,
    /// Its journal behind the last snapshot. It is on disk, and would be replayed by a wake.
    pub journal: u64,
    /// How many connections it has.
    pub connections: u64,
    /// How many calls it has in progress.
    pub calls: u64,
    /// Whether it is awake, and not only kept by its connections.
    pub awake: bool,
}

impl Weight {
    /// What it holds in memory: state, pairs, messages, and what waits for clients.
    pub fn total(&self) -> u64 {
        self.state + self.kv + self.queue + self.outbox
    }
}

/// The numbers of one actor. Written by its task.
#[derive(Debug, Default)]
pub(crate) struct Scale {
    identity: OnceLock<Arc<Identity>>,
    /// 0 while it is not awake: instances are counted from 1.
    instance: AtomicU32,
    state: AtomicU64,
    kv: AtomicU64,
    queue: AtomicU64,
    journal: AtomicU64,
    calls: AtomicU64,
    outboxes: Outboxes,
}

impl Scale {
    /// Says who is weighed. Known from the first wake on.
    pub(crate) fn identify(&self, record: &ActorRecord) {
        self.identity.get_or_init(|| {
            Arc::new(Identity {
                id: record.id,
                name: record.name.clone(),
                key: record.key.clone(),
            })
        });
    }

    /// Who is weighed, if that is known yet.
    pub(crate) fn identity(&self) -> Option<&Arc<Identity>> {
        self.identity.get()
    }

    /// Puts the numbers of an awake actor.
    pub(crate) fn put(&self, instance: Instance, weight: &Weight) {
        self.instance.store(instance.0, Relaxed);
        self.state.store(weight.state, Relaxed);
        self.kv.store(weight.kv, Relaxed);
        self.queue.store(weight.queue, Relaxed);
        self.journal.store(weight.journal, Relaxed);
        self.calls.store(weight.calls, Relaxed);
    }

    /// The actor sleeps: nothing of it is in memory but its connections.
    pub(crate) fn clear(&self) {
        self.put(Instance(0), &Weight::default());
    }

    /// Whether `instance` is the one that is weighed.
    pub(crate) fn is_of(&self, instance: Instance) -> bool {
        instance.0 != 0 && self.instance.load(Relaxed) == instance.0
    }

    /// What waits for the clients of this actor.
    pub(crate) fn outboxes(&self) -> &Outboxes {
        &self.outboxes
    }

    /// Reads the numbers.
    pub(crate) fn read(&self) -> Weight {
        let (connections, outbox) = self.outboxes.sum();
        Weight {
            state: self.state.load(Relaxed),
            kv: self.kv.load(Relaxed),
            queue: self.queue.load(Relaxed),
            outbox,
            journal: self.journal.load(Relaxed),
            connections,
            calls: self.calls.load(Relaxed),
            awake: self.instance.load(Relaxed) != 0,
        }
    }
}

/// How much waits for each client of an actor. A sync lock: it is held for one entry when a connection
/// begins or ends, and for a sum when somebody looks.
#[derive(Debug, Default)]
pub(crate) struct Outboxes(Mutex<BTreeMap<ConnKey, Gauge>>);

impl Outboxes {
    pub(crate) fn add(&self, conn: ConnKey, gauge: Gauge) {
        self.lock().insert(conn, gauge);
    }

    pub(crate) fn remove(&self, conn: ConnKey) {
        self.lock().remove(&conn);
    }

    /// How many there are, and how many bytes wait in them.
    fn sum(&self) -> (u64, u64) {
        let all = self.lock();
        let bytes = all.values().map(|gauge| gauge.bytes() as u64);
        (all.len() as u64, bytes.sum())
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<ConnKey, Gauge>> {
        // Nothing in here can panic halfway through a change.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The sizes of the messages that wait, which are with the host.
#[derive(Debug, Default)]
pub(crate) struct QueueSizes {
    by_id: HashMap<u64, usize>,
    total: usize,
}

impl QueueSizes {
    /// The sizes of these messages: numbers and bytes.
    pub(crate) fn of(messages: impl Iterator<Item = (u64, usize)>) -> Self {
        let by_id: HashMap<u64, usize> = messages.collect();
        let total = by_id.values().sum();
        Self { by_id, total }
    }

    pub(crate) fn update(&mut self, updates: &[QueueUpdate]) {
        for update in updates {
            let before = match update {
                QueueUpdate::Put(message) => {
                    self.total += message.body.len();
                    self.by_id.insert(message.id, message.body.len())
                }
                QueueUpdate::Remove(id) => self.by_id.remove(id),
            };
            self.total -= before.unwrap_or(0);
        }
    }

    pub(crate) fn total(&self) -> u64 {
        self.total as u64
    }
}

/// When an actor's weight is worth a warning: beyond a limit, and again whenever it has doubled.
#[derive(Debug)]
pub(crate) struct WeightWatch {
    next: u64,
}

impl WeightWatch {
    /// Warns beyond `limit` bytes; never, if there is none.
    pub(crate) fn new(limit: Option<u64>) -> Self {
        Self {
            next: limit.unwrap_or(u64::MAX),
        }
    }

    /// Whether `total` is worth a warning.
    pub(crate) fn is_news(&mut self, total: u64) -> bool {
        if total <= self.next {
            return false;
        }
        self.next = total.saturating_mul(2);
        true
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::QueueMessage;

    #[test]
    fn queues_weigh_what_waits_in_them() {
        let mut sizes = QueueSizes::of([(1, 10), (2, 20)].into_iter());
        assert_eq!(sizes.total(), 30);
        let put = |id, len| {
            QueueUpdate::Put(QueueMessage {
                id,
                body: Bytes::from(vec![0; len]),
            })
        };
        sizes.update(&[put(3, 5), put(2, 7), QueueUpdate::Remove(1)]);
        assert_eq!(sizes.total(), 12);
        sizes.update(&[
            QueueUpdate::Remove(9),
            QueueUpdate::Remove(2),
            QueueUpdate::Remove(3),
        ]);
        assert_eq!(sizes.total(), 0);
    }

    #[test]
    fn a_warning_comes_beyond_the_limit_and_when_it_has_doubled() {
        let mut watch = WeightWatch::new(Some(100));
        let news: Vec<bool> = [100, 101, 150, 202, 203, 90, 407]
            .into_iter()
            .map(|total| watch.is_news(total))
            .collect();
        assert_eq!(news, [false, true, false, false, true, false, true]);
        assert!(!WeightWatch::new(None).is_news(u64::MAX));
    }
}
