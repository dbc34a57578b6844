//! What a seed stands for: how large the world is, how fast its parts are, and what goes wrong when.

use std::time::Duration;

use crate::rng::Rng;

/// One run.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// The actors' keys. Few of them, so that clients meet.
    pub(crate) keys: Vec<String>,
    /// Clients without connections, within the node.
    pub(crate) callers: u64,
    /// Clients with connections, within the node.
    pub(crate) talkers: u64,
    /// Machines with clients on the other side of a network.
    pub(crate) far: u64,
    /// Clients with and without connections on each of them.
    pub(crate) far_clients: (u64, u64),
    /// Longest time that a packet takes.
    pub(crate) latency_ms: u64,
    /// Time after which the server wants a sign of life from a client that is silent.
    pub(crate) ping_ms: u64,
    /// How long faults happen and clients work.
    pub(crate) chaos: Duration,
    /// How many operations each client has for it, at most.
    pub(crate) operations: u64,
    /// Idle time after which actors sleep.
    pub(crate) sleep_timeout: Option<Duration>,
    /// Longest wait of a relaxed change.
    pub(crate) save_interval: Duration,
    pub(crate) host: HostPlan,
    pub(crate) disk: DiskPlan,
    /// Whether its client waits for each answer, and leaves out what takes its own time.
    pub(crate) calm: bool,
    /// Whether there is a second node on the same store for as long as faults happen. Nothing but the store's
    /// claims keeps the two apart, so what one has read may be old; what is written must not be lost.
    pub(crate) split: bool,
    /// How many of its events an actor keeps for clients that come back.
    pub(crate) kept_events: Option<usize>,
    /// What goes wrong, in order.
    pub(crate) faults: Vec<(Duration, Fault)>,
}

/// How the host behaves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HostPlan {
    /// How many of its events it puts off, and for how long at most.
    pub(crate) slow_percent: u64,
    pub(crate) slow_ms: u64,
    pub(crate) failing_starts_percent: u64,
    /// See [`Plan::split`].
    pub(crate) split: bool,
}

/// How long a sync takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DiskPlan {
    pub(crate) fast_us: u64,
    pub(crate) slow_ms: u64,
}

/// Something that goes wrong.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// The node is gone at once, and back after so many milliseconds. Of what was not synced, some is lost.
    Crash { down_ms: u64 },
    /// The second node is gone at once, and back after so many milliseconds.
    RivalCrash { down_ms: u64 },
    /// The node ends in good order, and is back after so many milliseconds.
    Restart { down_ms: u64 },
    /// A sync fails: from then on the store takes no writes, until somebody restarts the node.
    SyncFails { until_restart_ms: u64 },
    /// The disk does nothing for a while.
    DiskStalls { ms: u64 },
    /// Loads are not answered for a while.
    LoadsStall { ms: u64 },
    /// A commit finds the disk full; there is room again for the next.
    Full { nth: u64 },
    /// The wall clock jumps.
    ClockJumps { ms: i64 },
    /// An actor's instance is lost.
    InstanceLost { key: usize },
    /// Somebody sends an actor to sleep.
    Sleep { key: usize },
    /// Nothing gets through between the node and a machine of clients.
    Partition { far: u64, ms: u64 },
    /// Nothing gets through in one direction.
    OneWay { far: u64, to_node: bool, ms: u64 },
    /// What is sent between them arrives later, all at once.
    Hold { far: u64, ms: u64 },
    /// A machine of clients is gone, with a word of farewell or without one.
    Vanish { far: u64, silently: bool, ms: u64 },
}

impl Fault {
    fn loses_instances(self) -> bool {
        match self {
            Self::Crash { .. }
            | Self::SyncFails { .. }
            | Self::Full { .. }
            | Self::RivalCrash { .. }
            | Self::InstanceLost { .. } => true,
            Self::Restart { .. }
            | Self::DiskStalls { .. }
            | Self::LoadsStall { .. }
            | Self::ClockJumps { .. }
            | Self::Sleep { .. }
            | Self::Partition { .. }
            | Self::OneWay { .. }
            | Self::Hold { .. }
            | Self::Vanish { .. } => false,
        }
    }
}

impl Plan {
    /// The plan of a seed.
    pub(crate) fn of(seed: u64) -> Self {
        let mut rng = Rng::of(seed, "plan");
        let rng = &mut rng;
        let keys = (0..rng.between(1, 3)).map(|n| format!("k{n}")).collect();
        let chaos = Duration::from_millis(rng.between(4_000, 12_000));
        let mut plan = Self {
            keys,
            callers: rng.between(1, 5),
            talkers: rng.between(0, 3),
            far: rng.pick(&[0, 1, 2]),
            far_clients: (rng.between(0, 2), rng.between(0, 2)),
            latency_ms: rng.pick(&[1, 10, 150]),
            ping_ms: rng.pick(&[200, 1_000, 10_000]),
            chaos,
            operations: rng.between(20, 60),
            sleep_timeout: rng
                .pick(&[Some(20), Some(100), Some(400), Some(2_000), None])
                .map(Duration::from_millis),
            save_interval: Duration::from_millis(rng.pick(&[50, 300, 1_000])),
            host: HostPlan {
                slow_percent: rng.pick(&[0, 20, 60]),
                slow_ms: rng.pick(&[5, 50, 400]),
                failing_starts_percent: rng.pick(&[0, 0, 5]),
                split: false,
            },
            disk: DiskPlan {
                fast_us: rng.pick(&[200, 1_000, 4_000]),
                slow_ms: rng.pick(&[1, 8, 60, 500]),
            },
            calm: false,
            split: false,
            kept_events: None,
            faults: Vec::new(),
        };
        plan.keep_events(&mut Rng::of(seed, "kept events"));
        if Rng::of(seed, "calls over the network").chance(50) {
            plan.far = plan.far.max(1);
            plan.far_clients.0 = plan.far_clients.0.max(2);
        }
        plan.add_faults(rng);
        if rng.chance(20) {
            plan.split();
        }
        plan
    }

    /// Lets actors keep their events or not, and if they do, mostly has clients who come back for them.
    fn keep_events(&mut self, rng: &mut Rng) {
        self.kept_events = rng.pick(&[None, Some(3), Some(100_000)]);
        if self.kept_events.is_some() && rng.chance(70) {
            self.far = self.far.max(1);
            self.far_clients.1 = self.far_clients.1.max(rng.between(1, 3));
        }
    }

    /// Makes it a run with two nodes. The store is a service then, and not lost with one of them.
    fn split(&mut self) {
        self.split = true;
        self.host.split = true;
        for (_, fault) in &mut self.faults {
            if let Fault::Crash { down_ms } | Fault::Restart { down_ms } = *fault {
                *fault = Fault::RivalCrash { down_ms };
            }
        }
        self.faults
            .retain(|(_, fault)| !matches!(fault, Fault::SyncFails { .. }));
    }

    /// Longest time, once faults have stopped, for everything to happen that was promised. Actors that were
    /// lost several times in a row are woken after a pause that doubles each time.
    pub(crate) fn patience(&self) -> Duration {
        let losses = self
            .faults
            .iter()
            .filter(|(_, fault)| fault.loses_instances());
        let doublings = losses.count().saturating_sub(1).min(9) as u32;
        Duration::from_secs(60 + 2_u64.pow(doublings))
    }

    /// A run without faults, in which one client asks for one thing after the other: what it is told must not
    /// depend on when actors sleep.
    pub(crate) fn calm(seed: u64, sleep_timeout: Option<Duration>) -> Self {
        let mut plan = Self::of(seed);
        plan.callers = 1;
        plan.calm = true;
        plan.talkers = 0;
        plan.far = 0;
        plan.sleep_timeout = sleep_timeout;
        plan.host.slow_percent = 0;
        plan.host.failing_starts_percent = 0;
        plan.host.split = false;
        plan.split = false;
        plan.faults.clear();
        // It ends with its operations, and not with the time.
        plan.chaos = Duration::from_secs(120);
        plan
    }

    fn add_faults(&mut self, rng: &mut Rng) {
        let chaos_ms = self.chaos.as_millis() as u64;
        let mut often = |rng: &mut Rng, most: u64, make: &dyn Fn(&mut Rng) -> Fault| {
            let count = rng.below(most + 1);
            for _ in 0..count {
                let at = Duration::from_micros(rng.below(chaos_ms * 1000));
                self.faults.push((at, make(rng)));
            }
        };
        let keys = self.keys.len() as u64;
        often(rng, 6, &|rng| Fault::Crash {
            down_ms: rng.pick(&[0, 1, 50, 1_500]),
        });
        often(rng, 2, &|rng| Fault::Restart {
            down_ms: rng.pick(&[0, 10, 500]),
        });
        often(rng, 1, &|rng| Fault::SyncFails {
            until_restart_ms: rng.pick(&[1, 100, 2_000]),
        });
        often(rng, 3, &|rng| Fault::DiskStalls {
            ms: rng.pick(&[20, 300, 3_000]),
        });
        often(rng, 2, &|rng| Fault::LoadsStall {
            ms: rng.pick(&[20, 300, 3_000]),
        });
        often(rng, 4, &|rng| Fault::Full {
            nth: rng.between(1, 5),
        });
        often(rng, 2, &|rng| Fault::ClockJumps {
            ms: rng.pick(&[-3_000, -200, 100, 1_500, 60_000]),
        });
        often(rng, 3, &|rng| Fault::InstanceLost {
            key: rng.below(keys) as usize,
        });
        often(rng, 6, &|rng| Fault::Sleep {
            key: rng.below(keys) as usize,
        });
        if let Some(last) = self.far.checked_sub(1) {
            often(rng, 2, &|rng| Fault::Partition {
                far: rng.between(0, last),
                ms: rng.pick(&[10, 300, 3_000]),
            });
            often(rng, 2, &|rng| Fault::OneWay {
                far: rng.between(0, last),
                to_node: rng.chance(50),
                ms: rng.pick(&[10, 300, 3_000]),
            });
            often(rng, 2, &|rng| Fault::Hold {
                far: rng.between(0, last),
                ms: rng.pick(&[10, 300, 3_000]),
            });
            often(rng, 2, &|rng| Fault::Vanish {
                far: rng.between(0, last),
                silently: rng.chance(50),
                ms: rng.pick(&[10, 300, 3_000]),
            });
        }
        self.faults.sort_by_key(|(at, _)| *at);
    }
}
