//! What JavaScript can call. Types and their documentation for users are in `@greenroom/native`.

use std::sync::{Arc, Mutex, PoisonError, atomic::Ordering::Relaxed};

use bytes::Bytes;
use greenroom_core::{Lane, image::StateImage};
use greenroom_store::MemoryStore;
use napi::{
    Env, Error, JsDeferred, Status,
    bindgen_prelude::{Function, Object, Uint8ArraySlice, Uint32Array},
};
use napi_derive::napi;
use tokio::sync::oneshot;

use crate::{
    config::Config,
    lobby,
    service::{self, Address, Memory, Service},
    start_error::StartError,
    thread::Thread,
    virtual_time::VirtualTime,
};

/// Where a registry can be reached.
#[napi(object)]
pub struct StartedInfo {
    /// The host that was asked for.
    pub host: String,
    /// The port, also when any free one was asked for.
    pub port: u16,
    /// The base URL for clients on this machine.
    pub url: String,
}

/// A place for the data of a registry that a test runs: in memory, and with a clock that the test
/// moves. It outlives the registry, so that another one can start on it.
#[napi]
pub struct NativeMemory(Mutex<Kept>);

/// What outlives a registry in memory.
struct Kept {
    store: MemoryStore,
    /// The time at which the next one begins, unless the last one knows better.
    now_ms: i64,
    time: Option<Arc<VirtualTime>>,
}

#[napi]
impl NativeMemory {
    /// An empty one. Its clock begins at `now`, in milliseconds since the Unix epoch.
    #[napi(constructor, catch_unwind)]
    pub fn new(now: f64) -> Self {
        Self(Mutex::new(Kept {
            store: MemoryStore::new(),
            now_ms: now as i64,
            time: None,
        }))
    }

    /// What was stored, for another life of the registry.
    fn reopen(&self, service: &Service) -> Memory {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.store = kept.store.reopened();
        if let Some(before) = kept.time.take() {
            kept.now_ms = before.now_ms();
        }
        let time = VirtualTime::new(Arc::clone(&service.seats.main().host), kept.now_ms);
        kept.time = Some(Arc::clone(&time));
        Memory {
            store: kept.store.clone(),
            time,
        }
    }
}

/// Settles a promise on JavaScript's thread.
type Settle<T> = Box<dyn FnOnce(Env) -> napi::Result<T> + Send>;
type Deferred<T> = JsDeferred<T, Settle<T>>;

/// A store, a runtime and a server, for as long as they run.
#[napi]
pub struct NativeRegistry {
    service: Arc<Service>,
    /// Where other threads of this process find it.
    token: u32,
    life: Arc<Mutex<Life>>,
    thread: Thread,
}

/// How far a registry has come.
enum Life {
    /// Not started yet.
    Fresh(Box<Config>),
    /// Starting, running, or on its way down.
    Alive {
        /// Taken by the first shutdown. Dropped with the registry, which ends it as well.
        stop: Option<oneshot::Sender<()>>,
        /// The promises of those who wait for the end.
        waiting: Vec<Deferred<()>>,
    },
    /// Ended, or never started.
    Over,
}

#[napi]
impl NativeRegistry {
    /// Takes the configuration as JSON. Nothing is opened yet. With `memory` it is for a test.
    ///
    /// # Errors
    /// When it is malformed; the text names the field and `code` is `invalid_config`.
    #[napi(constructor, catch_unwind)]
    pub fn new(config: String, memory: Option<&NativeMemory>) -> Result<Self, Error<&'static str>> {
        let config = Config::parse(&config)
            .map_err(|error| Error::new("invalid_config", error.to_string()))?;
        let service = Arc::new(Service::new(config.workers));
        let life = Arc::new(Mutex::new(Life::Fresh(Box::new(config))));
        if let Some(memory) = memory {
            // It is empty: nobody else knows the service.
            let _ = service.memory.set(memory.reopen(&service));
        }
        Ok(Self {
            token: lobby::enter(&service),
            thread: Thread::new(&service, Lane::default()),
            service,
            life,
        })
    }

    /// Opens the store, binds the address, if it has one, and serves. Resolves to where that is. `wake` is called when events wait, with at
    /// most one call outstanding.
    ///
    /// # Errors
    /// The promise is rejected with an explanation and a `code`, see `StartError::code`.
    #[napi(catch_unwind)]
    pub fn start<'env>(
        &self,
        env: &'env Env,
        wake: Function<'_, (), ()>,
    ) -> napi::Result<Object<'env>> {
        let bell = self.thread.bell(wake)?;
        let (deferred, promise) =
            env.create_deferred::<Option<StartedInfo>, Settle<Option<StartedInfo>>>()?;
        let mut life = self.life.lock().unwrap_or_else(PoisonError::into_inner);
        let config = match std::mem::replace(&mut *life, Life::Over) {
            Life::Fresh(config) => *config,
            other => {
                *life = other;
                reject(deferred, StartError::Started);
                return Ok(promise);
            }
        };
        let (stop, stopped) = oneshot::channel();
        *life = Life::Alive {
            stop: Some(stop),
            waiting: Vec::new(),
        };
        drop(life);
        let (started, ended) = (deferred.clone(), Arc::downgrade(&self.life));
        let spawned = service::spawn(
            Arc::clone(&self.service),
            config,
            (bell, Arc::clone(&self.thread.pulse)),
            stopped,
            move |outcome| settle_start(started, outcome),
            move || {
                if let Some(life) = ended.upgrade() {
                    end(&life);
                }
            },
        );
        if let Err(error) = spawned {
            end(&self.life);
            reject(deferred, error.into());
        }
        Ok(promise)
    }

    /// The memory in which JavaScript notes what it is at, see `watch::desk`. `labels` are the names of its
    /// numbers, those of before included. To be asked for once.
    ///
    /// # Errors
    /// The second time.
    #[napi(catch_unwind)]
    pub fn desk(&self, labels: Vec<String>) -> napi::Result<Uint32Array> {
        self.thread.desk(labels)
    }

    /// Hands over the turns of instances and takes the events that wait for them.
    ///
    /// # Errors
    /// When the batch is malformed. The turns before the mistake have been handed over.
    #[napi(catch_unwind)]
    pub fn exchange<'env>(
        &self,
        env: &'env Env,
        outgoing: Option<Uint8ArraySlice<'_>>,
    ) -> napi::Result<Option<Uint8ArraySlice<'env>>> {
        self.thread.exchange(env, outgoing)
    }

    /// What `NativeLane`s on other threads of this process name it by.
    #[napi(catch_unwind)]
    pub fn token(&self) -> u32 {
        self.token
    }

    /// The thread of a lane is gone. Its actors end as in a crash, and wake on the next one that takes its place.
    /// Nothing happens if nobody has taken it.
    #[napi(catch_unwind)]
    pub fn lose(&self, lane: u32) {
        self.service.lose(Lane(lane), None);
    }

    /// The thread of a lane could not be started again, so far. Whoever waits for an actor there is told so, as in a
    /// crash. Nothing happens if somebody has taken its place.
    #[napi(catch_unwind)]
    pub fn vacant(&self, lane: u32) {
        self.service.vacant(Lane(lane));
    }

    /// Drains and ends everything. Needs events to be answered meanwhile. After the promise is
    /// fulfilled nothing keeps the process alive. May be called any number of times.
    #[napi(catch_unwind)]
    pub fn shutdown<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>> {
        let (deferred, promise) = env.create_deferred::<(), Settle<()>>()?;
        self.service.is_ending.store(true, Relaxed);
        let mut life = self.life.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *life {
            Life::Alive { stop, waiting } => {
                waiting.push(deferred);
                if let Some(stop) = stop.take() {
                    // The control thread may be ending on its own already.
                    let _ = stop.send(());
                }
            }
            Life::Fresh(_) | Life::Over => {
                *life = Life::Over;
                fulfil(deferred);
            }
        }
        Ok(promise)
    }

    /// Ends everything at once, as a crash of the process would. The promise is fulfilled when nothing
    /// runs any more.
    #[napi(catch_unwind)]
    pub fn kill<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>> {
        let (deferred, promise) = env.create_deferred::<(), Settle<()>>()?;
        let mut life = self.life.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *life {
            Life::Alive { stop, waiting } => {
                waiting.push(deferred);
                // Dropped without a word.
                *stop = None;
            }
            Life::Fresh(_) | Life::Over => fulfil(deferred),
        }
        Ok(promise)
    }

    /// Ends an actor's instance as a crash would, if it has one.
    ///
    /// # Errors
    /// When `actor` is no id.
    #[napi(catch_unwind)]
    pub fn crash(&self, actor: String) -> napi::Result<()> {
        self.service
            .crash(actor.parse().map_err(|_| invalid("this is no actor id"))?);
        Ok(())
    }

    /// The time of a registry in memory, in milliseconds since the Unix epoch; otherwise 0.
    #[napi(catch_unwind)]
    pub fn now(&self) -> f64 {
        let memory = self.service.memory.get();
        memory.map_or(0, |memory| memory.time.now_ms()) as f64
    }

    /// Lets the registry do what it has to do, and lets time pass up to `target` for as long as no
    /// events wait. The promise is fulfilled with the time that it has become.
    ///
    /// # Errors
    /// When the registry is not in memory: time passes by itself then.
    #[napi(catch_unwind)]
    pub fn step<'env>(&self, env: &'env Env, target: f64) -> napi::Result<Object<'env>> {
        let Some(memory) = self.service.memory.get() else {
            return Err(invalid("this registry is not in memory"));
        };
        let (deferred, promise) = env.create_deferred::<f64, Settle<f64>>()?;
        memory.time.step(target as i64, move |now| {
            deferred.resolve(Box::new(move |_| Ok(now as f64)));
        });
        Ok(promise)
    }

    /// Counters as JSON, for tests: `commits`, `journalBytes`, `snapshots`, `snapshotBytes` since
    /// the start, and `actors` awake at the moment.
    #[napi(catch_unwind)]
    pub fn stats(&self) -> String {
        let counters = &self.service.counters;
        serde_json::json!({
            "commits": counters.commits.load(Relaxed),
            "journalBytes": counters.journal_bytes.load(Relaxed),
            "snapshots": counters.snapshots.load(Relaxed),
            "snapshotBytes": counters.snapshot_bytes.load(Relaxed),
            "actors": self.service.live_actors(),
        })
        .to_string()
    }
}

/// Folds operations onto a state image; without an image, onto nothing.
///
/// # Errors
/// When the image or an operation is malformed, or when there is no state in the end.
#[napi(catch_unwind)]
pub fn fold_state<'env>(
    env: &'env Env,
    image: Option<Uint8ArraySlice<'_>>,
    operations: Vec<Uint8ArraySlice<'_>>,
) -> napi::Result<Uint8ArraySlice<'env>> {
    let mut state = match image {
        Some(image) => StateImage::decode(Bytes::copy_from_slice(&image)).map_err(invalid)?,
        None => StateImage::empty(),
    };
    for operations in &operations {
        state
            .apply(&Bytes::copy_from_slice(operations))
            .map_err(invalid)?;
    }
    let image = state
        .encode()
        .ok_or_else(|| invalid("the operations leave no state"))?;
    Uint8ArraySlice::copy_from(env, &image)
}

/// The version of the core.
#[napi(catch_unwind)]
pub fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

/// Which layout of records this addon speaks. Changed whenever a record, an export or the configuration does
/// (`LAYOUT` in `@greenroom/native`), so that files of different builds say so instead of misunderstanding
/// each other.
const LAYOUT: u32 = 4;

/// Which layout of records this addon speaks.
#[napi(catch_unwind)]
pub fn layout() -> u32 {
    LAYOUT
}

/// Marks a registry as over and tells those who wait for it.
fn end(life: &Mutex<Life>) {
    let life = std::mem::replace(
        &mut *life.lock().unwrap_or_else(PoisonError::into_inner),
        Life::Over,
    );
    if let Life::Alive { waiting, .. } = life {
        waiting.into_iter().for_each(fulfil);
    }
}

fn settle_start(
    deferred: Deferred<Option<StartedInfo>>,
    outcome: Result<Option<Address>, StartError>,
) {
    match outcome {
        Ok(address) => deferred.resolve(Box::new(move |_| {
            Ok(address.map(|Address { host, port, url }| StartedInfo { host, port, url }))
        })),
        Err(error) => reject(deferred, error),
    }
}

fn fulfil(deferred: Deferred<()>) {
    deferred.resolve(Box::new(|_| Ok(())));
}

fn reject<T: napi::bindgen_prelude::ToNapiValue>(deferred: Deferred<T>, error: StartError) {
    // The error object is made on JavaScript's thread, because `JsDeferred::reject` knows only
    // napi's own codes.
    deferred.resolve(Box::new(move |env| {
        let error = napi::JsError::from(Error::new(error.code(), error.to_string()));
        Err(error.into_unknown(env).into())
    }));
}

pub(crate) fn invalid(error: impl ToString) -> Error {
    Error::new(Status::InvalidArg, error.to_string())
}
