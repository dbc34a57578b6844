//! The end of an actor, and that it comes whatever is lost before.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use greenroom_core::{ActorOptions, Durability, HostEvent, Instance, Output, StopReason, Turn};
use greenroom_store::{Store, StoreError, testing::FaultStore};
use greenroom_types::{ActorError, ActorId};
use tokio::{task::JoinHandle, time::Instant};

use crate::{
    host::{World, request, uint},
    manual::{Manual, reply, settle},
};

type Ending = JoinHandle<Result<Bytes, ActorError>>;

/// An actor that has asked for its end with `action`, whose commit waits for the store.
async fn ending(key: &str, action: &str) -> (Arc<FaultStore>, World, ActorId, Ending) {
    let store = Arc::new(FaultStore::new());
    let world = World::new(Arc::clone(&store) as Arc<dyn Store>);
    let id = world.actor(key).await;
    world.call(id, "add").await.unwrap();
    store.pause_syncs();
    let (runtime, destroy) = (world.runtime.clone(), request(action));
    let ending = tokio::spawn(async move { runtime.call(id, destroy).await });
    store.until_held(1).await;
    (store, world, id, ending)
}

/// A crash between the commit that an answered `destroy` waits for and the one that removes the actor.
async fn answered_and_lost(key: &str, action: &str) -> (Arc<FaultStore>, ActorId) {
    let (store, _world, id, ending) = ending(key, action).await;
    settle().await;
    assert!(!ending.is_finished(), "the answer waits");
    store.sync(1);
    assert_eq!(ending.await.unwrap(), Ok(uint(1)));
    store.until_held(1).await;
    (Arc::new(store.crash(0)), id)
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
    for action in ["destroy", "destroy_relaxed", "destroy_ephemeral"] {
        let (store, id) = answered_and_lost("a", action).await;
        let after = World::new(store);
        is_gone(&after, id, "a").await;
        assert_eq!(after.seen.lines(), ["wake to end", "destroy", "create"]);
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_of_a_later_turn_waits_for_the_end_that_was_asked_for_as_well() {
    let store = Arc::new(FaultStore::new());
    let mut manual = Manual::new(Arc::clone(&store) as Arc<dyn Store>);
    let (id, instance) = manual.awake().await;
    let runtime = manual.runtime.clone();
    let call = tokio::spawn(async move { runtime.call(id, request("destroy")).await });
    let (_, running) = manual.called().await;
    store.pause_syncs();
    for output in [Output::Destroy, reply(running)] {
        let turn = Turn {
            durability: Durability::Ephemeral,
            outputs: vec![output],
            ..Turn::default()
        };
        manual.runtime.turn(instance, turn);
    }
    store.until_held(1).await;
    settle().await;
    assert!(!call.is_finished(), "the answer waits");
    store.sync(1);
    assert_eq!(call.await.unwrap(), Ok(uint(0)));
}

#[tokio::test(start_paused = true)]
async fn an_end_that_was_answered_comes_before_whoever_calls_next() {
    let (store, id) = answered_and_lost("a", "destroy").await;
    let after = World::new(store);
    assert_eq!(after.call(id, "get").await.unwrap_err().code, "not_found");
    assert_eq!(after.seen.lines(), ["wake to end", "destroy"]);
    is_gone(&after, id, "a").await;
}

#[tokio::test(start_paused = true)]
async fn an_end_that_was_answered_comes_though_the_actor_cannot_start_any_more() {
    let (store, id) = answered_and_lost("unsteady", "destroy").await;
    let after = World::new(store);
    is_gone(&after, id, "unsteady").await;
    assert_eq!(after.seen.lines(), ["wake to end", "drop", "create"]);
}

#[tokio::test(start_paused = true)]
async fn an_end_that_nobody_was_told_of_is_lost_with_its_turn() {
    let (store, _world, id, ending) = ending("a", "destroy").await;
    let after = World::new(Arc::new(store.crash(0)));
    drop(ending);
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert!(after.seen.lines().is_empty());
    assert_eq!(after.call(id, "get").await, Ok(1));
}

/// An actor that asked for its end, and whose instance is in its hook.
async fn in_its_hook(store: &Arc<FaultStore>) -> (Manual, ActorId, Instance) {
    let mut manual = Manual::new(Arc::clone(store) as Arc<dyn Store>);
    let (id, instance) = manual.awake().await;
    manual.say(instance, Output::Destroy);
    let instance = manual.stopping(StopReason::Destroy).await;
    (manual, id, instance)
}

#[tokio::test(start_paused = true)]
async fn an_end_that_the_store_does_not_take_is_tried_again_and_not_in_a_loop() {
    let store = Arc::new(FaultStore::new());
    let (mut manual, id, mut instance) = in_its_hook(&store).await;
    let began = Instant::now();
    let mut waited = Vec::new();
    loop {
        store.fail_append(1, StoreError::Full("no room".into()));
        manual.say(instance, Output::Stopped);
        assert!(matches!(manual.next().await, (_, HostEvent::Drop)));
        tokio::time::sleep(Duration::from_secs(20)).await;
        if manual.runtime.get_by_id(id).await.is_err() {
            break;
        }
        instance = manual.started(Bytes::new()).await;
        manual.stopping(StopReason::Destroy).await;
        waited.push(began.elapsed().as_secs());
    }
    assert_eq!(waited.len(), 2, "{waited:?}");
    assert!(manual.now().await.is_none(), "the last one needs no hook");
}

#[tokio::test(start_paused = true)]
async fn an_end_whose_beginning_the_store_does_not_take_is_tried_again() {
    let store = Arc::new(FaultStore::new());
    let mut manual = Manual::new(Arc::clone(&store) as Arc<dyn Store>);
    let (id, instance) = manual.awake().await;
    manual.runtime.sleep(id).unwrap();
    manual.stopping(StopReason::Sleep).await;
    // The first commit says that the end is to come, and the second that it has begun.
    store.fail_append(2, StoreError::Full("no room".into()));
    manual.turn(instance, Bytes::new(), [Output::Destroy, Output::Stopped]);
    let instance = manual.started(Bytes::new()).await;
    manual.stopping(StopReason::Destroy).await;
    manual.say(instance, Output::Stopped);
    settle().await;
    let gone = manual.runtime.get_by_id(id).await.unwrap_err();
    assert_eq!(gone.code, "not_found");
}

#[tokio::test(start_paused = true)]
async fn an_end_that_takes_the_process_down_comes_later_and_later_and_at_last_without_its_hook() {
    for starts in [true, false] {
        let (mut store, id) = answered_and_lost("a", "destroy").await;
        for pause in [0, 1] {
            let mut manual = Manual::new(Arc::clone(&store) as Arc<dyn Store>);
            let began = Instant::now();
            // It is lost in `onDestroy`, or in `onWake`.
            if starts {
                manual.started(Bytes::new()).await;
                manual.stopping(StopReason::Destroy).await;
            } else {
                assert!(matches!(manual.next().await, (_, HostEvent::Start(_))));
            }
            assert_eq!(began.elapsed().as_secs(), pause);
            store = Arc::new(store.crash(0));
        }
        let after = World::new(store);
        is_gone(&after, id, "a").await;
        assert_eq!(after.seen.lines(), ["create"]);
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_wants_an_actor_gone_that_is_about_to_end_is_told_that_it_is() {
    for (starts, comes_first) in [(true, true), (true, false), (false, true), (false, false)] {
        let (store, id) = answered_and_lost("a", "destroy").await;
        store.pause_loads();
        let mut manual = Manual::new(Arc::clone(&store) as Arc<dyn Store>);
        // Before or after the runtime has seen what the process before has left.
        if !comes_first {
            settle().await;
        }
        let runtime = manual.runtime.clone();
        let destroy = tokio::spawn(async move { runtime.destroy(id).await });
        settle().await;
        store.release_loads();
        let (instance, _) = manual.next().await;
        if starts {
            manual.say(instance, Output::Started);
            manual.stopping(StopReason::Destroy).await;
            manual.say(instance, Output::Stopped);
        } else {
            let error = ActorError::new("user", "unsteady", "cannot start again");
            manual.say(instance, Output::StartFailed(error));
        }
        assert_eq!(destroy.await.unwrap(), Ok(()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_does_not_wait_for_long_for_an_end_that_does_not_begin() {
    let (store, _) = answered_and_lost("a", "destroy").await;
    let mut options = ActorOptions::default();
    options.start_timeout = Duration::from_secs(300);
    let grace = options.sleep_grace_period;
    let mut manual = Manual::with_options(store as Arc<dyn Store>, options);
    assert!(matches!(manual.next().await, (_, HostEvent::Start(_))));
    let began = Instant::now();
    manual.runtime.shutdown().await;
    assert_eq!(began.elapsed().as_secs(), grace.as_secs());
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
    assert_eq!(after.seen.lines(), ["wake to end", "destroy", "create"]);
}
