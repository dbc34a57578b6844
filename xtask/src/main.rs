//! The one front door to the repository: `cargo xtask <command>`.
//!
//! Owns everything between a fresh clone and a running product: checking the machine, installing what npm holds,
//! building the native addon, compiling TypeScript, running the suites, and packaging. Every command sets up what it
//! needs first, and does nothing there when nothing changed. Nothing in the product depends on this crate.

mod cli;
mod commands;
mod failures;
mod fuzzing;
mod guarding;
mod packaging;
mod process;
mod repo;
mod setup;
mod suite;
mod tally;
mod workspace;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match cli::parse(&arguments) {
        Ok(command) => commands::run(command),
        Err(mistake) => Err(mistake),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
