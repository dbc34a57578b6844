//! Operations over HTTP: one at a time on each of many keep-alive connections.

use std::time::Instant;

use anyhow::Result;
use futures_util::{TryStreamExt, stream::FuturesUnordered};

use super::{Target, counter::Counter, recorder::Recorder};
use crate::{action::Action, client::Http, workload::Workload};

/// Works on as many connections as the workload has operations in flight until the recorder has
/// enough.
pub(super) async fn work(target: Target, workload: &Workload, recorder: &Recorder) -> Result<()> {
    let mut connections = Vec::with_capacity(workload.in_flight);
    for number in 0..workload.in_flight {
        let mut http = Http::connect(target.address, target.dialect).await?;
        let actor = http.find(&format!("bench-{number}")).await?;
        connections.push(Connection {
            http,
            actor,
            counter: Counter::default(),
        });
    }
    let work = connections
        .iter_mut()
        .map(|connection| connection.work(workload.action, recorder));
    // All at once on this task; the first error ends them.
    work.collect::<FuturesUnordered<_>>().try_collect().await
}

struct Connection {
    http: Http,
    actor: String,
    counter: Counter,
}

impl Connection {
    async fn work(&mut self, action: Action<'_>, recorder: &Recorder) -> Result<()> {
        self.run(Action::Increment).await?;
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
        let answer = self.http.run(&self.actor, action).await?;
        self.counter.check(action, answer)
    }
}
