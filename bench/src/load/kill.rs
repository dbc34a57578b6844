//! What a crash takes: increments that are acknowledged, `kill -9` at once, and a start on what is
//! left.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use futures_util::{TryStreamExt, stream::FuturesUnordered};

use super::{Job, Target, counter::Counter, set, within};
use crate::{
    ability::Ability,
    action::{Action, Answer},
    client::{Http, Socket},
    metric,
    results::Values,
    server_process::ServerProcess,
};

/// The actor.
const KEY: &str = "bench";
/// Acknowledged before the kill.
const INCREMENTS: u64 = 20;
/// The longest that they may take.
const WORK: Duration = Duration::from_secs(60);
/// The longest until the state can be read again.
const READABLE: Duration = Duration::from_secs(120);
/// The longest that one attempt to read it may take.
const ATTEMPT: Duration = Duration::from_secs(5);
/// Pause after a read that failed.
const RETRY: Duration = Duration::from_millis(5);

pub(super) fn measure(job: &Job<'_>) -> Result<Values> {
    let over_socket = job.system.supports(Ability::Socket).is_ok();
    let server = job.start()?;
    let data = within(WORK, async {
        // Killed before anything else happens, with the connections still open.
        if over_socket {
            let _open = increments(job.target(&server)).await?;
            server.kill()
        } else {
            let _open = increments_over_http(job.target(&server)).await?;
            server.kill()
        }
    })?;
    let began = Instant::now();
    let server = ServerProcess::start(job.system, data)?;
    let count = within(READABLE + ATTEMPT, read(job.target(&server), over_socket))?;
    let readable = began.elapsed();
    server.stop()?;
    ensure!(
        count <= INCREMENTS,
        "the counter is {count} after {INCREMENTS} increments"
    );
    let mut values = Values::new();
    set(&mut values, metric::LOST, (INCREMENTS - count) as f64);
    set(&mut values, metric::READABLE, readable.as_secs_f64() * 1e3);
    Ok(values)
}

/// All at once, and back when all are acknowledged.
async fn increments(target: Target) -> Result<Socket> {
    let Target {
        address, dialect, ..
    } = target;
    let actor = Http::connect(address, dialect).await?.find(KEY).await?;
    let mut socket = Socket::open(address, dialect, &actor).await?;
    for _ in 0..INCREMENTS {
        socket.send(Action::Increment).await?;
    }
    let mut counter = Counter::new(dialect.in_order());
    for _ in 0..INCREMENTS {
        let (_, answer) = socket.reply().await?;
        counter.check(Action::Increment, answer)?;
    }
    Ok(socket)
}

/// The same where there are no WebSockets: each on a connection of its own.
async fn increments_over_http(target: Target) -> Result<Vec<Http>> {
    let mut open = Vec::new();
    for _ in 0..INCREMENTS {
        open.push(Http::connect(target.address, target.dialect).await?);
    }
    let actor = open[0].find(KEY).await?;
    let mut answers: FuturesUnordered<_> = open
        .iter_mut()
        .map(|http| http.run(&actor, Action::Increment))
        .collect();
    // Replies on different connections overtake each other.
    let mut counter = Counter::new(false);
    while let Some(answer) = answers.try_next().await? {
        counter.check(Action::Increment, answer)?;
    }
    drop(answers);
    Ok(open)
}

/// Tries until the actor answers, as clients do.
async fn read(target: Target, over_socket: bool) -> Result<u64> {
    let deadline = Instant::now() + READABLE;
    loop {
        let attempt = tokio::time::timeout(ATTEMPT, read_once(target, over_socket));
        match attempt.await.context("no answer in time").flatten() {
            Ok(Answer::Number(count)) => return Ok(count),
            Ok(other) => bail!("the count is {other:?}"),
            Err(error) if Instant::now() > deadline => {
                return Err(error).context("the state cannot be read after a crash");
            }
            Err(_) => tokio::time::sleep(RETRY).await,
        }
    }
}

async fn read_once(target: Target, over_socket: bool) -> Result<Answer> {
    let Target {
        address, dialect, ..
    } = target;
    let mut http = Http::connect(address, dialect).await?;
    let actor = http.find(KEY).await?;
    if !over_socket {
        return http.run(&actor, Action::Read).await;
    }
    Socket::open(address, dialect, &actor)
        .await?
        .run(Action::Read)
        .await
}
