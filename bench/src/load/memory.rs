//! What actors and connections take while nothing happens. Each figure is what many more of them add
//! to some that are there already, so that what is made once is in none of them.

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use futures_util::{TryStreamExt, stream::FuturesUnordered};

use super::{Job, Target, awake, set, settle::Memory, within};
use crate::{
    ability::Ability,
    action::{Action, Answer},
    client::{Http, Socket},
    metric,
    results::Values,
    server_process::ServerProcess,
    system::System,
};

/// Actors that are there before, and as many times more after.
const SOME_ACTORS: usize = 2500;
const MANY_ACTORS: usize = 10_000;
/// The same of connections.
const SOME_SOCKETS: usize = 500;
const MANY_SOCKETS: usize = 2000;
/// The longest time for making actors. A slow system has as many as it makes until then.
const MAKING: Duration = Duration::from_secs(20);
/// The fewest new actors whose memory can be told from noise.
const FEWEST: usize = 200;
/// Requests at any time.
const IN_FLIGHT: usize = 16;
/// The longest until all actors sleep.
const ASLEEP: Duration = Duration::from_secs(60);
/// Of everything.
const LIMIT: Duration = Duration::from_secs(400);

/// The actor that all connections are to.
const KEY: &str = "everybody";

pub(super) fn measure(job: &Job<'_>) -> Result<Values> {
    let mut values = Values::new();
    // A process for each: memory that one has given back would hide what the other takes.
    if job.system.supports(Ability::State).is_ok() {
        on_server(job, &mut values, async |bench| bench.actors().await)?;
    }
    if job.system.supports(Ability::Socket).is_ok() {
        on_server(job, &mut values, async |bench| bench.connections().await)?;
    }
    Ok(values)
}

fn on_server(
    job: &Job<'_>,
    values: &mut Values,
    work: impl AsyncFnOnce(&mut Bench<'_>) -> Result<()>,
) -> Result<()> {
    let mut server = job.start()?;
    let target = job.target(&server);
    within(LIMIT, async {
        let mut bench = Bench {
            system: job.system,
            server: &mut server,
            target,
            values,
        };
        let empty = bench.look().await?;
        set(bench.values, metric::EMPTY_MEMORY, empty.resident / 1e6);
        work(&mut bench).await
    })?;
    server.check_family()?;
    server.stop()
}

struct Bench<'a> {
    system: &'a System,
    server: &'a mut ServerProcess,
    target: Target,
    values: &'a mut Values,
}

impl Bench<'_> {
    fn can(&self, ability: Ability) -> bool {
        self.system.supports(ability).is_ok()
    }

    async fn look(&mut self) -> Result<Memory> {
        Memory::of(self.server, self.can(Ability::Heap)).await
    }

    /// Some, many more; all to sleep; as many again, and to sleep, twice: only after that the first
    /// sleepers have left no memory that later ones could take.
    async fn actors(&mut self) -> Result<()> {
        let some = self.make("some", SOME_ACTORS).await?;
        let before = self.look().await?;
        let many = self.make("many", MANY_ACTORS).await?;
        let after = self.look().await?;
        ensure!(
            many >= FEWEST,
            "{many} actors in {MAKING:?} are too few to say what one takes"
        );
        self.set_difference(
            before,
            after,
            many,
            metric::ACTOR_MEMORY,
            Some(metric::ACTOR_HEAP),
        );
        let naps = self.can(Ability::Nap) && self.can(Ability::Awake);
        if !naps {
            return Ok(());
        }
        // None has gone to sleep by itself.
        self.expect_awake(some + many).await?;
        self.put_to_sleep("some", some).await?;
        self.put_to_sleep("many", many).await?;
        self.expect_awake(0).await?;
        self.sleepers("more", many).await?;
        let before = self.look().await?;
        let most = self.sleepers("most", many).await?;
        let after = self.look().await?;
        self.set_difference(before, after, most, metric::SLEEPER_MEMORY, None);
        Ok(())
    }

    /// New actors that sleep: their number.
    async fn sleepers(&self, group: &str, count: usize) -> Result<usize> {
        let made = self.make(group, count).await?;
        self.put_to_sleep(group, made).await?;
        self.expect_awake(0).await?;
        Ok(made)
    }

    async fn connections(&mut self) -> Result<()> {
        let Target {
            address, dialect, ..
        } = self.target;
        let actor = Http::connect(address, dialect).await?.find(KEY).await?;
        let mut open = Vec::new();
        let mut before = None;
        for number in 0..SOME_SOCKETS + MANY_SOCKETS {
            if number == SOME_SOCKETS {
                before = Some(self.look().await?);
            }
            let mut socket = Socket::open(address, dialect, &actor).await?;
            socket.run(Action::Read).await?;
            open.push(socket);
        }
        let before = before.context("there were some before")?;
        let after = self.look().await?;
        self.set_difference(
            before,
            after,
            MANY_SOCKETS,
            metric::CONNECTION_MEMORY,
            Some(metric::CONNECTION_HEAP),
        );
        // All of them were there until here.
        for socket in &mut open {
            socket.run(Action::Read).await.context("at the end")?;
        }
        Ok(())
    }

    fn set_difference(
        &mut self,
        before: Memory,
        after: Memory,
        count: usize,
        resident: metric::Metric,
        heap: Option<metric::Metric>,
    ) {
        let each = |before: f64, after: f64| (after - before) / count as f64;
        let values = &mut *self.values;
        set(values, resident, each(before.resident, after.resident));
        if let (Some(metric), Some(before), Some(after)) = (heap, before.heap, after.heap) {
            set(values, metric, each(before, after));
        }
    }

    /// Makes new actors with one increment each, at most `count`, and gives their number.
    async fn make(&self, group: &str, count: usize) -> Result<usize> {
        let deadline = Instant::now() + MAKING;
        self.each(group, count, deadline, Action::Increment).await
    }

    /// Asks all of a group to sleep.
    async fn put_to_sleep(&self, group: &str, count: usize) -> Result<()> {
        let deadline = Instant::now() + ASLEEP;
        let napping = self.each(group, count, deadline, Action::Nap).await?;
        ensure!(napping == count, "{napping} of {count} actors were asked");
        Ok(())
    }

    async fn expect_awake(&self, count: usize) -> Result<()> {
        let mut http = Http::connect(self.target.address, self.target.dialect).await?;
        awake::wait_for(&mut http, count as u64, ASLEEP).await
    }

    /// One action on each actor of a group, until the deadline. Gives how many it was.
    async fn each(
        &self,
        group: &str,
        count: usize,
        deadline: Instant,
        action: Action<'static>,
    ) -> Result<usize> {
        let Target {
            address, dialect, ..
        } = self.target;
        // Numbers are given out in order, so that those that were used are the first.
        let next = Cell::new(0);
        let work = async || -> Result<()> {
            let mut http = Http::connect(address, dialect).await?;
            while next.get() < count && Instant::now() < deadline {
                let number = next.replace(next.get() + 1);
                let actor = http.find(&format!("{group}-{number}")).await?;
                let answer = http.run(&actor, action).await?;
                let is_right = action == Action::Nap || answer == Answer::Number(1);
                ensure!(is_right, "a new actor answers {answer:?} to {action}");
            }
            Ok(())
        };
        let connections: FuturesUnordered<_> = (0..IN_FLIGHT).map(|_| work()).collect();
        connections.try_collect::<()>().await?;
        Ok(next.get())
    }
}
