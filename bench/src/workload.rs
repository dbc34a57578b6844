//! What is measured: the workloads by name.

use crate::action::Action;

/// How the load generator reaches the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    /// One WebSocket to one actor; operations are pipelined.
    WebSocket,
    /// As many keep-alive connections as operations in flight, each to an actor of its own.
    Http,
}

/// One workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Workload {
    /// What it is called on the command line and in results.
    pub(crate) name: &'static str,
    /// One line for people.
    pub(crate) about: &'static str,
    /// How the server is reached.
    pub(crate) transport: Transport,
    /// What is done.
    pub(crate) action: Action<'static>,
    /// Operations that wait for their reply at any time, at least 1.
    pub(crate) in_flight: usize,
}

/// All workloads, in the order of reports.
pub(crate) const WORKLOADS: [Workload; 4] = [
    Workload {
        name: "action-ws-64",
        about: "action with a durable write over one WebSocket, 64 in flight",
        transport: Transport::WebSocket,
        action: Action::Increment,
        in_flight: 64,
    },
    Workload {
        name: "action-ws-1",
        about: "the same, one in flight",
        transport: Transport::WebSocket,
        action: Action::Increment,
        in_flight: 1,
    },
    Workload {
        name: "read-ws-64",
        about: "read-only action over one WebSocket, 64 in flight",
        transport: Transport::WebSocket,
        action: Action::Read,
        in_flight: 64,
    },
    Workload {
        name: "action-http-64",
        about: "durable action over HTTP, 64 keep-alive connections to 64 actors",
        transport: Transport::Http,
        action: Action::Increment,
        in_flight: 64,
    },
];
