//! One connection, from its first byte to its last: HTTP requests, then perhaps a WebSocket.

use std::{
    convert::Infallible,
    net::{IpAddr, SocketAddr},
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
};

use http_body_util::Either;
use hyper::{
    Request, StatusCode,
    body::Incoming,
    header::{CONNECTION, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tracing::{Instrument, debug, debug_span};

use crate::{
    ServerConfig,
    app::App,
    head::LENIENCY,
    linger::{LingeringStream, Patience},
    router,
    stream::{TimedStream, Transport},
    websocket,
};

/// Ends the connection with the answer that has it.
const CLOSE: HeaderValue = HeaderValue::from_static("close");

/// Where a request that asked for a WebSocket leaves it for the connection's task to pick up, so
/// that one task owns the connection from begin to end.
///
/// A lock because the request handler must be `Send`; it is held for one assignment.
#[derive(Clone, Default)]
pub(crate) struct UpgradeSlot {
    pending: Arc<Mutex<Option<Box<websocket::Pending>>>>,
    peer: Option<IpAddr>,
}

impl UpgradeSlot {
    /// For requests that come from `peer`.
    pub(crate) fn of(peer: Option<IpAddr>) -> Self {
        Self {
            pending: Arc::default(),
            peer,
        }
    }

    /// The other end of the connection, if it is known.
    pub(crate) fn peer(&self) -> Option<IpAddr> {
        self.peer
    }

    pub(crate) fn put(&self, pending: websocket::Pending) {
        let pending = Some(Box::new(pending));
        *self.pending.lock().unwrap_or_else(PoisonError::into_inner) = pending;
    }

    fn take(&self) -> Option<Box<websocket::Pending>> {
        self.pending
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }
}

/// Serves `stream` until it ends, or until the server closes and its last answer is out.
pub(crate) async fn serve_connection<T: Transport>(app: Arc<App>, stream: T, peer: SocketAddr) {
    let span = debug_span!("conn", %peer);
    async {
        // Replies are small and each is flushed as a whole: waiting for more would only delay them.
        if let Err(error) = stream.hurry() {
            debug!(%error, "connection ended before it began");
            return;
        }
        converse(&app, stream, Some(peer.ip()), Requests::Many).await;
    }
    .instrument(span)
    .await;
}

/// How many requests a connection may make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Requests {
    /// As many as it likes.
    Many,
    /// Only the one that it began with.
    One,
}

/// Serves a stream that comes from `peer`, until it ends or the server closes.
pub(crate) async fn converse<T: Transport>(
    app: &Arc<App>,
    stream: T,
    peer: Option<IpAddr>,
    requests: Requests,
) {
    if let Some(pending) = serve_http(app, stream, peer, requests).await {
        websocket::run::<T>(app, pending).await;
    }
}

/// Serves HTTP requests. Gives the WebSocket if the last of them asked for one.
async fn serve_http<T: Transport>(
    app: &Arc<App>,
    stream: T,
    peer: Option<IpAddr>,
    requests: Requests,
) -> Option<Box<websocket::Pending>> {
    let slot = UpgradeSlot::of(peer);
    let service = service_fn(|request: Request<Incoming>| {
        let (app, slot) = (Arc::clone(app), slot.clone());
        let request = request.map(Either::Left);
        async move {
            let mut reply = router::handle(&app, &slot, request).await;
            if requests == Requests::One && reply.status() != StatusCode::SWITCHING_PROTOCOLS {
                reply.headers_mut().insert(CONNECTION, CLOSE);
            }
            Ok::<_, Infallible>(reply)
        }
    });
    let stream = TimedStream::new(stream, app.config.write_timeout);
    let last_words = Arc::clone(app);
    let io = TokioIo::new(LingeringStream::new(stream, || patience(last_words)));
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

/// How long a client may take to end a connection that the server has ended. When the server itself ends, nobody is
/// waited for who has nothing to say.
fn patience(app: Arc<App>) -> Patience {
    Box::pin(async move {
        tokio::select! {
            biased;
            () = app.closing() => {}
            () = tokio::time::sleep(app.config.close_timeout) => {}
        }
    })
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

#[cfg(test)]
mod tests {
    use tokio::net::TcpStream;

    use super::*;

    fn future_size<A, B, C, F>(_: fn(A, B, C) -> F) -> usize {
        size_of::<F>()
    }

    /// Each open connection has a task of this size, whatever it does.
    #[test]
    fn a_connection_stays_small() {
        let bytes = future_size(serve_connection::<TcpStream>);
        assert!(bytes <= 2_000, "{bytes}");
    }
}
