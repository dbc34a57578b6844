//! Calls over HTTP to a small actor that sleeps, and the same calls to it awake.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::{Job, SLACK, Target, awake, set, set_latencies, used::Used, within};
use crate::{
    action::{Action, Answer},
    client::Http,
    metric,
    results::Values,
    statistics::percentile,
};

/// The actor.
const KEY: &str = "bench";
/// The most often that it is woken.
const MOST: usize = 2000;
/// The longest that it may take to fall asleep.
const ASLEEP: Duration = Duration::from_secs(20);

pub(super) fn measure(job: &Job<'_>) -> Result<Values> {
    let server = job.start()?;
    let limit = job.window.warm_up + job.window.measured + ASLEEP + SLACK;
    let before = Used::until_now(server.pid())?;
    let since = Instant::now();
    let calls = within(limit, calls(job, job.target(&server)))?;
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
struct Calls {
    waking: Vec<Duration>,
    warm: Vec<Duration>,
}

async fn calls(job: &Job<'_>, target: Target) -> Result<Calls> {
    let mut http = Http::connect(target.address, target.dialect).await?;
    let actor = http.find(KEY).await?;
    http.run(&actor, Action::Increment).await?;
    let began = Instant::now();
    let mut calls = Calls {
        waking: Vec::new(),
        warm: Vec::new(),
    };
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
