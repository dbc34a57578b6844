//! A running registry: the thread that opens, serves and ends it.
//!
//! One control thread owns everything in order: it builds a tokio runtime, opens the store, binds
//! the address, serves until it is told to stop, drains, and takes all of it down again. Requests
//! to stop that come too early wait until the start is through.

use std::{
    any::Any,
    num::NonZeroU32,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, OnceLock, PoisonError, atomic::AtomicBool},
    thread::available_parallelism,
    time::{Duration, Instant},
};

use greenroom_core::{ActorHost as _, Env, Lane, Runtime, RuntimeConfig};
use greenroom_server::{Server, SystemEnv};
use greenroom_store::{EmbeddedConfig, EmbeddedStore, MemoryStore, Store};
use greenroom_types::ActorId;
use tokio::sync::oneshot;
use tracing::error;

use crate::{
    batch::Handed,
    config::Config,
    counting::{Counters, CountingStore},
    gate::{JsGatekeeper, Questions},
    host::Bell,
    seats::{Seat, Seats},
    start_error::StartError,
    virtual_time::{VirtualEnv, VirtualTime},
    watch::{Pulse, Record, Watch, Watched},
};

/// Time for what is left on the tokio runtime's threads when everything has been shut down.
const THREADS_GRACE: Duration = Duration::from_secs(5);

/// How much longer than JavaScript we count the time of what it runs: it is to speak first if it can.
const BLOCKED_GRACE: Duration = Duration::from_secs(1);

/// A time that no test reaches.
const NEVER: Duration = Duration::from_secs(365 * 86_400);

/// Where a registry can be reached.
#[derive(Debug)]
pub(crate) struct Address {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) url: String,
}

/// What stands in for disk and clock.
pub(crate) struct Memory {
    pub(crate) store: MemoryStore,
    pub(crate) time: Arc<VirtualTime>,
}

/// What the control thread and those of JavaScript share.
pub(crate) struct Service {
    pub(crate) seats: Arc<Seats>,
    pub(crate) counters: Arc<Counters>,
    /// When the time of all [`Pulse`]s begins.
    began: Instant,
    record: Arc<Record>,
    /// After how long a thread counts as blocked, once that is known. Absent: nobody watches.
    threshold: OnceLock<Duration>,
    /// What the server asks JavaScript about visitors.
    questions: Arc<Questions>,
    /// A shutdown has been asked for.
    pub(crate) is_ending: AtomicBool,
    /// For a registry that a test runs.
    pub(crate) memory: OnceLock<Memory>,
    /// There from before JavaScript is told of the first event until the end of the shutdown.
    runtime: Mutex<Option<Runtime>>,
}

impl Service {
    /// For so many threads of JavaScript.
    pub(crate) fn new(threads: NonZeroU32) -> Self {
        Self {
            seats: Arc::new(Seats::new(threads)),
            counters: Arc::default(),
            began: Instant::now(),
            record: Arc::default(),
            threshold: OnceLock::new(),
            questions: Arc::default(),
            is_ending: AtomicBool::new(false),
            memory: OnceLock::new(),
            runtime: Mutex::default(),
        }
    }

    /// For a thread that is about to sit down: what it says of itself.
    pub(crate) fn pulse(&self) -> Arc<Pulse> {
        Arc::new(Pulse::since(self.began))
    }

    /// A thread takes the seat of a lane, and is called by `bell` from now on. Tells which one it is there; `None`
    /// if the registry does not run, or not any more.
    ///
    /// # Errors
    /// When the operating system gives no thread that watches over it.
    pub(crate) fn sit(
        &self,
        lane: Lane,
        bell: Bell,
        pulse: Arc<Pulse>,
    ) -> std::io::Result<Option<u32>> {
        let (Some(runtime), Some(seat)) = (self.runtime(), self.seats.get(lane)) else {
            return Ok(None);
        };
        // Another one may have gone without a word.
        self.lose(lane, None);
        let taken = seat.take(bell, || {
            let desk = Arc::clone(&pulse.desk);
            let watch = match self.threshold.get() {
                Some(&threshold) => Some(Watch::start(Watched {
                    threshold,
                    lane,
                    is_alone: self.seats.lanes() == NonZeroU32::MIN,
                    pulse,
                    record: Arc::clone(&self.record),
                    host: Arc::clone(&seat.host),
                    questions: Arc::clone(&self.seats.for_anybody),
                    runtime,
                })?),
                None => None,
            };
            self.record.came(lane, desk);
            Ok(watch)
        })?;
        self.seats.call_again();
        Ok(taken)
    }

    /// The thread that has sat there is gone, and with it the actors that it ran: they end as in a crash, and wake on
    /// the next one. Does nothing if somebody else sits there than `which`, if that is given.
    pub(crate) fn lose(&self, lane: Lane, which: Option<u32>) {
        if !self.seats.get(lane).is_some_and(|seat| seat.lose(which)) {
            return;
        }
        self.record.went(lane);
        self.questions.lost(lane);
        if let Some(runtime) = self.runtime() {
            runtime.lost(lane);
        }
        self.seats.call_again();
    }

    /// Nobody has come to sit there for a while: whoever waits for an actor there is told so, as if it had crashed, and
    /// what was for it is dropped. Does nothing if somebody sits there.
    pub(crate) fn vacant(&self, lane: Lane) {
        if !self.seats.get(lane).is_some_and(Seat::vacate) {
            return;
        }
        if let Some(runtime) = self.runtime() {
            runtime.lost(lane);
        }
    }

    /// The events that wait for the thread of a lane.
    pub(crate) fn take(&self, lane: Lane) -> Vec<u8> {
        self.seats.take(lane, |questions| {
            self.questions.taken(lane, questions.iter().copied());
        })
    }

    /// Hands the turns of one thread to the runtime. Without one they are dropped: nobody waits for them.
    pub(crate) fn turns<E>(
        &self,
        seat: &Seat,
        turns: impl Iterator<Item = Result<Handed, E>>,
    ) -> Result<(), E> {
        let runtime = self.runtime();
        for handed in turns {
            let Handed {
                instance,
                turn,
                requests,
                answers,
            } = handed?;
            for (question, answer) in answers {
                self.questions.answer(question, answer);
            }
            for request in requests {
                seat.requests.take(request);
            }
            if let Some(runtime) = &runtime {
                runtime.turn(instance, turn);
            }
        }
        Ok(())
    }

    /// Ends an actor's instance as a crash would.
    pub(crate) fn crash(&self, actor: ActorId) {
        if let Some(runtime) = self.runtime() {
            runtime.crash(actor);
        }
    }

    /// How many actors are awake.
    pub(crate) fn live_actors(&self) -> usize {
        self.runtime().map_or(0, |runtime| runtime.live_actors())
    }

    /// Lets go of the runtime and of JavaScript. Nothing happens the second time.
    fn let_go(&self) {
        self.questions.close();
        self.set_runtime(None);
        self.seats.all().for_each(Seat::close);
    }

    fn runtime(&self) -> Option<Runtime> {
        self.runtime
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn set_runtime(&self, runtime: Option<Runtime>) {
        let old = std::mem::replace(
            &mut *self.runtime.lock().unwrap_or_else(PoisonError::into_inner),
            runtime,
        );
        // Dropped without the lock: the last handle may take the store down with it.
        drop(old);
    }
}

/// Starts the control thread. `bell` is rung for events of the first seat, whose thread `pulse` is of, once everything
/// is there that JavaScript's answers need. `started` is called once, with the outcome of the start; `ended` once, when nothing runs any more. The service ends gracefully when `stop` is sent to, and
/// abruptly when its sender is dropped.
///
/// # Errors
/// When the operating system gives no thread; neither callback is called then.
pub(crate) fn spawn(
    service: Arc<Service>,
    config: Config,
    (bell, pulse): (Bell, Arc<Pulse>),
    stop: oneshot::Receiver<()>,
    started: impl FnOnce(Result<Option<Address>, StartError>) + Send + 'static,
    ended: impl FnOnce() + Send + 'static,
) -> std::io::Result<()> {
    let thread = std::thread::Builder::new().name("greenroom-control".to_owned());
    thread.spawn(move || {
        let opened = catch_unwind(AssertUnwindSafe(|| {
            Open::start(&service, config, bell, pulse)
        }));
        match opened.unwrap_or_else(|panic| Err(StartError::Panicked(text_of(&*panic)))) {
            Ok((open, address)) => {
                started(Ok(address));
                if let Err(panic) = catch_unwind(AssertUnwindSafe(|| open.run(stop))) {
                    error!(panic = text_of(&*panic), "the control thread panicked");
                }
            }
            Err(error) => {
                // Before it is told, so that whoever hears of it can try again at once.
                service.let_go();
                started(Err(error));
            }
        }
        service.let_go();
        ended();
    })?;
    Ok(())
}

/// Everything that runs. Dropped in this order.
struct Open {
    seats: Arc<Seats>,
    server: Server,
    /// Time that requests of this process have to end once the server has.
    grace: Duration,
    time: Option<Arc<VirtualTime>>,
    threads: tokio::runtime::Runtime,
}

impl Open {
    /// Opens everything, blocking. What was opened before an error is closed again.
    fn start(
        service: &Service,
        config: Config,
        bell: Bell,
        pulse: Arc<Pulse>,
    ) -> Result<(Self, Option<Address>), StartError> {
        let Config {
            data_dir,
            host,
            port,
            log_level,
            actors,
            mut server,
            auth_timeout,
            blocked_after,
            workers: _,
        } = config;
        crate::logging::init(log_level);
        let memory = service.memory.get();
        if memory.is_some() {
            // Streams of this process need no signs of life, which would cost a stop at each.
            server.stream_heartbeat = NEVER;
        }
        let threads = match memory {
            Some(memory) => memory.time.runtime()?,
            None => tokio::runtime::Builder::new_multi_thread()
                .worker_threads(worker_threads())
                .thread_name("greenroom-core")
                .enable_all()
                .build()?,
        };
        // The address first: it is cheap, and a taken port is the likelier mistake.
        let listener = match port {
            Some(port) => Some(threads.block_on(greenroom_server::bind(&host, port))?),
            None => None,
        };
        let counters = Arc::clone(&service.counters);
        let (store, env): (Arc<dyn Store>, Arc<dyn Env>) = match memory {
            Some(Memory { store, time }) => (
                Arc::new(CountingStore::new(store.clone(), counters)),
                Arc::new(VirtualEnv(Arc::clone(time))),
            ),
            None => {
                let store = EmbeddedStore::open(EmbeddedConfig::new(data_dir))?;
                (
                    Arc::new(CountingStore::new(store, counters)),
                    Arc::new(SystemEnv),
                )
            }
        };
        let _within = threads.enter();
        if memory.is_none() {
            tokio::spawn(crate::memory::give_back());
            // Where there are several, another one is woken to look for what this one puts off, and in
            // tests what is ready is known by time standing still: there, whoever delivers rings.
            if worker_threads() == 1 {
                for seat in service.seats.all() {
                    tokio::spawn(Arc::clone(&seat.host).announce());
                }
            }
        }
        let runtime = Runtime::start(RuntimeConfig {
            store,
            host: Arc::<Seats>::clone(&service.seats),
            env,
            actors,
        });
        if let Some(limit) = auth_timeout {
            server.gatekeeper = Some(Arc::new(JsGatekeeper {
                seats: Arc::clone(&service.seats),
                questions: Arc::clone(&service.questions),
                // In a test, time does not pass by itself.
                patience: memory.is_none().then_some(limit + BLOCKED_GRACE),
            }));
        }
        server.host_metrics = Some(Arc::<Record>::clone(&service.record));
        // In a test, time stands still while JavaScript works.
        if let Some(threshold) = blocked_after.filter(|_| memory.is_none()) {
            // Set once: a registry starts once.
            let _ = service.threshold.set(threshold);
        }
        service.set_runtime(Some(runtime.clone()));
        let grace = server.shutdown_grace;
        let server = greenroom_server::serve(server, listener, runtime)?;
        for seat in service.seats.all() {
            seat.requests
                .open(server.dispatcher(), Arc::clone(&seat.host));
        }
        // Actors whose alarms are due have begun to wake up. What JavaScript would have said about them until
        // here had nowhere to go.
        service.sit(Lane::default(), bell, pulse)?;
        let address = server.local_addr().map(|local| address(host, local));
        let open = Self {
            seats: Arc::clone(&service.seats),
            server,
            grace,
            time: memory.map(|memory| Arc::clone(&memory.time)),
            threads,
        };
        Ok((open, address))
    }

    /// Serves until told to stop, and takes everything down.
    fn run(self, stop: oneshot::Receiver<()>) {
        let Self {
            seats,
            server,
            grace,
            time,
            threads,
        } = self;
        threads.block_on(async {
            // An error means that JavaScript let go of the registry without a shutdown. Nobody
            // would answer events then, so there is nothing to drain; what was acknowledged is
            // durable.
            if stop.await.is_ok() {
                server.shutdown().await;
                seats.finish_requests(grace).await;
            }
        });
        seats.all().for_each(Seat::look_away);
        drop(server);
        if let Some(time) = time {
            time.end();
        }
        threads.shutdown_timeout(THREADS_GRACE);
    }
}

/// Few: JavaScript's thread and the store's writer want processors, too. Where there are no more than two, one does:
/// a second one is woken along with the first to look for more to do, finds nothing, and sleeps again. With one
/// action in flight, that was 3 of 10 times that a thread of the process went to sleep and woke up.
fn worker_threads() -> usize {
    let cores = available_parallelism().map_or(2, std::num::NonZero::get);
    if cores <= 2 { 1 } else { cores.min(4) }
}

fn address(host: String, local: std::net::SocketAddr) -> Address {
    // An unspecified address is one to listen on, not one to go to.
    let url = if local.ip().is_unspecified() {
        format!("http://localhost:{}", local.port())
    } else {
        format!("http://{local}")
    };
    Address {
        host,
        port: local.port(),
        url,
    }
}

/// What a panic said.
pub(crate) fn text_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message")
        .to_owned()
}

#[cfg(test)]
mod tests;
