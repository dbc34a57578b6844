//! The packages of a `package-lock.json` in the `node_modules` beside it.

use std::fs;

use anyhow::{Context, Result};

use crate::{process, repo};

/// What was installed last: the platform in the first line, then the lockfile as it was.
const STAMP: &str = "node_modules/.greenroom-installed";

/// Installs exactly what the lockfile of a folder says, unless that is what is there.
///
/// Install scripts of packages do not run (`.npmrc`): they download from places that nobody chose.
pub(super) fn install(folder: &str) -> Result<()> {
    let root = repo::root().join(folder);
    let lockfile = fs::read_to_string(root.join("package-lock.json"))
        .with_context(|| format!("cannot read {folder}/package-lock.json"))?;
    let wanted = format!("{}\n{lockfile}", repo::platform()?);
    if fs::read_to_string(root.join(STAMP)).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    eprintln!(
        "installing the npm packages of {folder}/, which is done once and takes a minute or two"
    );
    let mut npm = process::npm();
    npm.args(["ci", "--ignore-scripts", "--loglevel=error"])
        .current_dir(&root);
    process::run(npm)?;
    fs::write(root.join(STAMP), wanted).with_context(|| format!("cannot write {STAMP}"))
}
