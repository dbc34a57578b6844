//! The simulation in short: a seed is a run, what must hold does hold, and what is wrong is found. More of it
//! by `cargo xtask sim`.

use std::process::{Command, Output};

use greenroom_sim::{Plant, Report, calm, run};

/// A run in a process of its own.
fn process(seed: u64) -> Output {
    Command::new(env!("CARGO_BIN_EXE_greenroom-sim"))
        .args(["--seed", &seed.to_string()])
        .output()
        .expect("the program starts")
}

#[test]
fn the_same_seed_gives_the_same_trace_byte_for_byte() {
    for seed in [5, 14, 16, 1_000_003] {
        let (first, second) = (process(seed), process(seed));
        assert!(first.stdout.len() > 1_000, "seed {seed} does something");
        let lines = |output: &Output| {
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            text.lines().map(str::to_owned).collect::<Vec<_>>()
        };
        let differing = lines(&first)
            .into_iter()
            .zip(lines(&second))
            .find(|(first, second)| first != second);
        assert_eq!(differing, None, "seed {seed}");
        assert!(first.stdout == second.stdout, "seed {seed}: one goes on");
    }
}

#[test]
fn a_seed_that_does_not_end_has_failed() {
    let folder = tempfile::tempdir().expect("there is room");
    let output = Command::new(env!("CARGO_BIN_EXE_greenroom-sim"))
        .args(["--from", "7", "--count", "1", "--limit", "0"])
        .current_dir(folder.path())
        .output()
        .expect("the program starts");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(!output.status.success(), "{said}");
    assert!(
        said.contains("seed 7 fails:\n  did not end within 0 s"),
        "{said}"
    );
    assert!(said.contains("replay: cargo xtask sim --seed 7"), "{said}");
}

#[test]
fn different_seeds_give_different_runs() {
    assert_ne!(run(1, None).trace, run(2, None).trace);
}

#[test]
fn nobody_can_tell_whether_actors_sleep() {
    for seed in 1..=4 {
        let (sleepy, restless) = (calm(seed, true), calm(seed, false));
        assert_eq!(sleepy.violations, Vec::<String>::new(), "seed {seed}");
        assert_eq!(restless.violations, Vec::<String>::new(), "seed {seed}");
        let lives = |report: &Report| {
            let starts = report
                .trace
                .iter()
                .filter(|line| line.contains(" starts life "));
            starts.count()
        };
        assert!(
            lives(&sleepy) > 2 * lives(&restless),
            "seed {seed}: they do sleep"
        );
        let differing = sleepy
            .answers
            .iter()
            .zip(&restless.answers)
            .find(|(sleepy, restless)| sleepy != restless);
        assert_eq!(differing, None, "seed {seed}");
        assert_eq!(sleepy.answers.len(), restless.answers.len(), "seed {seed}");
    }
}

/// What must hold, on seeds from `first` on.
fn check(first: u64) {
    for seed in first..first + 10 {
        let report = run(seed, None);
        assert!(
            report.violations.is_empty(),
            "{report}\n{}\nreplay: cargo xtask sim --seed {seed}",
            report.violations.join("\n")
        );
    }
}

#[test]
fn what_must_hold_holds_on_the_first_seeds() {
    check(1);
}

#[test]
fn what_must_hold_holds_on_the_next_seeds() {
    check(11);
}

/// Some seed up to the bug's limit finds it.
fn check_found(plants: &[Plant]) {
    for &plant in plants {
        let limit = Plant::ALL
            .into_iter()
            .find_map(|(other, limit)| (other == plant).then_some(limit))
            .expect("every planted bug has a limit");
        let found = (1..=limit).any(|seed| !run(seed, Some(plant)).violations.is_empty());
        assert!(found, "`{plant}` is not found within {limit} seeds");
    }
}

#[test]
fn bugs_planted_in_the_store_are_found() {
    check_found(&[
        Plant::AckBeforeSync,
        Plant::SkipEpochCheck,
        Plant::DropAlarm,
        Plant::ForgetCommit,
    ]);
}

#[test]
fn bugs_planted_in_turns_are_found() {
    check_found(&[
        Plant::PublishBeforeCommit,
        Plant::TornTurn,
        Plant::RelaxStrict,
        Plant::LateRemove,
    ]);
}

#[test]
fn bugs_planted_in_coming_back_are_found() {
    check_found(&[Plant::TellAgain, Plant::SkipMissed, Plant::RunAgain]);
}

#[test]
fn bugs_planted_in_actors_are_found() {
    check_found(&[
        Plant::EarlyAlarm,
        Plant::DeafCancel,
        Plant::DropEvent,
        Plant::LateEvent,
        Plant::ForgetCall,
        Plant::ForgetAtSleep,
    ]);
}
