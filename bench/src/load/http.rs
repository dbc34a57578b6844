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
    // All before anything is measured: on slow systems, some actors take longer to be made than others.
    let shares = (0..actions.in_flight).map(|number| {
        let keys = (number..actors).step_by(actions.in_flight);
        make(target, keys.map(|actor| format!("bench-{actor}")))
    });
    let shares: Vec<Vec<Actor>> = stream::iter(shares)
        .buffered(PREPARING)
        .try_collect()
        .await?;
    // Only then, because some systems close connections that wait for a few seconds.
    let mut connections = Vec::with_capacity(shares.len());
    for actors in shares {
        connections.push(Connection {
            http: Http::connect(target.address, target.dialect).await?,
            actors,
        });
    }
    let work = connections
        .iter_mut()
        .map(|connection| connection.work(actions.action, recorder));
    // All at once on this task; the first error ends them.
    work.collect::<FuturesUnordered<_>>().try_collect().await
}

/// Makes actors, with something to read, on a connection of its own.
async fn make(target: Target, keys: impl Iterator<Item = String>) -> Result<Vec<Actor>> {
    let mut connection = Connection {
        http: Http::connect(target.address, target.dialect).await?,
        actors: Vec::new(),
    };
    for (number, key) in keys.enumerate() {
        connection.actors.push(Actor {
            address: connection.http.find(&key).await?,
            counter: Counter::default(),
        });
        connection.run(number, Action::Increment).await?;
    }
    Ok(connection.actors)
}

struct Connection {
    http: Http,
    /// At least one, which nobody else calls, so that the answers are known.
    actors: Vec<Actor>,
}

struct Actor {
    address: String,
    counter: Counter,
}

impl Connection {
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
