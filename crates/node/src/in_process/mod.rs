//! Requests that JavaScript makes of the server in its own process, without a socket.
//!
//! Each is a task on the core's threads that lasts from the request to the end of the answer's body.
//! Bodies flow in both directions at the pace of whoever reads them: each side sends at most a
//! [`WINDOW`] of bytes that the other has not taken.

mod body;
mod request;
mod table;

pub(crate) use request::{Answer, Begin, BeginBody, Requested};
pub(crate) use table::Requests;

/// Most bytes of a body that are on their way to whoever reads it.
const WINDOW: usize = 256 * 1024;
