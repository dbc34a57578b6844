//! A Chromium for the browser suite.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process;

/// The environment variable by which the browser suite gets the program's path, and by which it can be chosen.
pub(crate) const VARIABLE: &str = "GREENROOM_TEST_CHROMIUM";

/// The names under which Linux distributions have it.
const NAMES: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
];

/// Where it is on a Mac.
const MAC_PATHS: [&str; 2] = [
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/// The path of a Chromium; on Debian and its relatives it is installed if there is none.
///
/// # Errors
/// There is none, and this machine has no `apt-get`, or the installation failed.
pub(crate) fn find_or_install() -> Result<PathBuf> {
    if let Some(found) = find() {
        return Ok(found);
    }
    if !process::succeeds(apt_get(&["--version"])) {
        bail!(
            "the browser suite needs Chromium or Chrome: install one, or name its program in {VARIABLE}"
        );
    }
    process::run(as_root(&["update"])?)?;
    process::run(as_root(&[
        "install",
        "--yes",
        "--no-install-recommends",
        "chromium",
    ])?)?;
    find().context("apt-get installed `chromium`, but there is no such program in PATH")
}

fn find() -> Option<PathBuf> {
    if let Some(chosen) = std::env::var_os(VARIABLE) {
        return Some(PathBuf::from(chosen));
    }
    let folders: Vec<PathBuf> =
        std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).collect();
    let in_path = NAMES
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    in_path
        .chain(MAC_PATHS.iter().map(PathBuf::from))
        .find(|path| Path::is_file(path))
}

fn apt_get(arguments: &[&str]) -> Command {
    let mut command = process::command("apt-get");
    command
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive");
    command
}

/// `apt-get`, through `sudo` unless we are root.
fn as_root(arguments: &[&str]) -> Result<Command> {
    let mut id = process::command("id");
    id.arg("-u");
    if process::output(id)?.trim() == "0" {
        return Ok(apt_get(arguments));
    }
    let mut command = process::command("sudo");
    command
        .args(["DEBIAN_FRONTEND=noninteractive", "apt-get"])
        .args(arguments);
    Ok(command)
}
