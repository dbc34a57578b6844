//! What Greenroom wants to reach: figures that its own are compared with.

use crate::{
    metric::{self, Metric},
    results::{MetricEntry, Results, Role, SystemEntry, WorkloadEntry},
};

/// A figure of a workload that is not to be exceeded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Goal {
    workload: &'static str,
    metric: Metric,
    language: Language,
    limit: Limit,
}

/// What actors are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    /// Under Node.js or Bun.
    TypeScript,
    /// On the core itself.
    Rust,
}

#[derive(Clone, Copy, Debug)]
enum Limit {
    /// This figure.
    AtMost(f64),
    /// So many times what another system has in the same run.
    Times(f64, &'static str),
    /// The same, beside one sync of the disk.
    SyncAndTimes(f64, &'static str),
    /// So many times what the same system has in another workload of the same run.
    TimesIn(f64, &'static str),
}

/// How a system stands to a goal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Standing {
    /// What the goal comes to in this run.
    pub(crate) limit: f64,
    /// What the system has.
    pub(crate) median: f64,
}

impl Standing {
    /// Whether the goal is reached.
    pub(crate) fn is_met(self) -> bool {
        self.median <= self.limit
    }
}

const fn goal(workload: &'static str, metric: Metric, language: Language, limit: Limit) -> Goal {
    Goal {
        workload,
        metric,
        language,
        limit,
    }
}

const fn typescript(workload: &'static str, metric: Metric, limit: Limit) -> Goal {
    goal(workload, metric, Language::TypeScript, limit)
}

const fn rust(workload: &'static str, metric: Metric, limit: Limit) -> Goal {
    goal(workload, metric, Language::Rust, limit)
}

use Limit::{AtMost, SyncAndTimes, Times, TimesIn};

/// All goals, in the order of workloads. They are those for a machine with two processors.
const GOALS: &[Goal] = &[
    typescript("action-ws-64", metric::CPU, AtMost(20.0)),
    typescript("action-ws-64", metric::CPU, Times(1.6, "ws-node")),
    typescript("action-ws-64", metric::CPU, Times(0.1, "workerd")),
    rust("action-ws-64", metric::CPU, AtMost(15.0)),
    typescript("action-ws-1", metric::P50, SyncAndTimes(2.0, "ws-node")),
    rust("action-ws-1", metric::P50, SyncAndTimes(2.0, "rust")),
    typescript("read-ws-64", metric::CPU, AtMost(18.0)),
    rust("read-ws-64", metric::CPU, AtMost(10.0)),
    typescript("action-http-64", metric::CPU, AtMost(35.0)),
    rust("action-http-64", metric::CPU, AtMost(26.0)),
    typescript("action-http-1000", metric::CPU, AtMost(35.0)),
    rust("action-http-1000", metric::CPU, AtMost(26.0)),
    typescript("broadcast", metric::CPU_DELIVERY, AtMost(4.0)),
    rust("broadcast", metric::CPU_DELIVERY, AtMost(4.0)),
    typescript("broadcast-16", metric::CPU_DELIVERY, AtMost(4.0)),
    rust("broadcast-16", metric::CPU_DELIVERY, AtMost(4.0)),
    typescript("create", metric::CPU, AtMost(80.0)),
    rust("create", metric::CPU, AtMost(50.0)),
    typescript("wake", metric::WAKE_EXTRA, AtMost(300.0)),
    rust("wake", metric::WAKE_EXTRA, AtMost(100.0)),
    typescript("append-10k", metric::WRITTEN, AtMost(3.0)),
    typescript("append-1m", metric::CPU, TimesIn(1.2, "append-10k")),
    rust("append-1m", metric::CPU, TimesIn(1.2, "append-10k")),
    typescript("append-1m", metric::WRITTEN, AtMost(3.0)),
    typescript("append-10m", metric::CPU, TimesIn(1.2, "append-10k")),
    rust("append-10m", metric::CPU, TimesIn(1.2, "append-10k")),
    typescript("append-10m", metric::WRITTEN, AtMost(3.0)),
    typescript("memory", metric::ACTOR_MEMORY, AtMost(3500.0)),
    rust("memory", metric::ACTOR_MEMORY, AtMost(2000.0)),
    typescript("memory", metric::ACTOR_HEAP, AtMost(2000.0)),
    typescript("memory", metric::CONNECTION_MEMORY, AtMost(6000.0)),
    rust("memory", metric::CONNECTION_MEMORY, AtMost(6000.0)),
    // None at all: what is below this is noise.
    typescript("memory", metric::SLEEPER_MEMORY, AtMost(100.0)),
    rust("memory", metric::SLEEPER_MEMORY, AtMost(100.0)),
    typescript("start", metric::FIRST_ACTION, AtMost(250.0)),
    rust("start", metric::FIRST_ACTION, AtMost(50.0)),
    typescript("start-1m", metric::FIRST_ACTION, AtMost(2000.0)),
    typescript("kill", metric::LOST, AtMost(0.0)),
    rust("kill", metric::LOST, AtMost(0.0)),
    typescript("kill", metric::READABLE, AtMost(500.0)),
    rust("kill", metric::READABLE, AtMost(100.0)),
    typescript("size", metric::INSTALL, AtMost(25.0)),
    typescript("size", metric::PACKAGES, AtMost(5.0)),
    typescript("size", metric::BROWSER, AtMost(12.0)),
];

impl Goal {
    /// Those of one figure of a workload.
    pub(crate) fn of(
        workload: &WorkloadEntry,
        metric: &MetricEntry,
    ) -> impl Iterator<Item = &'static Self> {
        let is_of =
            |goal: &&Self| goal.workload == workload.name && goal.metric.name == metric.name;
        GOALS.iter().filter(is_of)
    }

    /// Whose it is, in few words.
    pub(crate) fn whose(&self) -> &'static str {
        match self.language {
            Language::TypeScript => "TypeScript",
            Language::Rust => "Rust",
        }
    }

    /// Whether it is one for this system. With several threads there is none: they are compared with one.
    pub(crate) fn is_for(&self, system: &SystemEntry) -> bool {
        let language = match system.name.as_str() {
            "greenroom-rust" => Language::Rust,
            "greenroom-node" | "greenroom-bun" => Language::TypeScript,
            _ => return false,
        };
        system.role == Role::Ours && language == self.language
    }

    /// What is to be reached, as text; the figure's unit goes without saying.
    pub(crate) fn describe(&self) -> String {
        match self.limit {
            AtMost(value) => format!("≤ {value}"),
            Times(factor, system) => format!("≤ {factor} × {system}"),
            SyncAndTimes(factor, system) => format!("≤ a sync + {factor} × {system}"),
            TimesIn(factor, workload) => format!("≤ {factor} × that of {workload}"),
        }
    }

    /// What it comes to for a system. `None` if the run does not say.
    pub(crate) fn limit(&self, results: &Results, system: &SystemEntry) -> Option<f64> {
        let of_system = |name: &str| {
            let other = results.systems.iter().find(|other| other.name == name)?;
            self.median(results, self.workload, other)
        };
        match self.limit {
            AtMost(value) => Some(value),
            Times(factor, name) => Some(factor * of_system(name)?),
            SyncAndTimes(factor, name) => {
                Some(results.machine.fdatasync_p50_us + factor * of_system(name)?)
            }
            TimesIn(factor, workload) => Some(factor * self.median(results, workload, system)?),
        }
    }

    /// How a system stands to it. `None` if the run does not say.
    pub(crate) fn standing(&self, results: &Results, system: &SystemEntry) -> Option<Standing> {
        Some(Standing {
            limit: self.limit(results, system)?,
            median: self.median(results, self.workload, system)?,
        })
    }

    fn median(&self, results: &Results, workload: &str, system: &SystemEntry) -> Option<f64> {
        let workload = results
            .workloads
            .iter()
            .find(|entry| entry.name == workload)?;
        let metric = MetricEntry::from(&self.metric);
        Some(results.summary(workload, system, &metric)?.median)
    }
}

#[cfg(test)]
mod tests {
    use super::{GOALS, Goal, Limit};
    use crate::{
        results::tests::of_a_run,
        system::SYSTEMS,
        workload::{WORKLOADS, Workload},
    };

    fn named(name: &str) -> Workload {
        let mut workloads = WORKLOADS.into_iter();
        workloads
            .find(|workload| workload.name == name)
            .unwrap_or_else(|| panic!("no workload {name}"))
    }

    #[test]
    fn goals_are_for_figures_that_there_are() {
        for goal in GOALS {
            let metrics = named(goal.workload).kind.metrics();
            let name = goal.metric.name;
            assert!(metrics.iter().any(|metric| metric.name == name), "{goal:?}");
            match goal.limit {
                Limit::AtMost(_) => {}
                Limit::Times(_, name) | Limit::SyncAndTimes(_, name) => {
                    assert!(SYSTEMS.iter().any(|system| system.name == name), "{goal:?}");
                }
                Limit::TimesIn(_, name) => {
                    assert_eq!(named(name).kind.metrics()[0].name, "server_cpu_us")
                }
            }
        }
    }

    #[test]
    fn limits_are_figures_or_what_they_come_to_in_the_run() {
        let results = of_a_run(&[
            ("action-ws-64", "greenroom-node", "server_cpu_us", 12.0),
            ("action-ws-64", "ws-node", "server_cpu_us", 5.0),
            ("action-ws-1", "greenroom-rust", "latency_p50_us", 150.0),
            ("action-ws-1", "rust", "latency_p50_us", 20.0),
            ("append-10k", "greenroom-node", "server_cpu_us", 30.0),
            ("append-1m", "greenroom-node", "server_cpu_us", 36.0),
        ]);
        let standings = |workload: &str, system: &str| -> Vec<(String, f64, bool)> {
            let workload = results.workloads.iter().find(|w| w.name == workload);
            let system = results.systems.iter().find(|s| s.name == system);
            let (workload, system) = (workload.expect("measured"), system.expect("measured"));
            let goals = workload.metrics.iter().flat_map(|m| Goal::of(workload, m));
            goals
                .filter(|goal| goal.is_for(system))
                .filter_map(|goal| {
                    let standing = goal.standing(&results, system)?;
                    Some((goal.describe(), standing.limit, standing.is_met()))
                })
                .collect()
        };
        // workerd was not measured.
        assert_eq!(
            standings("action-ws-64", "greenroom-node"),
            [
                ("≤ 20".to_owned(), 20.0, true),
                ("≤ 1.6 × ws-node".to_owned(), 8.0, false)
            ]
        );
        // A sync takes 114 µs there.
        assert_eq!(
            standings("action-ws-1", "greenroom-rust"),
            [("≤ a sync + 2 × rust".to_owned(), 154.0, true)]
        );
        assert_eq!(
            standings("append-1m", "greenroom-node"),
            [("≤ 1.2 × that of append-10k".to_owned(), 36.0, true)]
        );
        assert_eq!(standings("action-ws-64", "ws-node"), []);
    }
}
