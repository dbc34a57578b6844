//! The runtime as a server and a host see it, over a store whose syncs a test controls.

mod calls;
mod conns;
mod host;
mod lifecycle;
mod output_gate;
mod snapshots;
