//! Installations of a system as users of it have them.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::system::{self, System};

/// What a page imports, in the folder of a peer; one without has no client for browsers.
const BROWSER: &str = "browser.mjs";
/// What a page imports of Greenroom.
const OWN_BROWSER: &str = "export { createClient } from \"@greenroom/client\";";

/// A folder with `node_modules` in it.
pub(crate) enum Installed {
    /// Made for this, and deleted with it.
    Fresh(TempDir),
    /// Of a peer.
    Kept(PathBuf),
}

impl Installed {
    /// The folder.
    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::Fresh(folder) => folder.path(),
            Self::Kept(folder) => folder,
        }
    }

    /// A module that imports what a page does.
    pub(crate) fn browser_entry(&self) -> Option<String> {
        match self {
            Self::Fresh(_) => Some(OWN_BROWSER.to_owned()),
            Self::Kept(folder) => fs::read_to_string(folder.join(BROWSER)).ok(),
        }
    }
}

/// A peer's is there already. Of Greenroom, the packages are made of what is built and installed in
/// a new folder in `parent`.
///
/// # Errors
/// Packing fails, or npm cannot install what our packages depend on.
pub(crate) fn of(system: &System, parent: &Path) -> Result<Installed> {
    if let Some(peer) = system.peer {
        return Ok(Installed::Kept(peer.folder()));
    }
    let root = system::folder().join("..");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    run(Command::new(cargo)
        .args(["xtask", "dist", "npm"])
        .current_dir(&root))?;
    let folder = tempfile::Builder::new()
        .prefix("install-")
        .tempdir_in(parent)
        .context("cannot make a folder to install in")?;
    fs::write(folder.path().join("package.json"), "{\"private\":true}")?;
    let mut install = Command::new("npm");
    install.args([
        "install",
        "--omit=dev",
        "--no-audit",
        "--no-fund",
        "--prefer-offline",
    ]);
    for entry in fs::read_dir(root.join("dist/npm")).context("no packages in dist/npm")? {
        let path = entry?.path().canonicalize()?;
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        // React is for those who use it.
        if name.ends_with(".tgz") && !name.contains("react") {
            install.arg(path);
        }
    }
    run(install.current_dir(folder.path()))?;
    Ok(Installed::Fresh(folder))
}

fn run(command: &mut Command) -> Result<()> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start {command:?}"))?;
    ensure!(
        output.status.success(),
        "{command:?} failed: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(())
}
