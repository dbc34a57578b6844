//! What is at rest costs memory: so many bytes and no more, for each actor and for each connection.
//!
//! Counted is what is allocated and not freed, so the figures depend on no allocator, no load and no luck. A process
//! of its own, with one thread and one test: whatever else ran in it would be counted, too.

mod world;

use std::io::{Read, Write};

use crate::world::{World, live_bytes};

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

/// So many that what there is only once does not count, and that hash tables, which double, are about as full as on
/// average.
const ACTORS: usize = 350;
const SOCKETS: usize = 100;

/// The bounds have about 15 % of room: a change of a dependency need not be a failure, one more buffer is.
const AWAKE: usize = 3_100;
const ASLEEP: usize = 200;
const WEBSOCKET: usize = 3_800;

#[test]
fn actors_and_connections_at_rest_take_little_memory() {
    let profiler = dhat::Profiler::builder().trim_backtraces(Some(40));
    // What the process is to write about its memory, for those who want to know who holds it.
    let profiler = match std::env::var_os("GREENROOM_HEAP_PROFILE") {
        Some(file) => profiler.file_name(file).build(),
        None => profiler.testing().build(),
    };
    let mut world = World::new();
    let actors = world.create(ACTORS);
    // What has been created before is loaded again like anything that was stored.
    world.restart();

    let at_first = live_bytes();
    world.wake(&actors);
    let awake = (live_bytes() - at_first) / ACTORS;
    world.sleep(&actors);
    let asleep = live_bytes().saturating_sub(at_first) / ACTORS;

    let request = world.upgrade_request(0);
    let mut sockets = Vec::with_capacity(SOCKETS + 1);
    // The first wakes the actor, and makes what is there only once.
    sockets.push(world.open(&request));
    world.rest();
    let before = live_bytes();
    for _ in 0..SOCKETS {
        sockets.push(world.open(&request));
    }
    world.rest();
    let websocket = (live_bytes() - before) / SOCKETS;
    println!("bytes: {awake} an actor awake, {asleep} asleep, {websocket} a websocket");
    drop(profiler);
    assert!(awake <= AWAKE, "an idle actor takes {awake} bytes");
    assert!(asleep <= ASLEEP, "a sleeping actor takes {asleep} bytes");
    assert!(
        websocket <= WEBSOCKET,
        "an idle WebSocket takes {websocket} bytes"
    );
    // They were alive to the end.
    for socket in &mut sockets {
        socket.write_all(&PING).expect("it is open");
    }
    world.turn_until(|| true);
    for socket in &mut sockets {
        let mut pong = [0; 2];
        world.turn_until(|| socket.read_exact(&mut pong).is_ok());
        assert_eq!(pong, [0x8a, 0]);
    }
}

/// A ping without anything in it, masked with zeros.
const PING: [u8; 6] = [0x89, 0x80, 0, 0, 0, 0];
