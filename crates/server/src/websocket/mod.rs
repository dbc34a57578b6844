//! WebSocket connections: handshake, frames, both directions, and every way they can end.

mod close;
mod control;
mod frame;
mod read;
mod socket;
mod write;

pub(crate) use close::Close;
pub(crate) use socket::{Pending, Plan, run};
