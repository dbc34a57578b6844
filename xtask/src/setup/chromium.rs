//! A Chromium for the browser suite.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use super::apt;

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
    if !apt::is_there() {
        bail!(
            "the browser suite needs Chromium or Chrome: install one, or name its program in {VARIABLE}"
        );
    }
    apt::install("chromium")?;
    find().context("apt-get installed `chromium`, but there is no such program in PATH")
}

fn find() -> Option<PathBuf> {
    if let Some(chosen) = std::env::var_os(VARIABLE) {
        return Some(PathBuf::from(chosen));
    }
    let on_a_mac = || {
        let mut paths = MAC_PATHS.iter().map(PathBuf::from);
        paths.find(|path| path.is_file())
    };
    apt::in_path(&NAMES).or_else(on_a_mac)
}
