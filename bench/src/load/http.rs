//! Operations over HTTP: one at a time on each of many keep-alive connections.

use std::time::Instant;

use anyhow::Result;
use futures_util::{StreamExt, TryStreamExt, stream, stream::FuturesUnordered};

use super::{Target, counter::Counter, recorder::Recorder};
use crate::{action::Action, client::Http, workload::Actions};

/// Connections that make their actors at the same time. More of them overload systems that then serve
/// those actors well.
const PREPARING: usize = 8;

/// Works on as many connections as the workload has operations in flight until the recorder has
/// enough.
pub(super) async fn work(
    target: Target,
    actions: &Actions,
    actors: usize,
    recorder: &Recorder,
) -> Result<()> {
    let mut connections = Vec::with_capacity(actions.in_flight);
    for number in 0..actions.in_flight {
        let mut http = Http::connect(target.address, target.dialect).await?;
        let mut share = Vec::new();
        // Nobody else calls these, so that the answers are known.
        for actor in (number..actors).step_by(actions.in_flight) {
            share.push(Actor {
                address: http.find(&format!("bench-{actor}")).await?,
                counter: Counter::default(),
            });
        }
        connections.push(Connection {
            http,
            actors: share,
        });
    }
    // All before anything is measured: on slow systems, some actors take longer to be made than others.
    let prepare = connections.iter_mut().map(Connection::prepare);
    stream::iter(prepare)
        .buffer_unordered(PREPARING)
        .try_collect::<()>()
        .await?;
    let work = connections
        .iter_mut()
        .map(|connection| connection.work(actions.action, recorder));
    // All at once on this task; the first error ends them.
    work.collect::<FuturesUnordered<_>>().try_collect().await
}

struct Connection {
    http: Http,
    /// At least one.
    actors: Vec<Actor>,
}

struct Actor {
    address: String,
    counter: Counter,
}

impl Connection {
    /// Makes its actors, with something to read.
    async fn prepare(&mut self) -> Result<()> {
        for actor in 0..self.actors.len() {
            self.run(actor, Action::Increment).await?;
        }
        Ok(())
    }

    async fn work(&mut self, action: Action<'_>, recorder: &Recorder) -> Result<()> {
        let actors = self.actors.len();
        for actor in (0..actors).cycle() {
            let sent = Instant::now();
            self.run(actor, action).await?;
            if !recorder.reply(sent)? {
                break;
            }
        }
        for actor in 0..actors {
            self.run(actor, Action::Read).await?;
        }
        Ok(())
    }

    async fn run(&mut self, actor: usize, action: Action<'_>) -> Result<()> {
        let actor = &mut self.actors[actor];
        let answer = self.http.run(&actor.address, action).await?;
        actor.counter.check(action, answer)
    }
}
