//! The packages of `package-lock.json` in `node_modules`.

use std::fs;

use anyhow::{Context, Result};

use crate::{process, repo};

/// What was installed last: the platform in the first line, then the lockfile as it was.
const STAMP: &str = "node_modules/.greenroom-installed";

/// Installs exactly what the lockfile says, unless that is what is there.
///
/// Install scripts of packages do not run (`.npmrc`): they download from places that nobody chose.
pub(super) fn install() -> Result<()> {
    let root = repo::root();
    let lockfile = fs::read_to_string(root.join("package-lock.json"))
        .context("cannot read package-lock.json")?;
    let wanted = format!("{}\n{lockfile}", repo::platform()?);
    if fs::read_to_string(root.join(STAMP)).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    eprintln!("installing the npm packages, which is done once and takes a minute or two");
    let mut npm = process::npm();
    npm.args(["ci", "--loglevel=error"]);
    process::run(npm)?;
    fs::write(root.join(STAMP), wanted).with_context(|| format!("cannot write {STAMP}"))
}
