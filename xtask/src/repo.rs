//! Where things are in the repository, and what this machine is called.

use std::path::PathBuf;

use anyhow::{Result, bail};

/// The repository's root folder.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask is a folder of the repository")
        .to_owned()
}

/// The machine as Node.js names it, `<process.platform>-<process.arch>`: part of the addon's file name.
///
/// # Errors
/// A platform that Node.js has no build for.
pub(crate) fn platform() -> Result<String> {
    use std::env::consts::{ARCH, OS};
    let os = match OS {
        "linux" | "freebsd" => OS,
        "macos" => "darwin",
        "windows" => "win32",
        _ => bail!("no name for the operating system `{OS}` in Node.js"),
    };
    let arch = match ARCH {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        _ => bail!("no name for the processor `{ARCH}` in Node.js"),
    };
    Ok(format!("{os}-{arch}"))
}
