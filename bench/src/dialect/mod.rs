//! What the load generator says to a system, and how it reads the answers: a file per protocol.

mod durable_object;
mod echo;
mod restate;
mod rivet;

use std::fmt::Debug;

use anyhow::Result;
use bytes::Bytes;
use fastwebsockets::Frame;
use http_body_util::Full;
use hyper::Request;

use crate::action::{Action, Answer};

pub(crate) use durable_object::DurableObject;
pub(crate) use echo::{Echo, PUBLISH, PUBLISH_HEAD, PUBLISHED};
pub(crate) use restate::Restate;
pub(crate) use rivet::Rivet;

/// A request over HTTP, ready to be sent.
pub(crate) type HttpRequest = Request<Full<Bytes>>;

/// A protocol. Actors of the type `counter` are addressed by a key, or, where [`Dialect::lookup`]
/// gives a request, by what its answer says.
pub(crate) trait Dialect: Debug + Sync {
    /// The request that finds or creates the actor with this key, in systems that ask for one
    /// before anything else.
    fn lookup(&self, _key: &str) -> Option<Result<HttpRequest>> {
        None
    }

    /// What the answer to [`Dialect::lookup`] says: the actor's address for everything else.
    ///
    /// # Errors
    /// It says something else.
    fn looked_up(&self, _body: &[u8]) -> Result<String> {
        anyhow::bail!("this system finds actors by their keys")
    }

    /// The subprotocols to offer on a WebSocket.
    fn subprotocols(&self) -> Option<&'static str> {
        None
    }

    /// Whether the server speaks first on a WebSocket. Nothing may be sent before its
    /// [`Message::Greeting`].
    fn greets(&self) -> bool {
        false
    }

    /// Whether the replies on a WebSocket come in the order of the requests.
    fn in_order(&self) -> bool {
        true
    }

    /// The path and query of a WebSocket to the actor.
    fn socket_path(&self, actor: &str) -> String;

    /// A WebSocket message that asks for the action.
    fn socket_request(&self, id: u64, action: Action<'_>) -> Frame<'static>;

    /// A WebSocket message that subscribes to [`EVENT`](crate::action::EVENT); none where every
    /// WebSocket hears it anyway.
    fn subscribe(&self) -> Option<Frame<'static>> {
        None
    }

    /// Reads a WebSocket message of the server.
    ///
    /// # Errors
    /// The server reports an error, or says something else.
    fn read(&self, payload: &[u8]) -> Result<Message>;

    /// An action over HTTP.
    ///
    /// # Errors
    /// The actor's address cannot be part of one.
    fn http_request(&self, actor: &str, action: Action<'_>) -> Result<HttpRequest>;

    /// Reads the body of a 200 answer to such a request.
    ///
    /// # Errors
    /// It is something else.
    fn http_reply(&self, body: &[u8]) -> Result<Answer>;
}

/// What a server says on a WebSocket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Message {
    /// The first message of servers that speak first.
    Greeting,
    /// The answer to the request with this id.
    Reply {
        /// As it was in the request.
        id: u64,
        /// What came out.
        answer: Answer,
    },
    /// [`EVENT`](crate::action::EVENT) with this text.
    Event(String),
}

/// A POST to this path on loopback.
fn post(path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Result<HttpRequest> {
    request("POST", path, headers, body)
}

fn request(
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: Vec<u8>,
) -> Result<HttpRequest> {
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", "127.0.0.1");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Ok(request.body(Full::from(body))?)
}
