//! Calls over HTTP to small actors that sleep, and the same calls to them awake.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::{Job, SLACK, Target, awake, set, set_latencies, used::Used, within};
use crate::{
    ability::Ability,
    action::{Action, Answer},
    client::Http,
    metric,
    results::Values,
    statistics::percentile,
    system::System,
};

/// The actor, or what the keys of several begin with.
const KEY: &str = "bench";
/// The most often that an actor is woken.
const MOST: usize = 2000;
/// The longest that it may take to fall asleep, where the server says when it does.
const ASLEEP: Duration = Duration::from_secs(20);
/// Actors that fall asleep together, where the server does not say.
const DOZING: usize = 12;
/// Of those, the fewest that must turn out to have slept.
const FEWEST: usize = 6;

pub(super) fn measure(job: &Job<'_>) -> Result<Values> {
    let server = job.start()?;
    let pause = job.system.asleep_after.unwrap_or(ASLEEP);
    let limit = job.window.warm_up + job.window.measured + pause + SLACK;
    let before = Used::until_now(server.pid())?;
    let since = Instant::now();
    let target = job.target(&server);
    let calls = within(limit, async {
        if job.system.supports(Ability::Awake).is_ok() {
            seen(job, target).await
        } else {
            unseen(job.system, target).await
        }
    })?;
    let others = Used::until_now(server.pid())?.since(before).by_others();
    let elapsed = since.elapsed();
    server.stop()?;
    let Calls {
        mut waking,
        mut warm,
    } = calls;
    waking.sort_unstable();
    warm.sort_unstable();
    let mut values = Values::new();
    let extra = percentile(&waking, 0.5).as_secs_f64() - percentile(&warm, 0.5).as_secs_f64();
    set(&mut values, metric::WAKE_EXTRA, extra * 1e6);
    set_latencies(&mut values, &waking, metric::WAKE_P50, None);
    set_latencies(&mut values, &warm, metric::WARM_P50, None);
    set(
        &mut values,
        metric::OTHER_LOAD,
        others.as_secs_f64() / elapsed.as_secs_f64(),
    );
    Ok(values)
}

/// Latencies of calls that counted.
#[derive(Default)]
struct Calls {
    waking: Vec<Duration>,
    warm: Vec<Duration>,
}

/// One actor again and again, on a server that says when it sleeps.
async fn seen(job: &Job<'_>, target: Target) -> Result<Calls> {
    let mut http = Http::connect(target.address, target.dialect).await?;
    let actor = http.find(KEY).await?;
    http.run(&actor, Action::Increment).await?;
    let began = Instant::now();
    let mut calls = Calls::default();
    loop {
        http.run(&actor, Action::Nap).await?;
        awake::wait_for(&mut http, 0, ASLEEP).await?;
        let waking = read(&mut http, &actor).await?;
        // The first call after a wake may have more to do than those after it.
        read(&mut http, &actor).await?;
        let warm = read(&mut http, &actor).await?;
        if began.elapsed() < job.window.warm_up {
            continue;
        }
        calls.waking.push(waking);
        calls.warm.push(warm);
        let is_over = began.elapsed() >= job.window.warm_up + job.window.measured;
        if is_over || calls.waking.len() >= MOST.min(job.window.max_operations) {
            return Ok(calls);
        }
    }
}

/// Several actors, once each, after a pause in which they fall asleep. Only those count that say
/// afterwards that they were woken, where the system can say.
async fn unseen(system: &System, target: Target) -> Result<Calls> {
    let pause = system
        .asleep_after
        .context("nobody knows when its actors sleep")?;
    let can = |ability| system.supports(ability).is_ok();
    let mut http = Http::connect(target.address, target.dialect).await?;
    // Stays awake by being called, and takes what is slow only on a new connection.
    let spare = http.find("spare").await?;
    http.run(&spare, Action::Increment).await?;
    let mut actors = Vec::new();
    for number in 0..DOZING {
        let actor = http.find(&format!("{KEY}-{number}")).await?;
        http.run(&actor, Action::Increment).await?;
        let woken = if can(Ability::Wakes) {
            wakes(&mut http, &actor).await?
        } else {
            0
        };
        actors.push((actor, woken));
    }
    if can(Ability::Nap) {
        for (actor, _) in &actors {
            http.run(actor, Action::Nap).await?;
        }
    }
    // There is nothing to be told by.
    tokio::time::sleep(pause).await;
    let mut http = Http::connect(target.address, target.dialect).await?;
    read(&mut http, &spare).await?;
    let mut calls = Calls::default();
    for (actor, woken) in &actors {
        let waking = read(&mut http, actor).await?;
        let slept = if can(Ability::Wakes) {
            wakes(&mut http, actor).await? > *woken
        } else {
            // As many calls as otherwise.
            read(&mut http, actor).await?;
            true
        };
        let warm = read(&mut http, actor).await?;
        if slept {
            calls.waking.push(waking);
            calls.warm.push(warm);
        }
    }
    let slept = calls.waking.len();
    ensure!(
        slept >= FEWEST,
        "after {pause:?}, only {slept} of {DOZING} actors had slept"
    );
    Ok(calls)
}

/// The latency of one read.
async fn read(http: &mut Http, actor: &str) -> Result<Duration> {
    let sent = Instant::now();
    let answer = http.run(actor, Action::Read).await?;
    let latency = sent.elapsed();
    ensure!(
        answer == Answer::Number(1),
        "the actor answers {answer:?} after one increment"
    );
    Ok(latency)
}

/// How often the actor was woken.
async fn wakes(http: &mut Http, actor: &str) -> Result<u64> {
    match http.run(actor, Action::Wakes).await? {
        Answer::Number(count) => Ok(count),
        other => bail!("the actor was woken {other:?} times"),
    }
}
