//! Runs a plan: rounds, in each of them every workload on every system, one after the other, each
//! on fresh processes with fresh data.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result, bail};

use crate::{
    estimate,
    filled::Filled,
    load::{self, Job, Window},
    machine::Machine,
    metric::Metric,
    report,
    results::{Gap, Results, Sample, SystemEntry, Values, WorkloadEntry},
    system::{self, System},
    workload::{Kind, Workload},
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
    /// Of each measurement that lasts for a time.
    pub(crate) window: Window,
    /// Whether memory, which takes longest and varies least, is measured in the first round only.
    pub(crate) quick: bool,
}

/// Where results and, meanwhile, data lie; git ignores it.
pub(crate) fn results_folder() -> PathBuf {
    system::folder().join("results")
}

/// Runs everything, prints the tables and writes the file, which is there after the first round and
/// grows with each. What fails on a system is not tried again on it; the others go on.
///
/// # Errors
/// A system cannot be installed, the file cannot be written, or something failed.
pub(crate) fn all(plan: &Plan) -> Result<()> {
    eprintln!("{}", estimate::announce(plan));
    for system in &plan.systems {
        system.prepare()?;
    }
    let folder = results_folder();
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let mut results = begin(plan, Machine::look(&folder)?);
    let path = folder.join(format!("{}.json", results.unix_seconds));
    let filled = Filled::default();
    for round in 1..=plan.rounds {
        for workload in plan.workloads.iter().filter(|w| plan.is_due(w, round)) {
            // Another system goes first in each round, so that the order is an advantage to none. With
            // fewer rounds than systems, not each of them gets its turn.
            let first = round as usize % plan.systems.len();
            let (later, sooner) = plan.systems.split_at(first);
            for system in sooner.iter().chain(later) {
                one(
                    &mut results,
                    plan,
                    &filled,
                    (round, workload, system),
                    &folder,
                );
            }
        }
        results.write(&path)?;
    }
    std::io::stdout().write_all(report::markdown(&results).as_bytes())?;
    eprintln!("wrote {}", path.display());
    match results
        .gaps
        .iter()
        .filter(|gap| gap.failed_in.is_some())
        .count()
    {
        0 => Ok(()),
        failures => bail!("{failures} workload(s) failed on a system; the reasons are above"),
    }
}

impl Plan {
    /// Whether a workload is measured in a round. What is installed is the same in every one.
    pub(crate) fn is_due(&self, workload: &Workload, round: u32) -> bool {
        round == 1
            || match workload.kind {
                Kind::Size => false,
                Kind::Memory => !self.quick,
                _ => true,
            }
    }
}

/// Results without samples; with a gap for everything that a system cannot do.
fn begin(plan: &Plan, machine: Machine) -> Results {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let mut gaps = Vec::new();
    for workload in &plan.workloads {
        for system in &plan.systems {
            if let Some(reason) = lacks(system, workload) {
                gaps.push(gap(workload, system, reason.to_owned(), None));
            }
        }
    }
    Results {
        unix_seconds: since.map_or(0, |since| since.as_secs()),
        machine,
        rounds: plan.rounds,
        warm_up_seconds: plan.window.warm_up.as_secs_f64(),
        measured_seconds: plan.window.measured.as_secs_f64(),
        max_operations: plan.window.max_operations,
        workers: std::env::var("GREENROOM_WORKERS").ok(),
        systems: plan.systems.iter().map(system_entry).collect(),
        workloads: plan.workloads.iter().map(workload_entry).collect(),
        samples: Vec::new(),
        gaps,
    }
}

fn system_entry(system: &System) -> SystemEntry {
    SystemEntry {
        name: system.name.to_owned(),
        about: system.about.to_owned(),
        role: system.role(),
    }
}

fn workload_entry(workload: &Workload) -> WorkloadEntry {
    WorkloadEntry {
        name: workload.name.to_owned(),
        about: workload.about.to_owned(),
        metrics: workload.kind.metrics().iter().map(Into::into).collect(),
    }
}

fn gap(workload: &Workload, system: &System, reason: String, failed_in: Option<u32>) -> Gap {
    Gap {
        workload: workload.name.to_owned(),
        system: system.name.to_owned(),
        reason,
        failed_in,
    }
}

/// What a system would have to be able to do.
pub(crate) fn lacks(system: &System, workload: &Workload) -> Option<&'static str> {
    let mut needs = workload.kind.needs().iter();
    needs.find_map(|ability| system.supports(*ability).err())
}

/// One measurement, unless it cannot be made.
fn one(
    results: &mut Results,
    plan: &Plan,
    filled: &Filled,
    (round, workload, system): (u32, &Workload, &System),
    folder: &Path,
) {
    let has_gap = results
        .gaps
        .iter()
        .any(|gap| gap.workload == workload.name && gap.system == system.name);
    if has_gap {
        return;
    }
    let job = Job {
        system,
        window: plan.window,
        folder,
        filled,
    };
    let rounds = plan.rounds;
    let title = format!(
        "round {round}/{rounds}  {:<16} {:<15}",
        workload.name, system.name
    );
    match load::measure(&job, workload) {
        Ok(values) => {
            eprintln!("{title} {}", announce(&values, workload.kind.metrics()));
            results.samples.push(Sample {
                workload: workload.name.to_owned(),
                system: system.name.to_owned(),
                round,
                values,
            });
        }
        Err(error) => {
            eprintln!("{title} failed: {error:#}");
            let reason = format!("{error:#}").replace('\n', " ");
            results
                .gaps
                .push(gap(workload, system, reason, Some(round)));
        }
    }
}

/// The figures in one line.
fn announce(values: &Values, metrics: &[Metric]) -> String {
    let figures = metrics.iter().filter_map(|metric| {
        let value = values.get(metric.name)?;
        Some(format!("{value:.0$} {1}", metric.digits, metric.title))
    });
    figures.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Plan, begin, one};
    use crate::{
        filled::Filled,
        load::Window,
        machine::Machine,
        system::{SYSTEMS, System},
        workload::WORKLOADS,
    };

    fn plan(system: System, workload: &str) -> Plan {
        let named = WORKLOADS.into_iter().filter(|w| w.name == workload);
        Plan {
            workloads: named.collect(),
            systems: vec![system],
            rounds: 2,
            window: Window {
                warm_up: Duration::ZERO,
                measured: Duration::from_millis(100),
                max_operations: 100,
            },
            quick: false,
        }
    }

    #[test]
    fn what_a_system_cannot_do_is_not_tried_and_has_a_reason() {
        let floor = SYSTEMS.into_iter().find(|system| system.name == "rust");
        let plan = plan(floor.expect("a floor"), "append-1m");
        let results = begin(&plan, Machine::example());
        let [gap] = &results.gaps[..] else {
            panic!("{:?}", results.gaps);
        };
        assert_eq!(gap.reason, "keeps no state");
        assert_eq!(gap.failed_in, None);
    }

    #[test]
    fn a_failure_is_written_down_and_not_repeated() {
        let folder = tempfile::tempdir().unwrap();
        // It ends without saying where it listens.
        let plan = plan(System::shell("true"), "action-ws-64");
        let mut results = begin(&plan, Machine::example());
        let filled = Filled::default();
        for round in 1..=2 {
            let what = (round, &plan.workloads[0], &plan.systems[0]);
            one(&mut results, &plan, &filled, what, folder.path());
        }
        let [gap] = &results.gaps[..] else {
            panic!("{:?}", results.gaps);
        };
        assert_eq!(gap.failed_in, Some(1));
        assert!(gap.reason.contains("listening"), "{}", gap.reason);
        assert!(results.samples.is_empty());
        let left = std::fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(left, 0, "no data is left");
    }
}
