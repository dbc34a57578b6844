//! Greenroom's benchmark.
//!
//! Starts each system as a child process, drives it over loopback with one load generator, checks
//! every reply and the final state, and reports what an operation costs the server in CPU time,
//! with throughput and latency beside it. `docs/benchmarks/README.md` says how to read the figures.
//!
//! A new system is a row in [`system`], and a [`dialect`] if it speaks a protocol of its own; a new
//! workload is a row in [`workload`].

mod ability;
mod action;
mod arguments;
mod client;
mod cpu;
mod dialect;
mod disk;
mod echo;
mod estimate;
mod family;
mod filled;
mod goal;
mod install;
mod load;
mod machine;
mod metric;
mod parent;
mod peer;
mod plot;
mod report;
mod results;
mod run;
mod rust_actor;
mod server_process;
mod statistics;
mod system;
mod trial;
mod workerd;
mod workload;

use std::process::ExitCode;

use anyhow::Result;

use arguments::Task;
use results::Results;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match start(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn start(arguments: &[String]) -> Result<()> {
    match arguments::parse(arguments)? {
        Task::Help => {
            eprint!("{}", arguments::help());
            Ok(())
        }
        Task::Echo { durable } => echo::serve(durable),
        Task::Workerd => workerd::serve(),
        Task::Try(systems) => trial::all(&systems),
        Task::Actors => rust_actor::serve(),
        Task::Plot { results, folder } => plot::all(&Results::read_all(&results)?, &folder),
        Task::Table { results, folder } => {
            report::write_page(&Results::read_all(&results)?, &folder)
        }
        Task::Measure(plan) => run::all(&plan),
    }
}
