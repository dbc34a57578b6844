//! `bench`: measures the release build.

use std::process::ExitCode;

use anyhow::Result;

use crate::{process, setup, workspace};

/// Builds everything, then becomes the benchmark's runner.
pub(super) fn run(arguments: &[String]) -> Result<ExitCode> {
    let mut node = workspace::package("bench")?.start()?;
    setup::product()?;
    node.args(arguments);
    process::become_program(node)
}
