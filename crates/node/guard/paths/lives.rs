//! The beginning of an actor's lives.

use anyhow::{Result, ensure};
use bytes::Bytes;
use greenroom_core::{CallRequest, ClientInfo};
use greenroom_types::{ActorId, cbor::Reader};
use tokio::task::yield_now;

use super::calls::{count_in, http_request};
use crate::{
    http::HttpClient,
    measure::measured,
    path::Path,
    world::{World, actor_key, actor_name},
};

/// Commits that a waking actor replays; few enough that they are not folded when it goes to sleep.
const COMMITS: u64 = 60;

pub(super) const PATHS: &[Path] = &[
    Path {
        name: "create",
        operations: 64,
        about: "create an actor and run its first durable action, in one HTTP request",
        run: create,
    },
    Path {
        name: "wake",
        operations: 64,
        about: "call a sleeping actor: load, replay a journal of 61 commits, start, answer",
        run: wake,
    },
];

fn create(operations: u32) -> Result<()> {
    let world = World::new()?;
    let mut client = HttpClient::new(world.connect()?);
    let requests: Vec<Vec<u8>> = (0..operations + 4)
        .map(|number| http_request(&format!("actor-{number}"), "increment"))
        .collect();
    let (warm_up, rest) = requests.split_at(4);
    let mut ask = |requests: &[Vec<u8>]| -> Result<u64> {
        world.run(async {
            let mut sum = 0;
            for request in requests {
                sum += count_in(client.ask(request).await?)?;
            }
            Ok(sum)
        })
    };
    ask(warm_up)?;
    let sum = measured(|| ask(rest))?;
    ensure!(
        sum == u64::from(operations),
        "{operations} first increments come to {sum}"
    );
    Ok(())
}

fn wake(operations: u32) -> Result<()> {
    let world = World::new()?;
    let (name, key) = (actor_name()?, actor_key("a")?);
    let (record, _) = world.run(world.runtime.get_or_create(&name, &key, None))?;
    for _ in 0..COMMITS {
        call(&world, record.id, "increment")?;
    }
    for round in 0..=operations {
        world.runtime.sleep(record.id)?;
        world.run(async {
            while world.runtime.live_actors() > 0 {
                yield_now().await;
            }
        });
        // The first wake is warm-up.
        let count = if round == 0 {
            call(&world, record.id, "getCount")?
        } else {
            measured(|| call(&world, record.id, "getCount"))?
        };
        ensure!(count == COMMITS, "it wakes with {count}, not {COMMITS}");
    }
    Ok(())
}

/// A stateless call within the process; gives the count.
fn call(world: &World, id: ActorId, action: &str) -> Result<u64> {
    let request = CallRequest {
        name: action.to_owned(),
        args: Bytes::from_static(&[0x80]),
        compat: true,
        client: ClientInfo::default(),
        once: None,
    };
    let reply = world.run(world.runtime.call(id, request))?;
    Ok(Reader::new(&reply).uint()?)
}
