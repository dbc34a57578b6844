//! Greenroom over the network: HTTP, WebSocket and the client protocol in front of a runtime.
//!
//! ```text
//! TCP connection ── HTTP ─┬─ /health /metadata        what the server says about itself
//!                         ├─ /metrics                 the same in numbers
//!                         ├─ /actors                  find, create, list, destroy actors
//!                         ├─ /gateway/…/action/{name} stateless calls
//!                         ├─ /gateway/…/request/…     the actor's own HTTP handler
//!                         ├─ /gateway/…/connect ────► WebSocket: connection to an actor
//!                         ├─ /gateway/…/websocket/… ► raw WebSocket: to the actor's own handler
//!                         ├─ /gateway/…/sse           the same as an event stream, and
//!                         ├─ /connections/…/message   what its client has to say
//!                         └─ anything else            files, if a directory was given
//! ```
//!
//! The server decides nothing about actors: it reads what clients send, checks it, passes it to
//! [`greenroom_core::Runtime`], and writes what comes back. One task owns each TCP connection from
//! its first byte to its last; one more accepts them. Nothing a client sends makes a task panic,
//! wait for ever or hold more memory than its limits allow.

mod access;
mod action;
mod app;
mod bind;
mod body;
mod client_info;
mod config;
mod connection;
mod cors;
mod dispatch;
mod env;
mod error;
mod failure;
mod gateway;
mod head;
mod info;
mod linger;
mod listen;
mod metrics;
mod passing;
mod query;
mod queue;
mod raw;
mod reply;
mod rest;
mod result_stream;
mod resume_frame;
mod router;
mod server;
mod sse;
mod static_files;
mod status;
mod stream;
mod stream_frame;
mod websocket;

pub use access::{AccessRequest, Gatekeeper, Intents, RateLimit, Secret, Verdict};
pub use bind::bind;
pub use body::InProcessBody;
pub use config::{Display, ServerConfig};
pub use dispatch::{CALL_CHAIN, Dispatcher, Origin};
pub use env::SystemEnv;
pub use error::BindError;
pub use listen::Listener;
pub use metrics::{HostMetrics, MetricsPage};
pub use reply::{Body, StreamBody};
pub use server::{Server, serve};
pub use stream::Transport;
