//! Many seeds, each in a process of its own: what one leaves behind cannot change another, and one that takes
//! its process down is one that has failed.

use std::{
    collections::BTreeMap,
    io::{Read, Write},
    path::PathBuf,
    process::{Command, Stdio},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use anyhow::{Context, Result};
use greenroom_sim::Plant;
use wait_timeout::ChildExt;

/// What a process said about its seed.
#[derive(Debug)]
pub(crate) struct Run {
    /// Everything that it wrote.
    pub(crate) output: Vec<u8>,
    /// What went wrong outside of the run: the process has broken down.
    pub(crate) breakdown: Option<String>,
    /// Whether everything holds.
    pub(crate) holds: bool,
}

impl Run {
    /// The lines about violations.
    pub(crate) fn violations(&self) -> Vec<String> {
        let text = String::from_utf8_lossy(&self.output);
        let lines = text.lines().filter_map(|l| l.strip_prefix("violation: "));
        lines
            .map(str::to_owned)
            .chain(self.breakdown.clone())
            .collect()
    }

    /// The last line.
    pub(crate) fn summary(&self) -> String {
        let text = String::from_utf8_lossy(&self.output);
        text.lines().last().unwrap_or_default().to_owned()
    }
}

/// Runs one seed in a process, which is ended when it takes longer than `limit`.
///
/// # Errors
/// When it cannot be started.
pub(crate) fn spawn(seed: u64, plant: Option<Plant>, limit: Duration) -> Result<Run> {
    let program = std::env::current_exe().context("this program does not know where it is")?;
    let mut command = Command::new(program);
    command.arg("--seed").arg(seed.to_string());
    if let Some(plant) = plant {
        command.args(["--plant", plant.name()]);
    }
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().context("cannot start a run")?;
    let output = collect(child.stdout.take());
    let errors = collect(child.stderr.take());
    let status = child.wait_timeout(limit).context("cannot wait for a run")?;
    if status.is_none() {
        child.kill().context("cannot end a run")?;
        child.wait().context("cannot wait for a run")?;
    }
    let (output, errors) = (joined(output), joined(errors));
    let breakdown = match status {
        None => Some(format!("did not end within {} s", limit.as_secs())),
        Some(status) if matches!(status.code(), Some(0 | 1)) => None,
        Some(status) => Some(format!("{status}: {}", String::from_utf8_lossy(&errors))),
    };
    Ok(Run {
        output,
        breakdown,
        holds: status.is_some_and(|status| status.success()),
    })
}

/// Reads a pipe to its end while somebody waits for its writer.
fn collect(pipe: Option<impl Read + Send + 'static>) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // What was read before an error is what there is.
        let _ = pipe.map(|mut pipe| pipe.read_to_end(&mut bytes));
        bytes
    })
}

fn joined(reader: thread::JoinHandle<Vec<u8>>) -> Vec<u8> {
    reader
        .join()
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Runs `count` seeds, as many at once as there are processors, and reports them. Says whether everything
/// holds.
pub(crate) fn run(from: u64, count: u64, limit: Duration, plant: Option<Plant>) -> Result<bool> {
    let next = AtomicU64::new(0);
    let totals = Mutex::new(Totals::default());
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let work = || -> Result<()> {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                return Ok(());
            }
            let seed = from.wrapping_add(number);
            let run = spawn(seed, plant, limit)?;
            let mut totals = totals.lock().unwrap_or_else(PoisonError::into_inner);
            totals.add(seed, &run, plant)?;
        }
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        threads.into_iter().try_for_each(|thread| {
            thread
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    })?;
    let totals = totals.into_inner().unwrap_or_else(PoisonError::into_inner);
    writeln!(std::io::stdout(), "{}", totals.line(count))?;
    Ok(totals.failed == 0)
}

#[derive(Debug, Default)]
struct Totals {
    failed: u64,
    /// The numbers of the summaries, added up.
    sums: BTreeMap<String, u64>,
}

impl Totals {
    fn add(&mut self, seed: u64, run: &Run, plant: Option<Plant>) -> Result<()> {
        let summary = run.summary();
        let facts = summary.split_once(": ").map_or("", |(_, facts)| facts);
        for fact in facts.split(", ") {
            if let Some((number, name)) = fact.split_once(' ') {
                *self.sums.entry(name.to_owned()).or_default() += number.parse().unwrap_or(0);
            }
        }
        if run.holds {
            return Ok(());
        }
        self.failed += 1;
        let path = keep(seed, run)?;
        let mut out = std::io::stdout().lock();
        writeln!(out, "seed {seed} fails:")?;
        for violation in run.violations() {
            writeln!(out, "  {violation}")?;
        }
        writeln!(out, "  trace: {}", path.display())?;
        let plant = plant.map_or(String::new(), |plant| format!(" --plant {plant}"));
        writeln!(out, "  replay: cargo xtask sim --seed {seed}{plant}")?;
        Ok(())
    }

    fn line(&self, count: u64) -> String {
        let facts: Vec<_> = self
            .sums
            .iter()
            .map(|(name, sum)| format!("{sum} {name}"))
            .collect();
        format!(
            "{count} seeds, {} failed: {}",
            self.failed,
            facts.join(", ")
        )
    }
}

/// Keeps the trace of a seed that has failed.
fn keep(seed: u64, run: &Run) -> Result<PathBuf> {
    let folder = std::env::current_dir()?.join("target/sim");
    std::fs::create_dir_all(&folder)?;
    let path = folder.join(format!("seed-{seed}.trace"));
    std::fs::write(&path, &run.output)?;
    Ok(path)
}
