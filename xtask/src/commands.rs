//! What each command does; one file each.

mod audit;
mod bench;
mod build;
mod check;
mod demo;
mod dist;
mod fuzz;
mod guard;
mod sim;
mod soak;
mod test;

use std::io::Write;
use std::process::ExitCode;

use anyhow::Result;

use crate::cli::{Command, HELP};

/// Runs a command to its end.
///
/// # Errors
/// What stopped it. Suites that fail are no error here: their command returns a failing exit code.
pub(crate) fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Help => {
            std::io::stdout().write_all(HELP.as_bytes())?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Demo { name } => demo::run(name.as_deref()),
        Command::Build => build::run(),
        Command::Dist { only } => dist::run(only),
        Command::Audit => audit::run(),
        Command::Check => check::run(),
        Command::Test { only } => test::run(&only),
        Command::Sim { arguments } => sim::run(&arguments),
        Command::Fuzz { arguments } => fuzz::run(&arguments),
        Command::Guard { arguments } => guard::run(&arguments),
        Command::Soak { arguments } => soak::run(&arguments),
        Command::Bench { arguments } => bench::run(&arguments),
    }
}
