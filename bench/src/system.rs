//! What is measured against what: the systems by name and how each is started.
//!
//! A system's program says `listening <port>` on standard output once it serves on loopback, keeps
//! what it stores in `BENCH_DATA_DIR`, and ends when its standard input does.

use std::{path::Path, process::Command, time::Duration};

use anyhow::{Context, Result};

use crate::{
    ability::Ability,
    dialect::{Dialect, DurableObject, Echo, Restate, Rivet},
    peer::Peer,
    results::{Durability, Role},
    workload::Workload,
};

/// One system.
#[derive(Clone, Copy, Debug)]
pub(crate) struct System {
    /// What it is called on the command line and in results.
    pub(crate) name: &'static str,
    /// One line for people: what it is and what it promises about durability.
    pub(crate) about: &'static str,
    /// What holds when it has answered.
    pub(crate) durability: Durability,
    /// What it speaks.
    pub(crate) dialect: &'static dyn Dialect,
    /// What npm installs for it, if it is somebody else's.
    pub(crate) peer: Option<Peer>,
    /// How long after its last action an actor sleeps for sure, where the system does not say when it
    /// does.
    pub(crate) asleep_after: Option<Duration>,
    /// Of JavaScript, where that is what it is measured for: only by workloads with many actors.
    threads: Option<u32>,
    /// The only workloads that it is measured with, and why not with others; none means all.
    pub(crate) only: Option<(&'static [&'static str], &'static str)>,
    program: Program,
    lacks: &'static [(Ability, &'static str)],
}

/// Names are unique.
impl PartialEq for System {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for System {}

#[derive(Clone, Copy, Debug)]
enum Program {
    /// A file under Node.js, by its path in `bench/`.
    Node(&'static str),
    /// The same with an argument.
    NodeWith(&'static str, &'static str),
    /// A file under npm's Bun, by its path in `bench/`.
    Bun(&'static str),
    /// This very program with other arguments.
    This(&'static [&'static str]),
    /// A line for the shell.
    #[cfg(test)]
    Shell(&'static str),
}

/// RivetKit's actors sleep when they are asked to, which takes a moment.
const NAP: Duration = Duration::from_secs(3);
/// workerd takes an object that is idle for ten seconds out of memory. Whoever never sleeps gets the
/// same pause.
const IDLE: Duration = Duration::from_secs(12);

/// What a server lacks that sends back what it gets.
const FLOOR_LACKS: &[(Ability, &str)] = &[
    (Ability::State, "keeps no state"),
    (Ability::Lines, "keeps no state"),
    (Ability::Nap, "has no actors"),
    (Ability::Sleep, "has no actors"),
    (Ability::Wakes, "has no actors"),
    (Ability::Restart, "keeps no state"),
    (Ability::Install, "is a floor"),
];

/// What the benchmark knows of Greenroom alone.
const OURS_ALONE: &[(Ability, &str)] = &[
    (Ability::Awake, "does not say how many actors are awake"),
    (
        Ability::Filled,
        "takes too long to make so many actors, and its files are not known",
    ),
    (
        Ability::Compute,
        "would compute the same: what differs is on how many threads",
    ),
];

/// All systems, in the order of reports.
pub(crate) const SYSTEMS: [System; 14] = [
    System {
        name: "greenroom-node",
        about: "TypeScript actor on Node.js, strict: replies after fdatasync",
        durability: Durability::Synced,
        dialect: &Rivet::CURRENT,
        peer: None,
        asleep_after: None,
        threads: None,
        only: None,
        program: Program::Node("servers/greenroom.mjs"),
        lacks: &[],
    },
    System {
        name: "greenroom-bun",
        about: "the same actor on Bun, strict: replies after fdatasync",
        durability: Durability::Synced,
        dialect: &Rivet::CURRENT,
        peer: None,
        asleep_after: None,
        threads: None,
        only: None,
        program: Program::Bun("servers/greenroom.mjs"),
        lacks: &[(Ability::Install, "is installed like greenroom-node")],
    },
    System {
        name: "greenroom-node-2-threads",
        about: "the actors of greenroom-node on two threads of JavaScript: `workers: 2`",
        durability: Durability::Synced,
        dialect: &Rivet::CURRENT,
        peer: None,
        asleep_after: None,
        threads: Some(2),
        only: None,
        program: Program::Node("servers/greenroom.mjs"),
        lacks: &[(Ability::Install, "is installed like greenroom-node")],
    },
    System {
        name: "greenroom-bun-2-threads",
        about: "the actors of greenroom-bun on two threads of JavaScript: `workers: 2`",
        durability: Durability::Synced,
        dialect: &Rivet::CURRENT,
        peer: None,
        asleep_after: None,
        threads: Some(2),
        only: None,
        program: Program::Bun("servers/greenroom.mjs"),
        lacks: &[(Ability::Install, "is installed like greenroom-node")],
    },
    System {
        name: "greenroom-rust",
        about: "actor in Rust on the same runtime, store and server, strict: replies after fdatasync",
        durability: Durability::Synced,
        dialect: &Rivet::CURRENT,
        peer: None,
        asleep_after: None,
        threads: None,
        only: None,
        program: Program::This(&["actors"]),
        lacks: &[(Ability::Install, "is a program of its own")],
    },
    System {
        name: "rivetkit-2.3",
        about: "RivetKit 2.3.19 and its engine: replies up to a second before it saves",
        durability: Durability::Later,
        dialect: &Rivet::OF_2_3,
        peer: Some(Peer("rivetkit-2.3")),
        asleep_after: Some(NAP),
        threads: None,
        only: None,
        program: Program::Node("peers/rivetkit-2.3/server.mjs"),
        lacks: &[(
            Ability::Restart,
            "loses what was written in the second before",
        )],
    },
    System {
        name: "rivetkit-2.3-saved",
        about: "the same, answering after `saveState({ immediate: true })`, which does not sync",
        durability: Durability::Written,
        dialect: &Rivet::OF_2_3,
        peer: Some(Peer("rivetkit-2.3")),
        asleep_after: Some(NAP),
        threads: None,
        program: Program::NodeWith("peers/rivetkit-2.3/server.mjs", "--saved"),
        only: Some((
            &[
                "action-ws-64",
                "action-ws-1",
                "action-http-8",
                "create",
                "append-10k",
                "append-1m",
                "kill",
            ],
            "is measured as rivetkit-2.3",
        )),
        lacks: &[],
    },
    System {
        name: "rivetkit-2.0",
        about: "RivetKit 2.0.33, file system driver: replies before it writes, and never syncs",
        durability: Durability::Later,
        dialect: &Rivet::OF_2_0,
        peer: Some(Peer("rivetkit-2.0")),
        asleep_after: Some(NAP),
        threads: None,
        only: None,
        program: Program::Node("peers/rivetkit-2.0/server.mjs"),
        lacks: &[(
            Ability::Restart,
            "loses what was written in the seconds before",
        )],
    },
    System {
        name: "workerd",
        about: "Durable Object on workerd 1.20261117.1, SQLite storage: replies after fsync",
        durability: Durability::Synced,
        dialect: &DurableObject,
        peer: Some(Peer("workerd")),
        asleep_after: Some(IDLE),
        threads: None,
        only: None,
        program: Program::This(&["workerd"]),
        lacks: &[(
            Ability::Nap,
            "an object sleeps when it has been idle for some time, and cannot be asked to",
        )],
    },
    System {
        name: "restate",
        about: "Restate 1.7.12 and its SDK 1.17.2 on Node.js: replies after its log is synced",
        durability: Durability::Synced,
        dialect: &Restate,
        peer: Some(Peer("restate")),
        asleep_after: Some(IDLE),
        threads: None,
        only: None,
        program: Program::Node("peers/restate/server.mjs"),
        lacks: &[
            (Ability::Socket, "takes actions over HTTP only"),
            (Ability::Events, "has no events"),
            (
                Ability::Nap,
                "keeps nothing awake between invocations, so that there is nothing to ask for",
            ),
            (
                Ability::Wakes,
                "keeps nothing awake between invocations, so that nothing is woken",
            ),
        ],
    },
    System {
        name: "ws-node",
        about: "floor: bare echo on `ws` and `node:http` under Node.js, stores nothing",
        durability: Durability::Nothing,
        dialect: &Echo,
        peer: None,
        asleep_after: None,
        threads: None,
        only: None,
        program: Program::Node("servers/ws-echo.mjs"),
        lacks: FLOOR_LACKS,
    },
    System {
        name: "bun",
        about: "floor: bare echo on Bun's own server, stores nothing",
        durability: Durability::Nothing,
        dialect: &Echo,
        peer: None,
        asleep_after: None,
        threads: None,
        only: None,
        program: Program::Bun("servers/bun-echo.mjs"),
        lacks: FLOOR_LACKS,
    },
    System {
        name: "rust",
        about: "floor: bare echo on fastwebsockets and hyper, stores nothing",
        durability: Durability::Nothing,
        dialect: &Echo,
        peer: None,
        asleep_after: None,
        threads: None,
        only: None,
        program: Program::This(&["echo"]),
        lacks: FLOOR_LACKS,
    },
    System {
        name: "rust-fsync",
        about: "floor: the same, echoes after append and fdatasync per batch",
        durability: Durability::Synced,
        dialect: &Echo,
        peer: None,
        asleep_after: None,
        threads: None,
        only: None,
        program: Program::This(&["echo", "--durable"]),
        lacks: FLOOR_LACKS,
    },
];

impl System {
    /// A program for tests of how servers are handled.
    #[cfg(test)]
    pub(crate) const fn shell(line: &'static str) -> Self {
        Self {
            name: "shell",
            about: "",
            durability: Durability::Nothing,
            dialect: &Echo,
            peer: None,
            asleep_after: None,
            threads: None,
            only: None,
            program: Program::Shell(line),
            lacks: FLOOR_LACKS,
        }
    }

    /// What it is measured for.
    pub(crate) fn role(&self) -> Role {
        if self.peer.is_some() {
            Role::Peer
        } else if self.name.starts_with("greenroom-") {
            Role::Ours
        } else {
            Role::Floor
        }
    }

    /// Makes it ready to be started: installs a peer's packages, unless they are there.
    ///
    /// # Errors
    /// npm cannot install them.
    pub(crate) fn prepare(&self) -> Result<()> {
        match self.peer {
            Some(peer) => peer.install(),
            None => Ok(()),
        }
    }

    /// Whether a workload that needs this can be measured on it.
    ///
    /// # Errors
    /// Why not, in a few words.
    pub(crate) fn supports(&self, ability: Ability) -> Result<(), &'static str> {
        if self.role() != Role::Ours
            && let Some((_, reason)) = OURS_ALONE.iter().find(|(ours, _)| *ours == ability)
        {
            return Err(reason);
        }
        if ability == Ability::Heap && self.script().is_none() {
            return Err("its program has no heap of JavaScript");
        }
        if self.role() == Role::Ours && ability == Ability::Wakes {
            return Err("says when an actor sleeps");
        }
        match self.lacks.iter().find(|(lacking, _)| *lacking == ability) {
            Some((_, reason)) => Err(reason),
            None => Ok(()),
        }
    }

    /// Whether a workload says something of it that no other system's figures say.
    pub(crate) fn is_measured_by(&self, workload: &Workload) -> bool {
        self.threads.is_none() || workload.kind.is_shared()
    }

    /// The program's path in `bench/`, if it is one in JavaScript.
    fn script(&self) -> Option<&'static str> {
        let (Program::Node(file) | Program::NodeWith(file, _) | Program::Bun(file)) = self.program
        else {
            return None;
        };
        Some(file)
    }

    /// The command that starts it.
    ///
    /// # Errors
    /// This program's own path is unknown.
    pub(crate) fn command(&self) -> Result<Command> {
        let mut command = match self.program {
            Program::Node(file) => with_script(Command::new("node"), file),
            Program::NodeWith(file, argument) => {
                let mut command = with_script(Command::new("node"), file);
                command.arg(argument);
                command
            }
            Program::Bun(file) => {
                let bun = folder().join("../node_modules/bun/bin/bun.exe");
                with_script(Command::new(bun), file)
            }
            #[cfg(test)]
            Program::Shell(line) => {
                let mut command = Command::new("sh");
                command.args(["-c", line]);
                command
            }
            Program::This(arguments) => {
                let this = std::env::current_exe().context("where this program is")?;
                let mut command = Command::new(this);
                command.args(arguments);
                command
            }
        };
        if let Some(threads) = self.threads {
            command.env("GREENROOM_WORKERS", threads.to_string());
        }
        Ok(command)
    }
}

/// The folder `bench/` of the repository.
pub(crate) fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn with_script(mut command: Command, file: &str) -> Command {
    command.arg(folder().join(file));
    command
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{SYSTEMS, System, folder};
    use crate::{ability::Ability, workload::WORKLOADS};

    #[test]
    fn names_are_unique() {
        let names: BTreeSet<_> = SYSTEMS.iter().map(|system| system.name).collect();
        assert_eq!(names.len(), SYSTEMS.len());
    }

    #[test]
    fn several_threads_are_measured_where_several_actors_have_work() {
        let named = |name| SYSTEMS.into_iter().find(|system| system.name == name);
        let measured_by = |system: &System| {
            let workloads = WORKLOADS.iter();
            let measured = workloads.filter(|workload| system.is_measured_by(workload));
            measured.map(|workload| workload.name).collect::<Vec<_>>()
        };
        let two = named("greenroom-node-2-threads").expect("a system");
        assert_eq!(
            measured_by(&two),
            [
                "action-http-64",
                "action-http-1000",
                "action-sockets-64",
                "compute-sockets-64",
                "action-http-8",
            ]
        );
        let command = two.command().expect("a command");
        let mut variables = command.get_envs();
        assert!(
            variables.any(|(name, value)| name == "GREENROOM_WORKERS"
                && value.is_some_and(|value| value == "2"))
        );
        let one = named("greenroom-node").expect("a system");
        assert_eq!(measured_by(&one).len(), WORKLOADS.len());
    }

    #[test]
    fn what_a_system_lacks_has_a_reason() {
        let named = |name| SYSTEMS.into_iter().find(|system| system.name == name);
        let floor = named("rust").expect("a floor");
        assert_eq!(floor.supports(Ability::State), Err("keeps no state"));
        assert_eq!(floor.supports(Ability::Events), Ok(()));
        let greenroom = named("greenroom-node").expect("the product");
        assert_eq!(greenroom.supports(Ability::State), Ok(()));
    }

    #[test]
    fn whoever_has_javascript_collects_its_garbage_before_memory_is_read() {
        let collects = |name: &str| {
            let named = SYSTEMS.into_iter().find(|system| system.name == name);
            named.expect(name).supports(Ability::Heap).is_ok()
        };
        for system in SYSTEMS {
            let Some(file) = system.script() else {
                assert!(!collects(system.name), "{}", system.name);
                continue;
            };
            let text = std::fs::read_to_string(folder().join(file)).expect(file);
            assert!(collects(system.name), "{}", system.name);
            assert!(text.contains("/heap.mjs\";\n"), "{file}");
        }
        assert!(collects("rivetkit-2.3") && !collects("workerd"));
    }
}
