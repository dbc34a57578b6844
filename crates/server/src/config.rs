//! The server's settings.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use greenroom_types::{ActorName, limits};
use serde::Serialize;

use crate::{Gatekeeper, HostMetrics, RateLimit, Secret};

/// What tools show of an actor type. Means nothing to the server.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Display {
    /// A name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// An icon.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub icon: Option<String>,
}

/// How a server behaves. `Default` gives the documented defaults; change what differs.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ServerConfig {
    /// What `/health` and `/metadata` report as `version`. Default: the version of this crate.
    pub version: String,
    /// The one namespace that this server answers to. Default `default`.
    pub namespace: String,
    /// What `/metadata`, `/actors/names` and the metadata of an actor say of actor types. Default: nothing.
    pub displays: BTreeMap<ActorName, Display>,
    /// A directory whose files are served for paths that are not the server's own. Default: none.
    pub static_dir: Option<PathBuf>,
    /// Lists, destroys and puts to sleep whatever actors there are, for whoever knows it. Default: none;
    /// then that is possible only in development, on a loopback address.
    pub management_token: Option<Secret>,
    /// Whether the server runs on the machine of somebody who works on it. Default `true`.
    pub development: bool,
    /// Names under which the server may be reached, beside those of its machine and IP addresses: `example.com`,
    /// `.example.com` with all names below it, `*` for any. Default: none, which leaves only those in development on a
    /// loopback address, and any elsewhere.
    pub allowed_hosts: Vec<String>,
    /// Origins whose pages may use the server, beside pages of the server's own host, of `allowed_hosts`, and in
    /// development of the same machine: `https://example.com`, `https://*.example.com`, `null`, `*` for any. Default:
    /// nothing said, which is none in development on a loopback address, and any elsewhere.
    pub allowed_origins: Option<Vec<String>>,
    /// Decides about every request to an actor from outside before it gets there. Default: nobody does.
    pub gatekeeper: Option<Arc<dyn Gatekeeper>>,
    /// Numbers and troubles of what runs the actors' code. Default: none.
    pub host_metrics: Option<Arc<dyn HostMetrics>>,
    /// What one address may do to one actor. Default: no limit.
    pub rate_limit: Option<RateLimit>,
    /// Proxies in front of the server, each of which adds the address of whoever talks to it to
    /// `X-Forwarded-For`. Default 0: the header is not believed.
    pub trusted_proxies: usize,
    /// Largest message of a connection and action body that is accepted, in bytes. Default 64 KiB.
    pub max_incoming_message: usize,
    /// Largest message of a connection and action reply that is sent, in bytes. Default 1 MiB.
    pub max_outgoing_message: usize,
    /// Largest body of a request to an actor's own HTTP handler, in bytes. Responses have no limit.
    /// Default 20 MiB.
    pub max_request_body: usize,
    /// TCP connections served at once; further ones wait in the listen queue. Default 65,536.
    pub max_connections: usize,
    /// Largest request head (request line and headers), in bytes, at least 8 KiB. Default 64 KiB.
    pub max_header_bytes: usize,
    /// Most header lines of one request. Default 100.
    pub max_headers: usize,
    /// Time for a request's head to arrive, counted from the end of the previous request: also the
    /// longest that an idle HTTP connection is kept. Default 30 s.
    pub header_read_timeout: Duration,
    /// Time for a request's body to arrive, on top of a second for each KiB of it: whoever is slow but
    /// steady gets through. Also the time for what is left of a body that an actor's handler does not
    /// read any more; one that is being read has no limit but the handler's own. Default 30 s.
    pub body_read_timeout: Duration,
    /// Longest time that a client may take without accepting a single byte that is sent to it.
    /// Default 30 s.
    pub write_timeout: Duration,
    /// Silence of a WebSocket client after which it is pinged. Default 30 s.
    pub ping_interval: Duration,
    /// Time that a pinged client has to show life before it is dropped. Default 15 s.
    pub pong_timeout: Duration,
    /// Silence of an event stream after which a comment is sent: a sign of life for proxies and
    /// clients. Our clients take 45 s without one for a lost connection. Default 15 s.
    pub stream_heartbeat: Duration,
    /// Time that a client has to answer a close, or to end a connection that the server has ended. Default 5 s.
    pub close_timeout: Duration,
    /// Time that requests and sockets have to end once the runtime has shut down. Default 10 s.
    pub shutdown_grace: Duration,
}

impl ServerConfig {
    /// What tools show of actors of this type.
    pub(crate) fn display(&self, name: &ActorName) -> &Display {
        const NOTHING: &Display = &Display {
            name: None,
            icon: None,
        };
        self.displays.get(name).unwrap_or(NOTHING)
    }
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            namespace: "default".to_owned(),
            displays: BTreeMap::new(),
            static_dir: None,
            management_token: None,
            development: true,
            allowed_hosts: Vec::new(),
            allowed_origins: None,
            gatekeeper: None,
            host_metrics: None,
            rate_limit: None,
            trusted_proxies: 0,
            max_incoming_message: limits::INCOMING_MESSAGE,
            max_outgoing_message: limits::OUTGOING_MESSAGE,
            max_request_body: limits::REQUEST_BODY,
            max_connections: 65_536,
            max_header_bytes: 64 * 1024,
            max_headers: 100,
            header_read_timeout: Duration::from_secs(30),
            body_read_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(30),
            ping_interval: Duration::from_secs(30),
            pong_timeout: Duration::from_secs(15),
            stream_heartbeat: Duration::from_secs(15),
            close_timeout: Duration::from_secs(5),
            shutdown_grace: Duration::from_secs(10),
        }
    }
}
