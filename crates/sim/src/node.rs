//! One node: the real runtime on a faulty disk, with a host for its actors and clients of its own process.

use std::{
    collections::BTreeMap,
    io,
    net::Ipv4Addr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use greenroom_core::{ActorOptions, Env, Runtime, RuntimeConfig, WindowLimits};
use greenroom_server::{Secret, Server, ServerConfig, serve};
use greenroom_store::{Store, testing::FaultStore};
use greenroom_types::{ActorKey, ActorName};
use tokio::sync::{mpsc, oneshot, watch};
use turmoil::net::TcpListener;

use crate::{
    Plant,
    book::Book,
    disk,
    env::{SimEnv, WallClock},
    host::Troupe,
    net::SimListener,
    plan::Plan,
    rng::Rng,
    store::{Spoilt, Witness},
};

/// The one type of actors.
pub(crate) const ACTOR: &str = "ledger";

/// Where it listens.
pub(crate) const PORT: u16 = 6420;
/// Who knows it may destroy actors over HTTP.
pub(crate) const TOKEN: &str = "the token of a run";

/// What the world asks of a node.
#[derive(Clone, Debug)]
pub(crate) enum Request {
    /// End in good order.
    Shutdown,
    /// Lose the instance of the actor with this key.
    LoseInstance(String),
    /// Send the actor with this key to sleep.
    Sleep(String),
}

/// The part of a node that outlives its process.
#[derive(Clone)]
pub(crate) struct Machine {
    pub(crate) name: &'static str,
    pub(crate) seed: u64,
    pub(crate) book: Book,
    pub(crate) plan: Arc<Plan>,
    pub(crate) plant: Option<Plant>,
    pub(crate) clock: WallClock,
    /// Whether the disk stands still, and loads with it.
    pub(crate) disk_stalls: watch::Sender<bool>,
    pub(crate) parts: Arc<Mutex<Parts>>,
    /// Whether its processes run the disk, and not those of another node.
    has_disk: bool,
    spoilt: Arc<Mutex<Spoilt>>,
}

/// What changes from process to process.
pub(crate) struct Parts {
    pub(crate) store: Arc<FaultStore>,
    /// How many processes there have been.
    pub(crate) incarnation: u64,
    pub(crate) requests: Option<mpsc::UnboundedSender<Request>>,
}

/// What runs in a process: the front for its clients, and the words of the world.
pub(crate) struct Process {
    pub(crate) runtime: Runtime,
    /// A name for this process, for the trace.
    pub(crate) name: String,
    pub(crate) rng: Rng,
    requests: mpsc::UnboundedReceiver<Request>,
    server: Option<Server>,
}

impl Machine {
    pub(crate) fn new(
        name: &'static str,
        seed: u64,
        book: Book,
        plan: Arc<Plan>,
        plant: Option<Plant>,
    ) -> Self {
        Self {
            name,
            seed,
            clock: WallClock::new(book.clone()),
            book,
            plan,
            plant,
            disk_stalls: watch::Sender::new(false),
            has_disk: true,
            spoilt: Arc::new(Mutex::new(Spoilt::new(Rng::of(seed, "spoilt")))),
            parts: Arc::new(Mutex::new(Parts {
                store: Arc::new(FaultStore::new()),
                incarnation: 0,
                requests: None,
            })),
        }
    }

    /// Another node on the same store, with a clock of its own.
    pub(crate) fn rival(&self, name: &'static str) -> Self {
        let mut rival = self.clone();
        rival.name = name;
        rival.clock = WallClock::new(self.book.clone());
        rival.has_disk = false;
        rival.parts = Arc::new(Mutex::new(Parts {
            store: Arc::clone(&self.parts().store),
            incarnation: 0,
            requests: None,
        }));
        rival
    }

    pub(crate) fn parts(&self) -> MutexGuard<'_, Parts> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the process something, if there is one.
    pub(crate) fn request(&self, request: Request) {
        if let Some(requests) = &self.parts().requests {
            // A process that has ended has nothing to do.
            let _ = requests.send(request);
        }
    }

    /// Starts a process, within its tokio runtime.
    pub(crate) fn boot(&self) -> Process {
        let (requests, received) = mpsc::unbounded_channel();
        let (store, incarnation) = {
            let mut parts = self.parts();
            parts.incarnation += 1;
            parts.requests = Some(requests);
            (Arc::clone(&parts.store), parts.incarnation)
        };
        let name = format!("{}.{incarnation}", self.name);
        self.book.note(format!("{name} starts"));
        let rng = |part: &str| Rng::of(self.seed, &format!("{name} {part}"));
        store.pause_syncs();
        if self.has_disk {
            tokio::spawn(disk::run(
                self.book.clone(),
                Arc::clone(&store),
                self.plan.disk,
                rng("disk"),
                self.disk_stalls.subscribe(),
            ));
        }
        let witness = Witness::new(
            self.book.clone(),
            name.clone(),
            store,
            self.plant,
            Arc::clone(&self.spoilt),
        );
        let (host, events) = Troupe::host();
        let troupe = Troupe::new(
            self.book.clone(),
            self.clock.clone(),
            self.plan.host,
            rng("host"),
            name.clone(),
            self.plant,
        );
        let (started, starting) = oneshot::channel();
        tokio::spawn(troupe.run(events, starting));
        let runtime = Runtime::start(RuntimeConfig {
            store: Arc::new(witness) as Arc<dyn Store>,
            host: Arc::new(host),
            env: Arc::new(SimEnv::new(self.clock.clone(), rng("env"))) as Arc<dyn Env>,
            actors: BTreeMap::from([(actor_name(), self.options())]),
        });
        // The troupe waits for it, unless the process ends first.
        let _ = started.send(runtime.clone());
        Process {
            runtime,
            rng: rng("clients"),
            name,
            requests: received,
            server: None,
        }
    }

    fn options(&self) -> ActorOptions {
        let mut options = ActorOptions::default();
        options.sleep_timeout = self.plan.sleep_timeout;
        options.state_save_interval = self.plan.save_interval;
        options.resume = self.plan.kept_events.map(|max_events| WindowLimits {
            max_events,
            // Clocks jump, and nothing is to be forgotten for that.
            max_age: Duration::from_secs(86_400),
            ..WindowLimits::default()
        });
        options
    }
}

impl Process {
    /// Serves the network.
    pub(crate) async fn serve(&mut self, plan: &Plan) -> io::Result<()> {
        let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, PORT)).await?;
        let mut config = ServerConfig::default();
        config.management_token = Some(Secret::new(TOKEN));
        config.ping_interval = Duration::from_millis(plan.ping_ms);
        config.pong_timeout = Duration::from_millis(plan.ping_ms);
        config.shutdown_grace = Duration::from_secs(2);
        let runtime = self.runtime.clone();
        self.server = Some(serve(config, Some(SimListener(listener)), runtime)?);
        Ok(())
    }

    /// Does what the world asks until it asks for the end.
    pub(crate) async fn obey(mut self) {
        while let Some(request) = self.requests.recv().await {
            match request {
                Request::Shutdown => {
                    return match &self.server {
                        Some(server) => server.shutdown().await,
                        None => self.runtime.shutdown().await,
                    };
                }
                Request::LoseInstance(key) => {
                    if let Some(id) = self.find(&key).await {
                        self.runtime.crash(id);
                    }
                }
                Request::Sleep(key) => {
                    if let Some(id) = self.find(&key).await {
                        // One that has no room for the message is not idle.
                        let _ = self.runtime.sleep(id);
                    }
                }
            }
        }
    }

    async fn find(&self, key: &str) -> Option<greenroom_types::ActorId> {
        let record = self.runtime.get(&actor_name(), &actor_key(key)).await;
        record.ok().map(|record| record.id)
    }
}

/// The name of [`ACTOR`].
pub(crate) fn actor_name() -> ActorName {
    ActorName::new(ACTOR).expect("it is a valid name")
}

/// The key with one part.
pub(crate) fn actor_key(part: &str) -> ActorKey {
    ActorKey::new(vec![part.to_owned()]).expect("keys of a run are short")
}
