//! What the figures were measured on.

use std::{
    fs::{self, File},
    io::Write,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::{statistics::percentile, system};

/// Syncs of the disk's probe.
const PROBES: usize = 300;
/// Bytes that each of them writes.
const PROBE_BYTES: usize = 256;

/// The machine and its state before the first round.
pub(crate) struct Machine {
    /// The processor's name.
    pub(crate) processor: String,
    /// Processors that this program may use.
    pub(crate) processors: usize,
    /// In bytes.
    pub(crate) memory: u64,
    /// Name and release.
    pub(crate) kernel: String,
    /// Of Node.js, as it says it.
    pub(crate) node: String,
    /// Of Bun, as it says it.
    pub(crate) bun: String,
    /// Median time of one small append and `fdatasync` where the data lies.
    pub(crate) sync_p50: Duration,
    /// 99th percentile of the same.
    pub(crate) sync_p99: Duration,
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
            memory: memory.unwrap_or(0u64) * 1024,
            kernel: format!("Linux {}", release.trim()),
            node: version("node".as_ref()),
            bun: version(&bun),
            sync_p50: percentile(&syncs, 0.5),
            sync_p99: percentile(&syncs, 0.99),
        })
    }

    /// For the result file.
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "processor": self.processor,
            "processors": self.processors,
            "memory_bytes": self.memory,
            "kernel": self.kernel,
            "node": self.node,
            "bun": self.bun,
            "fdatasync_p50_us": self.sync_p50.as_secs_f64() * 1e6,
            "fdatasync_p99_us": self.sync_p99.as_secs_f64() * 1e6,
        })
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
