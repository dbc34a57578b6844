//! The runtime's front: everything that a server or a host may ask of it.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use greenroom_store::{ActorRecord, Created, ListPage, ListQuery, Store, StoreMemory};
use greenroom_types::{
    ActorError, ActorId, ActorKey, ActorName, limits,
    once::{OnceCall, OnceId},
};
use tokio::sync::oneshot;

use crate::{
    ActorHost, ActorOptions, CallOutcome, ClientInfo, Connection, CrashPolicy, Env, Fetch,
    FetchRequest, Generation, Identity, Instance, Lane, Outbox, ReplyStream, Resuming, Turn,
    Weight,
    actor::{Answer, Control, Message},
    alarm_clock,
    registry::Beginning,
    shared::Shared,
    store_error,
};

/// What a runtime is made of.
pub struct RuntimeConfig {
    /// Where journals live.
    pub store: Arc<dyn Store>,
    /// What runs user code.
    pub host: Arc<dyn ActorHost>,
    /// Clock and randomness.
    pub env: Arc<dyn Env>,
    /// The actor types that exist, with their settings.
    pub actors: BTreeMap<ActorName, ActorOptions>,
}

/// A stateless call.
#[derive(Clone, Debug)]
pub struct CallRequest {
    /// The dotted action name.
    pub name: String,
    /// The arguments: one CBOR array.
    pub args: Bytes,
    /// Whether `args` are in compat form.
    pub compat: bool,
    /// Who calls.
    pub client: ClientInfo,
    /// What it is known by, if it is to run once however often it is made.
    pub once: Option<Box<OnceCall>>,
}

/// A message for a queue.
#[derive(Clone, Debug)]
pub struct PublishRequest {
    /// The name of the queue.
    pub queue: String,
    /// The message: one CBOR value.
    pub body: Bytes,
    /// Whether `body` is in compat form.
    pub compat: bool,
    /// Who sends it.
    pub client: ClientInfo,
    /// Whether to wait until the message is finished, and not only stored.
    pub wait: bool,
    /// How long to wait for that, in milliseconds; absent for as long as an action may take.
    pub timeout_ms: Option<u64>,
}

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Published {
    /// It is stored, or, if the sender has waited, finished: with this response, a CBOR value in
    /// compat form, if its consumer gave any. A host replies with an array of what there is.
    Completed(Option<Bytes>),
    /// It is stored, and was not finished in time. A host replies with `null`.
    TimedOut,
}

impl Published {
    fn from_reply(reply: &Bytes) -> Result<Self, ActorError> {
        const NULL: u8 = 0xf6;
        const EMPTY: u8 = 0x80;
        const ONE: u8 = 0x81;
        match **reply {
            [NULL] => Ok(Self::TimedOut),
            [EMPTY] => Ok(Self::Completed(None)),
            [ONE, ..] => Ok(Self::Completed(Some(reply.slice(1..)))),
            _ => Err(ActorError::internal()),
        }
    }
}

/// A connection that asks to be admitted.
#[derive(Debug)]
pub struct ConnRequest {
    /// Who connects.
    pub client: ClientInfo,
    /// Whether the client can take results that stream.
    pub streams: bool,
    /// Whether it may come back to events that it missed, or does.
    pub resuming: Resuming,
    /// Whether it is a raw WebSocket rather than one of the client protocol.
    pub raw: bool,
    /// Where its messages go. `Init`, or an `Error` and a `Close`, will come first.
    pub outbox: Outbox,
}

/// A running actor system. Cheap to clone.
#[derive(Clone)]
pub struct Runtime {
    shared: Arc<Shared>,
}

impl Runtime {
    /// Starts the runtime on the current tokio runtime.
    pub fn start(config: RuntimeConfig) -> Self {
        let RuntimeConfig {
            store,
            host,
            env,
            actors,
        } = config;
        let shared = Arc::new(Shared::new(store, host, env, actors));
        shared.tasks.spawn(alarm_clock::run(Arc::clone(&shared)));
        Self { shared }
    }

    /// Whether an actor type of this name exists.
    pub fn is_registered(&self, name: &ActorName) -> bool {
        self.shared.actors.contains_key(name)
    }

    /// Whether any actor type wants to be told of requests ([`ClientFacts::request`](crate::ClientFacts::request)).
    pub fn wants_requests(&self) -> bool {
        self.shared.wants_requests
    }

    /// What becomes of actors of this type whose instance is lost; the default for unknown types.
    pub fn crash_policy(&self, name: &ActorName) -> CrashPolicy {
        let options = self.shared.actors.get(name);
        options.map_or_else(CrashPolicy::default, |options| options.crash_policy)
    }

    /// Whether the store takes writes. Once it does not, only a restart of the process helps.
    pub fn store_works(&self) -> bool {
        self.shared.store.failure().is_none()
    }

    /// What the store holds in memory on its own account; `None` if it does not say.
    pub fn store_memory(&self) -> Option<StoreMemory> {
        self.shared.store.memory()
    }

    /// The names of all actor types, in order.
    pub fn names(&self) -> impl Iterator<Item = &ActorName> {
        self.shared.actors.keys()
    }

    /// Finds an actor by key without creating it. Waits for a creation that is under way.
    ///
    /// # Errors
    /// `actor.not_registered`, `actor.not_found`, `actor.stopping`, or a store's error.
    pub async fn get(&self, name: &ActorName, key: &ActorKey) -> Result<ActorRecord, ActorError> {
        self.find(name, key)
            .await?
            .ok_or_else(ActorError::not_found)
    }

    async fn find(
        &self,
        name: &ActorName,
        key: &ActorKey,
    ) -> Result<Option<ActorRecord>, ActorError> {
        self.check_name(name)?;
        loop {
            let creation = match self.shared.registry.by_key(name, key) {
                Some((record, None)) => return Ok(Some(record)),
                Some((_, Some(creation))) => creation,
                None => break,
            };
            // Its code runs, and whoever is told of it by that must find it. Apart, because it is rare.
            Box::pin(creation.settled()).await;
        }
        self.shared
            .store
            .lookup(name, key)
            .await
            .map_err(|e| store_error(&e))
    }

    /// Finds an actor by id, as [`Runtime::get`] does by key. A destroyed one is not found.
    ///
    /// # Errors
    /// `actor.not_found`, `actor.stopping`, or a store's error.
    pub async fn get_by_id(&self, id: ActorId) -> Result<ActorRecord, ActorError> {
        self.shared.check_running()?;
        if let Some(creation) = self.shared.registry.creation_of(id) {
            Box::pin(creation.settled()).await;
        }
        let record = self
            .shared
            .store
            .record(id)
            .await
            .map_err(|e| store_error(&e))?;
        record.ok_or_else(ActorError::not_found)
    }

    /// Creates an actor.
    ///
    /// # Errors
    /// As [`Runtime::get`], and `actor.duplicate_key`, `actor.input_too_large`.
    pub async fn create(
        &self,
        name: &ActorName,
        key: &ActorKey,
        input: Option<Bytes>,
    ) -> Result<ActorRecord, ActorError> {
        match self.try_create(name, key, input).await? {
            (record, true) => Ok(record),
            (_, false) => Err(ActorError::duplicate_key()),
        }
    }

    /// Finds an actor by key or creates it; `true` when it was created. Races resolve to one.
    ///
    /// # Errors
    /// As [`Runtime::get`] except `actor.not_found`, and `actor.input_too_large`.
    pub async fn get_or_create(
        &self,
        name: &ActorName,
        key: &ActorKey,
        input: Option<Bytes>,
    ) -> Result<(ActorRecord, bool), ActorError> {
        match self.find(name, key).await? {
            Some(record) => Ok((record, false)),
            None => self.try_create(name, key, input).await,
        }
    }

    /// The actor of this key, if it has a task: what [`Runtime::reach_or_create`] gives without waiting for anything.
    ///
    /// # Errors
    /// `actor.not_registered`, `actor.stopping`.
    pub fn known(
        &self,
        name: &ActorName,
        key: &ActorKey,
    ) -> Result<Option<ActorRecord>, ActorError> {
        self.check_name(name)?;
        Ok(self.shared.registry.find(name, key).ok())
    }

    /// As [`Runtime::get_or_create`], for those who send the actor something at once: does not wait for the creation
    /// to be durable. Whatever the actor answers does, and if it is not created, who waits for it is told why. So
    /// creation and first commit can share a sync.
    ///
    /// # Errors
    /// As [`Runtime::get_or_create`].
    pub async fn reach_or_create(
        &self,
        name: &ActorName,
        key: &ActorKey,
        input: Option<Bytes>,
    ) -> Result<(ActorRecord, bool), ActorError> {
        self.check_name(name)?;
        let unknown = match self.shared.registry.find(name, key) {
            Ok(record) => return Ok((record, false)),
            Err(unknown) => unknown,
        };
        let stored = self.shared.store.lookup(name, key).await;
        if let Some(record) = stored.map_err(|e| store_error(&e))? {
            return Ok((record, false));
        }
        let record = self.new_record(name, key, input)?;
        let begun = self.shared.begin(&record, unknown);
        match begun.map_err(|e| store_error(&e))? {
            Beginning::Begun => Ok((record, true)),
            Beginning::Known(other) => Ok((other, false)),
            Beginning::Doubtful => self.try_create(name, key, record.input).await,
            Beginning::Closed => Err(ActorError::stopping()),
        }
    }

    async fn try_create(
        &self,
        name: &ActorName,
        key: &ActorKey,
        input: Option<Bytes>,
    ) -> Result<(ActorRecord, bool), ActorError> {
        self.check_name(name)?;
        let record = self.new_record(name, key, input)?;
        match self.shared.create(&record).await? {
            Created::New => Ok((record, true)),
            Created::Existing(existing) => Ok((existing, false)),
        }
    }

    fn check_name(&self, name: &ActorName) -> Result<(), ActorError> {
        self.shared.check_running()?;
        match self.is_registered(name) {
            true => Ok(()),
            false => Err(ActorError::not_registered(name.as_str())),
        }
    }

    fn new_record(
        &self,
        name: &ActorName,
        key: &ActorKey,
        input: Option<Bytes>,
    ) -> Result<ActorRecord, ActorError> {
        if let Some(len) = input
            .as_ref()
            .map(Bytes::len)
            .filter(|&len| len > limits::INPUT)
        {
            let message = format!("the input has {len} bytes, limit is {}", limits::INPUT);
            return Err(ActorError::new("actor", "input_too_large", message));
        }
        let mut random = [0; 13];
        self.shared.env.random(&mut random);
        Ok(ActorRecord {
            id: ActorId::new(key.shard(name), random),
            name: name.clone(),
            key: key.clone(),
            created_at_ms: self.shared.env.now_ms(),
            input,
        })
    }

    /// Lists actors, a page at a time.
    ///
    /// # Errors
    /// `actor.stopping`, or a store's error.
    pub async fn list(&self, query: ListQuery) -> Result<ListPage, ActorError> {
        self.shared.check_running()?;
        self.shared
            .store
            .list(query)
            .await
            .map_err(|e| store_error(&e))
    }

    /// Calls an action without a connection, waking the actor if need be.
    ///
    /// # Errors
    /// What the action answers, `actor.not_found`, `actor.overloaded`, `actor.restarting` when the
    /// instance was lost under the call, or why the actor could not start.
    ///
    /// # Cancel safety
    /// Dropping the future cancels the call: the actor is told, and may have run it.
    pub async fn call(&self, id: ActorId, request: CallRequest) -> Result<Bytes, ActorError> {
        match self.call_in_life(id, request, false).await.1? {
            CallOutcome::Value(value) => Ok(value),
            // The host was told that the caller cannot take a stream.
            CallOutcome::Stream(_) => Err(ActorError::internal()),
        }
    }

    /// As [`Runtime::call`], and tells which life of the actor has answered. With `streams`, the
    /// caller can take a result that streams; what goes wrong after its beginning is an item of it.
    ///
    /// # Cancel safety
    /// As for [`Runtime::call`]; dropping the stream cancels the call as well.
    pub async fn call_in_life(
        &self,
        id: ActorId,
        request: CallRequest,
        streams: bool,
    ) -> (Generation, Result<CallOutcome, ActorError>) {
        let (generation, answer) = self
            .ask(id, |token, reply| Message::Call {
                token,
                request,
                streams,
                reply,
            })
            .await;
        let outcome = answer.map(|(token, answer)| match answer {
            Answer::Value(value) => CallOutcome::Value(value),
            Answer::Stream(events) => {
                let shared = Arc::clone(&self.shared);
                CallOutcome::Stream(ReplyStream::new(shared, id, token, events))
            }
        });
        (generation, outcome)
    }

    /// Whoever has made a call that runs once does not wait for it any more, and will not make it again: the actor
    /// is told at once. Without that, a call whose caller has gone is left alone for a while, because the caller
    /// may come back. What is not in progress stays as it is, and no actor is woken.
    pub async fn give_up(&self, id: ActorId, call: OnceId) {
        let Some(task) = self.shared.registry.get(id) else {
            return;
        };
        // Waited for, so that whoever says this a lot is held up by the actor.
        let (found, is_found) = oneshot::channel();
        let control = Control::GiveUp {
            id: call.clone(),
            found,
        };
        task.inbox.tell(control);
        if is_found.await == Ok(false) {
            // Again behind the call, if that has not been looked at. Without room there, it is lost like a caller
            // who says nothing.
            let _ = task.inbox.try_send(Message::GiveUp(call));
        }
    }

    /// Sends a message with a way to answer it, and waits for the answer.
    async fn ask(
        &self,
        id: ActorId,
        message: impl FnOnce(u64, oneshot::Sender<Result<Answer, ActorError>>) -> Message,
    ) -> (Generation, Result<(u64, Answer), ActorError>) {
        let token = self.shared.next_token();
        let (reply, answer) = oneshot::channel();
        let generation = match self.shared.send(id, message(token, reply)) {
            Ok(generation) => generation,
            Err(error) => return (Generation::default(), Err(error)),
        };
        let mut guard = CancelOnDrop {
            shared: &self.shared,
            actor: id,
            token: Some(token),
        };
        let result = answer.await;
        guard.token = None;
        let answer = result.unwrap_or_else(|_| Err(self.shared.lost()));
        (generation, answer.map(|answer| (token, answer)))
    }

    /// Sends a request to the actor's own HTTP handler, waking the actor if need be.
    ///
    /// # Errors
    /// `actor.overloaded`, `actor.stopping`.
    pub fn fetch(&self, id: ActorId, request: FetchRequest) -> Result<Fetch, ActorError> {
        Fetch::begin(&self.shared, id, request)
    }

    /// Puts a message into a queue, waking the actor if need be. Returns once it is stored, durably;
    /// if the request says so, once it is finished. Tells which life of the actor has answered.
    ///
    /// # Errors
    /// Why the actor does not take the message, and what [`Runtime::call`] gives.
    ///
    /// # Cancel safety
    /// Dropping the future ends the waiting; the message may be there.
    pub async fn publish(
        &self,
        id: ActorId,
        request: PublishRequest,
    ) -> (Generation, Result<Published, ActorError>) {
        let request = Box::new(request);
        let (generation, reply) = self
            .ask(id, |token, reply| Message::Publish {
                token,
                request,
                reply,
            })
            .await;
        let published = reply.and_then(|(_, answer)| match answer {
            Answer::Value(reply) => Published::from_reply(&reply),
            Answer::Stream(_) => Err(ActorError::internal()),
        });
        (generation, published)
    }

    /// Opens a connection, waking the actor if need be. Returns once the connection is registered
    /// with the actor; whether it is admitted comes through the outbox.
    ///
    /// # Errors
    /// `actor.overloaded`, `actor.stopping`, `actor.restarting`.
    ///
    /// # Cancel safety
    /// Dropping the future closes the connection.
    pub async fn connect(
        &self,
        id: ActorId,
        request: ConnRequest,
    ) -> Result<Connection, ActorError> {
        let (registered, answer) = oneshot::channel();
        self.shared.send(
            id,
            Message::Connect {
                request,
                registered,
            },
        )?;
        answer.await.map_err(|_| self.shared.lost())
    }

    /// Destroys an actor as `c.destroy()` does. Returns when it is gone, durably.
    ///
    /// # Errors
    /// `actor.not_found`, `actor.stopping`, or a store's error.
    pub async fn destroy(&self, id: ActorId) -> Result<(), ActorError> {
        let (done, answer) = oneshot::channel();
        self.shared.send(id, Message::Destroy { done })?;
        answer.await.unwrap_or_else(|_| Err(self.shared.lost()))
    }

    /// Puts an actor to sleep as `c.sleep()` does, without waiting for it. One that is asleep or
    /// does not exist stays so.
    ///
    /// # Errors
    /// `actor.overloaded`, `actor.stopping`.
    pub fn sleep(&self, id: ActorId) -> Result<(), ActorError> {
        if self.shared.registry.get(id).is_none() {
            return self.shared.check_running();
        }
        self.shared.send(id, Message::Sleep).map(|_| ())
    }

    /// Ends an actor's instance as a crash of the process would: no hook runs, and what is not in the
    /// store is lost. Callers that wait get `actor.restarting`; the next message wakes the actor.
    pub fn crash(&self, id: ActorId) {
        if let Some(actor) = self.shared.registry.get(id) {
            actor.inbox.tell(Control::Crash);
        }
    }

    /// Takes what an instance produced. Called by the host, from any thread; never blocks. Turns
    /// of an instance that is gone are dropped.
    pub fn turn(&self, instance: Instance, turn: Turn) {
        self.shared
            .to_instance(instance, Control::Turn(instance, Box::new(turn)));
    }

    /// The host comes to run nothing at the moment on one of its threads: it is blocked. To be said about once
    /// a second until [`Runtime::recovered`]. Whoever has waited for longer than an action may take since it was
    /// first said is told so: the host cannot tell them.
    pub fn stalled(&self, lane: Lane) {
        self.tell_lane(lane, || Control::Stalled);
    }

    /// The host runs again on that thread.
    pub fn recovered(&self, lane: Lane) {
        self.tell_lane(lane, || Control::Recovered);
    }

    /// The host has lost one of its threads, and with it the instances there: they end as in
    /// [`Runtime::crash`]. Instances that start from here on wait until the host runs them.
    pub fn lost(&self, lane: Lane) {
        self.tell_lane(lane, || Control::Recovered);
        self.tell_lane(lane, || Control::Crash);
    }

    fn tell_lane(&self, lane: Lane, control: impl Fn() -> Control) {
        let is_there = |id| self.shared.lane_of(id) == lane;
        for actor in self.shared.registry.handles(is_there) {
            actor.inbox.tell(control());
        }
    }

    /// The thread of the host that an actor runs on when it is awake.
    pub fn lane_of(&self, id: ActorId) -> Lane {
        self.shared.lane_of(id)
    }

    /// What each actor weighs that has a task at the moment, in no order. Those that have never been awake
    /// since are left out.
    pub fn weights(&self) -> Vec<(Arc<Identity>, Weight)> {
        let scales = self.shared.registry.scales();
        let known = scales.iter().filter_map(|scale| {
            let identity = scale.identity()?;
            Some((Arc::clone(identity), scale.read()))
        });
        known.collect()
    }

    /// Whose an instance is, if it is there.
    pub fn identity(&self, instance: Instance) -> Option<Arc<Identity>> {
        let scales = self.shared.registry.scales();
        let scale = scales.iter().find(|scale| scale.is_of(instance))?;
        scale.identity().cloned()
    }

    /// How many actors have a task at the moment: awake, or asleep with connections.
    pub fn live_actors(&self) -> usize {
        self.shared.registry.len()
    }

    /// Refuses new work, puts every actor to sleep within its grace period, closes all
    /// connections, and closes the store. Returns when everything is durable. Idempotent: a second
    /// call waits for the first.
    pub async fn shutdown(&self) {
        if let Some(actors) = self.shared.registry.close() {
            self.shared.stopped.notify_one();
            self.shared.tasks.close();
            for actor in actors {
                actor.inbox.tell(Control::Shutdown);
            }
        }
        self.shared.tasks.wait().await;
        if let Err(cause) = self.shared.store.close().await {
            tracing::error!(%cause, "the store did not close cleanly");
        }
    }
}

/// Tells the actor when a caller stops waiting.
struct CancelOnDrop<'a> {
    shared: &'a Arc<Shared>,
    actor: ActorId,
    token: Option<u64>,
}

impl Drop for CancelOnDrop<'_> {
    fn drop(&mut self) {
        if let (Some(token), Some(task)) = (self.token, self.shared.registry.get(self.actor)) {
            task.inbox.tell(Control::Cancel(token));
        }
    }
}
