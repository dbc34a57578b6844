//! Pipelined operations over one WebSocket.

use std::{collections::BTreeMap, time::Instant};

use anyhow::{Context, Result};

use super::{Target, counter::Counter, recorder::Recorder};
use crate::{
    action::Action,
    client::{Http, Socket},
    workload::Actions,
};

/// The actor that everything goes to.
const KEY: &str = "bench";

/// Keeps the workload's number of operations in flight until the recorder has enough.
pub(super) async fn work(target: Target, actions: &Actions, recorder: &Recorder) -> Result<()> {
    let Target {
        address, dialect, ..
    } = target;
    let actor = Http::connect(address, dialect).await?.find(KEY).await?;
    let mut socket = Socket::open(address, dialect, &actor).await?;
    let mut counter = Counter::new(dialect.in_order());
    // So that a read has something to show.
    let answer = socket.run(Action::Increment).await?;
    counter.check(Action::Increment, answer)?;
    let mut waiting = BTreeMap::new();
    for _ in 0..actions.in_flight {
        let id = socket.send(actions.action).await?;
        waiting.insert(id, Instant::now());
    }
    while !waiting.is_empty() {
        let (id, answer) = socket.reply().await?;
        let sent = waiting
            .remove(&id)
            .with_context(|| format!("a reply to {id}, which nobody waits for"))?;
        counter.check(actions.action, answer)?;
        if recorder.reply(sent)? {
            let sent = Instant::now();
            waiting.insert(socket.send(actions.action).await?, sent);
        }
    }
    let answer = socket.run(Action::Read).await?;
    counter.check(Action::Read, answer)
}
