//! `demo`: starts an example program.

use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::workspace::Package;
use crate::{process, repo, setup, workspace};

/// Builds everything, then becomes the example's server, so that signals reach it directly.
pub(super) fn run(name: &str) -> Result<ExitCode> {
    let examples = examples()?;
    let names: Vec<&str> = examples
        .iter()
        .map(|example| example.name.as_str())
        .collect();
    let example = examples
        .iter()
        .find(|example| example.name == name)
        .with_context(|| format!("no example `{name}`; there are: {}", names.join(", ")))?;
    let node = example.start()?;
    setup::product()?;
    process::become_program(node)
}

/// The packages of `examples/` that can be started.
fn examples() -> Result<Vec<Package>> {
    let folder = repo::root().join("examples");
    let mut packages = workspace::packages()?;
    packages
        .retain(|package| package.path.starts_with(&folder) && package.script("start").is_some());
    Ok(packages)
}
