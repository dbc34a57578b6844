//! Programs of Debian and its relatives.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::process;

/// Whether this machine has `apt-get`.
pub(super) fn is_there() -> bool {
    process::succeeds(apt_get(&["--version"]))
}

/// Installs a package, and nothing that it merely recommends.
///
/// # Errors
/// `apt-get` failed.
pub(super) fn install(package: &str) -> Result<()> {
    process::run(as_root(&["update"])?)?;
    process::run(as_root(&[
        "install",
        "--yes",
        "--no-install-recommends",
        package,
    ])?)
}

/// The first of these programs that is in `PATH`.
pub(super) fn in_path(names: &[&str]) -> Option<PathBuf> {
    let folders: Vec<PathBuf> =
        env::split_paths(&env::var_os("PATH").unwrap_or_default()).collect();
    names
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)))
        .find(|path| path.is_file())
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
