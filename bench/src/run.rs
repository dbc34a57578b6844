//! Runs a plan: rounds, in each of them every workload on every system, one after the other, each
//! on fresh processes with fresh data.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
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
    /// At least one; the most, where [`Plan::limit`] is set.
    pub(crate) rounds: u32,
    /// The most rounds in which peers are measured; none means all.
    pub(crate) peer_rounds: Option<u32>,
    /// The time that all rounds together are to fit into; the first is made in any case.
    pub(crate) limit: Option<Duration>,
    /// Of each measurement that lasts for a time.
    pub(crate) window: Window,
    /// Whether what takes long is measured in the first rounds only: see [`Plan::is_due`].
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
    let began = Instant::now();
    let mut rounds_began = Vec::new();
    for round in 1..=plan.rounds {
        rounds_began.push(Instant::now());
        if !fits(plan, began, &rounds_began) {
            eprintln!("{} round(s) fit into the time", round - 1);
            break;
        }
        for workload in &plan.workloads {
            // Another system goes first in each round, so that the order is an advantage to none. With
            // fewer rounds than systems, not each of them gets its turn.
            let first = round as usize % plan.systems.len();
            let (later, sooner) = plan.systems.split_at(first);
            let due = |system: &&System| plan.is_due(workload, system, round);
            for system in sooner.iter().chain(later).filter(due) {
                one(
                    &mut results,
                    plan,
                    &filled,
                    (round, workload, system),
                    &folder,
                );
            }
        }
        results.rounds = round;
        results.write(&path)?;
    }
    eprintln!("took {:.1} min", began.elapsed().as_secs_f64() / 60.0);
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

/// Whether the round that begins now, the last in `rounds`, will end within the plan's limit: if it
/// takes as much longer than estimated as the one before it did.
fn fits(plan: &Plan, began: Instant, rounds: &[Instant]) -> bool {
    let (Some(limit), [.., last, now]) = (plan.limit, rounds) else {
        return true;
    };
    let number = rounds.len() as u32;
    let estimated = estimate::round(plan, number - 1).as_secs_f64();
    let factor = (*now - *last).as_secs_f64() / estimated.max(1.0);
    *now - began + estimate::round(plan, number).mul_f64(factor) <= limit
}

impl Plan {
    /// Whether a workload is measured on a system in a round. What is installed is the same in every
    /// one. A quick run measures what varies least and takes long in the first only, and takes two of
    /// what takes long with peers.
    pub(crate) fn is_due(&self, workload: &Workload, system: &System, round: u32) -> bool {
        let most = match workload.kind {
            Kind::Size => 1,
            Kind::Memory | Kind::Start { stored: 1.. } if self.quick => 1,
            Kind::Kill | Kind::Wake if self.quick && system.peer.is_some() => 2,
            _ => u32::MAX,
        };
        let of_peers = self.peer_rounds.filter(|_| system.peer.is_some());
        let most = most.min(of_peers.unwrap_or(u32::MAX));
        system.is_measured_by(workload) && round <= most
    }
}

/// Results without samples; with a gap for everything that a system cannot do.
fn begin(plan: &Plan, machine: Machine) -> Results {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let mut gaps = Vec::new();
    for workload in &plan.workloads {
        for system in &plan.systems {
            if system.is_measured_by(workload)
                && let Some(reason) = lacks(system, workload)
            {
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

/// What results say of a system.
pub(crate) fn system_entry(system: &System) -> SystemEntry {
    SystemEntry {
        name: system.name.to_owned(),
        about: system.about.to_owned(),
        role: system.role(),
        durability: system.durability,
    }
}

/// What results say of a workload.
pub(crate) fn workload_entry(workload: &Workload) -> WorkloadEntry {
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
    if let Some((workloads, reason)) = system.only
        && !workloads.contains(&workload.name)
    {
        return Some(reason);
    }
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
        "round {round}/{rounds}  {:<18} {:<24}",
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
    use std::time::{Duration, Instant};

    use super::{Plan, begin, fits, one};
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
            peer_rounds: None,
            limit: None,
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
    fn peers_are_measured_in_as_many_rounds_as_asked() {
        let peer = SYSTEMS.into_iter().find(|system| system.name == "workerd");
        let peer = peer.expect("a peer");
        let mut plan = plan(peer, "action-ws-64");
        let due = |plan: &Plan, round| plan.is_due(&plan.workloads[0], &peer, round);
        assert!(due(&plan, 9));
        plan.peer_rounds = Some(2);
        assert!(due(&plan, 2) && !due(&plan, 3));
    }

    #[test]
    fn what_is_measured_elsewhere_is_left_out() {
        let saved = SYSTEMS.into_iter().find(|system| system.only.is_some());
        let saved = saved.expect("a variant of another system");
        let lacks = |name: &str| super::lacks(&saved, &plan(saved, name).workloads[0]);
        assert_eq!(lacks("action-ws-64"), None);
        assert_eq!(lacks("memory"), Some("is measured as rivetkit-2.3"));
        let (only, _) = saved.only.expect("it was found by this");
        for name in only {
            assert!(WORKLOADS.iter().any(|w| w.name == *name), "{name}");
        }
    }

    #[test]
    fn a_round_begins_only_if_it_will_end_in_time() {
        let floor = SYSTEMS.into_iter().find(|system| system.name == "rust");
        let mut plan = plan(floor.expect("a floor"), "action-ws-64");
        let at = |seconds| Duration::from_secs(seconds);
        let began = Instant::now();
        let rounds = [began, began + at(10)];
        assert!(fits(&plan, began, &rounds), "there is no limit");
        // The second takes as long as the first did, whatever was estimated.
        plan.limit = Some(at(21));
        assert!(fits(&plan, began, &rounds));
        plan.limit = Some(at(19));
        assert!(!fits(&plan, began, &rounds));
        assert!(fits(&plan, began, &rounds[..1]), "the first is made anyway");
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
