//! Small changes to a state that may be large: 100 bytes more in a list, over one WebSocket.

use std::{cell::Cell, collections::BTreeMap, time::Instant};

use anyhow::{Context, Result, ensure};

use super::{Job, Target, counter::Counter, recorder::Recorder, set, set_operations};
use crate::{
    action::{Action, Answer},
    client::{Http, Socket},
    metric,
    results::Values,
};

/// The actor.
const KEY: &str = "bench";
/// What is appended.
const LINE: &str = "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789";
/// At any time. Few, because systems that store the whole list each time take long.
const IN_FLIGHT: usize = 16;
/// The list is filled in steps of so many bytes, each of them one action.
const STEP: u64 = 1_000_000;

pub(super) fn measure(job: &Job<'_>, bytes: u64) -> Result<Values> {
    let length = Cell::new(0);
    let measurement = job.windowed(async |target, recorder| {
        length.set(work(target, bytes, recorder).await?);
        Ok(())
    })?;
    let mut values = Values::new();
    set_operations(&mut values, &measurement);
    let change = (measurement.latencies.len() * LINE.len()) as f64;
    let by_calls = measurement.written.by_calls as f64;
    set(&mut values, metric::WRITTEN, by_calls / change);
    let to_disk = measurement.written.to_disk as f64;
    set(&mut values, metric::DISK, to_disk / change);
    let list = (length.get() * LINE.len() as u64) as f64;
    set(&mut values, metric::LIST, list / 1e3);
    Ok(values)
}

/// Every reply carries the length that the list must have by then; where replies overtake each other,
/// each length comes once, and none is missing in the end. Gives the last.
async fn work(target: Target, bytes: u64, recorder: &Recorder) -> Result<u64> {
    let Target {
        address, dialect, ..
    } = target;
    let actor = Http::connect(address, dialect).await?.find(KEY).await?;
    let mut socket = Socket::open(address, dialect, &actor).await?;
    let mut length = 0;
    let steps = (STEP..bytes).step_by(STEP as usize);
    for filled in steps.chain([bytes]) {
        length = match socket.run(Action::Fill(filled)).await? {
            Answer::Number(length) => length,
            other => anyhow::bail!("the answer to filling a list is {other:?}"),
        };
    }
    ensure!(
        length * LINE.len() as u64 >= bytes,
        "the list has {length} lines instead of {bytes} bytes"
    );
    let mut list = Counter::starting_at(length, dialect.in_order());
    let mut waiting = BTreeMap::new();
    for _ in 0..IN_FLIGHT {
        waiting.insert(socket.send(Action::Append(LINE)).await?, Instant::now());
    }
    while !waiting.is_empty() {
        let (id, answer) = socket.reply().await?;
        let sent = waiting
            .remove(&id)
            .with_context(|| format!("a reply to {id}, which nobody waits for"))?;
        list.check(Action::Append(LINE), answer)?;
        if recorder.reply(sent)? {
            let sent = Instant::now();
            waiting.insert(socket.send(Action::Append(LINE)).await?, sent);
        }
    }
    // Nothing is asked for again, so that no length has been left out.
    list.check(Action::Read, Answer::Number(list.value()))?;
    Ok(list.value())
}
