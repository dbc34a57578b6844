//! How long a run will take, roughly, as it did on two processors.

use std::time::Duration;

use crate::{
    ability::Ability,
    run::{self, Plan},
    system::System,
    workload::{Kind, Workload},
};

/// Starting and ending a system, and preparing what is measured, on average.
const AROUND: Duration = Duration::from_secs(1);
/// Beyond that, where there is another system's server to start.
const PEER: Duration = Duration::from_secs(1);

/// What a run begins with.
pub(crate) fn announce(plan: &Plan) -> String {
    let rounds = rounds(plan);
    let all: usize = (1..=rounds).map(|round| due(plan, round).count()).sum();
    let minutes = |time: Duration| time.as_secs().div_ceil(60);
    let total = minutes(of(plan));
    let first = minutes(round(plan, 1));
    match plan.limit {
        None => format!("{all} measurement(s), about {total} min"),
        Some(limit) => format!(
            "as many rounds as fit into {} min: about {rounds}, with {all} measurement(s); the first \
             takes about {first} min",
            minutes(limit)
        ),
    }
}

/// How long one round will take, counted from 1.
pub(crate) fn round(plan: &Plan, round: u32) -> Duration {
    due(plan, round)
        .map(|(workload, system)| one(plan, workload, system))
        .sum()
}

fn of(plan: &Plan) -> Duration {
    (1..=rounds(plan)).map(|number| round(plan, number)).sum()
}

/// How many there will be.
fn rounds(plan: &Plan) -> u32 {
    let Some(limit) = plan.limit else {
        return plan.rounds;
    };
    let mut time = Duration::ZERO;
    let fitting = (1..=plan.rounds).take_while(|number| {
        time += round(plan, *number);
        time <= limit
    });
    (fitting.count() as u32).max(1)
}

/// All measurements of a round that can be made.
fn due(plan: &Plan, round: u32) -> impl Iterator<Item = (&Workload, &System)> {
    plan.workloads
        .iter()
        .flat_map(move |workload| plan.systems.iter().map(move |system| (workload, system)))
        .filter(move |(workload, system)| plan.is_due(workload, system, round))
        .filter(|(workload, system)| run::lacks(system, workload).is_none())
}

fn one(plan: &Plan, workload: &Workload, system: &System) -> Duration {
    let work = match workload.kind {
        Kind::Actions(_) | Kind::Broadcast { .. } | Kind::Create { .. } | Kind::Append { .. } => {
            plan.window.warm_up + plan.window.measured
        }
        Kind::Wake => {
            let pause = system.asleep_after.unwrap_or_default();
            pause.max(plan.window.warm_up + plan.window.measured)
        }
        // Mostly waiting until memory rests. Peers take longer to make actors.
        Kind::Memory if system.supports(Ability::State).is_err() => Duration::from_secs(14),
        Kind::Memory if system.peer.is_none() => Duration::from_secs(55),
        Kind::Memory => Duration::from_secs(60),
        // It finds out after half a minute that its last process is gone.
        Kind::Kill if system.name.starts_with("rivetkit-2.3") => Duration::from_secs(33),
        Kind::Start { stored: 0 } | Kind::Kill => Duration::from_secs(1),
        Kind::Start { .. } => Duration::from_secs(10),
        Kind::Size => Duration::from_secs(8),
    };
    let peer = system.peer.map_or(Duration::ZERO, |_| PEER);
    work + AROUND + peer
}

#[cfg(test)]
mod tests {
    use super::{announce, of};
    use crate::arguments::{Task, parse};

    fn minutes(typed: &str) -> u64 {
        let words: Vec<String> = typed.split_whitespace().map(str::to_owned).collect();
        let Ok(Task::Measure(plan)) = parse(&words) else {
            panic!("not a plan: {typed}");
        };
        of(&plan).as_secs() / 60
    }

    #[test]
    fn a_quick_run_with_peers_takes_about_twenty_minutes() {
        let quick = minutes("--peers --quick");
        assert!((14..=26).contains(&quick), "{quick} min");
        assert!(minutes("--peers") > 60);
        assert_eq!(minutes("action-ws-64 --systems rust --rounds 1"), 0);
    }

    #[test]
    fn as_many_rounds_are_made_as_fit() {
        let limited = minutes("--peers --all --minutes 60");
        assert!((45..=60).contains(&limited), "{limited} min");
        assert!(minutes("--peers --all --minutes 60 --rounds 1") < 20);
        // One round is made anyway.
        assert!(minutes("--peers --minutes 1") > 1);
        let words = [
            "create",
            "--systems",
            "rust,greenroom-node",
            "--minutes",
            "5",
        ];
        let Ok(Task::Measure(plan)) = parse(&words.map(str::to_owned)) else {
            panic!("not a plan");
        };
        let said = announce(&plan);
        assert!(
            said.starts_with("as many rounds as fit into 5 min: about 1"),
            "{said}"
        );
    }

    #[test]
    fn what_a_system_cannot_do_takes_no_time() {
        let words = [
            "create",
            "--systems",
            "rust,greenroom-node",
            "--rounds",
            "2",
        ];
        let Ok(Task::Measure(plan)) = parse(&words.map(str::to_owned)) else {
            panic!("not a plan");
        };
        assert_eq!(announce(&plan), "2 measurement(s), about 1 min");
    }
}
