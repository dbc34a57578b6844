//! What was used so far, and between two moments.

use std::time::Duration;

use anyhow::Result;

use crate::{
    cpu,
    disk::{self, Written},
};

/// Used since the start of each process, or between two moments.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Used {
    /// CPU time of the server's processes, user and system.
    pub(super) server: Duration,
    /// Bytes that they wrote.
    pub(super) written: Written,
    this: Duration,
    machine: Duration,
}

impl Used {
    /// Everything so far.
    ///
    /// # Errors
    /// The server is gone, or this is not Linux.
    pub(super) fn until_now(server: u32) -> Result<Self> {
        Ok(Self {
            server: cpu::time(server)?,
            written: disk::written(server)?,
            this: cpu::own_time()?,
            machine: cpu::machine()?,
        })
    }

    /// Everything before a server starts.
    ///
    /// # Errors
    /// This is not Linux.
    pub(super) fn without_server() -> Result<Self> {
        Ok(Self {
            this: cpu::own_time()?,
            machine: cpu::machine()?,
            ..Self::default()
        })
    }

    /// What came after that moment.
    pub(super) fn since(self, before: Self) -> Self {
        Self {
            server: self.server.saturating_sub(before.server),
            written: self.written.since(before.written),
            this: self.this.saturating_sub(before.this),
            machine: self.machine.saturating_sub(before.machine),
        }
    }

    /// CPU time of anything but the server and this program: the noise.
    pub(super) fn by_others(self) -> Duration {
        self.machine.saturating_sub(self.server + self.this)
    }
}
