//! The runtime as a server and a host see it, over a store whose syncs a test controls.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on should say where"
)]

mod alarms;
mod calls;
mod conns;
mod creating;
mod departures;
mod ends;
mod exchanges;
mod guards;
mod host;
mod journal_model;
mod kv;
mod lanes;
mod lifecycle;
mod manual;
mod model;
mod once;
mod output_gate;
mod queues;
mod races;
mod resuming;
mod revival;
mod snapshots;
mod sockets;
mod stalls;
mod streams;
mod threads;
mod weights;
