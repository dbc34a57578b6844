//! Operations over many WebSockets, each to an actor of its own: one at a time on each.

use std::time::Instant;

use anyhow::Result;
use futures_util::{TryStreamExt, stream::FuturesUnordered};

use super::{Target, counter::Counter, recorder::Recorder};
use crate::{
    action::Action,
    client::{Http, Socket},
    workload::Actions,
};

/// Works on as many WebSockets as the workload has operations in flight until the recorder has enough.
pub(super) async fn work(target: Target, actions: &Actions, recorder: &Recorder) -> Result<()> {
    let mut lines = Vec::with_capacity(actions.in_flight);
    for number in 0..actions.in_flight {
        let mut line = Line::open(target, &format!("bench-{number}")).await?;
        // So that a read has something to show. All before anything is measured.
        line.run(Action::Increment).await?;
        lines.push(line);
    }
    let work = lines
        .iter_mut()
        .map(|line| line.work(actions.action, recorder));
    // All at once on this task; the first error ends them.
    work.collect::<FuturesUnordered<_>>().try_collect().await
}

struct Line {
    socket: Socket,
    counter: Counter,
}

impl Line {
    async fn open(target: Target, key: &str) -> Result<Self> {
        let Target {
            address, dialect, ..
        } = target;
        let actor = Http::connect(address, dialect).await?.find(key).await?;
        Ok(Self {
            socket: Socket::open(address, dialect, &actor).await?,
            counter: Counter::default(),
        })
    }

    async fn work(&mut self, action: Action<'_>, recorder: &Recorder) -> Result<()> {
        loop {
            let sent = Instant::now();
            self.run(action).await?;
            if !recorder.reply(sent)? {
                break;
            }
        }
        self.run(Action::Read).await
    }

    async fn run(&mut self, action: Action<'_>) -> Result<()> {
        let answer = self.socket.run(action).await?;
        self.counter.check(action, answer)
    }
}
