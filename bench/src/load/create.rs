//! New actors, and one durable action on each, over HTTP.

use std::time::Instant;

use anyhow::{Result, ensure};
use futures_util::{TryStreamExt, stream::FuturesUnordered};

use super::{Job, Target, recorder::Recorder, set_operations};
use crate::{
    action::{Action, Answer},
    client::Http,
    results::Values,
};

/// How many of a connection's actors are read again at the end: the first ones.
const CHECKED: u64 = 20;

pub(super) fn measure(job: &Job<'_>, in_flight: usize) -> Result<Values> {
    let measurement = job.windowed(async |target, recorder| {
        let connections: FuturesUnordered<_> = (0..in_flight)
            .map(|connection| work(target, connection, recorder))
            .collect();
        connections.try_collect().await
    })?;
    let mut values = Values::new();
    set_operations(&mut values, &measurement);
    Ok(values)
}

async fn work(target: Target, connection: usize, recorder: &Recorder) -> Result<()> {
    let mut http = Http::connect(target.address, target.dialect).await?;
    let key = |number: u64| format!("new-{connection}-{number}");
    let mut created = 0;
    loop {
        let sent = Instant::now();
        // Systems that have to be asked for an actor's address before do that here.
        let actor = http.find(&key(created)).await?;
        run(&mut http, &actor, Action::Increment).await?;
        created += 1;
        if !recorder.reply(sent)? {
            break;
        }
    }
    for number in 0..created.min(CHECKED) {
        let actor = http.find(&key(number)).await?;
        run(&mut http, &actor, Action::Read).await?;
    }
    Ok(())
}

/// One increment or a read after it: both answer 1.
async fn run(http: &mut Http, actor: &str, action: Action<'_>) -> Result<()> {
    let answer = http.run(actor, action).await?;
    ensure!(
        answer == Answer::Number(1),
        "{action} answers {answer:?} on an actor with one increment"
    );
    Ok(())
}
