//! What all actors of a runtime share.

use std::{
    collections::{BTreeMap, HashMap, hash_map::Entry},
    num::NonZeroU32,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
};

use greenroom_store::{ActorRecord, Created, Store, StoreError};
use greenroom_types::{ActorError, ActorId, ActorName, IdHash, limits, shrink_sparse};
use tokio::sync::{Notify, oneshot};
use tokio_util::task::TaskTracker;

use crate::{
    ActorHost, ActorOptions, Env, Generation, Instance, Lane,
    actor::{ActorTask, Control, Message, Woken},
    inbox::{Inbox, Unsent, inbox},
    mark::Mark,
    registry::{ActorHandle, Beginning, Registry, Unknown},
    store_error,
};

/// Where an actor's task hears of everything.
type ActorInbox = Arc<Inbox<Message, Control>>;

pub(crate) struct Shared {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) host: Arc<dyn ActorHost>,
    lanes: NonZeroU32,
    pub(crate) env: Arc<dyn Env>,
    pub(crate) actors: BTreeMap<ActorName, Arc<ActorOptions>>,
    /// Those of an actor of which nobody knows yet what it is.
    pub(crate) default_options: Arc<ActorOptions>,
    /// Whether any of them wants to be told of requests.
    pub(crate) wants_requests: bool,
    pub(crate) registry: Registry,
    pub(crate) tasks: TaskTracker,
    /// Where the turns of each instance go. Read for every turn, written when one starts or ends.
    instances: RwLock<HashMap<Instance, ActorInbox, IdHash>>,
    last_instance: AtomicU32,
    last_token: AtomicU64,
    /// Actors whose task has panicked while they were marked.
    fallen: Mutex<Vec<(ActorId, Mark)>>,
    /// An actor fell, or went to sleep, perhaps with an alarm that is due before any other.
    pub(crate) alarms_changed: Notify,
    /// The runtime began to shut down.
    pub(crate) stopped: Notify,
}

impl Shared {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        host: Arc<dyn ActorHost>,
        env: Arc<dyn Env>,
        actors: BTreeMap<ActorName, ActorOptions>,
    ) -> Self {
        Self {
            store,
            lanes: host.lanes(),
            host,
            env,
            wants_requests: actors.values().any(|options| options.wants_request),
            actors: shared_each(actors),
            default_options: Arc::default(),
            registry: Registry::default(),
            tasks: TaskTracker::new(),
            instances: RwLock::default(),
            last_instance: AtomicU32::new(0),
            last_token: AtomicU64::new(0),
            fallen: Mutex::default(),
            alarms_changed: Notify::new(),
            stopped: Notify::new(),
        }
    }

    /// Refuses work once the runtime is shutting down.
    pub(crate) fn check_running(&self) -> Result<(), ActorError> {
        if self.registry.is_closed() {
            Err(ActorError::stopping())
        } else {
            Ok(())
        }
    }

    /// What a caller is told whose channel was dropped unanswered, because its message could not be
    /// served any more.
    pub(crate) fn lost(&self) -> ActorError {
        match self.check_running() {
            Ok(()) => ActorError::restarting(),
            Err(stopping) => stopping,
        }
    }

    /// The task of `id`, started if there is none. `None` when the runtime is shutting down.
    fn actor(self: &Arc<Self>, id: ActorId) -> Option<ActorHandle> {
        self.registry.get_or_insert(id, || self.start(id, None))
    }

    /// Creates an actor and starts its task, unless its key may be somebody else's. The task waits for its first
    /// message, and lets nothing out before the creation is durable.
    ///
    /// # Errors
    /// Why the store does not create it.
    pub(crate) fn begin(
        self: &Arc<Self>,
        record: &ActorRecord,
        unknown: Unknown,
    ) -> Result<Beginning, StoreError> {
        self.registry.begin(record, unknown, || {
            let birth = self.store.create_claimed(record.clone())?;
            let fresh = Woken::new(Arc::clone(&self.store), record.clone(), birth);
            Ok(self.start(record.id, Some(Box::new(fresh))))
        })
    }

    /// Creates an actor that gets no task yet, unless its key is taken. It is seen through even if whoever has
    /// asked for it goes: as long as it is under way, nobody is to begin an actor of that key.
    ///
    /// # Errors
    /// Why the store does not create it.
    pub(crate) async fn create(&self, record: &ActorRecord) -> Result<Created, ActorError> {
        let creating = self.registry.creating(&record.name, &record.key);
        let created = self.store.create(record.clone());
        let (answer, answered) = oneshot::channel();
        self.tasks.spawn(async move {
            let created = created.await;
            drop(creating);
            let _ = answer.send(created);
        });
        match answered.await {
            Ok(created) => created.map_err(|e| store_error(&e)),
            Err(_) => Err(self.lost()),
        }
    }

    fn start(self: &Arc<Self>, id: ActorId, fresh: Option<Box<Woken>>) -> ActorHandle {
        let (inbox, mail) = inbox(limits::MAILBOX);
        let handle = ActorHandle {
            inbox,
            generation: Generation::default(),
            scale: Arc::default(),
        };
        let task = ActorTask::new(Arc::clone(self), id, handle.clone(), mail, fresh);
        self.tasks.spawn(task.run());
        handle
    }

    /// Puts `message` into the mailbox of `id` without waiting, and tells which life the actor is in.
    ///
    /// # Errors
    /// `actor.overloaded` when the mailbox is full, `actor.stopping`.
    pub(crate) fn send(
        self: &Arc<Self>,
        id: ActorId,
        mut message: Message,
    ) -> Result<Generation, ActorError> {
        loop {
            let task = self.actor(id).ok_or_else(ActorError::stopping)?;
            match task.inbox.try_send(message) {
                Ok(()) => return Ok(task.generation),
                Err(Unsent::Full(_)) => return Err(ActorError::overloaded()),
                // The task ended between look-up and sending: the next look-up starts another.
                Err(Unsent::Closed(back)) => message = back,
            }
        }
    }

    /// Sends again what a task found in its mailbox when it had already closed it.
    pub(crate) fn redeliver(self: &Arc<Self>, id: ActorId, message: Message) {
        // A refusal drops the message, and with it the channel on which its sender waits.
        let _ = self.send(id, message);
    }

    /// The thread of the host that an actor runs on.
    pub(crate) fn lane_of(&self, actor: ActorId) -> Lane {
        Lane::of(actor, self.lanes)
    }

    /// A number for an instance of `actor`, which tells its lane ([`Lane::of_instance`]) and is never 0.
    pub(crate) fn add_instance(&self, actor: ActorId, inbox: ActorInbox) -> Instance {
        let mut instances = self
            .instances
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let rounds = u32::MAX / self.lanes - 1;
        loop {
            let round = 1 + self.last_instance.fetch_add(1, Ordering::Relaxed) % rounds;
            let instance = Instance(round * self.lanes.get() + self.lane_of(actor).0);
            // Numbers come again after billions of them, some of which may still be in use.
            if let Entry::Vacant(free) = instances.entry(instance) {
                free.insert(inbox);
                return instance;
            }
        }
    }

    pub(crate) fn remove_instance(&self, instance: Instance) {
        let mut instances = self
            .instances
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        instances.remove(&instance);
        shrink_sparse(&mut instances);
    }

    /// Hands `control` to the task of `instance`, if it is still there.
    pub(crate) fn to_instance(&self, instance: Instance, control: Control) {
        let instances = self
            .instances
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(task) = instances.get(&instance) {
            task.tell(control);
        }
    }

    /// Notes that the task of an awake actor has panicked. The actor is revived from elsewhere: nothing
    /// can be started in the middle of a panic.
    pub(crate) fn report_fallen(&self, id: ActorId, mark: Mark) {
        self.fallen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push((id, mark));
        self.alarms_changed.notify_one();
    }

    /// The actors that were reported as fallen since the last time.
    pub(crate) fn take_fallen(&self) -> Vec<(ActorId, Mark)> {
        std::mem::take(&mut *self.fallen.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A number that no other call of this runtime has.
    pub(crate) fn next_token(&self) -> u64 {
        self.last_token.fetch_add(1, Ordering::Relaxed)
    }

    /// An unguessable connection id: a random UUID (RFC 9562, version 4).
    pub(crate) fn new_conn_id(&self) -> String {
        let mut bytes = [0; 16];
        self.env.random(&mut bytes);
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let mut id = String::with_capacity(36);
        for (i, byte) in bytes.iter().enumerate() {
            if matches!(i, 4 | 6 | 8 | 10) {
                id.push('-');
            }
            for digit in [byte >> 4, byte & 15] {
                id.push(char::from(b"0123456789abcdef"[usize::from(digit)]));
            }
        }
        id
    }
}

fn shared_each(
    actors: BTreeMap<ActorName, ActorOptions>,
) -> BTreeMap<ActorName, Arc<ActorOptions>> {
    let shared = |(name, options)| (name, Arc::new(options));
    actors.into_iter().map(shared).collect()
}
