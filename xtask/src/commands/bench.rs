//! `bench`: measures the release build.

use std::process::ExitCode;

use anyhow::Result;

use crate::{process, setup};

/// Builds everything, then becomes the benchmark.
pub(super) fn run(arguments: &[String]) -> Result<ExitCode> {
    setup::product()?;
    let mut bench = process::cargo();
    bench
        .args(["run", "--release", "--package", "greenroom-bench", "--"])
        .args(arguments);
    process::become_program(bench)
}
