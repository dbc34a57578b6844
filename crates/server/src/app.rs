//! What all connections of one server share.

use std::{net::SocketAddr, sync::Arc};

use greenroom_core::Runtime;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{
    ServerConfig,
    access::{Management, Pacer, RateLimiter, Sites},
    sse::Links,
    static_files::StaticFiles,
};

/// How far a server's life has come. Only moves forward. In the end its connections end ([`App::closing`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Serving.
    Running,
    /// The runtime is shutting down: requests under way finish, new ones are turned away with an
    /// answer that lets clients retry on the successor.
    Draining,
}

/// Settings, runtime and phase, shared by all connections.
pub(crate) struct App {
    pub(crate) config: ServerConfig,
    pub(crate) runtime: Runtime,
    pub(crate) files: Option<StaticFiles>,
    /// Who may manage the actors.
    pub(crate) management: Management,
    /// Whose pages may ask, and by which names.
    pub(crate) sites: Sites,
    /// Counts what addresses do, if there are limits.
    pub(crate) limiter: Option<Arc<RateLimiter>>,
    /// Slows down those who are refused again and again.
    pub(crate) pacer: Pacer,
    /// The event streams that are open.
    pub(crate) links: Links,
    phase: watch::Receiver<Phase>,
    /// Wakes connections in the order in which they began to wait, so that the simulation can repeat it.
    closing: CancellationToken,
}

impl App {
    pub(crate) fn new(
        config: ServerConfig,
        address: Option<SocketAddr>,
        runtime: Runtime,
        phase: watch::Receiver<Phase>,
        closing: CancellationToken,
    ) -> Self {
        let limiter = config.rate_limit.map(RateLimiter::new).map(Arc::new);
        let management = Management::of(&config, address);
        let sites = Sites::of(&config);
        let files = config.static_dir.as_deref().map(StaticFiles::new);
        Self {
            config,
            runtime,
            files,
            management,
            sites,
            limiter,
            pacer: Pacer::default(),
            links: Links::default(),
            phase,
            closing,
        }
    }

    /// Whether visitors are looked at before they reach an actor.
    pub(crate) fn is_guarded(&self) -> bool {
        self.limiter.is_some() || self.config.gatekeeper.is_some()
    }

    /// Whether new work is turned away.
    pub(crate) fn is_draining(&self) -> bool {
        *self.phase.borrow() == Phase::Draining
    }

    /// Resolves once connections have to end.
    pub(crate) async fn closing(&self) {
        self.closing.cancelled().await;
    }
}
