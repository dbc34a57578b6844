//! A server with actors of a few lines, on one thread, and clients that allocate nothing.

use std::{
    collections::BTreeMap,
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use bytes::Bytes;
use greenroom_core::{
    ActorHost, ActorOptions, CallRequest, ClientInfo, HostEvent, Instance, Output, Runtime,
    RuntimeConfig, Turn,
};
use greenroom_server::{Server, ServerConfig, SystemEnv, bind, serve};
use greenroom_store::MemoryStore;
use greenroom_types::{ActorId, ActorKey, ActorName};

/// Longest time that is waited for one thing.
const PATIENCE: Duration = Duration::from_secs(30);

/// The bytes that are allocated at the moment.
pub(crate) fn live_bytes() -> usize {
    dhat::HeapStats::get().curr_bytes
}

/// The change that makes the state `{}`.
const EMPTY_OBJECT: [u8; 3] = [0x82, 7, 0xa0];

/// Answers at once, changes the state with each call, and keeps nothing.
#[derive(Default)]
struct Echo(OnceLock<Runtime>);

impl ActorHost for Echo {
    fn deliver(&self, instance: Instance, event: HostEvent) {
        let mut changes = Bytes::new();
        let output = match event {
            HostEvent::Start(start) => {
                if start.state.is_none() {
                    changes = Bytes::from_static(&EMPTY_OBJECT);
                }
                Output::Started
            }
            HostEvent::Call(call) => {
                changes = Bytes::from_static(&EMPTY_OBJECT);
                Output::Reply {
                    call: call.call,
                    result: Ok(call.args),
                }
            }
            HostEvent::Connect(connect) => Output::Accept { conn: connect.conn },
            HostEvent::Stop(_) => Output::Stopped,
            _ => return,
        };
        let turn = Turn {
            changes,
            outputs: vec![output],
            ..Turn::default()
        };
        let runtime = self.0.get().expect("there is one before there are events");
        runtime.turn(instance, turn);
    }

    fn flush(&self) {}
}

/// A runtime and its server.
struct Site {
    runtime: Runtime,
    server: Server,
}

pub(crate) struct World {
    store: Arc<MemoryStore>,
    name: ActorName,
    /// Absent only while it is exchanged for another.
    site: Option<Site>,
    thread: tokio::runtime::Runtime,
}

impl World {
    pub(crate) fn new() -> Self {
        let thread = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime of tokio");
        let mut world = Self {
            store: Arc::new(MemoryStore::new()),
            name: ActorName::new("echo").expect("a name"),
            site: None,
            thread,
        };
        world.site = Some(world.begin());
        world
    }

    fn begin(&self) -> Site {
        let host = Arc::new(Echo::default());
        self.thread.block_on(async {
            let runtime = Runtime::start(RuntimeConfig {
                store: Arc::clone(&self.store) as _,
                host: Arc::clone(&host) as _,
                env: Arc::new(SystemEnv),
                actors: BTreeMap::from([(self.name.clone(), ActorOptions::default())]),
            });
            host.0.set(runtime.clone()).ok().expect("set once");
            let listener = bind("127.0.0.1", 0).await.expect("a port");
            let server = serve(ServerConfig::default(), Some(listener), runtime.clone());
            Site {
                runtime,
                server: server.expect("a server"),
            }
        })
    }

    fn site(&self) -> &Site {
        self.site.as_ref().expect("one is there")
    }

    /// Ends the runtime and its server, and begins anew on the same store.
    pub(crate) fn restart(&mut self) {
        let site = self.site.take().expect("one is there");
        self.thread.block_on(site.server.shutdown());
        drop(site);
        self.store = Arc::new(self.store.reopened());
        self.site = Some(self.begin());
    }

    fn key(index: usize) -> ActorKey {
        ActorKey::new(vec![format!("actor {index}")]).expect("a key")
    }

    /// Creates actors, which run once.
    pub(crate) fn create(&self, count: usize) -> Vec<ActorId> {
        let create = async {
            let mut actors = Vec::with_capacity(count);
            for index in 0..count {
                let runtime = &self.site().runtime;
                let (record, _) = runtime
                    .get_or_create(&self.name, &Self::key(index), None)
                    .await
                    .expect("created");
                actors.push(record.id);
            }
            actors
        };
        let actors = self.thread.block_on(create);
        self.wake(&actors);
        actors
    }

    /// Calls each of them.
    pub(crate) fn wake(&self, actors: &[ActorId]) {
        self.thread.block_on(async {
            for actor in actors {
                let request = CallRequest {
                    name: "echo".to_owned(),
                    args: Bytes::from_static(&[0x80]),
                    compat: false,
                    client: ClientInfo::default(),
                    once: None,
                };
                let reply = self.site().runtime.call(*actor, request).await;
                assert_eq!(reply, Ok(Bytes::from_static(&[0x80])));
            }
        });
        self.rest();
    }

    /// Puts all of them to sleep.
    pub(crate) fn sleep(&self, actors: &[ActorId]) {
        for actor in actors {
            self.site().runtime.sleep(*actor).expect("it runs");
        }
        self.turn_until(|| self.site().runtime.live_actors() == 0);
        self.rest();
    }

    /// The request for a WebSocket to the actor of this index.
    pub(crate) fn upgrade_request(&self, index: usize) -> String {
        format!(
            "GET /gateway/{}/connect?rvt-namespace=default&rvt-method=getOrCreate&rvt-runner=default\
             &rvt-key=actor%20{index}&rvt-crash-policy=sleep HTTP/1.1\r\n\
             host: {}\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
             sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             sec-websocket-protocol: rivet, rivet_encoding.bare, greenroom.1\r\n\r\n",
            self.name,
            self.address(),
        )
    }

    fn address(&self) -> SocketAddr {
        self.site().server.local_addr().expect("it has one")
    }

    /// Opens a WebSocket and takes the greeting.
    pub(crate) fn open(&self, request: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address()).expect("connected");
        stream.set_nonblocking(true).expect("a socket");
        stream.write_all(request.as_bytes()).expect("sent");
        let mut came = [0; 4096];
        let mut filled = 0;
        self.turn_until(|| {
            filled += match stream.read(&mut came[filled..]) {
                Ok(0) => panic!("closed: {}", String::from_utf8_lossy(&came[..filled])),
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
                Err(error) => panic!("{error}"),
            };
            let head = came[..filled].windows(4).position(|end| end == b"\r\n\r\n");
            head.is_some_and(|head| filled > head + 6)
        });
        assert!(
            came.starts_with(b"HTTP/1.1 101 "),
            "{}",
            String::from_utf8_lossy(&came[..filled])
        );
        stream
    }

    /// Lets everything run until `done`.
    pub(crate) fn turn_until(&self, mut done: impl FnMut() -> bool) {
        let begin = Instant::now();
        self.thread.block_on(async {
            while !done() {
                assert!(begin.elapsed() < PATIENCE, "it does not come");
                tokio::task::yield_now().await;
            }
        });
    }

    /// Lets what is under way come to its end.
    pub(crate) fn rest(&self) {
        self.thread.block_on(async {
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
            // What is kept for what may come next is kept for a second.
            tokio::time::pause();
            tokio::time::advance(Duration::from_secs(2)).await;
            tokio::time::resume();
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
        });
    }
}
