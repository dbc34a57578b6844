//! A host with several threads: which of them an actor runs on, and what happens when one is blocked or lost.

use std::{collections::BTreeMap, num::NonZeroU32, sync::Arc, time::Duration};

use bytes::Bytes;
use greenroom_core::{ActorOptions, CallRequest, ClientInfo, HostEvent, Instance, Lane, Runtime};
use greenroom_store::MemoryStore;
use greenroom_types::{ActorError, ActorId};
use tokio::task::JoinHandle;

use crate::{
    host::uint,
    manual::{Manual, reply, settle},
};

const LANES: NonZeroU32 = NonZeroU32::new(3).unwrap();

fn world(action_timeout: Option<Duration>) -> Manual {
    let mut options = ActorOptions::default();
    options.action_timeout = action_timeout;
    options.sleep_timeout = None;
    Manual::on_lanes(Arc::new(MemoryStore::new()), options, LANES)
}

fn call(runtime: &Runtime, id: ActorId) -> JoinHandle<Result<Bytes, ActorError>> {
    let request = CallRequest {
        once: None,
        name: "act".into(),
        args: Bytes::from_static(&[0x80]),
        compat: true,
        client: ClientInfo::default(),
    };
    let runtime = runtime.clone();
    tokio::spawn(async move { runtime.call(id, request).await })
}

/// Calls an actor until the host is asked to run it.
async fn awake(
    world: &mut Manual,
    id: ActorId,
) -> (
    Instance,
    greenroom_core::CallId,
    JoinHandle<Result<Bytes, ActorError>>,
) {
    let waiting = call(&world.runtime, id);
    let instance = world.started(Bytes::new()).await;
    let (_, number) = world.called().await;
    (instance, number, waiting)
}

#[tokio::test(start_paused = true)]
async fn an_instance_has_the_lane_of_its_actor() {
    let mut world = world(None);
    let mut seen: BTreeMap<Lane, u32> = BTreeMap::new();
    for n in 0..60 {
        let id = world.actor_of(&n.to_string()).await;
        let lane = world.runtime.lane_of(id);
        for _ in 0..2 {
            let (instance, number, waiting) = awake(&mut world, id).await;
            assert_eq!(Lane::of_instance(instance, LANES), lane);
            assert_ne!(instance, Instance(0), "this is the registry");
            world.say(instance, reply(number));
            assert_eq!(waiting.await.unwrap(), Ok(uint(0)));
            world.runtime.crash(id);
            assert!(matches!(world.now().await, Some(HostEvent::Drop)));
        }
        *seen.entry(lane).or_default() += 1;
    }
    assert_eq!(seen.len(), 3, "{seen:?}");
}

/// Two actors on different lanes.
async fn two(world: &Manual) -> (ActorId, ActorId) {
    let first = world.actor_of("first").await;
    for n in 0.. {
        let other = world.actor_of(&n.to_string()).await;
        if world.runtime.lane_of(other) != world.runtime.lane_of(first) {
            return (first, other);
        }
    }
    unreachable!("there are more lanes than one");
}

#[tokio::test(start_paused = true)]
async fn a_blocked_lane_is_no_others() {
    let mut world = world(Some(Duration::from_secs(5)));
    let (first, second) = two(&world).await;
    let (_, _, blocked) = awake(&mut world, first).await;
    let (instance, number, waiting) = awake(&mut world, second).await;
    for _ in 0..7 {
        world.runtime.stalled(world.runtime.lane_of(first));
        settle().await;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let timed_out = ActorError::action_timed_out_blocked();
    assert_eq!(blocked.await.unwrap(), Err(timed_out));
    assert!(!waiting.is_finished());
    world.say(instance, reply(number));
    assert_eq!(waiting.await.unwrap(), Ok(uint(0)));
}

#[tokio::test(start_paused = true)]
async fn the_actors_of_a_lost_lane_start_anew_and_the_others_go_on() {
    let mut world = world(None);
    let (first, second) = two(&world).await;
    let (before, late, lost) = awake(&mut world, first).await;
    let (instance, number, waiting) = awake(&mut world, second).await;
    world.runtime.lost(world.runtime.lane_of(first));
    assert_eq!(lost.await.unwrap(), Err(ActorError::restarting()));
    assert!(matches!(world.next().await, (of, HostEvent::Drop) if of == before));
    // What it may have handed over at last is nobody's.
    world.say(before, reply(late));
    let (after, again, served) = awake(&mut world, first).await;
    assert_ne!(after, before);
    world.say(after, reply(again));
    assert_eq!(served.await.unwrap(), Ok(uint(0)));
    world.say(instance, reply(number));
    assert_eq!(waiting.await.unwrap(), Ok(uint(0)));
}
