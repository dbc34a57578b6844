//! What the figures were measured on.

use std::{
    fs::{self, File},
    io::Write,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::{statistics::percentile, system};

/// Syncs of the disk's probe.
const PROBES: usize = 300;
/// Bytes that each of them writes.
const PROBE_BYTES: usize = 256;

/// The machine and its state before the first round.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Machine {
    /// The processor's name.
    pub(crate) processor: String,
    /// Processors that this program may use.
    pub(crate) processors: usize,
    /// In bytes.
    pub(crate) memory_bytes: u64,
    /// Name and release.
    pub(crate) kernel: String,
    /// Of Node.js, as it says it.
    pub(crate) node: String,
    /// Of Bun, as it says it.
    pub(crate) bun: String,
    /// Median time of one small append and `fdatasync` where the data lies, in microseconds.
    pub(crate) fdatasync_p50_us: f64,
    /// 99th percentile of the same.
    pub(crate) fdatasync_p99_us: f64,
}

impl Machine {
    /// Looks at this machine. The disk is probed in `folder`.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub(crate) fn look(folder: &Path) -> Result<Self> {
        let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let meminfo = fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let memory =
            field(&meminfo, "MemTotal").and_then(|text| text.split(' ').next()?.parse().ok());
        let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        let bun = system::folder().join("../node_modules/bun/bin/bun.exe");
        let syncs = probe_sync(folder)?;
        Ok(Self {
            processor: field(&cpuinfo, "model name")
                .unwrap_or("unknown")
                .to_owned(),
            processors: std::thread::available_parallelism().map_or(1, usize::from),
            memory_bytes: memory.unwrap_or(0u64) * 1024,
            kernel: format!("Linux {}", release.trim()),
            node: version("node".as_ref()),
            bun: version(&bun),
            fdatasync_p50_us: percentile(&syncs, 0.5).as_secs_f64() * 1e6,
            fdatasync_p99_us: percentile(&syncs, 0.99).as_secs_f64() * 1e6,
        })
    }

    /// One line for people.
    pub(crate) fn describe(&self) -> String {
        format!(
            "{} × {}, {:.0} GiB, {}, Node.js {}, Bun {}; append + fdatasync p50 {:.0} µs, p99 {:.0} µs.",
            self.processors,
            self.processor,
            self.memory_bytes as f64 / f64::from(1 << 30),
            self.kernel,
            self.node,
            self.bun,
            self.fdatasync_p50_us,
            self.fdatasync_p99_us,
        )
    }

    /// A machine for tests.
    #[cfg(test)]
    pub(crate) fn example() -> Self {
        Self {
            processor: "Abacus".to_owned(),
            processors: 2,
            memory_bytes: 24 << 30,
            kernel: "Linux 6.18".to_owned(),
            node: "v20".to_owned(),
            bun: "1.4".to_owned(),
            fdatasync_p50_us: 114.0,
            fdatasync_p99_us: 474.0,
        }
    }
}

/// The value of `name : value` in one of the files of `/proc`.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == name).then_some(value.trim())
    })
}

fn version(program: &Path) -> String {
    let output = Command::new(program).arg("--version").output();
    match output {
        Ok(output) => String::from_utf8_lossy(&output.stdout).trim().to_owned(),
        Err(_) => "absent".to_owned(),
    }
}

/// Times of small appends with `fdatasync`, ascending.
fn probe_sync(folder: &Path) -> Result<Vec<Duration>> {
    let path = folder.join(format!("probe-{}", std::process::id()));
    let mut file = File::create(&path).context("cannot probe the disk")?;
    let mut times = Vec::with_capacity(PROBES);
    for _ in 0..PROBES {
        let start = Instant::now();
        file.write_all(&[7; PROBE_BYTES])?;
        file.sync_data()?;
        times.push(start.elapsed());
    }
    fs::remove_file(&path)?;
    times.sort_unstable();
    Ok(times)
}
