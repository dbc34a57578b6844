//! A counter in Rust as the host, and a runtime around it.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use greenroom_core::{
    ActorHost, ActorOptions, Alarm, AlarmEvent, AlarmUpdate, CallId, CallRequest, ClientInfo,
    ClientMessage, ConnRequest, Connection, Durability, Env, HostEvent, Instance, OutboxReader,
    Output, PublishEvent, PublishRequest, Published, QueueMessage, QueueUpdate, Resuming, Runtime,
    RuntimeConfig, StopReason, Turn, WhenSlow, outbox,
};
use greenroom_store::{MemoryStore, Store};
use greenroom_types::{ActorError, ActorId, ActorKey, ActorName};
use tokio::{
    sync::{Notify, mpsc},
    time::Instant,
};

/// Counting randomness, and a wall clock that follows tokio's and can be made to jump.
pub(crate) struct TestEnv {
    random: AtomicU64,
    start: Instant,
    jumped_ms: AtomicI64,
}

impl TestEnv {
    pub(crate) fn new() -> Self {
        Self {
            random: AtomicU64::new(0),
            start: Instant::now(),
            jumped_ms: AtomicI64::new(0),
        }
    }

    /// Moves the wall clock, but not the timers.
    pub(crate) fn jump(&self, ms: i64) {
        self.jumped_ms.fetch_add(ms, Ordering::Relaxed);
    }
}

impl Env for TestEnv {
    fn now_ms(&self) -> i64 {
        self.start.elapsed().as_millis() as i64 + self.jumped_ms.load(Ordering::Relaxed)
    }

    fn random(&self, bytes: &mut [u8]) {
        let number = self.random.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        bytes.fill(0);
        let len = bytes.len();
        bytes[len - 8..].copy_from_slice(&number);
    }

    fn offload(&self, work: Box<dyn FnOnce() + Send>) {
        work();
    }
}

/// What the host saw, for assertions on hooks.
#[derive(Default)]
pub(crate) struct Seen {
    log: Mutex<Vec<String>>,
    times: Mutex<HashMap<String, usize>>,
    changed: Notify,
}

impl Seen {
    fn push(&self, line: impl Into<String>) {
        let line = line.into();
        *self.times.lock().unwrap().entry(line.clone()).or_default() += 1;
        self.log.lock().unwrap().push(line);
        self.changed.notify_waiters();
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }

    /// Waits until `line` has been seen `times` times.
    pub(crate) async fn wait_for(&self, line: &str, times: usize) {
        loop {
            let changed = self.changed.notified();
            if self
                .times
                .lock()
                .unwrap()
                .get(line)
                .is_some_and(|&seen| seen >= times)
            {
                return;
            }
            tokio::time::timeout(Duration::from_secs(600), changed)
                .await
                .expect("the host sees it");
        }
    }
}

/// Looks at nothing before it is told to.
struct CounterHost {
    events: mpsc::UnboundedSender<(Instance, HostEvent)>,
    waiting: Mutex<Vec<(Instance, HostEvent)>>,
}

impl ActorHost for CounterHost {
    fn deliver(&self, instance: Instance, event: HostEvent) {
        self.waiting.lock().unwrap().push((instance, event));
    }

    fn flush(&self) {
        for event in self.waiting.lock().unwrap().drain(..) {
            // After the test's runtime is gone nobody listens.
            let _ = self.events.send(event);
        }
    }
}

pub(crate) fn uint(value: u64) -> Bytes {
    // An 8-byte head keeps this helper short; the fold does not care.
    let mut out = vec![0x1b];
    out.extend(value.to_be_bytes());
    out.into()
}

pub(crate) fn read_uint(bytes: &[u8]) -> u64 {
    u64::from_be_bytes(bytes[1..9].try_into().expect("8 bytes"))
}

fn set_alarm(id: &str, due_ms: i64, attempt: u32) -> AlarmUpdate {
    AlarmUpdate::Set(Alarm {
        id: id.to_owned(),
        due_ms,
        attempt,
        body: Bytes::new(),
    })
}

pub(crate) fn replace_root(value: u64) -> Bytes {
    let mut out = vec![0x82, 0x07];
    out.extend(uint(value));
    out.into()
}

/// The messages of an instance, and who waits for which.
#[derive(Default)]
struct Messages {
    waiting: BTreeMap<u64, Bytes>,
    senders: HashMap<u64, CallId>,
    last: u64,
}

impl Messages {
    fn put(&mut self, event: PublishEvent, turn: &mut Turn) {
        self.last += 1;
        let message = QueueMessage {
            id: self.last,
            body: event.body.clone(),
        };
        turn.queue.push(QueueUpdate::Put(message));
        self.waiting.insert(self.last, event.body);
        if event.wait {
            self.senders.insert(self.last, event.call);
        } else {
            turn.outputs.push(Output::Reply {
                call: event.call,
                result: Ok(Bytes::from_static(&[0x80])),
            });
        }
    }

    /// Finishes the first message. Gives its number, or 0 if there is none.
    fn finish(&mut self, turn: &mut Turn) -> u64 {
        let Some((id, body)) = self.waiting.pop_first() else {
            return 0;
        };
        turn.queue.push(QueueUpdate::Remove(id));
        if let Some(call) = self.senders.remove(&id) {
            let mut response = vec![0x81];
            response.extend(body);
            let result = Ok(response.into());
            turn.outputs.push(Output::Reply { call, result });
        }
        id
    }
}

/// `finish` adds one for the first message in the queue and gives its number, `count` says how many there are.
/// An actor with the key `broken` cannot start, one with the key `unsteady` not in its second life nor in
/// any later one.
///
/// Actions: `add` (strict), `add_relaxed`, `add_ephemeral`, `add_and_tell` (adds and broadcasts `count`),
/// `add_and_tell_me` (the same to the caller's connection alone), `tell` (broadcasts `told`), `get`,
/// `fail`, `hang` (never answers), `save`, `sleep`, `destroy` (and `_relaxed`, `_ephemeral`), `kick` (closes the caller's
/// connection).
/// `alarm <ms>` sets one that adds when it is told; `broken alarm <ms>` fails twice first.
async fn run_counters(
    mut events: mpsc::UnboundedReceiver<(Instance, HostEvent)>,
    runtime: tokio::sync::oneshot::Receiver<Runtime>,
    seen: Arc<Seen>,
    env: Arc<TestEnv>,
) {
    let runtime = runtime.await.expect("the runtime starts");
    let mut counts: HashMap<Instance, u64> = HashMap::new();
    let mut queues: HashMap<Instance, Messages> = HashMap::new();
    let mut hanging: HashSet<Instance> = HashSet::new();
    while let Some((instance, event)) = events.recv().await {
        let mut turn = Turn::default();
        match event {
            HostEvent::Start(start) => {
                if start
                    .key
                    .parts()
                    .first()
                    .is_some_and(|part| part == "broken")
                {
                    turn.outputs.push(Output::StartFailed(ActorError::new(
                        "user",
                        "broken",
                        "cannot start",
                    )));
                    runtime.turn(instance, turn);
                    continue;
                }
                seen.push(match (start.created, start.ending) {
                    (true, _) => "create",
                    (false, false) => "wake",
                    (false, true) => "wake to end",
                });
                let first = start.key.parts().first().map(String::as_str);
                if first == Some("unsteady") && !start.created {
                    let error = ActorError::new("user", "unsteady", "cannot start again");
                    turn.outputs.push(Output::StartFailed(error));
                    runtime.turn(instance, turn);
                    continue;
                }
                for conn in &start.conns {
                    let state = conn
                        .state
                        .as_deref()
                        .map(|s| String::from_utf8_lossy(s).into_owned());
                    seen.push(format!("restored {state:?}"));
                }
                let queue = queues.entry(instance).or_default();
                queue.last = start.last_message;
                let messages = start.messages.into_iter();
                queue.waiting = messages.map(|message| (message.id, message.body)).collect();
                let count = start.state.as_deref().map_or(0, read_uint);
                if start.state.is_none() {
                    turn.changes = replace_root(0);
                }
                counts.insert(instance, count);
                turn.outputs.push(Output::Started);
            }
            HostEvent::Call(call) => {
                let count = counts.get_mut(&instance).expect("started");
                let mut result = Ok(uint(*count));
                match call.name.as_str() {
                    "get" => {}
                    // Changes nothing, and waits for nothing.
                    "tell" => {
                        turn.durability = Durability::Ephemeral;
                        turn.outputs.push(Output::Event {
                            to: None,
                            name: "told".into(),
                            args: uint(*count),
                            when_slow: WhenSlow::Disconnect,
                        });
                    }
                    "add" | "add_relaxed" | "add_ephemeral" | "add_and_tell"
                    | "add_and_tell_me" => {
                        *count += 1;
                        turn.changes = replace_root(*count);
                        result = Ok(uint(*count));
                        if call.name == "add_relaxed" {
                            turn.durability = Durability::Relaxed;
                        }
                        if call.name == "add_ephemeral" {
                            turn.durability = Durability::Ephemeral;
                        }
                        if call.name.starts_with("add_and_tell") {
                            let args = uint(*count);
                            turn.outputs.push(Output::Event {
                                to: call.conn.filter(|_| call.name.ends_with("me")),
                                name: "count".into(),
                                args,
                                when_slow: WhenSlow::Disconnect,
                            });
                        }
                    }
                    // Named by what they do: `alarm 500`, `broken alarm 500`, `no alarm`.
                    "no alarm" => turn.alarms.push(AlarmUpdate::Remove("alarm".into())),
                    name if name.contains("alarm ") => {
                        let (id, after_ms) = name.rsplit_once(' ').expect("there is one");
                        let due_ms = env.now_ms() + after_ms.parse::<i64>().expect("a time");
                        turn.alarms.push(set_alarm(id, due_ms, 0));
                    }
                    "finish" | "finish_relaxed" => {
                        let queue = queues.get_mut(&instance).expect("started");
                        let finished = queue.finish(&mut turn);
                        if finished > 0 {
                            *count += 1;
                            turn.changes = replace_root(*count);
                        }
                        if call.name == "finish_relaxed" {
                            turn.durability = Durability::Relaxed;
                        }
                        result = Ok(uint(finished));
                    }
                    "count" => {
                        let waiting = queues[&instance].waiting.len();
                        result = Ok(uint(waiting as u64));
                    }
                    "fail" => result = Err(ActorError::new("user", "user_error", "it failed")),
                    "hang" => {
                        seen.push("hanging");
                        hanging.insert(instance);
                        continue;
                    }
                    // Named by what they say: `awake held`, `awake resumes`, `awake`.
                    name if name.starts_with("awake") => turn.outputs.push(Output::Awake {
                        held: name.contains("held"),
                        resumes: name.contains("resumes"),
                    }),
                    "save" => turn.outputs.push(Output::Save { token: 7 }),
                    "sleep" => turn.outputs.push(Output::Sleep),
                    name if name.starts_with("destroy") => {
                        turn.outputs.push(Output::Destroy);
                        turn.durability = match name {
                            "destroy_relaxed" => Durability::Relaxed,
                            "destroy_ephemeral" => Durability::Ephemeral,
                            _ => Durability::Strict,
                        };
                    }
                    "kick" => {
                        let conn = call.conn.expect("called over a connection");
                        turn.outputs.push(Output::Disconnect {
                            conn,
                            reason: "kicked".into(),
                        });
                    }
                    other => result = Err(ActorError::new("actor", "action_not_found", other)),
                }
                turn.outputs.push(Output::Reply {
                    call: call.call,
                    result,
                });
            }
            HostEvent::Alarm(AlarmEvent {
                call,
                alarm,
                now_ms,
            }) => {
                assert!(now_ms >= alarm.due_ms, "never before it is due");
                seen.push(format!("told {}", alarm.id));
                let mut result = Ok(Bytes::new());
                if alarm.id == "broken alarm" && alarm.attempt < 2 {
                    turn.alarms
                        .push(set_alarm(&alarm.id, now_ms + 100, alarm.attempt + 1));
                    result = Err(ActorError::new("user", "user_error", "it failed"));
                } else {
                    let count = counts.get_mut(&instance).expect("started");
                    *count += 1;
                    turn.changes = replace_root(*count);
                    turn.alarms.push(AlarmUpdate::Remove(alarm.id));
                }
                turn.outputs.push(Output::Reply { call, result });
            }
            HostEvent::Publish(event) => {
                seen.push(format!("message for {}", event.queue));
                // Somebody has waited for this one, and is at work from now on.
                if event.queue == "run" {
                    turn.outputs.push(Output::Awake {
                        held: true,
                        resumes: true,
                    });
                }
                queues
                    .get_mut(&instance)
                    .expect("started")
                    .put(event, &mut turn);
            }
            HostEvent::Connect(connect) => {
                let conn = connect.conn;
                if connect.client.params.as_deref() == Some(&[0xf4]) {
                    let error = ActorError::new("user", "no_entry", "not you");
                    turn.outputs.push(Output::Reject { conn, error });
                } else {
                    turn.outputs.push(Output::ConnState {
                        conn,
                        state: Bytes::from_static(b"conn state"),
                    });
                    turn.outputs.push(Output::Accept { conn });
                }
            }
            HostEvent::Subscribe(ask) => turn.outputs.push(Output::Subscribe {
                conn: ask.conn,
                ticket: ask.ticket,
            }),
            HostEvent::Disconnect(_) => {
                seen.push("disconnect");
                continue;
            }
            HostEvent::Credit { .. } | HostEvent::Cancel(_) => {
                seen.push("cancel");
                continue;
            }
            HostEvent::Kv(answer) => panic!("nobody asked: {answer:?}"),
            HostEvent::Fetch(_)
            | HostEvent::BodyData(..)
            | HostEvent::BodyEnd(_)
            | HostEvent::BodyAbort(_)
            | HostEvent::BodyCredit(..)
            | HostEvent::SocketConnect(_)
            | HostEvent::SocketMessage(..)
            | HostEvent::SocketClosed(..) => panic!("nobody sends requests: {event:?}"),
            HostEvent::Saved(token) => {
                seen.push(format!("saved {token}"));
                continue;
            }
            HostEvent::Stop(reason) => {
                seen.push(match reason {
                    StopReason::Sleep => "sleep",
                    StopReason::Destroy => "destroy",
                });
                // It would wait for its calls, for as long as it may.
                if hanging.contains(&instance) {
                    continue;
                }
                counts.remove(&instance);
                turn.outputs.push(Output::Stopped);
            }
            HostEvent::Drop => {
                seen.push("drop");
                counts.remove(&instance);
                continue;
            }
        }
        runtime.turn(instance, turn);
    }
}

/// A runtime over a store, with one actor type `counter`.
pub(crate) struct World {
    pub(crate) runtime: Runtime,
    pub(crate) seen: Arc<Seen>,
    pub(crate) env: Arc<TestEnv>,
}

impl World {
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        Self::with_options(store, ActorOptions::default())
    }

    pub(crate) fn in_memory() -> Self {
        Self::new(Arc::new(MemoryStore::new()))
    }

    pub(crate) fn with_options(store: Arc<dyn Store>, options: ActorOptions) -> Self {
        let (events, receiver) = mpsc::unbounded_channel();
        let (started, runtime) = tokio::sync::oneshot::channel();
        let seen = Arc::new(Seen::default());
        let env = Arc::new(TestEnv::new());
        tokio::spawn(run_counters(
            receiver,
            runtime,
            Arc::clone(&seen),
            Arc::clone(&env),
        ));
        let runtime = start(
            store,
            Arc::new(CounterHost {
                events,
                waiting: Mutex::default(),
            }),
            Arc::clone(&env),
            options,
        );
        assert!(started.send(runtime.clone()).is_ok());
        Self { runtime, seen, env }
    }

    /// The id of the counter with this one-part key, created if need be.
    pub(crate) async fn actor(&self, key: &str) -> ActorId {
        self.runtime
            .get_or_create(&name(), &one(key), None)
            .await
            .expect("created")
            .0
            .id
    }

    pub(crate) async fn call(&self, id: ActorId, action: &str) -> Result<u64, ActorError> {
        self.runtime
            .call(id, request(action))
            .await
            .map(|bytes| read_uint(&bytes))
    }

    /// Puts a message into the queue `jobs`.
    pub(crate) async fn publish(
        &self,
        id: ActorId,
        body: u8,
        wait: bool,
    ) -> Result<Published, ActorError> {
        self.publish_to(id, "jobs", body, wait).await
    }

    /// Puts a message into a queue.
    pub(crate) async fn publish_to(
        &self,
        id: ActorId,
        queue: &str,
        body: u8,
        wait: bool,
    ) -> Result<Published, ActorError> {
        let request = PublishRequest {
            queue: queue.to_owned(),
            body: vec![body].into(),
            compat: true,
            client: ClientInfo::default(),
            wait,
            timeout_ms: None,
        };
        self.runtime.publish(id, request).await.1
    }

    pub(crate) async fn connect(&self, id: ActorId) -> (Connection, OutboxReader) {
        let (sender, mut reader) = outbox();
        let request = ConnRequest {
            client: ClientInfo::default(),
            streams: true,
            resuming: Resuming::Never,
            raw: false,
            outbox: sender,
        };
        let connection = self.runtime.connect(id, request).await.expect("registered");
        let init = reader.recv().await.expect("a first message");
        assert!(
            matches!(init, ClientMessage::Init { actor, .. } if actor == id),
            "{init:?}"
        );
        (connection, reader)
    }
}

/// A runtime with one actor type `counter`.
pub(crate) fn start(
    store: Arc<dyn Store>,
    host: Arc<dyn ActorHost>,
    env: Arc<TestEnv>,
    options: ActorOptions,
) -> Runtime {
    Runtime::start(RuntimeConfig {
        store,
        host,
        env,
        actors: BTreeMap::from([(name(), options)]),
    })
}

pub(crate) fn name() -> ActorName {
    ActorName::new("counter").unwrap()
}

pub(crate) fn one(part: &str) -> ActorKey {
    ActorKey::new(vec![part.to_owned()]).unwrap()
}

pub(crate) fn request(action: &str) -> CallRequest {
    CallRequest {
        name: action.to_owned(),
        args: Bytes::from_static(&[0x80]),
        compat: true,
        client: ClientInfo::default(),
        once: None,
    }
}

/// Calls `action` over a connection and reads its answer, which must be the next message.
pub(crate) async fn act(
    connection: &Connection,
    reader: &mut OutboxReader,
    action: &str,
) -> Result<u64, ActorError> {
    connection
        .action(1, action.to_owned(), Bytes::from_static(&[0x80]), true)
        .await
        .expect("connected");
    match reader.recv().await.expect("an answer") {
        ClientMessage::Response { id: 1, output } => Ok(read_uint(&output)),
        ClientMessage::Error { id: Some(1), error } => Err(error),
        other => panic!("expected an answer, got {other:?}"),
    }
}
