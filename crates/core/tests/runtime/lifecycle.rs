use std::{sync::Arc, time::Duration};

use greenroom_core::{ActorOptions, ClientMessage, CloseReason};
use greenroom_store::MemoryStore;
use tokio::time::Instant;

use crate::host::{World, act, name, one, request};

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
