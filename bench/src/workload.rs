//! What is measured: the workloads by name.

use crate::{
    ability::Ability,
    action::Action,
    metric::{self, Metric},
};

/// One workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Workload {
    /// What it is called on the command line and in results.
    pub(crate) name: &'static str,
    /// One line for people.
    pub(crate) about: &'static str,
    /// What is done.
    pub(crate) kind: Kind,
    /// Whether it is measured only when it is asked for by its name: it takes long, or is a lighter
    /// variant for systems that fail under the load of another.
    pub(crate) only_by_name: bool,
}

/// What is done, each kind in a file of [`crate::load`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The same action again and again.
    Actions(Actions),
    /// Events to many WebSockets of one actor.
    Broadcast {
        /// How many hear them.
        subscribers: usize,
        /// Connections that each publish the next event when everybody has heard their last.
        publishers: usize,
    },
    /// New actors, and one durable action on each.
    Create {
        /// At any time.
        in_flight: usize,
    },
    /// Calls to an actor that sleeps.
    Wake,
    /// 100 bytes more in a list of the state.
    Append {
        /// What the list weighs at first.
        bytes: u64,
    },
    /// What actors and connections take while nothing happens.
    Memory,
    /// From the start of the process to the first durable action.
    Start {
        /// Actors that are stored before.
        stored: u32,
    },
    /// Increments just before the processes are killed, and what is there afterwards.
    Kill,
    /// What is installed and what browsers download.
    Size,
}

/// The same action again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Actions {
    /// How the server is reached.
    pub(crate) transport: Transport,
    /// What is asked for.
    pub(crate) action: Action<'static>,
    /// Operations that wait for their reply at any time, at least 1.
    pub(crate) in_flight: usize,
}

/// How the load generator reaches the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    /// One WebSocket to one actor; operations are pipelined.
    WebSocket,
    /// One WebSocket to each of as many actors as operations are in flight, one at a time on each.
    WebSockets,
    /// As many keep-alive connections as operations in flight, each of which takes turns between
    /// its share of the actors.
    Http {
        /// At least as many as connections.
        actors: usize,
    },
}

impl Kind {
    /// Its figures. The first is the one to compare.
    pub(crate) fn metrics(self) -> &'static [Metric] {
        const ACTIONS: &[Metric] = &[
            metric::CPU.plotted(),
            metric::RATE,
            metric::P50,
            metric::P99,
            metric::OTHER_LOAD,
        ];
        const ALONE: &[Metric] = &[
            metric::P50.plotted(),
            metric::P99,
            metric::CPU,
            metric::RATE,
            metric::OTHER_LOAD,
        ];
        const COMPUTING: &[Metric] = &[
            metric::CPU.plotted(),
            metric::RATE.plotted(),
            metric::P50,
            metric::P99,
            metric::OTHER_LOAD,
        ];
        match self {
            Self::Actions(Actions { in_flight: 1, .. }) => ALONE,
            Self::Actions(Actions {
                action: Action::Compute,
                ..
            }) => COMPUTING,
            Self::Actions(_) | Self::Create { .. } => ACTIONS,
            Self::Broadcast { .. } => {
                const {
                    &[
                        metric::CPU_DELIVERY.plotted(),
                        metric::DELIVERIES,
                        metric::ALL_P50,
                        metric::OTHER_LOAD,
                    ]
                }
            }
            Self::Wake => {
                const {
                    &[
                        metric::WAKE_EXTRA.plotted(),
                        metric::WAKE_P50,
                        metric::WARM_P50,
                        metric::OTHER_LOAD,
                    ]
                }
            }
            Self::Append { .. } => {
                const {
                    &[
                        metric::CPU.plotted(),
                        metric::P50,
                        metric::WRITTEN.plotted(),
                        metric::DISK,
                        metric::LIST,
                        metric::OTHER_LOAD,
                    ]
                }
            }
            Self::Memory => {
                const {
                    &[
                        metric::ACTOR_MEMORY.plotted(),
                        metric::ACTOR_HEAP,
                        metric::CONNECTION_MEMORY.plotted(),
                        metric::CONNECTION_HEAP,
                        metric::SLEEPER_MEMORY,
                        metric::EMPTY_MEMORY,
                    ]
                }
            }
            Self::Start { .. } => {
                const {
                    &[
                        metric::FIRST_ACTION.plotted(),
                        metric::LISTENS,
                        metric::START_CPU,
                        metric::OTHER_LOAD,
                    ]
                }
            }
            Self::Kill => const { &[metric::LOST.plotted(), metric::READABLE.plotted()] },
            Self::Size => {
                const {
                    &[
                        metric::INSTALL.plotted(),
                        metric::PACKAGES,
                        metric::BROWSER.plotted(),
                    ]
                }
            }
        }
    }

    /// What a system has to be able to do. Of memory, whatever it can do is measured.
    pub(crate) fn needs(self) -> &'static [Ability] {
        match self {
            Self::Actions(Actions {
                action: Action::Compute,
                ..
            }) => &[Ability::Compute, Ability::Socket],
            Self::Actions(Actions { transport, .. }) => match transport {
                Transport::WebSocket | Transport::WebSockets => &[Ability::Socket],
                Transport::Http { .. } => &[Ability::Http],
            },
            Self::Broadcast { .. } => &[Ability::Socket, Ability::Events],
            Self::Create { .. } => &[Ability::Http, Ability::State],
            Self::Wake => &[Ability::Http, Ability::State, Ability::Sleep],
            Self::Append { .. } => &[Ability::Socket, Ability::Lines],
            Self::Memory => &[Ability::Http],
            Self::Start { stored: 0 } => &[Ability::Http, Ability::State],
            Self::Start { .. } => &[Ability::Http, Ability::State, Ability::Filled],
            Self::Kill => &[Ability::Http, Ability::State],
            Self::Size => &[Ability::Install],
        }
    }

    /// Whether the same is asked of many actors, so that several threads can share the work.
    pub(crate) fn is_shared(self) -> bool {
        let Self::Actions(actions) = self else {
            return false;
        };
        match actions.transport {
            Transport::WebSocket => false,
            Transport::WebSockets => actions.in_flight > 1,
            Transport::Http { actors } => actors > 1,
        }
    }
}

const fn workload(name: &'static str, about: &'static str, kind: Kind) -> Workload {
    Workload {
        name,
        about,
        kind,
        only_by_name: false,
    }
}

const fn actions(transport: Transport, action: Action<'static>, in_flight: usize) -> Kind {
    Kind::Actions(Actions {
        transport,
        action,
        in_flight,
    })
}

/// All workloads, in the order of reports.
pub(crate) const WORKLOADS: [Workload; 21] = [
    workload(
        "action-ws-64",
        "action with a durable write over one WebSocket, 64 in flight",
        actions(Transport::WebSocket, Action::Increment, 64),
    ),
    workload(
        "action-ws-1",
        "action with a durable write over one WebSocket, one in flight",
        actions(Transport::WebSocket, Action::Increment, 1),
    ),
    workload(
        "read-ws-64",
        "read-only action over one WebSocket, 64 in flight",
        actions(Transport::WebSocket, Action::Read, 64),
    ),
    workload(
        "action-http-64",
        "durable action over HTTP, 64 keep-alive connections to 64 actors",
        actions(Transport::Http { actors: 64 }, Action::Increment, 64),
    ),
    workload(
        "action-http-1000",
        "durable action over HTTP, 64 keep-alive connections to 1,000 actors",
        actions(Transport::Http { actors: 1000 }, Action::Increment, 64),
    ),
    workload(
        "action-sockets-64",
        "durable action over 64 WebSockets to 64 actors, one in flight on each",
        actions(Transport::WebSockets, Action::Increment, 64),
    ),
    workload(
        "compute-sockets-64",
        "action that computes for about 0.2 ms, over 64 WebSockets to 64 actors, one in flight on each",
        actions(Transport::WebSockets, Action::Compute, 64),
    ),
    Workload {
        only_by_name: true,
        ..workload(
            "action-http-8",
            "durable action over HTTP, 8 keep-alive connections to 8 actors",
            actions(Transport::Http { actors: 8 }, Action::Increment, 8),
        )
    },
    workload(
        "broadcast",
        "events of 100 bytes to 1,000 WebSockets, the next when all have heard the last",
        Kind::Broadcast {
            subscribers: 1000,
            publishers: 1,
        },
    ),
    workload(
        "broadcast-16",
        "events of 100 bytes to 1,000 WebSockets, 16 connections publish at a time",
        Kind::Broadcast {
            subscribers: 1000,
            publishers: 16,
        },
    ),
    Workload {
        only_by_name: true,
        ..workload(
            "broadcast-100",
            "events of 100 bytes to 100 WebSockets, the next when all have heard the last",
            Kind::Broadcast {
                subscribers: 100,
                publishers: 1,
            },
        )
    },
    workload(
        "create",
        "a new actor and its first durable action over HTTP, 16 in flight",
        Kind::Create { in_flight: 16 },
    ),
    workload(
        "wake",
        "a call over HTTP to a small actor that sleeps, and the same call to it awake",
        Kind::Wake,
    ),
    workload(
        "append-10k",
        "100 bytes appended to a list of 10 kB in the state, over one WebSocket, 16 in flight",
        Kind::Append { bytes: 10_000 },
    ),
    workload(
        "append-1m",
        "100 bytes appended to a list of 1 MB in the state, over one WebSocket, 16 in flight",
        Kind::Append { bytes: 1_000_000 },
    ),
    workload(
        "append-10m",
        "100 bytes appended to a list of 10 MB in the state, over one WebSocket, 16 in flight",
        Kind::Append { bytes: 10_000_000 },
    ),
    workload(
        "memory",
        "memory for actors and connections that do nothing, and for actors that sleep",
        Kind::Memory,
    ),
    workload(
        "start",
        "from starting the process to the first durable action, on an empty directory",
        Kind::Start { stored: 0 },
    ),
    Workload {
        only_by_name: true,
        ..workload(
            "start-1m",
            "from starting the process to the first durable action, with a million stored actors",
            Kind::Start { stored: 1_000_000 },
        )
    },
    workload(
        "kill",
        "20 acknowledged increments, kill -9 at once, and a start on what is left",
        Kind::Kill,
    ),
    workload(
        "size",
        "an installation for production, and the client in a browser's bundle",
        Kind::Size,
    ),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::WORKLOADS;

    #[test]
    fn names_are_unique_and_every_workload_has_something_to_compare() {
        let names: BTreeSet<_> = WORKLOADS.iter().map(|workload| workload.name).collect();
        assert_eq!(names.len(), WORKLOADS.len());
        for workload in WORKLOADS {
            let metrics = workload.kind.metrics();
            assert!(metrics[0].plotted, "{}", workload.name);
            let names: BTreeSet<_> = metrics.iter().map(|metric| metric.name).collect();
            assert_eq!(names.len(), metrics.len(), "{}", workload.name);
        }
    }
}
