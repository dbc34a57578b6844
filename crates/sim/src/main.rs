//! `cargo xtask sim`: runs seeds, each in a process of its own, and shows that planted bugs are found.

mod cli;
mod fleet;
mod meta;

use std::{
    io::{BufWriter, Write},
    process::ExitCode,
};

use anyhow::Result;

use cli::{Command, HELP};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match cli::parse(&arguments).and_then(run) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Does it, and says whether everything holds.
fn run(command: Command) -> Result<bool> {
    match command {
        Command::Help => {
            std::io::stdout().write_all(HELP.as_bytes())?;
            Ok(true)
        }
        Command::Seed { seed, plant } => {
            let report = greenroom_sim::run(seed, plant);
            let mut out = BufWriter::new(std::io::stdout().lock());
            for line in &report.trace {
                writeln!(out, "{line}")?;
            }
            for violation in &report.violations {
                writeln!(out, "violation: {violation}")?;
            }
            writeln!(out, "{report}")?;
            out.flush()?;
            Ok(report.violations.is_empty())
        }
        Command::Count {
            from,
            count,
            limit,
            plant,
        } => fleet::run(from, count, limit, plant),
        Command::Meta => meta::run(),
    }
}
