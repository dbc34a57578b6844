//! Runs a plan: rounds, in each of them every workload on every system, one after the other, each
//! on a fresh process with fresh data.

use std::{fs, path::PathBuf, time::Instant};

use anyhow::{Context, Result};

use crate::{
    load::{self, Measurement, Target, Window},
    machine::Machine,
    server_process::{Data, ServerProcess},
    statistics::percentile,
    system::{self, System},
    workload::Workload,
};

/// What to measure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    /// At least one.
    pub(crate) workloads: Vec<Workload>,
    /// At least one.
    pub(crate) systems: Vec<System>,
    /// At least one.
    pub(crate) rounds: u32,
    /// Of each measurement.
    pub(crate) window: Window,
}

/// What one round found for one workload on one system.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    /// The workload's name.
    pub(crate) workload: &'static str,
    /// The system's name.
    pub(crate) system: &'static str,
    /// Counted from 1.
    pub(crate) round: u32,
    /// Operations that counted.
    pub(crate) operations: usize,
    /// Throughput.
    pub(crate) per_second: f64,
    /// Server CPU time of one operation, in microseconds.
    pub(crate) cpu_us: f64,
    /// Median latency, in microseconds.
    pub(crate) p50_us: f64,
    /// 99th percentile of latency, in microseconds.
    pub(crate) p99_us: f64,
    /// Processors that other programs kept busy on average: 0 on a quiet machine.
    pub(crate) others: f64,
    /// The server's memory afterwards, in bytes.
    pub(crate) resident: u64,
}

/// All samples and what they were measured on.
pub(crate) struct Results {
    /// The machine before the first round.
    pub(crate) machine: Machine,
    /// In the order in which they were taken.
    pub(crate) samples: Vec<Sample>,
}

/// Where results and, meanwhile, data lie; git ignores it.
pub(crate) fn results_folder() -> PathBuf {
    system::folder().join("results")
}

/// Runs everything.
///
/// # Errors
/// The first system that does not start, answers wrongly, or does not end.
pub(crate) fn all(plan: &Plan) -> Result<Results> {
    for system in &plan.systems {
        system.prepare()?;
    }
    let folder = results_folder();
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let machine = Machine::look(&folder)?;
    let mut samples = Vec::new();
    for round in 1..=plan.rounds {
        for workload in &plan.workloads {
            // Each system goes first in some round: the order is no advantage.
            let first = round as usize % plan.systems.len();
            let (later, sooner) = plan.systems.split_at(first);
            for system in sooner.iter().chain(later) {
                let sample = measure(system, workload, round, plan.window)
                    .with_context(|| format!("{} on {}", workload.name, system.name))?;
                announce(plan, &sample);
                samples.push(sample);
            }
        }
    }
    Ok(Results { machine, samples })
}

fn measure(system: &System, workload: &Workload, round: u32, window: Window) -> Result<Sample> {
    let started = Instant::now();
    let server = ServerProcess::start(system, Data::fresh(&results_folder())?)?;
    let target = Target {
        address: server.address,
        pid: server.pid(),
        dialect: system.dialect,
    };
    let measured = load::generate(target, workload, window)
        .with_context(|| format!("after {:?}", started.elapsed()))?;
    server.check_family()?;
    let resident = server.resident()?;
    server.stop()?;
    Ok(sample(system, workload, round, &measured, resident))
}

fn sample(
    system: &System,
    workload: &Workload,
    round: u32,
    measured: &Measurement,
    resident: u64,
) -> Sample {
    let operations = measured.latencies.len();
    let seconds = measured.elapsed.as_secs_f64();
    let us = |share| percentile(&measured.latencies, share).as_secs_f64() * 1e6;
    Sample {
        workload: workload.name,
        system: system.name,
        round,
        operations,
        per_second: operations as f64 / seconds,
        cpu_us: measured.cpu.as_secs_f64() * 1e6 / operations as f64,
        p50_us: us(0.5),
        p99_us: us(0.99),
        others: measured.others.as_secs_f64() / seconds,
        resident,
    }
}

fn announce(plan: &Plan, sample: &Sample) {
    eprintln!(
        "round {}/{}  {:<15} {:<15} {:>8.1} µs CPU  {:>8.0}/s  p50 {:>6.0} µs  p99 {:>6.0} µs  others {:.2}",
        sample.round,
        plan.rounds,
        sample.workload,
        sample.system,
        sample.cpu_us,
        sample.per_second,
        sample.p50_us,
        sample.p99_us,
        sample.others,
    );
}
