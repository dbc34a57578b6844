//! Requests that JavaScript makes of the server in its own process, without a socket, and connections
//! that it has accepted and hands over to it.
//!
//! Each is a task on the core's threads that lasts from the request to the end of the answer's body, or
//! of the connection. Bodies, and the two directions of a connection, flow at the pace of whoever reads
//! them: each side sends at most a [`WINDOW`] of bytes that the other has not taken.

mod body;
mod connection;
mod request;
mod table;

pub(crate) use request::{Answer, Begin, BeginBody, Requested};
pub(crate) use table::Requests;

/// Most bytes of a body, or of one direction of a connection, that are on their way to whoever reads it.
const WINDOW: usize = 256 * 1024;
