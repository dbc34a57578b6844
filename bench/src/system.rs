//! What is measured against what: the systems by name and how each is started.
//!
//! A system's program says `listening <port>` on standard output once it serves on loopback, keeps
//! what it stores in `BENCH_DATA_DIR`, and ends when its standard input does.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use crate::dialect::Dialect;

/// One system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct System {
    /// What it is called on the command line and in results.
    pub(crate) name: &'static str,
    /// One line for people: what it is and what it promises about durability.
    pub(crate) about: &'static str,
    /// What it speaks.
    pub(crate) dialect: Dialect,
    program: Program,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Program {
    /// A file of `bench/servers` under Node.js.
    Node(&'static str),
    /// A file of `bench/servers` under npm's Bun.
    Bun(&'static str),
    /// This very program with other arguments.
    This(&'static [&'static str]),
}

/// All systems, in the order of reports.
pub(crate) const SYSTEMS: [System; 5] = [
    System {
        name: "greenroom-node",
        about: "TypeScript actor on Node.js, strict: replies after fdatasync",
        dialect: Dialect::Rivet,
        program: Program::Node("greenroom.mjs"),
    },
    System {
        name: "greenroom-bun",
        about: "the same actor on Bun, strict: replies after fdatasync",
        dialect: Dialect::Rivet,
        program: Program::Bun("greenroom.mjs"),
    },
    System {
        name: "ws-node",
        about: "floor: bare echo on `ws` and `node:http` under Node.js, stores nothing",
        dialect: Dialect::Echo,
        program: Program::Node("ws-echo.mjs"),
    },
    System {
        name: "rust",
        about: "floor: bare echo on fastwebsockets and hyper, stores nothing",
        dialect: Dialect::Echo,
        program: Program::This(&["echo"]),
    },
    System {
        name: "rust-fsync",
        about: "floor: the same, echoes after append and fdatasync per batch",
        dialect: Dialect::Echo,
        program: Program::This(&["echo", "--durable"]),
    },
];

impl System {
    /// The command that starts it.
    ///
    /// # Errors
    /// This program's own path is unknown.
    pub(crate) fn command(&self) -> Result<Command> {
        let bench = folder();
        let script = |file: &str| bench.join("servers").join(file);
        Ok(match self.program {
            Program::Node(file) => with_argument(Command::new("node"), script(file)),
            Program::Bun(file) => {
                let bun = bench.join("../node_modules/bun/bin/bun.exe");
                with_argument(Command::new(bun), script(file))
            }
            Program::This(arguments) => {
                let this = std::env::current_exe().context("where this program is")?;
                let mut command = Command::new(this);
                command.args(arguments);
                command
            }
        })
    }
}

/// The folder `bench/` of the repository.
pub(crate) fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn with_argument(mut command: Command, argument: PathBuf) -> Command {
    command.arg(argument);
    command
}
