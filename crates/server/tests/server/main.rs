//! The server over real sockets, in front of a real runtime on a store in memory.

#![expect(clippy::unwrap_used, reason = "what is unexpected ends the test")]

mod access;
mod actions;
mod broadcast;
mod cors;
mod harness;
mod host;
mod hostile_bodies;
mod hostile_http;
mod hostile_websocket;
mod in_process;
mod lookup;
mod metrics;
mod mounted;
mod queues;
mod raw;
mod shutdown;
mod site;
mod sites;
mod sse;
mod websocket;
