//! `soak`: a mixed load on the release build for a long time.

use std::process::ExitCode;

use anyhow::Result;

use crate::{process, setup};

/// Builds everything, then becomes the soak's program.
pub(super) fn run(arguments: &[String]) -> Result<ExitCode> {
    setup::product()?;
    setup::bun()?;
    let mut soak = process::command("node");
    soak.arg("tests/e2e/dist/soak/main.js").args(arguments);
    process::become_program(soak)
}
