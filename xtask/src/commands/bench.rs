//! `bench`: measures the release build.

use std::process::ExitCode;

use anyhow::Result;

use crate::{process, setup};

/// Builds everything, then becomes the benchmark's runner.
pub(super) fn run(arguments: &[String]) -> Result<ExitCode> {
    setup::product()?;
    setup::bun()?;
    let mut bench = process::cargo();
    bench.args([
        "run",
        "--release",
        "--quiet",
        "--package",
        "greenroom-bench",
        "--",
    ]);
    bench.args(arguments);
    process::become_program(bench)
}
