//! A host that runs nothing: callers are told so when their time is over, and only they.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use greenroom_core::{
    ActorOptions, CallRequest, ClientInfo, ClientMessage, CloseReason, HostEvent, Lane, Runtime,
};
use greenroom_store::MemoryStore;
use greenroom_types::{ActorError, ActorId};
use tokio::task::JoinHandle;

use crate::{
    host::uint,
    manual::{Manual, client, reply, settle},
};

const LIMIT: Duration = Duration::from_secs(10);
const SECOND: Duration = Duration::from_secs(1);

fn world() -> Manual {
    let mut options = ActorOptions::default();
    options.action_timeout = Some(LIMIT);
    options.sleep_timeout = None;
    Manual::with_options(Arc::new(MemoryStore::new()), options)
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

/// Lets the host be stalled for a time.
async fn stall(world: &Manual, time: Duration) {
    for _ in 0..time.as_secs() {
        world.runtime.stalled(Lane(0));
        settle().await;
        tokio::time::sleep(SECOND).await;
    }
}

#[tokio::test(start_paused = true)]
async fn callers_of_a_stalled_host_are_told_when_their_time_is_over() {
    let mut world = world();
    let id = world.actor().await;
    let first = call(&world.runtime, id);
    let instance = world.started(Bytes::new()).await;
    let (_, first_call) = world.called().await;
    stall(&world, Duration::from_secs(5)).await;
    let later = call(&world.runtime, id);
    let (_, later_call) = world.called().await;
    stall(&world, Duration::from_secs(7)).await;
    let timed_out = ActorError::action_timed_out_blocked();
    assert_eq!(first.await.unwrap(), Err(timed_out));
    assert!(!later.is_finished());
    assert!(matches!(world.now().await, Some(HostEvent::Cancel(call)) if call == first_call));
    // It runs again: what it says late is too late for one and in time for the other.
    world.runtime.recovered(Lane(0));
    world.say(instance, reply(first_call));
    world.say(instance, reply(later_call));
    assert_eq!(later.await.unwrap(), Ok(uint(0)));
}

#[tokio::test(start_paused = true)]
async fn what_was_waited_for_counts_anew_after_a_stall() {
    let mut world = world();
    let id = world.actor().await;
    let waiting = call(&world.runtime, id);
    let instance = world.started(Bytes::new()).await;
    let (_, number) = world.called().await;
    stall(&world, Duration::from_secs(9)).await;
    world.runtime.recovered(Lane(0));
    tokio::time::sleep(LIMIT).await;
    stall(&world, Duration::from_secs(9)).await;
    assert!(!waiting.is_finished());
    world.say(instance, reply(number));
    assert_eq!(waiting.await.unwrap(), Ok(uint(0)));
}

#[tokio::test(start_paused = true)]
async fn clients_that_wait_to_be_let_in_are_told_as_well() {
    let mut world = world();
    let id = world.actor().await;
    let (request, mut reader) = client();
    let runtime = world.runtime.clone();
    let connecting = tokio::spawn(async move { runtime.connect(id, request).await });
    world.started(Bytes::new()).await;
    let _connection = connecting.await.unwrap().unwrap();
    world.connecting().await;
    stall(&world, Duration::from_secs(12)).await;
    assert!(matches!(
        reader.recv().await,
        Some(ClientMessage::Error { id: None, error }) if error.code == "action_timed_out"
    ));
    assert!(matches!(
        reader.recv().await,
        Some(ClientMessage::Close(CloseReason::Refused(_)))
    ));
}

#[tokio::test(start_paused = true)]
async fn without_a_limit_callers_wait_for_as_long_as_it_takes() {
    let mut options = ActorOptions::default();
    options.action_timeout = None;
    let mut world = Manual::with_options(Arc::new(MemoryStore::new()), options);
    let id = world.actor().await;
    let waiting = call(&world.runtime, id);
    let instance = world.started(Bytes::new()).await;
    let (_, number) = world.called().await;
    stall(&world, Duration::from_secs(100)).await;
    world.say(instance, reply(number));
    assert_eq!(waiting.await.unwrap(), Ok(uint(0)));
}
