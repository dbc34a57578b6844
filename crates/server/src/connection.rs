//! One TCP connection, from its first byte to its last: HTTP requests, then perhaps a WebSocket.

use std::{
    convert::Infallible,
    net::{IpAddr, SocketAddr},
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
};

use http_body_util::Either;
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tracing::{Instrument, debug, debug_span};

use crate::{ServerConfig, app::App, head::LENIENCY, router, stream::TimedStream, websocket};

/// Where a request that asked for a WebSocket leaves it for the connection's task to pick up, so
/// that one task owns the connection from begin to end.
///
/// A lock because the request handler must be `Send`; it is held for one assignment.
#[derive(Clone, Default)]
pub(crate) struct UpgradeSlot {
    pending: Arc<Mutex<Option<websocket::Pending>>>,
    peer: Option<IpAddr>,
}

impl UpgradeSlot {
    fn of(peer: IpAddr) -> Self {
        Self {
            pending: Arc::default(),
            peer: Some(peer),
        }
    }

    /// The other end of the TCP connection, if there is one.
    pub(crate) fn peer(&self) -> Option<IpAddr> {
        self.peer
    }

    pub(crate) fn put(&self, pending: websocket::Pending) {
        *self.pending.lock().unwrap_or_else(PoisonError::into_inner) = Some(pending);
    }

    fn take(&self) -> Option<websocket::Pending> {
        self.pending
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }
}

/// Serves `stream` until it ends, or until the server closes and its last answer is out.
pub(crate) async fn serve_connection(app: Arc<App>, stream: TcpStream, peer: SocketAddr) {
    let span = debug_span!("conn", %peer);
    async {
        // Replies are small and each is flushed as a whole: waiting for more would only delay them.
        if let Err(error) = stream.set_nodelay(true) {
            debug!(%error, "connection ended before it began");
            return;
        }
        if let Some(pending) = serve_http(&app, stream, peer.ip()).await {
            websocket::run(&app, pending).await;
        }
    }
    .instrument(span)
    .await;
}

/// Serves HTTP requests. Gives the WebSocket if the last of them asked for one.
async fn serve_http(app: &Arc<App>, stream: TcpStream, peer: IpAddr) -> Option<websocket::Pending> {
    let slot = UpgradeSlot::of(peer);
    let service = service_fn(|request: Request<Incoming>| {
        let (app, slot) = (Arc::clone(app), slot.clone());
        let request = request.map(Either::Left);
        async move { Ok::<_, Infallible>(router::handle(&app, &slot, request).await) }
    });
    let io = TokioIo::new(TimedStream::new(stream, app.config.write_timeout));
    let mut conn = pin!(
        http(&app.config)
            .serve_connection(io, service)
            .with_upgrades()
    );
    let ended = tokio::select! {
        biased;
        ended = &mut conn => ended,
        () = app.closing() => {
            conn.as_mut().graceful_shutdown();
            conn.await
        }
    };
    if let Err(error) = ended {
        debug!(%error, "http connection ended");
    }
    slot.take()
}

fn http(config: &ServerConfig) -> http1::Builder {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(config.header_read_timeout)
        .max_headers(config.max_headers * LENIENCY)
        .max_header_size(config.max_header_bytes * LENIENCY)
        .max_buf_size((config.max_header_bytes * LENIENCY).max(8 * 1024));
    http
}
