//! The addon: Greenroom's core inside Node and Bun.
//!
//! Owns the boundary to JavaScript and nothing else: it turns a configuration into a store, a
//! runtime and a server on threads of their own, and carries batches between them and the
//! JavaScript thread. It promises that no panic and no malformed input crosses the boundary as
//! anything but an `Error`, and that it keeps the process alive from the start of a registry to
//! the end of its shutdown and no longer. What the batches mean is documented in `batch`, what
//! JavaScript sees in the `@greenroom/native` package.

mod batch;
mod config;
mod counting;
pub mod exports;
mod gate;
mod host;
mod in_process;
pub mod lane;
mod lobby;
mod logging;
mod memory;
mod seats;
mod service;
mod start_error;
mod thread;
mod virtual_time;
mod watch;
