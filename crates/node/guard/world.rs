//! A runtime and its server, with everything around them deterministic.

use std::{
    collections::BTreeMap,
    future::Future,
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use anyhow::{Context, Result};
use greenroom_core::{ActorOptions, Env, Runtime, RuntimeConfig};
use greenroom_server::{Listener, Server, ServerConfig, serve};
use greenroom_store::MemoryStore;
use greenroom_types::{ActorKey, ActorName};
use tokio::{
    io::DuplexStream,
    sync::{Mutex, mpsc},
};

use crate::counter::CounterHost;

/// Bytes that a pipe holds, each way: about what a socket does.
const PIPE: usize = 64 * 1024;
/// Where clients say that they come from, and the server that it is.
const ADDRESS: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 6420);

/// One thread on which everything runs, and what runs there.
pub(crate) struct World {
    pub(crate) runtime: Runtime,
    clients: mpsc::UnboundedSender<DuplexStream>,
    // Dropped in this order: the server before the thread that it runs on.
    _server: Server,
    thread: tokio::runtime::Runtime,
}

impl World {
    /// A server with one type of actor, `counter`, and nobody connected.
    pub(crate) fn new() -> Result<Self> {
        let thread = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()?;
        let (clients, arriving) = mpsc::unbounded_channel();
        let entered = thread.enter();
        let host = Arc::new(CounterHost::default());
        let runtime = Runtime::start(RuntimeConfig {
            store: Arc::new(MemoryStore::new()),
            host: Arc::clone(&host) as _,
            env: Arc::new(FixedEnv::default()),
            actors: BTreeMap::from([(actor_name()?, ActorOptions::default())]),
        });
        thread.spawn(host.run(runtime.clone()));
        let listener = PipeListener(Mutex::new(arriving));
        let server = serve(ServerConfig::default(), Some(listener), runtime.clone())?;
        drop(entered);
        Ok(Self {
            runtime,
            clients,
            _server: server,
            thread,
        })
    }

    /// Runs a client, and with it everything else, until it is done.
    pub(crate) fn run<T>(&self, client: impl Future<Output = T>) -> T {
        self.thread.block_on(client)
    }

    /// A connection to the server, as yet without a word said.
    pub(crate) fn connect(&self) -> Result<DuplexStream> {
        let (ours, theirs) = tokio::io::duplex(PIPE);
        self.clients
            .send(theirs)
            .ok()
            .context("the server does not listen any more")?;
        Ok(ours)
    }
}

/// The name of the one type of actors.
pub(crate) fn actor_name() -> Result<ActorName> {
    Ok(ActorName::new("counter")?)
}

/// The key with one part.
pub(crate) fn actor_key(part: &str) -> Result<ActorKey> {
    Ok(ActorKey::new(vec![part.to_owned()])?)
}

/// The path of the counter with this key.
pub(crate) fn gateway(rest: &str, key: &str) -> String {
    format!(
        "/gateway/counter/{rest}?rvt-namespace=default&rvt-method=getOrCreate\
         &rvt-runner=default&rvt-key={key}&rvt-crash-policy=sleep"
    )
}

/// A clock that stands still, and random bytes that count.
#[derive(Default)]
struct FixedEnv {
    last: AtomicU64,
}

impl Env for FixedEnv {
    fn now_ms(&self) -> i64 {
        1_800_000_000_000
    }

    fn random(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            // Spread by a large odd number, so that ids differ in all of their bytes.
            let number = self.last.fetch_add(1, Ordering::Relaxed) + 1;
            let spread = number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes();
            chunk.copy_from_slice(&spread[..chunk.len()]);
        }
    }

    fn is_steady(&self) -> bool {
        true
    }

    fn offload(&self, work: Box<dyn FnOnce() + Send>) {
        work();
    }
}

/// Where the other ends of [`World::connect`] arrive.
struct PipeListener(Mutex<mpsc::UnboundedReceiver<DuplexStream>>);

impl Listener for PipeListener {
    type Stream = DuplexStream;

    async fn accept(&self) -> io::Result<(DuplexStream, SocketAddr)> {
        match self.0.lock().await.recv().await {
            Some(stream) => Ok((stream, ADDRESS)),
            // The world is gone; nobody comes any more.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(ADDRESS)
    }
}
