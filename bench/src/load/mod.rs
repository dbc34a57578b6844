//! The load generator: does what a workload says to one system, checks every reply, and gives the
//! figures. A file for each kind of workload.
//!
//! It runs on one thread. Each request is one write to its socket, as clients in JavaScript send
//! them; replies are read as they come. Every loop is bounded in count and time.

mod actions;
mod append;
mod awake;
mod broadcast;
mod counter;
mod create;
mod http;
mod kill;
mod memory;
mod recorder;
mod settle;
mod size;
mod socket;
mod sockets;
mod start;
mod used;
mod wake;

use std::{net::SocketAddr, path::Path, time::Duration};

use anyhow::{Context, Result, bail};

pub(crate) use recorder::{Measurement, Window};

use crate::{
    dialect::Dialect,
    filled::Filled,
    metric::{self, Metric},
    results::Values,
    server_process::{Data, ServerProcess},
    statistics::percentile,
    system::System,
    workload::{Kind, Workload},
};
use recorder::Recorder;

/// How much longer than planned a round may take before it counts as hung.
const SLACK: Duration = Duration::from_secs(45);

/// Where to measure.
pub(crate) struct Job<'a> {
    /// What.
    pub(crate) system: &'a System,
    /// How long, where that is a question.
    pub(crate) window: Window,
    /// Where data may lie.
    pub(crate) folder: &'a Path,
    /// What was filled in this run.
    pub(crate) filled: &'a Filled,
}

/// A running server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// Its process, whose CPU time counts.
    pub(crate) pid: u32,
    /// What it speaks.
    pub(crate) dialect: &'static dyn Dialect,
}

/// One round of a workload on a system, on fresh processes, which are gone afterwards.
///
/// # Errors
/// A reply that is an error or wrong, a state that is not what the acknowledged operations make it,
/// a broken connection, or a server that does not start, answer or end.
pub(crate) fn measure(job: &Job<'_>, workload: &Workload) -> Result<Values> {
    match &workload.kind {
        Kind::Actions(actions) => actions::measure(job, actions),
        Kind::Broadcast {
            subscribers,
            publishers,
        } => broadcast::measure(job, *subscribers, *publishers),
        Kind::Create { in_flight } => create::measure(job, *in_flight),
        Kind::Wake => wake::measure(job),
        Kind::Append { bytes } => append::measure(job, *bytes),
        Kind::Memory => memory::measure(job),
        Kind::Start { stored } => start::measure(job, *stored),
        Kind::Kill => kill::measure(job),
        Kind::Size => size::measure(job),
    }
}

impl Job<'_> {
    /// Starts the system on fresh data.
    fn start(&self) -> Result<ServerProcess> {
        ServerProcess::start(self.system, Data::fresh(self.folder)?)
    }

    fn target(&self, server: &ServerProcess) -> Target {
        Target {
            address: server.address,
            pid: server.pid(),
            dialect: self.system.dialect,
        }
    }

    /// A measurement of operations that a [`Recorder`] counts: on a fresh server, which has to end in
    /// order afterwards.
    fn windowed(
        &self,
        work: impl AsyncFnOnce(Target, &Recorder) -> Result<()>,
    ) -> Result<Measurement> {
        let server = self.start()?;
        let target = self.target(&server);
        let recorder = Recorder::new(target.pid, self.window);
        let limit = self.window.warm_up + self.window.measured + SLACK;
        within(limit, work(target, &recorder))?;
        server.check_family()?;
        server.stop()?;
        recorder.finish()
    }
}

/// Runs the load generator's one thread for at most this long.
fn within<T>(limit: Duration, work: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the load generator")?;
    runtime.block_on(async {
        match tokio::time::timeout(limit, work).await {
            Ok(done) => done,
            Err(_) => bail!("the server stopped answering: no end after {limit:?}"),
        }
    })
}

fn set(values: &mut Values, metric: Metric, value: f64) {
    values.insert(metric.name.to_owned(), value);
}

/// The figures of operations that are all alike.
fn set_operations(values: &mut Values, measurement: &Measurement) {
    let operations = measurement.latencies.len() as f64;
    set(
        values,
        metric::CPU,
        measurement.cpu.as_secs_f64() * 1e6 / operations,
    );
    set(
        values,
        metric::RATE,
        operations / measurement.elapsed.as_secs_f64(),
    );
    set_latencies(
        values,
        &measurement.latencies,
        metric::P50,
        Some(metric::P99),
    );
    set_other_load(values, measurement);
}

/// Of ascending latencies.
fn set_latencies(values: &mut Values, ascending: &[Duration], p50: Metric, p99: Option<Metric>) {
    let us = |share| percentile(ascending, share).as_secs_f64() * 1e6;
    set(values, p50, us(0.5));
    if let Some(p99) = p99 {
        set(values, p99, us(0.99));
    }
}

fn set_other_load(values: &mut Values, measurement: &Measurement) {
    let load = measurement.others.as_secs_f64() / measurement.elapsed.as_secs_f64();
    set(values, metric::OTHER_LOAD, load);
}
