//! Which processes belong to a server.

use std::{collections::BTreeSet, fs};

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};

use crate::cpu;

/// The process and its living descendants.
///
/// # Errors
/// This is not Linux.
pub(crate) fn descendants(pid: u32) -> Result<BTreeSet<u32>> {
    cpu::descendants(pid)
}

/// The living processes whose environment has this `NAME=value`, which processes inherit. Those of
/// other users are not looked at.
///
/// # Errors
/// This is not Linux.
pub(crate) fn with_variable(variable: &str) -> Result<Vec<u32>> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").context("processes are found in /proc: needs Linux")? {
        let name = entry?.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        // Processes come and go while this runs; those that have ended have no environment left.
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        let has_it = environment
            .split(|byte| *byte == 0)
            .any(|one| one == variable.as_bytes());
        if has_it {
            found.push(pid);
        }
    }
    Ok(found)
}

/// Whether it runs: not if it has ended and only waits for its parent to notice.
pub(crate) fn is_alive(pid: u32) -> bool {
    cpu::state(pid).is_some_and(|state| !matches!(state, 'Z' | 'X'))
}

/// Kills the process, if it is there.
pub(crate) fn kill(pid: u32) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        // An error means that it has ended already.
        let _ = kill_process(pid, Signal::KILL);
    }
}
