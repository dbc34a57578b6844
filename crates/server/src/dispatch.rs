//! Requests that reach the server from within its process, without a socket.

use std::sync::Arc;

use hyper::{Request, Response, Version};

use crate::{
    app::App,
    body::{InProcessBody, RequestBody},
    connection::UpgradeSlot,
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

/// Answers requests like the server that it belongs to. Cheap to clone.
#[derive(Clone)]
pub struct Dispatcher {
    app: Arc<App>,
}

impl Dispatcher {
    pub(crate) fn new(app: Arc<App>) -> Self {
        Self { app }
    }

    /// Answers one request. There are no WebSockets here: whoever asks for one is told so.
    ///
    /// # Cancel safety
    /// Dropping the future or the body of the answer is the end of a caller that went away.
    pub async fn dispatch(
        &self,
        request: Request<InProcessBody>,
        origin: Origin,
    ) -> Response<Body> {
        let mut request = request.map(RequestBody::Right);
        // An upgrade takes HTTP/1.1 and a connection.
        *request.version_mut() = Version::HTTP_2;
        request.extensions_mut().insert(origin);
        router::handle(&self.app, &UpgradeSlot::default(), request).await
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
        request.headers_mut().remove(CALL_CHAIN);
    }
}
