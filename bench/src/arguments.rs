//! What can be typed after `cargo xtask bench`.

use std::{fmt::Write, path::PathBuf, str::FromStr, time::Duration};

use anyhow::{Context, Result, bail, ensure};

use crate::{
    load::Window,
    run::Plan,
    system::{self, SYSTEMS, System},
    workload::{WORKLOADS, Workload},
};

const ROUNDS: u32 = 5;
const SECONDS: f64 = 3.0;
const WARM_UP_SECONDS: f64 = 1.0;
const MAX_OPERATIONS: usize = 2_000_000;
/// The same for `--quick`.
const QUICK_ROUNDS: u32 = 2;
const QUICK_SECONDS: f64 = 1.0;
const QUICK_WARM_UP_SECONDS: f64 = 0.5;
/// A measurement and a run have to end.
const MOST_SECONDS: f64 = 600.0;
const MOST_ROUNDS: u32 = 1000;
const MOST_MINUTES: f64 = 24.0 * 60.0;

/// One invocation, parsed.
#[derive(Debug, PartialEq)]
pub(crate) enum Task {
    /// Show [`help`].
    Help,
    /// Be the floor in Rust.
    Echo {
        /// Sync to disk before answering.
        durable: bool,
    },
    /// Be `workerd`.
    Workerd,
    /// Be Greenroom with actors in Rust.
    Actors,
    /// Draw the pictures of result files into a folder.
    Plot {
        /// The files, at least one.
        results: Vec<PathBuf>,
        /// The folder.
        folder: PathBuf,
    },
    /// Write the tables of result files into a folder.
    Table {
        /// The files, at least one.
        results: Vec<PathBuf>,
        /// The folder.
        folder: PathBuf,
    },
    /// See that systems do what workloads need.
    Try(Vec<System>),
    /// Measure.
    Measure(Plan),
}

/// The text of `--help`.
pub(crate) fn help() -> String {
    let mut text = format!(
        "\
Measures Greenroom beside the floors of this machine.

Usage: cargo xtask bench [workload]... [options]
       cargo xtask bench try [--systems a,b | --peers]   see that systems do what workloads need
       cargo xtask bench plot <results>... [folder]      draw a picture of each workload there; default
                                                         docs/benchmarks
       cargo xtask bench table <results>... [folder]     write results.md there, with those pictures

Options:
  --systems a,b   which systems; default Greenroom and the floors
  --peers         the peers as well; they are installed from npm first
  --all           the workloads in parentheses as well
  --quick         {QUICK_ROUNDS} rounds of {QUICK_SECONDS} s after {QUICK_WARM_UP_SECONDS} s, what takes long in the first ones only;
                  options after it change that
  --minutes m     likewise, with as many rounds as fit into this time, of which the first is made anyway
  --peer-rounds n the most rounds with peers; default all
  --rounds n      rounds to take the median of; default {ROUNDS}; with --minutes the most of them
  --seconds s     of each measurement; default {SECONDS}
  --warm-up s     before each measurement; default {WARM_UP_SECONDS}
  --ops n         most operations of a measurement; default {MAX_OPERATIONS}

Workloads (by default all but those in parentheses):
"
    );
    let mut row = |name: &str, about: &str| {
        writeln!(text, "  {name:<24} {about}").expect("a string takes everything");
    };
    for workload in WORKLOADS {
        if workload.only_by_name {
            row(&format!("({})", workload.name), workload.about);
        } else {
            row(workload.name, workload.about);
        }
    }
    row("", "");
    row("Systems:", "");
    SYSTEMS
        .iter()
        .for_each(|system| row(system.name, system.about));
    text
}

/// Reads the arguments.
///
/// # Errors
/// An unknown name or option, or a number that is missing or out of range.
pub(crate) fn parse(arguments: &[String]) -> Result<Task> {
    if arguments
        .iter()
        .any(|word| word == "--help" || word == "-h")
    {
        return Ok(Task::Help);
    }
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["echo"] => Ok(Task::Echo { durable: false }),
        ["echo", "--durable"] => Ok(Task::Echo { durable: true }),
        ["workerd"] => Ok(Task::Workerd),
        ["actors"] => Ok(Task::Actors),
        ["plot", rest @ ..] => {
            let (results, folder) = parse_files("plot", rest)?;
            Ok(Task::Plot { results, folder })
        }
        ["table", rest @ ..] => {
            let (results, folder) = parse_files("table", rest)?;
            Ok(Task::Table { results, folder })
        }
        ["try", rest @ ..] => Ok(Task::Try(parse_plan(rest)?.systems)),
        _ => Ok(Task::Measure(parse_plan(&words)?)),
    }
}

/// Result files, and where to put what is made of them.
fn parse_files(command: &str, words: &[&str]) -> Result<(Vec<PathBuf>, PathBuf)> {
    let (results, rest): (Vec<&str>, Vec<&str>) =
        words.iter().partition(|word| word.ends_with(".json"));
    ensure!(
        !results.is_empty(),
        "`{command}` needs a result file, whose name ends with .json"
    );
    let folder = match rest[..] {
        [] => system::folder().join("../docs/benchmarks"),
        [folder] => folder.into(),
        _ => bail!("`{command}` takes one folder, not {}", rest.join(" ")),
    };
    Ok((results.into_iter().map(PathBuf::from).collect(), folder))
}

fn parse_plan(words: &[&str]) -> Result<Plan> {
    let mut workloads = Vec::new();
    let own = SYSTEMS.into_iter().filter(|system| system.peer.is_none());
    let mut systems: Vec<System> = own.collect();
    let mut rounds = ROUNDS;
    let mut peer_rounds = None;
    let mut seconds = SECONDS;
    let mut warm_up = WARM_UP_SECONDS;
    let mut max_operations = MAX_OPERATIONS;
    let mut quick = false;
    let mut minutes = None;
    let mut all = false;
    let mut words = words.iter().copied();
    while let Some(word) = words.next() {
        match word {
            "--systems" => systems = parse_systems(words.next())?,
            "--peers" => add_peers(&mut systems),
            "--all" => all = true,
            "--quick" => {
                quick = true;
                rounds = QUICK_ROUNDS;
                seconds = QUICK_SECONDS;
                warm_up = QUICK_WARM_UP_SECONDS;
            }
            "--minutes" => {
                minutes = Some(number(word, words.next())?);
                quick = true;
                rounds = MOST_ROUNDS;
                seconds = QUICK_SECONDS;
                warm_up = QUICK_WARM_UP_SECONDS;
            }
            "--peer-rounds" => peer_rounds = Some(number(word, words.next())?),
            "--rounds" => rounds = number(word, words.next())?,
            "--seconds" => seconds = number(word, words.next())?,
            "--warm-up" => warm_up = number(word, words.next())?,
            "--ops" => max_operations = number(word, words.next())?,
            name => workloads.push(workload(name)?),
        }
    }
    if all {
        workloads = WORKLOADS.to_vec();
    } else if workloads.is_empty() {
        workloads = default_workloads();
    }
    ensure!(
        (1..=MOST_ROUNDS).contains(&rounds),
        "--rounds has to be from 1 to {MOST_ROUNDS}"
    );
    ensure!(
        peer_rounds.is_none_or(|rounds| (1..=MOST_ROUNDS).contains(&rounds)),
        "--peer-rounds has to be from 1 to {MOST_ROUNDS}"
    );
    ensure!(max_operations > 0, "--ops has to be at least 1");
    let limit = minutes.map(minutes_of).transpose()?;
    let window = Window {
        warm_up: duration("--warm-up", warm_up, 0.0)?,
        measured: duration("--seconds", seconds, 0.1)?,
        max_operations,
    };
    Ok(Plan {
        workloads,
        systems,
        rounds,
        peer_rounds,
        limit,
        window,
        quick,
    })
}

fn default_workloads() -> Vec<Workload> {
    let all = WORKLOADS.into_iter();
    all.filter(|workload| !workload.only_by_name).collect()
}

fn workload(name: &str) -> Result<Workload> {
    let found = WORKLOADS.iter().find(|workload| workload.name == name);
    found
        .copied()
        .with_context(|| format!("no workload or option `{name}`; see --help"))
}

fn parse_systems(names: Option<&str>) -> Result<Vec<System>> {
    let names = names.context("--systems needs names, separated by commas")?;
    let find = |name| {
        let found = SYSTEMS.iter().find(|system| system.name == name);
        found
            .copied()
            .with_context(|| format!("no system `{name}`; see --help"))
    };
    names.split(',').map(find).collect()
}

/// Adds those that are not there.
fn add_peers(systems: &mut Vec<System>) {
    for system in SYSTEMS {
        if system.peer.is_some() && !systems.contains(&system) {
            systems.push(system);
        }
    }
}

fn number<N: FromStr>(option: &str, text: Option<&str>) -> Result<N> {
    match text.and_then(|text| text.parse().ok()) {
        Some(number) => Ok(number),
        None => bail!("{option} needs a number"),
    }
}

fn duration(option: &str, seconds: f64, least: f64) -> Result<Duration> {
    ensure!(
        (least..=MOST_SECONDS).contains(&seconds),
        "{option} has to be from {least} to {MOST_SECONDS} seconds"
    );
    Ok(Duration::from_secs_f64(seconds))
}

fn minutes_of(minutes: f64) -> Result<Duration> {
    ensure!(
        (1.0..=MOST_MINUTES).contains(&minutes),
        "--minutes has to be from 1 to {MOST_MINUTES}"
    );
    Ok(Duration::from_secs_f64(minutes * 60.0))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::{Task, help, parse};
    use crate::{system::SYSTEMS, workload::WORKLOADS};

    fn task(typed: &str) -> Result<Task, String> {
        let words: Vec<String> = typed.split_whitespace().map(str::to_owned).collect();
        parse(&words).map_err(|error| error.to_string())
    }

    #[test]
    fn nothing_means_all_workloads_and_no_peers() {
        let Ok(Task::Measure(plan)) = task("") else {
            panic!("not a plan");
        };
        assert_eq!(plan.workloads, super::default_workloads());
        assert!(plan.workloads.len() < WORKLOADS.len());
        assert!(plan.systems.iter().all(|system| system.peer.is_none()));
        let Ok(Task::Measure(with_peers)) = task("--peers") else {
            panic!("not a plan");
        };
        assert_eq!(with_peers.systems.len(), SYSTEMS.len());
    }

    #[test]
    fn a_choice_is_taken_in_its_order() {
        let typed =
            "read-ws-64 --systems rust,ws-node action-ws-1 --rounds 2 --seconds 0.5 --ops 9";
        let Ok(Task::Measure(plan)) = task(typed) else {
            panic!("not a plan");
        };
        let names: Vec<_> = plan
            .workloads
            .iter()
            .map(|workload| workload.name)
            .collect();
        assert_eq!(names, ["read-ws-64", "action-ws-1"]);
        let names: Vec<_> = plan.systems.iter().map(|system| system.name).collect();
        assert_eq!(names, ["rust", "ws-node"]);
        assert_eq!((plan.rounds, plan.window.max_operations), (2, 9));
        assert_eq!(plan.window.measured.as_millis(), 500);
    }

    #[test]
    fn a_quick_run_is_one_that_can_still_be_changed() {
        let Ok(Task::Measure(plan)) = task("--quick --rounds 4") else {
            panic!("not a plan");
        };
        assert!(plan.quick);
        assert_eq!(plan.rounds, 4);
        assert_eq!(plan.window.measured.as_millis(), 1000);
        let memory = WORKLOADS.iter().find(|w| w.name == "memory").unwrap();
        let system = &plan.systems[0];
        assert!(plan.is_due(memory, system, 1) && !plan.is_due(memory, system, 2));
        assert!(plan.is_due(&WORKLOADS[0], system, 2));
    }

    #[test]
    fn a_run_may_be_of_all_workloads_and_limited_in_time() {
        let Ok(Task::Measure(plan)) = task("--all --minutes 2.5 --seconds 2") else {
            panic!("not a plan");
        };
        assert_eq!(plan.workloads, WORKLOADS);
        assert_eq!(plan.limit.map(|limit| limit.as_secs()), Some(150));
        assert!(plan.quick);
        assert_eq!(plan.window.measured.as_millis(), 2000);
        for typed in [
            "--minutes",
            "--minutes soon",
            "--minutes 0.5",
            "--minutes 99999",
        ] {
            let error = task(typed).expect_err(typed);
            assert!(error.contains("--minutes"), "{error}");
        }
    }

    #[test]
    fn systems_can_be_tried() {
        let expected = vec![SYSTEMS[1], SYSTEMS[0]];
        let typed = "try --systems greenroom-bun,greenroom-node";
        assert_eq!(task(typed), Ok(Task::Try(expected)));
    }

    #[test]
    fn what_takes_long_is_measured_when_it_is_named() {
        let Ok(Task::Measure(plan)) = task("start-1m") else {
            panic!("not a plan");
        };
        assert!(plan.workloads[0].only_by_name);
    }

    #[test]
    fn pictures_and_tables_go_to_the_documentation_or_elsewhere() {
        let Ok(Task::Plot { results, folder }) = task("plot a.json") else {
            panic!("not a picture");
        };
        assert_eq!(results, [PathBuf::from("a.json")]);
        assert!(folder.ends_with("docs/benchmarks"));
        let elsewhere = Task::Table {
            results: vec!["a.json".into(), "c.json".into()],
            folder: "b".into(),
        };
        assert_eq!(task("table a.json c.json b"), Ok(elsewhere));
    }

    #[test]
    fn mistakes_are_named() {
        let mistake = |typed: &str, part: &str| {
            let error = task(typed).expect_err(typed);
            assert!(error.contains(part), "{typed}: {error}");
        };
        mistake("action", "no workload or option `action`");
        mistake("plot", "`plot` needs a result file");
        mistake("table a b c", "`table` needs a result file");
        mistake("--fast", "no workload or option `--fast`");
        mistake("--systems bare", "no system `bare`");
        mistake("--rounds", "--rounds needs a number");
        mistake("--rounds 0", "--rounds has to be from 1");
        mistake("--seconds nan", "--seconds has to be from 0.1");
        mistake("--seconds 1e9", "--seconds has to be from 0.1");
        mistake("--ops -1", "--ops needs a number");
    }

    #[test]
    fn help_names_everything() {
        assert_eq!(task("action-ws-1 --help"), Ok(Task::Help));
        for workload in WORKLOADS {
            assert!(help().contains(workload.name));
        }
        for system in SYSTEMS {
            assert!(help().contains(system.name));
        }
    }
}
