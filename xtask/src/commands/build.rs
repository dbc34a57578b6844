//! `build`: everything that users get, in release mode.

use std::process::ExitCode;

use anyhow::Result;

use crate::setup;

/// Builds the addon and all packages and examples.
pub(super) fn run() -> Result<ExitCode> {
    setup::product()?;
    setup::bun()?;
    eprintln!("built; `import \"greenroom\"` works for scripts in this repository");
    Ok(ExitCode::SUCCESS)
}
