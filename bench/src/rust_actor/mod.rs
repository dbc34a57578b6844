//! Greenroom with actors in Rust: the same runtime, store and server as under Node.js and Bun, and
//! the actor type `counter` on the core's [`ActorHost`](greenroom_core::ActorHost). Says
//! `listening <port>` and ends when its standard input does.

mod counter;
mod host;

use std::{collections::BTreeMap, io::Write, path::Path, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use greenroom_core::{ActorOptions, Runtime, RuntimeConfig};
use greenroom_server::{ServerConfig, SystemEnv};
use greenroom_store::{EmbeddedConfig, EmbeddedStore};
use greenroom_types::ActorName;
use tokio::task::JoinHandle;

use crate::parent;
use host::Host;

/// Longer than any measurement: those that measure sleep ask for it.
const SLEEP_TIMEOUT: Duration = Duration::from_secs(600);

/// The actor type.
pub(crate) const NAME: &str = "counter";

/// Serves until standard input ends. What is stored lies in `BENCH_DATA_DIR`.
///
/// # Errors
/// No port, or no such directory.
pub(crate) fn serve() -> Result<()> {
    let folder = std::env::var_os("BENCH_DATA_DIR").context("BENCH_DATA_DIR is not set")?;
    let ended = parent::end();
    let threads = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(worker_threads())
        .enable_all()
        .build()?;
    threads.block_on(async {
        let mut options = ActorOptions::default();
        options.sleep_timeout = Some(SLEEP_TIMEOUT);
        let (runtime, host) = open(folder.as_ref(), options)?;
        let listener = greenroom_server::bind("127.0.0.1", 0).await?;
        let server = greenroom_server::serve(ServerConfig::default(), Some(listener), runtime)?;
        let address = server.local_addr().context("it listens")?;
        writeln!(std::io::stdout(), "listening {}", address.port())?;
        // An error is an end, too.
        let _ = ended.await;
        server.shutdown().await;
        host.abort();
        Ok(())
    })
}

/// As many as the addon gives the core, for the same reasons.
fn worker_threads() -> usize {
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    if cores <= 2 { 1 } else { cores.min(4) }
}

/// A runtime on this directory, and the task that runs its actors until it is told not to. Within a
/// tokio runtime.
///
/// # Errors
/// The directory cannot be used.
pub(crate) fn open(folder: &Path, options: ActorOptions) -> Result<(Runtime, JoinHandle<()>)> {
    let store = EmbeddedStore::open(EmbeddedConfig::new(folder))?;
    let host = Host::default();
    let runtime = Runtime::start(RuntimeConfig {
        store: Arc::new(store),
        host: Arc::new(host.clone()),
        env: Arc::new(SystemEnv),
        actors: BTreeMap::from([(ActorName::new(NAME)?, options)]),
    });
    let running = tokio::spawn(host.run(runtime.clone()));
    Ok((runtime, running))
}
