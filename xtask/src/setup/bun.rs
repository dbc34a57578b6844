//! Bun from npm, for the suites that run on it.

use anyhow::{Context, Result, bail};

use crate::{process, repo};

/// Where npm's `bun` package has its program, on every platform.
const PROGRAM: &str = "node_modules/bun/bin/bun.exe";

/// Makes the `bun` of `node_modules` usable.
///
/// npm leaves a placeholder there, which the package's install script replaces by the program that came in a package
/// of its own. Install scripts do not run for us, so this one is run here.
///
/// # Errors
/// The program does not run even then.
pub(crate) fn ready() -> Result<()> {
    if runs() {
        return Ok(());
    }
    let mut install = process::command("node");
    install
        .arg("install.js")
        .current_dir(repo::root().join("node_modules/bun"));
    process::run(install).context("cannot put Bun in place")?;
    if !runs() {
        bail!("{PROGRAM} does not run; delete node_modules and try again");
    }
    Ok(())
}

fn runs() -> bool {
    let path = repo::root().join(PROGRAM);
    let mut bun = process::command(&path.to_string_lossy());
    bun.arg("--version");
    process::succeeds(bun)
}
