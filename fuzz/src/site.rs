//! A whole server in memory, in time that moves by itself: the real router, runtime and store, without a network.

use std::{
    collections::BTreeMap,
    future::Future,
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use greenroom_core::{ActorOptions, Env, Runtime, RuntimeConfig};
use greenroom_server::{Listener, Server, ServerConfig, serve};
use greenroom_store::MemoryStore;
use greenroom_types::ActorName;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream},
    sync::{Mutex, mpsc},
    task::JoinHandle,
    time::{Instant, timeout},
};

use crate::host::{NAME, echo, guarded_events};

/// More time than anything that has an end takes.
pub const PATIENCE: Duration = Duration::from_secs(600);

/// Bytes that a message may have: few, so that inputs get there.
pub const MESSAGE_LIMIT: usize = 1024;

/// Bytes that a connection holds before its writer waits.
const PIPE: usize = 16 * 1024;

/// A server with actors that echo.
pub struct Site {
    server: Server,
    connect: mpsc::UnboundedSender<DuplexStream>,
    actors: JoinHandle<()>,
}

/// What a client does when it has said everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Says that it has nothing more to say, and listens.
    Finish,
    /// Listens.
    Stay,
}

/// What became of a connection.
pub struct Heard {
    /// What the server said.
    pub bytes: Vec<u8>,
    /// Whether the server ended it within [`PATIENCE`] of the last byte that was said on either side.
    pub ended: bool,
}

/// Runs `work` in simulated time, beside a server.
///
/// # Panics
/// When the server does not come to an end after it.
pub fn with_site<F: Future<Output = ()>>(work: impl FnOnce(Arc<Site>) -> F) {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().start_paused(true).build();
    let runtime = runtime.expect("a runtime without drivers needs nothing from the system");
    runtime.block_on(async {
        let site = Arc::new(Site::new());
        work(Arc::clone(&site)).await;
        let healthy = site.talk(
            &[b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n"],
            Ending::Finish,
        );
        let healthy = healthy.await.bytes;
        assert!(
            healthy.starts_with(b"HTTP/1.1 200 "),
            "the server is not well"
        );
        let ended = timeout(PATIENCE, site.server.shutdown()).await;
        ended.expect("the server comes to an end");
        site.actors.abort();
    });
}

impl Site {
    fn new() -> Self {
        let (host, actors) = echo();
        let mut options = ActorOptions::default();
        options.guarded_events = Arc::new(guarded_events());
        options.wants_request = true;
        let name = ActorName::new(NAME).expect("a valid name");
        let runtime = Runtime::start(RuntimeConfig {
            store: Arc::new(MemoryStore::new()),
            host: Arc::new(host),
            env: Arc::new(StillEnv::new()),
            actors: BTreeMap::from([(name, options)]),
        });
        let actors = tokio::spawn(actors.run(runtime.clone()));
        let (connect, accepted) = mpsc::unbounded_channel();
        let listener = Pipes(Mutex::new(accepted));
        let mut config = ServerConfig::default();
        config.max_incoming_message = MESSAGE_LIMIT;
        let server = serve(config, Some(listener), runtime);
        Self {
            server: server.expect("pipes have an address"),
            connect,
            actors,
        }
    }

    /// Says `pieces` on a new connection, each when the server has had time to react to the one before, and listens to
    /// the end.
    pub async fn talk(&self, pieces: &[&[u8]], ending: Ending) -> Heard {
        let (near, far) = tokio::io::duplex(PIPE);
        assert!(self.connect.send(far).is_ok(), "the server listens");
        let (mut read, mut write) = tokio::io::split(near);
        let mut bytes = Vec::new();
        let say = async {
            for piece in pieces {
                // Fails when the server has heard enough.
                if write.write_all(piece).await.is_err() {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            if ending == Ending::Finish {
                let _ = write.shutdown().await;
            }
        };
        let listen = async {
            let mut buffer = [0; 4096];
            let began = Instant::now();
            // What streams without an end, with a sign of life now and then, is left after a while.
            while began.elapsed() < 2 * PATIENCE {
                match timeout(PATIENCE, read.read(&mut buffer)).await {
                    Ok(Ok(0) | Err(_)) => return true,
                    Ok(Ok(len)) => bytes.extend_from_slice(&buffer[..len]),
                    Err(_) => return false,
                }
            }
            false
        };
        let ((), ended) = tokio::join!(say, listen);
        Heard { bytes, ended }
    }
}

/// Accepts what is sent to it.
struct Pipes(Mutex<mpsc::UnboundedReceiver<DuplexStream>>);

impl Listener for Pipes {
    type Stream = DuplexStream;

    async fn accept(&self) -> io::Result<(DuplexStream, SocketAddr)> {
        match self.0.lock().await.recv().await {
            Some(stream) => Ok((stream, (Ipv4Addr::LOCALHOST, 50_000).into())),
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok((Ipv4Addr::LOCALHOST, 6420).into())
    }
}

/// The same in each run: a clock that goes with simulated time, and numbers that only look random.
struct StillEnv {
    began: Instant,
    last: AtomicU64,
}

impl StillEnv {
    fn new() -> Self {
        Self {
            began: Instant::now(),
            last: AtomicU64::new(1),
        }
    }
}

impl Env for StillEnv {
    fn now_ms(&self) -> i64 {
        1_800_000_000_000 + i64::try_from(self.began.elapsed().as_millis()).expect("not for ever")
    }

    fn random(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            // Splitmix64.
            let mut word = self
                .last
                .fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
            word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            chunk.copy_from_slice(&(word ^ (word >> 31)).to_le_bytes()[..chunk.len()]);
        }
    }

    fn is_steady(&self) -> bool {
        true
    }

    fn offload(&self, work: Box<dyn FnOnce() + Send>) {
        work();
    }
}
