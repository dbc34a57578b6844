//! Accepting connections, and the order of a graceful end.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use greenroom_core::Runtime;
use tokio::{
    sync::watch,
    task::{AbortHandle, JoinSet},
};
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::{debug, info, warn};

use crate::{
    Listener, ServerConfig,
    access::Management,
    app::{App, Phase},
    connection::serve_connection,
    dispatch::Dispatcher,
};

/// Pause after an accept error that is not about one connection, such as too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// A running server. Dropping it without [`Server::shutdown`] ends all connections abruptly.
pub struct Server {
    local_addr: Option<SocketAddr>,
    dispatcher: Dispatcher,
    phase: watch::Sender<Phase>,
    finished: watch::Receiver<bool>,
    acceptor: AbortHandle,
}

/// Serves `runtime` on `listener` until [`Server::shutdown`]. Without a listener it only answers what
/// [`Server::dispatcher`] is given. Must be called within a tokio runtime
/// with time and I/O enabled.
///
/// # Errors
/// When the listener's address cannot be read.
pub fn serve<L: Listener>(
    config: ServerConfig,
    listener: Option<L>,
    runtime: Runtime,
) -> io::Result<Server> {
    let local_addr = listener.as_ref().map(Listener::local_addr).transpose()?;
    let (phase, watching) = watch::channel(Phase::Running);
    let (finish, finished) = watch::channel(false);
    let closing = CancellationToken::new();
    let app = Arc::new(App::new(
        config,
        local_addr,
        runtime,
        watching,
        closing.clone(),
    ));
    let dispatcher = Dispatcher::new(Arc::clone(&app));
    let is_closed = matches!(app.management, Management::Closed);
    let acceptor = Acceptor {
        app,
        listener,
        phase: phase.clone(),
        closing: closing.drop_guard(),
        conns: JoinSet::new(),
    };
    let task = tokio::spawn(async move {
        acceptor.run().await;
        finish.send_replace(true);
    });
    match local_addr {
        Some(address) => info!(%address, "server listens"),
        None => info!("server runs without an address"),
    }
    if is_closed && local_addr.is_some() {
        warn!(
            "there is no token: actors cannot be listed, destroyed or put to sleep over HTTP \
             (set `token` or GREENROOM_TOKEN)"
        );
    }
    Ok(Server {
        local_addr,
        dispatcher,
        phase,
        finished,
        acceptor: task.abort_handle(),
    })
}

impl Server {
    /// The address that the server listens on, with the port that was chosen if 0 was asked for.
    /// `None` when it has no listener.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.local_addr
    }

    /// The way in for requests of this process.
    pub fn dispatcher(&self) -> Dispatcher {
        self.dispatcher.clone()
    }

    /// Ends gracefully, in this order:
    /// 1. `/health` answers 503 `draining`; new requests get `actor.stopping`, and WebSockets that
    ///    still arrive are accepted and closed with it, so that clients retry instead of giving up;
    /// 2. the runtime shuts down: calls under way are answered, every actor saves and sleeps, all
    ///    connections are closed with `ws.going_away`, the store is closed;
    /// 3. the listening socket is closed, idle HTTP connections end, and what is left has
    ///    [`ServerConfig::shutdown_grace`] to finish before it is cut off.
    ///
    /// Idempotent; every caller returns when all of it is done.
    pub async fn shutdown(&self) {
        self.phase.send_if_modified(|phase| {
            let first = *phase == Phase::Running;
            if first {
                *phase = Phase::Draining;
            }
            first
        });
        // An error means that the acceptor is gone, which is as finished as it gets.
        let _ = self.finished.clone().wait_for(|finished| *finished).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.acceptor.abort();
    }
}

/// Owns the listening socket and the tasks of all connections: when it is dropped, they end.
struct Acceptor<L> {
    app: Arc<App>,
    /// Absent for a server that is reached from within its process only.
    listener: Option<L>,
    phase: watch::Sender<Phase>,
    /// Connections end with the acceptor, also when that is dropped.
    closing: DropGuard,
    conns: JoinSet<()>,
}

impl<L: Listener> Acceptor<L> {
    async fn run(mut self) {
        let app = Arc::clone(&self.app);
        let mut draining = self.phase.subscribe();
        let mut drained = std::pin::pin!(async move {
            // The sender lives in `self`, so this ends only when draining begins.
            let _ = draining.wait_for(|phase| *phase == Phase::Draining).await;
            info!("server drains");
            app.runtime.shutdown().await;
        });
        loop {
            let has_room = self.conns.len() < self.app.config.max_connections;
            // The end comes first; then finished connections make room for those that wait.
            tokio::select! {
                biased;
                () = &mut drained => break,
                Some(ended) = self.conns.join_next() => log_end(ended),
                accepted = accept(self.listener.as_ref()), if has_room => self.accepted(accepted).await,
            }
        }
        let Self {
            app,
            listener,
            phase: _,
            closing,
            conns,
        } = self;
        drop(listener);
        closing.disarm().cancel();
        finish(conns, app.config.shutdown_grace).await;
        info!("server ended");
    }

    async fn accepted(&mut self, accepted: io::Result<(L::Stream, SocketAddr)>) {
        match accepted {
            Ok((stream, peer)) => {
                self.conns
                    .spawn(serve_connection(Arc::clone(&self.app), stream, peer));
            }
            Err(error) if is_about_one_connection(&error) => {
                debug!(%error, "connection failed before it began")
            }
            Err(error) => {
                warn!(%error, "cannot accept connections, pausing");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// The next connection. Never one without a listener.
async fn accept<L: Listener>(listener: Option<&L>) -> io::Result<(L::Stream, SocketAddr)> {
    match listener {
        Some(listener) => listener.accept().await,
        None => std::future::pending().await,
    }
}

/// Waits for all connections, then cuts off those that need longer than `grace`.
async fn finish(mut conns: JoinSet<()>, grace: Duration) {
    let all = async {
        while let Some(ended) = conns.join_next().await {
            log_end(ended);
        }
    };
    if tokio::time::timeout(grace, all).await.is_err() {
        warn!(
            connections = conns.len(),
            "cutting off connections that did not end in time"
        );
        conns.shutdown().await;
    }
}

fn log_end(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!(%error, "a connection's task panicked");
    }
}

fn is_about_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
    )
}
