//! Systems of others, which npm installs at the versions that a lockfile of this repository pins.

use std::{
    fs,
    path::PathBuf,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};

use crate::system;

/// What was installed last, as the lockfile was then.
const STAMP: &str = "node_modules/.installed";

/// A folder of `bench/peers` with a `package.json`, a `package-lock.json` and a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Peer(pub(crate) &'static str);

impl Peer {
    /// Installs exactly what the lockfile says, unless it is there. Install scripts do not run: all
    /// programs come inside of packages.
    ///
    /// # Errors
    /// npm is missing or fails; both name the peer.
    pub(crate) fn install(self) -> Result<()> {
        let folder = self.folder();
        let name = self.0;
        let wanted = fs::read_to_string(folder.join("package-lock.json"))
            .with_context(|| format!("the peer `{name}` has no package-lock.json"))?;
        if fs::read_to_string(folder.join(STAMP)).is_ok_and(|installed| installed == wanted) {
            return Ok(());
        }
        eprintln!("installing the peer `{name}` from npm, which is done once");
        let status = Command::new("npm")
            .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
            .arg("--loglevel=error")
            .current_dir(&folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .status()
            .with_context(|| format!("cannot start npm to install the peer `{name}`"))?;
        ensure!(
            status.success(),
            "npm could not install the peer `{name}` ({status}); it needs the npm registry. \
             Leave the peer out with --systems, or run `npm ci` in {}",
            folder.display()
        );
        fs::write(folder.join(STAMP), wanted)
            .with_context(|| format!("cannot note that the peer `{name}` is installed"))
    }

    /// Where it is installed.
    pub(crate) fn folder(self) -> PathBuf {
        system::folder().join("peers").join(self.0)
    }
}
