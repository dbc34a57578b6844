//! The hot paths of the core, each run a fixed number of times with nothing left to chance.
//!
//! `greenroom-guard <path>` runs one of them; `cargo xtask guard` runs all of them under callgrind, which counts the
//! instructions of [`measure::guard_measured`] and of nothing else, and compares with what is kept in `baseline/`.
//!
//! Nothing depends on the machine's speed or load: one thread, time that stands still unless it is waited for, a store
//! in memory, a network of pipes in memory, counting randomness. Every path checks what it gets back.

mod counter;
mod http;
mod measure;
mod path;
mod paths;
mod socket;
mod world;

// Parts of the addon: it is a library that only Node.js can load, so they are compiled here once more. What only the
// rest of it uses is dead here.
#[cfg_attr(not(test), expect(dead_code, reason = "used by the rest of the addon"))]
#[expect(unused_imports, reason = "used by the rest of the addon")]
#[path = "../src/batch/mod.rs"]
mod batch;
#[expect(dead_code, reason = "used by the rest of the addon")]
#[path = "../src/host.rs"]
mod host;
#[expect(dead_code, unused_imports, reason = "used by the rest of the addon")]
#[path = "../src/in_process/mod.rs"]
mod in_process;

use std::io::Write;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// `--list` writes a line for each path: name, operations, and what it is, with tabs in between. A name runs that path.
fn run(arguments: &[String]) -> Result<()> {
    let [argument] = arguments else {
        bail!("usage: greenroom-guard --list | <path>");
    };
    let paths = paths::all();
    if argument == "--list" {
        let mut out = std::io::stdout().lock();
        for path in &paths {
            writeln!(out, "{}\t{}\t{}", path.name, path.operations, path.about)?;
        }
        return Ok(());
    }
    let path = paths
        .iter()
        .find(|path| path.name == argument)
        .with_context(|| format!("no path `{argument}`; --list names them"))?;
    (path.run)(path.operations).with_context(|| format!("path `{}`", path.name))
}
