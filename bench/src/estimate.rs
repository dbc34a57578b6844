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
    let minutes = of(plan).as_secs().div_ceil(60);
    format!("{} measurement(s), about {minutes} min", due(plan).count())
}

fn of(plan: &Plan) -> Duration {
    due(plan)
        .map(|(workload, system)| one(plan, workload, system))
        .sum()
}

/// All measurements that can be made.
fn due(plan: &Plan) -> impl Iterator<Item = (&Workload, &System)> {
    (1..=plan.rounds)
        .flat_map(move |round| plan.workloads.iter().filter(move |w| plan.is_due(w, round)))
        .flat_map(move |workload| plan.systems.iter().map(move |system| (workload, system)))
        .filter(|(workload, system)| run::lacks(system, workload).is_none())
}

fn one(plan: &Plan, workload: &Workload, system: &System) -> Duration {
    let work = match workload.kind {
        Kind::Actions(_)
        | Kind::Broadcast { .. }
        | Kind::Create { .. }
        | Kind::Wake
        | Kind::Append { .. } => plan.window.warm_up + plan.window.measured,
        // Mostly waiting until memory rests. Peers take longer to make actors.
        Kind::Memory if system.supports(Ability::State).is_err() => Duration::from_secs(9),
        Kind::Memory if system.peer.is_none() => Duration::from_secs(35),
        Kind::Memory => Duration::from_secs(60),
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
    fn a_quick_run_with_peers_takes_about_a_quarter_of_an_hour() {
        let quick = minutes("--peers --quick");
        assert!((10..=18).contains(&quick), "{quick} min");
        assert!(minutes("--peers") > 60);
        assert_eq!(minutes("action-ws-64 --systems rust --rounds 1"), 0);
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
