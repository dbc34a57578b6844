//! From the start of a process to its first durable action.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::{Job, SLACK, Target, set, used::Used, within};
use crate::{
    action::{Action, Answer},
    client::Http,
    filled, metric,
    results::Values,
    server_process::{Data, ServerProcess},
};

/// The new actor on an empty directory.
const KEY: &str = "bench";

pub(super) fn measure(job: &Job<'_>, stored: u32) -> Result<Values> {
    let data = if stored == 0 {
        Data::fresh(job.folder)?
    } else {
        job.filled.copy(stored, job.folder)?
    };
    // An actor that is stored was incremented once.
    let (key, before) = match stored {
        0 => (KEY.to_owned(), 0),
        _ => (filled::key(stored / 2), 1),
    };
    let so_far = Used::without_server()?;
    let began = Instant::now();
    let server = ServerProcess::start(job.system, data)?;
    let listens = began.elapsed();
    within(SLACK, first_action(job.target(&server), &key, before + 1))?;
    let acted = began.elapsed();
    let used = Used::until_now(server.pid())?.since(so_far);
    server.check_family()?;
    server.stop()?;
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    let mut values = Values::new();
    set(&mut values, metric::FIRST_ACTION, ms(acted));
    set(&mut values, metric::LISTENS, ms(listens));
    set(&mut values, metric::START_CPU, ms(used.server));
    let load = used.by_others().as_secs_f64() / acted.as_secs_f64();
    set(&mut values, metric::OTHER_LOAD, load);
    Ok(values)
}

async fn first_action(target: Target, key: &str, expected: u64) -> Result<()> {
    let mut http = Http::connect(target.address, target.dialect).await?;
    let actor = http.find(key).await?;
    let answer = http.run(&actor, Action::Increment).await?;
    ensure!(
        answer == Answer::Number(expected),
        "the first increment answers {answer:?} instead of {expected}"
    );
    Ok(())
}
