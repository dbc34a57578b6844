//! Valgrind, which counts instructions.

use anyhow::{Result, bail};

use super::apt;

/// Makes sure that there is `valgrind`; on Debian and its relatives it is installed if there is none.
///
/// # Errors
/// There is none, and none can be installed; says why.
pub(crate) fn find_or_install() -> Result<()> {
    if apt::in_path(&["valgrind"]).is_some() {
        return Ok(());
    }
    if !apt::is_there() {
        bail!("there is no program `valgrind`; install it to run the guard");
    }
    apt::install("valgrind")
}
