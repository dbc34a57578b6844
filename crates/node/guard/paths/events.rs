//! Events to many.

use anyhow::{Result, ensure};
use greenroom_types::protocol::Encoding;

use crate::{measure::measured, path::Path, socket::Socket, world::World};

/// Subscribers.
const SUBSCRIBERS: usize = 100;

pub(super) const PATHS: &[Path] = &[Path {
    name: "broadcast-100",
    operations: 32,
    about: "broadcast of 100 bytes to 100 WebSockets",
    run: broadcast,
}];

fn broadcast(operations: u32) -> Result<()> {
    let world = World::new()?;
    let mut speaker = world.run(Socket::open(&world, "a", Encoding::Bare))?;
    let mut subscribers = Vec::with_capacity(SUBSCRIBERS);
    for _ in 0..SUBSCRIBERS {
        let mut socket = world.run(Socket::open(&world, "a", Encoding::Bare))?;
        world.run(async {
            socket.subscribe("told").await?;
            // Whoever has a reply is known to be subscribed: requests of a connection are handled in order.
            socket.call("getCount").await?;
            socket.message().await
        })?;
        subscribers.push(socket);
    }
    let mut tell = |times: u32| -> Result<usize> {
        world.run(async {
            let mut heard = 0;
            for _ in 0..times {
                speaker.call("tell").await?;
                speaker.message().await?;
                for subscriber in &mut subscribers {
                    let message = subscriber.message().await?;
                    heard += usize::from(message.ends_with(b"xxxx"));
                }
            }
            Ok(heard)
        })
    };
    tell(2)?;
    let heard = measured(|| tell(operations))?;
    let expected = SUBSCRIBERS * operations as usize;
    ensure!(
        heard == expected,
        "{heard} events of {expected} were heard whole"
    );
    Ok(())
}
