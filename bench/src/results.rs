//! What a run found, as it is kept in a file. Tables and plots are made from this alone, so that they
//! can be made again later.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::{
    machine::Machine,
    metric::Metric,
    statistics::{Summary, summarize},
};

/// All samples, what they were measured on, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Results {
    /// When the run began, in seconds since the Unix epoch.
    pub(crate) unix_seconds: u64,
    /// The machine before the first round.
    pub(crate) machine: Machine,
    /// How often workloads were measured on each system; those that take long, less often.
    pub(crate) rounds: u32,
    /// Before each measurement that lasts for a time.
    pub(crate) warm_up_seconds: f64,
    /// How long such a measurement lasts.
    pub(crate) measured_seconds: f64,
    /// The most operations of a measurement.
    pub(crate) max_operations: usize,
    /// `GREENROOM_WORKERS`, where it was set: the JavaScript threads of Greenroom's systems.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) workers: Option<String>,
    /// In the order of reports.
    pub(crate) systems: Vec<SystemEntry>,
    /// In the order of reports.
    pub(crate) workloads: Vec<WorkloadEntry>,
    /// In the order in which they were taken.
    pub(crate) samples: Vec<Sample>,
    /// What could not be measured.
    pub(crate) gaps: Vec<Gap>,
}

/// A system that took part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SystemEntry {
    /// Its name.
    pub(crate) name: String,
    /// What it is, in one line.
    pub(crate) about: String,
    /// What it is to the others.
    pub(crate) role: Role,
    /// What holds when it has answered.
    pub(crate) durability: Durability,
}

/// What a system is measured for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Role {
    /// Greenroom.
    Ours,
    /// It does nothing but move bytes: what cannot be gone below.
    Floor,
    /// Somebody else's, for the same purpose.
    Peer,
}

/// What holds when a system has answered an action that writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Durability {
    /// The write is synced to the disk: neither a crash nor a loss of power takes it.
    Synced,
    /// The write is with the kernel: a crash of the processes leaves it, a loss of power may not.
    Written,
    /// It is written some time later.
    Later,
    /// Nothing is ever written.
    Nothing,
}

impl Durability {
    /// In a few words.
    pub(crate) fn describe(self) -> &'static str {
        match self {
            Self::Synced => "durable",
            Self::Written => "never synced",
            Self::Later => "not durable",
            Self::Nothing => "stores nothing",
        }
    }
}

/// A workload that was measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WorkloadEntry {
    /// Its name.
    pub(crate) name: String,
    /// What it does, in one line.
    pub(crate) about: String,
    /// Its figures. The first is the one to compare.
    pub(crate) metrics: Vec<MetricEntry>,
}

/// A figure of a workload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MetricEntry {
    /// Its name in samples.
    pub(crate) name: String,
    /// The head of its column.
    pub(crate) title: String,
    /// Digits after the point.
    pub(crate) digits: usize,
    /// Whether it is worth a picture.
    pub(crate) plotted: bool,
}

impl From<&Metric> for MetricEntry {
    fn from(metric: &Metric) -> Self {
        Self {
            name: metric.name.to_owned(),
            title: metric.title.to_owned(),
            digits: metric.digits,
            plotted: metric.plotted,
        }
    }
}

/// What one round found for one workload on one system.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sample {
    /// The workload's name.
    pub(crate) workload: String,
    /// The system's name.
    pub(crate) system: String,
    /// Counted from 1.
    pub(crate) round: u32,
    /// The figures by name. One that the system cannot say is not there.
    pub(crate) values: Values,
}

/// Figures by name.
pub(crate) type Values = BTreeMap<String, f64>;

/// A workload that a system cannot do, or failed at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Gap {
    /// The workload's name.
    pub(crate) workload: String,
    /// The system's name.
    pub(crate) system: String,
    /// Why, in one line.
    pub(crate) reason: String,
    /// The round that failed; absent when it was not tried.
    pub(crate) failed_in: Option<u32>,
}

impl Results {
    /// Reads files that [`Results::write`] has written: the first, and of each other one the workloads
    /// that are in none before it.
    ///
    /// # Errors
    /// There is no file, one is not there, is something else, or is of another machine.
    pub(crate) fn read_all(paths: &[PathBuf]) -> Result<Self> {
        let (first, others) = paths.split_first().context("no result file")?;
        let mut results = Self::read(first)?;
        for path in others {
            let other = Self::read(path)?;
            let same = (&results.machine.processor, results.machine.processors)
                == (&other.machine.processor, other.machine.processors);
            ensure!(same, "{} is of another machine", path.display());
            results.add(other);
        }
        Ok(results)
    }

    fn add(&mut self, other: Self) {
        let known: BTreeSet<String> = self.workloads.iter().map(|w| w.name.clone()).collect();
        let is_new = |workload: &String| !known.contains(workload);
        let workloads = other.workloads.into_iter();
        self.workloads.extend(workloads.filter(|w| is_new(&w.name)));
        let samples = other.samples.into_iter();
        self.samples.extend(samples.filter(|s| is_new(&s.workload)));
        let gaps = other.gaps.into_iter();
        self.gaps.extend(gaps.filter(|gap| is_new(&gap.workload)));
        for system in other.systems {
            if !self.systems.contains(&system) {
                self.systems.push(system);
            }
        }
    }

    fn read(path: &Path) -> Result<Self> {
        let text =
            fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_str(&text)
            .with_context(|| format!("{} holds no results of this benchmark", path.display()))
    }

    /// Writes the file.
    ///
    /// # Errors
    /// It cannot be written.
    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self)?;
        fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
    }

    /// The rounds of one figure in one: `None` when no round has it.
    pub(crate) fn summary(
        &self,
        workload: &WorkloadEntry,
        system: &SystemEntry,
        metric: &MetricEntry,
    ) -> Option<Summary> {
        let rounds = self
            .samples
            .iter()
            .filter(|sample| sample.workload == workload.name && sample.system == system.name);
        summarize(rounds.filter_map(|sample| sample.values.get(&metric.name).copied()))
    }

    /// How many rounds have figures of a workload on a system.
    pub(crate) fn rounds_of(&self, workload: &WorkloadEntry, system: &SystemEntry) -> usize {
        let samples = self.samples.iter();
        samples
            .filter(|sample| sample.workload == workload.name && sample.system == system.name)
            .count()
    }

    /// Why a system has no figures for a workload, or not of all rounds.
    pub(crate) fn gap(&self, workload: &WorkloadEntry, system: &SystemEntry) -> Option<&Gap> {
        self.gaps
            .iter()
            .find(|gap| gap.workload == workload.name && gap.system == system.name)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::{
        run::{system_entry, workload_entry},
        system::SYSTEMS,
        workload::WORKLOADS,
    };

    /// Two workloads on two systems, of which one cannot do the second.
    pub(crate) fn example() -> Results {
        let system = |name: &str| SystemEntry {
            name: name.to_owned(),
            about: format!("what {name} is"),
            role: Role::Floor,
            durability: Durability::Nothing,
        };
        let metric = |name: &str, title: &str| MetricEntry {
            name: name.to_owned(),
            title: title.to_owned(),
            digits: 1,
            plotted: name == "cost",
        };
        let workload = |name: &str| WorkloadEntry {
            name: name.to_owned(),
            about: format!("what {name} does"),
            metrics: vec![
                metric("cost", "cost µs"),
                metric("other_load", "other load"),
            ],
        };
        let sample = |workload: &str, system: &str, round, cost| Sample {
            workload: workload.to_owned(),
            system: system.to_owned(),
            round,
            values: BTreeMap::from([("cost".to_owned(), cost), ("other_load".to_owned(), 0.5)]),
        };
        Results {
            unix_seconds: 1_700_000_000,
            machine: Machine::example(),
            rounds: 3,
            warm_up_seconds: 1.0,
            measured_seconds: 2.0,
            max_operations: 1000,
            workers: None,
            systems: vec![system("quick"), system("slow")],
            workloads: vec![workload("work"), workload("rest")],
            samples: vec![
                sample("work", "quick", 1, 10.0),
                sample("work", "slow", 1, 400.0),
                sample("work", "quick", 2, 12.0),
                sample("work", "slow", 2, 300.0),
                sample("work", "quick", 3, 11.0),
                sample("work", "slow", 3, 200.0),
                sample("rest", "quick", 1, 0.0),
            ],
            gaps: vec![Gap {
                workload: "rest".to_owned(),
                system: "slow".to_owned(),
                reason: "it never rests".to_owned(),
                failed_in: None,
            }],
        }
    }

    /// One round that found these figures: of a workload on a system, by names that there are.
    pub(crate) fn of_a_run(figures: &[(&str, &str, &str, f64)]) -> Results {
        let measured = |name: &str| {
            let mut names = figures.iter();
            names.any(|(workload, system, ..)| [*workload, *system].contains(&name))
        };
        let systems = SYSTEMS.iter().filter(|system| measured(system.name));
        let workloads = WORKLOADS.iter().filter(|workload| measured(workload.name));
        let sample = |(workload, system, metric, value): &(&str, &str, &str, f64)| Sample {
            workload: (*workload).to_owned(),
            system: (*system).to_owned(),
            round: 1,
            values: BTreeMap::from([((*metric).to_owned(), *value)]),
        };
        Results {
            rounds: 1,
            systems: systems.map(system_entry).collect(),
            workloads: workloads.map(workload_entry).collect(),
            samples: figures.iter().map(sample).collect(),
            gaps: Vec::new(),
            ..example()
        }
    }

    #[test]
    fn what_is_written_is_read_again_and_anything_else_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("results.json");
        let error = Results::read(&path).unwrap_err();
        assert!(format!("{error:#}").contains("cannot read"), "{error:#}");
        example().write(&path).unwrap();
        assert_eq!(Results::read(&path).unwrap(), example());
        fs::write(&path, "{}").unwrap();
        let error = Results::read(&path).unwrap_err();
        assert!(error.to_string().contains("holds no results"), "{error:#}");
    }

    #[test]
    fn workloads_of_a_second_file_are_added_to_those_of_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let paths = ["first.json", "second.json"].map(|name| folder.path().join(name));
        let mut first = of_a_run(&[("start", "rust", "first_action_ms", 1.0)]);
        first.write(&paths[0]).unwrap();
        let second = of_a_run(&[
            ("start", "rust", "first_action_ms", 2.0),
            ("memory", "workerd", "empty_mb", 3.0),
        ]);
        second.write(&paths[1]).unwrap();
        let both = Results::read_all(&paths).unwrap();
        let names: Vec<_> = both.workloads.iter().map(|w| w.name.as_str()).collect();
        assert_eq!(names, ["start", "memory"]);
        assert_eq!(both.systems.len(), 2);
        let values: Vec<_> = both
            .samples
            .iter()
            .flat_map(|s| s.values.values())
            .collect();
        assert_eq!(values, [&1.0, &3.0], "the first file's figure stands");
        assert!(Results::read_all(&[]).is_err());
        first.machine.processors = 64;
        first.write(&paths[0]).unwrap();
        let error = Results::read_all(&paths).unwrap_err();
        assert!(error.to_string().contains("another machine"), "{error}");
    }

    #[test]
    fn rounds_are_summed_up_by_workload_and_system() {
        let results = example();
        let [work, rest] = &results.workloads[..] else {
            panic!("two workloads");
        };
        let [quick, slow] = &results.systems[..] else {
            panic!("two systems");
        };
        let cost = &work.metrics[0];
        let summary = results.summary(work, quick, cost).unwrap();
        assert_eq!(
            (summary.median, summary.min, summary.max),
            (11.0, 10.0, 12.0)
        );
        assert_eq!(results.summary(rest, slow, cost), None);
        assert_eq!(results.gap(rest, slow).unwrap().reason, "it never rests");
        assert_eq!(results.gap(work, slow), None);
        assert_eq!(results.rounds_of(work, quick), 3);
        assert_eq!(results.rounds_of(rest, slow), 0);
    }
}
