//! The crates: packaged, compiled from their packages, and everything checked that publishing checks.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

use super::{Made, empty_folder, stage};
use crate::process;

/// Packages the crates that are to be published into `dist/crates`, which holds nothing else afterwards, and lets
/// cargo check the publishing of all of them, without doing it.
///
/// # Errors
/// A crate does not compile from its package, or would not be accepted.
pub(crate) fn package() -> Result<Vec<Made>> {
    let folder = empty_folder("crates")?;
    let metadata = metadata()?;
    let crates = published(&metadata);
    let mut package = process::cargo();
    // What is not committed is packaged like the rest: this is a trial.
    package.args(["package", "--allow-dirty"]);
    for (name, _) in &crates {
        package.args(["--package", name]);
    }
    process::run(package)?;
    let mut publish = process::cargo();
    publish.args([
        "publish",
        "--dry-run",
        "--workspace",
        "--allow-dirty",
        "--no-verify",
    ]);
    process::run(publish)?;
    let target = metadata["target_directory"]
        .as_str()
        .context("cargo metadata names no target directory")?;
    crates
        .iter()
        .map(|(name, version)| collect(name, version, Path::new(target), &folder))
        .collect()
}

fn collect(name: &str, version: &str, target: &Path, folder: &Path) -> Result<Made> {
    let file = format!("{name}-{version}.crate");
    let made = folder.join(&file);
    stage::copy(&target.join("package").join(&file), &made)?;
    Ok(Made {
        package: format!("{name}@{version}"),
        packed: fs::metadata(&made)?.len(),
        unpacked: None,
        file: made,
    })
}

fn metadata() -> Result<Value> {
    let mut cargo = process::cargo();
    cargo.args(["metadata", "--format-version=1", "--no-deps"]);
    serde_json::from_str(&process::output(cargo)?).context("cargo metadata is not JSON")
}

/// Name and version of every crate that may be published: `publish` is then null, otherwise an empty list.
fn published(metadata: &Value) -> Vec<(&str, &str)> {
    let packages = metadata["packages"].as_array().into_iter().flatten();
    packages
        .filter(|package| package["publish"].is_null())
        .filter_map(|package| Some((package["name"].as_str()?, package["version"].as_str()?)))
        .collect()
}
