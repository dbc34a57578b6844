//! What a crash takes: increments that are acknowledged, `kill -9` at once, and a start on what is
//! left.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::{Job, Target, set, within};
use crate::{
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
    let server = job.start()?;
    let data = within(WORK, async {
        let _open = increments(job.target(&server)).await?;
        // Before anything else happens, with the WebSocket still open.
        server.kill()
    })?;
    let began = Instant::now();
    let server = ServerProcess::start(job.system, data)?;
    let count = within(READABLE + ATTEMPT, read(job.target(&server)))?;
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
    for expected in 1..=INCREMENTS {
        let (_, answer) = socket.reply().await?;
        ensure!(
            answer == Answer::Number(expected),
            "increment {expected} answers {answer:?}"
        );
    }
    Ok(socket)
}

/// Tries until the actor answers, as clients do.
async fn read(target: Target) -> Result<u64> {
    let deadline = Instant::now() + READABLE;
    loop {
        let attempt = tokio::time::timeout(ATTEMPT, read_once(target));
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

async fn read_once(target: Target) -> Result<Answer> {
    let Target {
        address, dialect, ..
    } = target;
    let actor = Http::connect(address, dialect).await?.find(KEY).await?;
    Socket::open(address, dialect, &actor)
        .await?
        .run(Action::Read)
        .await
}
