use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use greenroom_core::{ActorOptions, ClientMessage, CloseReason, Output, StopReason};
use greenroom_store::{MemoryStore, Store, testing::FaultStore};
use greenroom_types::{ActorError, ActorId};
use tokio::{task::JoinHandle, time::Instant};

use crate::{
    host::{World, act, name, one, request, uint},
    manual::{Manual, settle},
};

#[tokio::test(start_paused = true)]
async fn an_idle_actor_sleeps_and_wakes_with_its_state() {
    let world = World::in_memory();
    let id = world.actor("a").await;
    world.call(id, "add").await.unwrap();
    let began = Instant::now();
    world.seen.wait_for("sleep", 1).await;
    assert_eq!(began.elapsed().as_secs(), 30);
    assert_eq!(world.call(id, "get").await, Ok(1));
    assert_eq!(world.seen.lines(), ["create", "sleep", "wake"]);
}

#[tokio::test(start_paused = true)]
async fn a_call_in_progress_keeps_the_actor_awake() {
    let world = World::in_memory();
    let id = world.actor("a").await;
    let runtime = world.runtime.clone();
    let hanging = tokio::spawn(async move { runtime.call(id, request("hang")).await });
    world.seen.wait_for("hanging", 1).await;
    tokio::time::sleep(Duration::from_secs(300)).await;
    assert!(!world.seen.lines().contains(&"sleep".to_owned()));
    hanging.abort();
}

#[tokio::test(start_paused = true)]
async fn sleep_on_request_answers_first_and_twice_is_once() {
    let world = World::in_memory();
    let id = world.actor("a").await;
    world.call(id, "add").await.unwrap();
    assert_eq!(world.call(id, "sleep").await, Ok(1));
    assert_eq!(world.call(id, "get").await, Ok(1));
    assert_eq!(world.seen.lines(), ["create", "sleep", "wake"]);
    world.runtime.sleep(id).unwrap();
    world.runtime.sleep(id).unwrap();
    assert_eq!(world.call(id, "get").await, Ok(1));
    assert_eq!(
        world.seen.lines(),
        ["create", "sleep", "wake", "sleep", "wake"]
    );
}

#[tokio::test(start_paused = true)]
async fn destroy_answers_closes_and_frees_the_key() {
    let world = World::in_memory();
    let id = world.actor("a").await;
    let (connection, mut reader) = world.connect(id).await;
    world.call(id, "add").await.unwrap();
    assert_eq!(act(&connection, &mut reader, "destroy").await, Ok(1));
    assert!(matches!(
        reader.recv().await,
        Some(ClientMessage::Close(CloseReason::Destroyed))
    ));
    assert_eq!(world.call(id, "get").await.unwrap_err().code, "not_found");
    assert!(world.runtime.get(&name(), &one("a")).await.is_err());
    let again = world.actor("a").await;
    assert_ne!(again, id);
    assert_eq!(world.call(again, "get").await, Ok(0));
    assert_eq!(world.seen.lines(), ["create", "destroy", "create"]);
}

type Ending = JoinHandle<Result<Bytes, ActorError>>;

/// An actor that has asked for its end in a call, whose commit waits for the store.
async fn ending(key: &str) -> (Arc<FaultStore>, World, ActorId, Ending) {
    let store = Arc::new(FaultStore::new());
    let world = World::new(Arc::clone(&store) as Arc<dyn Store>);
    let id = world.actor(key).await;
    world.call(id, "add").await.unwrap();
    store.pause_syncs();
    let runtime = world.runtime.clone();
    let ending = tokio::spawn(async move { runtime.call(id, request("destroy")).await });
    store.until_held(1).await;
    (store, world, id, ending)
}

/// A crash between the commit that an answered `destroy` waits for and the one that removes the actor.
async fn answered_and_lost(key: &str) -> (World, ActorId) {
    let (store, _world, id, ending) = ending(key).await;
    settle().await;
    assert!(!ending.is_finished(), "the answer waits");
    store.sync(1);
    assert_eq!(ending.await.unwrap(), Ok(uint(1)));
    store.until_held(1).await;
    (World::new(Arc::new(store.crash(0))), id)
}

async fn is_gone(world: &World, id: ActorId, key: &str) {
    tokio::time::sleep(Duration::from_secs(20)).await;
    let gone = world.runtime.get_by_id(id).await.unwrap_err();
    assert_eq!(gone.code, "not_found");
    let again = world.actor(key).await;
    assert_eq!(world.call(again, "get").await, Ok(0));
}

#[tokio::test(start_paused = true)]
async fn an_end_that_was_answered_comes_after_a_crash() {
    let (after, id) = answered_and_lost("a").await;
    is_gone(&after, id, "a").await;
    assert_eq!(after.seen.lines(), ["wake", "destroy", "create"]);
}

#[tokio::test(start_paused = true)]
async fn an_end_that_was_answered_comes_before_whoever_calls_next() {
    let (after, id) = answered_and_lost("a").await;
    assert_eq!(after.call(id, "get").await.unwrap_err().code, "not_found");
    assert_eq!(after.seen.lines(), ["wake", "destroy"]);
    is_gone(&after, id, "a").await;
}

#[tokio::test(start_paused = true)]
async fn an_end_that_was_answered_comes_though_the_actor_cannot_start_any_more() {
    let (after, id) = answered_and_lost("unsteady").await;
    is_gone(&after, id, "unsteady").await;
    assert_eq!(after.seen.lines(), ["wake", "drop", "create"]);
}

#[tokio::test(start_paused = true)]
async fn an_end_that_nobody_was_told_of_is_lost_with_its_turn() {
    let (store, _world, id, ending) = ending("a").await;
    let after = World::new(Arc::new(store.crash(0)));
    drop(ending);
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert!(after.seen.lines().is_empty());
    assert_eq!(after.call(id, "get").await, Ok(1));
}

#[tokio::test(start_paused = true)]
async fn an_end_that_the_store_does_not_take_is_tried_again_and_not_in_a_loop() {
    let (store, world, _, ending) = ending("a").await;
    store.sync(1);
    assert_eq!(ending.await.unwrap(), Ok(uint(1)));
    store.until_held(1).await;
    store.fail_syncs();
    store.release_syncs();
    // Tried again at once, and then after 1, 2, 4, 8, 16 and 32 seconds.
    tokio::time::sleep(Duration::from_secs(60)).await;
    let lines = world.seen.lines();
    let ends = lines.iter().filter(|line| *line == "destroy").count();
    assert!((4..=8).contains(&ends), "{lines:?}");
}

#[tokio::test(start_paused = true)]
async fn an_end_that_is_asked_for_while_the_process_ends_is_not_forgotten() {
    let store = Arc::new(FaultStore::new());
    let mut manual = Manual::new(Arc::clone(&store) as Arc<dyn Store>);
    let (id, instance) = manual.awake().await;
    let runtime = manual.runtime.clone();
    let shutdown = tokio::spawn(async move { runtime.shutdown().await });
    manual.stopping(StopReason::Sleep).await;
    manual.turn(instance, Bytes::new(), [Output::Destroy, Output::Stopped]);
    shutdown.await.unwrap();
    let after = World::new(Arc::new(store.crash(0)));
    is_gone(&after, id, "a").await;
}

#[tokio::test(start_paused = true)]
async fn destroy_from_outside_waits_until_it_is_gone() {
    let world = World::in_memory();
    let id = world.actor("a").await;
    world.call(id, "add").await.unwrap();
    world.runtime.destroy(id).await.unwrap();
    assert_eq!(
        world.runtime.get_by_id(id).await.unwrap_err().code,
        "not_found"
    );
    assert_eq!(
        world.runtime.destroy(id).await.unwrap_err().code,
        "not_found"
    );
}

#[tokio::test(start_paused = true)]
async fn shutdown_puts_all_to_sleep_and_refuses_what_comes() {
    let store = Arc::new(MemoryStore::new());
    let world = World::new(store);
    let id = world.actor("a").await;
    let (_connection, mut reader) = world.connect(id).await;
    world.call(id, "add_relaxed").await.unwrap();
    world.runtime.shutdown().await;
    assert!(matches!(
        reader.recv().await,
        Some(ClientMessage::Close(CloseReason::ShuttingDown))
    ));
    assert!(world.seen.lines().contains(&"sleep".to_owned()));
    assert_eq!(world.call(id, "get").await.unwrap_err().code, "stopping");
    world.runtime.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_host_that_does_not_stop_in_time_is_given_up_a_second_later() {
    let world = World::with_options(Arc::new(MemoryStore::new()), ActorOptions::default());
    let id = world.actor("a").await;
    let runtime = world.runtime.clone();
    let hanging = tokio::spawn(async move { runtime.call(id, request("hang")).await });
    world.seen.wait_for("hanging", 1).await;
    let began = Instant::now();
    world.runtime.shutdown().await;
    assert_eq!(began.elapsed().as_secs(), 16);
    assert_eq!(hanging.await.unwrap().unwrap_err().code, "restarting");
}
