//! `bench`: measures the release build.

use std::process::ExitCode;

use anyhow::Result;

use crate::{process, setup};

/// Builds everything, then becomes the benchmark's runner.
pub(super) fn run(arguments: &[String]) -> Result<ExitCode> {
    setup::product()?;
    let mut node = process::command("node");
    node.arg("bench/run.js").args(arguments);
    process::become_program(node)
}
