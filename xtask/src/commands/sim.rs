//! `sim`: the deterministic simulation.

use std::process::ExitCode;

use anyhow::Result;

use crate::process;

/// Builds the simulation, then becomes it.
pub(super) fn run(arguments: &[String]) -> Result<ExitCode> {
    let mut sim = process::cargo();
    sim.args(["run", "--quiet", "--package", "greenroom-sim", "--"]);
    sim.args(arguments);
    process::become_program(sim)
}
