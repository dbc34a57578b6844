//! Requests and connections that reach the server from within its process, without a socket of its own.

use std::{net::IpAddr, sync::Arc};

use hyper::{Request, Response, Version, header::HeaderName};
use tokio::io::DuplexStream;

use crate::{
    app::App,
    body::{InProcessBody, RequestBody},
    connection::{self, UpgradeSlot},
    reply::Body,
    router,
};

/// Whom a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Somebody outside, let in by a program that mounted the server in its own.
    Public,
    /// An actor or a program of this registry. It is asked for no credentials, and its word on which
    /// actors called each other is taken.
    Trusted,
}

/// The header with the actors that wait for the answer of a call, outermost first: `id,id,…`. Only
/// trusted requests can have it.
pub const CALL_CHAIN: &str = "x-greenroom-chain";

/// [`CALL_CHAIN`], ready to be looked up.
pub(crate) const CHAIN: HeaderName = HeaderName::from_static(CALL_CHAIN);

/// Answers requests like the server that it belongs to. Cheap to clone.
#[derive(Clone)]
pub struct Dispatcher {
    app: Arc<App>,
}

impl Dispatcher {
    pub(crate) fn new(app: Arc<App>) -> Self {
        Self { app }
    }

    /// Answers one request, which came from `peer` as far as that is known. There are no WebSockets
    /// here: whoever asks for one is told so.
    ///
    /// # Cancel safety
    /// Dropping the future or the body of the answer is the end of a caller that went away.
    pub async fn dispatch(
        &self,
        request: Request<InProcessBody>,
        origin: Origin,
        peer: Option<IpAddr>,
    ) -> Response<Body> {
        let mut request = request.map(RequestBody::Right);
        // An upgrade takes HTTP/1.1 and a connection.
        *request.version_mut() = Version::HTTP_2;
        request.extensions_mut().insert(origin);
        router::handle(&self.app, &UpgradeSlot::of(peer), request).await
    }

    /// Serves a connection from `peer` that another server of this process has accepted: the request
    /// that it begins with, which is public, and the WebSocket that it may ask for. No second request:
    /// that would be one which the other server has not seen.
    ///
    /// # Cancel safety
    /// Dropping the future ends the connection at once.
    pub async fn converse(&self, stream: DuplexStream, peer: Option<IpAddr>) {
        connection::converse(&self.app, stream, peer, connection::Requests::One).await;
    }
}

/// Whom a request comes from. What came over a socket is public.
pub(crate) fn origin<B>(request: &Request<B>) -> Origin {
    let origin = request.extensions().get().copied();
    origin.unwrap_or(Origin::Public)
}

/// Takes away what only trusted requests can have.
pub(crate) fn distrust<B>(request: &mut Request<B>) {
    if origin(request) == Origin::Public {
        request.headers_mut().remove(&CHAIN);
    }
}
