//! Durable before visible: what a client is told, a crash cannot take back.

use std::sync::Arc;

use bytes::Bytes;
use greenroom_core::{ClientMessage, CloseReason};
use greenroom_store::{Store, StoreError, testing::FaultStore};
use tokio::time::Instant;

use crate::host::{World, act, request};

fn fault_world() -> (Arc<FaultStore>, World) {
    let store = Arc::new(FaultStore::new());
    let world = World::new(Arc::clone(&store) as Arc<dyn Store>);
    (store, world)
}

/// Lets every other task run until none has anything to do.
async fn settle() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_reply_waits_for_its_commit_and_the_actor_does_not() {
    let (store, world) = fault_world();
    let id = world.actor("a").await;
    world.call(id, "get").await.unwrap();
    store.pause_syncs();
    let calls: Vec<_> = (0..3)
        .map(|_| {
            let runtime = world.runtime.clone();
            tokio::spawn(async move { runtime.call(id, request("add")).await })
        })
        .collect();
    // All three turns ran and are under way though nothing is durable: commits are pipelined.
    store.until_held(3).await;
    settle().await;
    assert!(calls.iter().all(|call| !call.is_finished()));
    store.sync(2);
    settle().await;
    assert_eq!(
        calls
            .iter()
            .map(|call| call.is_finished())
            .collect::<Vec<_>>(),
        [true, true, false]
    );
    store.release_syncs();
    for call in calls {
        assert!(call.await.unwrap().is_ok());
    }
}

#[tokio::test(start_paused = true)]
async fn events_and_read_only_replies_wait_for_the_commit_that_they_show() {
    let (store, world) = fault_world();
    let id = world.actor("a").await;
    let (connection, mut reader) = world.connect(id).await;
    connection.subscribe("count".into(), true).await.unwrap();
    world.call(id, "get").await.unwrap();
    store.pause_syncs();
    let args = Bytes::from_static(&[0x80]);
    connection
        .action(1, "add_and_tell".into(), args.clone(), true)
        .await
        .unwrap();
    connection
        .action(2, "get".into(), args, true)
        .await
        .unwrap();
    store.until_held(1).await;
    settle().await;
    assert!(futures_now(reader.recv()).is_none());
    store.release_syncs();
    assert!(matches!(reader.recv().await, Some(ClientMessage::Event(_))));
    assert!(matches!(
        reader.recv().await,
        Some(ClientMessage::Response { id: 1, .. })
    ));
    assert!(matches!(
        reader.recv().await,
        Some(ClientMessage::Response { id: 2, .. })
    ));
}

/// The value of a future that is ready at once.
fn futures_now<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match future.as_mut().poll(&mut context) {
        std::task::Poll::Ready(value) => Some(value),
        std::task::Poll::Pending => None,
    }
}

#[tokio::test(start_paused = true)]
async fn a_read_only_turn_with_nothing_under_way_does_not_wait() {
    let (store, world) = fault_world();
    let id = world.actor("a").await;
    world.call(id, "add").await.unwrap();
    store.pause_syncs();
    assert_eq!(world.call(id, "get").await, Ok(1));
}

#[tokio::test(start_paused = true)]
async fn a_crash_takes_nothing_back_that_was_told() {
    for kept in 0..=5 {
        let (store, world) = fault_world();
        let id = world.actor("a").await;
        world.call(id, "add").await.unwrap();
        world.call(id, "add").await.unwrap();
        store.pause_syncs();
        let lost: Vec<_> = (0..5)
            .map(|_| {
                let runtime = world.runtime.clone();
                tokio::spawn(async move { runtime.call(id, request("add")).await })
            })
            .collect();
        store.until_held(5).await;
        let after = World::new(Arc::new(store.crash(kept)));
        settle().await;
        assert!(
            lost.iter().all(|call| !call.is_finished()),
            "nobody was told of an unsynced change"
        );
        assert_eq!(after.call(id, "get").await, Ok(2 + kept as u64));
    }
}

#[tokio::test(start_paused = true)]
async fn a_failed_commit_fails_its_callers_and_the_next_call_sees_the_durable_state() {
    let (store, world) = fault_world();
    let id = world.actor("a").await;
    world.call(id, "add").await.unwrap();
    store.fail_append(1, StoreError::Full("no space".into()));
    assert_eq!(
        world.call(id, "add").await.unwrap_err().code,
        "store_unavailable"
    );
    assert_eq!(world.call(id, "get").await, Ok(1));
    assert_eq!(world.call(id, "add").await, Ok(2));
    assert_eq!(world.seen.lines(), ["create", "drop", "wake"]);
}

#[tokio::test(start_paused = true)]
async fn after_a_failed_commit_nothing_of_the_turns_behind_it_gets_out() {
    let (store, world) = fault_world();
    let id = world.actor("a").await;
    let (connection, mut reader) = world.connect(id).await;
    connection.subscribe("count".into(), true).await.unwrap();
    world.call(id, "get").await.unwrap();
    store.pause_syncs();
    let args = Bytes::from_static(&[0x80]);
    for number in 1..=3 {
        connection
            .action(number, "add_and_tell".into(), args.clone(), true)
            .await
            .unwrap();
    }
    store.until_held(3).await;
    store.fail_syncs();
    store.release_syncs();
    for number in 1..=3 {
        let message = reader.recv().await;
        let Some(ClientMessage::Error {
            id: Some(id),
            error,
        }) = message
        else {
            panic!("{message:?}")
        };
        assert_eq!((id, &*error.code), (number, "store_failed"));
    }
}

#[tokio::test(start_paused = true)]
async fn another_writer_fences_the_instance() {
    let (store, world) = fault_world();
    let id = world.actor("a").await;
    world.call(id, "add").await.unwrap();
    let theirs = store.load(id).await.unwrap().unwrap();
    assert_eq!(world.call(id, "add").await.unwrap_err().code, "restarting");
    // Ours again: the wake claimed the actor anew, and the other writer is out.
    assert_eq!(world.call(id, "add").await, Ok(2));
    let stale = greenroom_store::testing::commit(id, theirs.epoch, 3, "");
    assert!(matches!(
        store.append(stale).await,
        Err(StoreError::Fenced { .. })
    ));
}

#[tokio::test(start_paused = true)]
async fn relaxed_changes_are_told_at_once_and_stored_within_the_interval() {
    let (store, world) = fault_world();
    let id = world.actor("a").await;
    world.call(id, "get").await.unwrap();
    store.pause_syncs();
    let began = Instant::now();
    assert_eq!(world.call(id, "add_relaxed").await, Ok(1));
    assert_eq!(world.call(id, "add_relaxed").await, Ok(2));
    assert_eq!((began.elapsed().as_millis(), store.held()), (0, 0));
    store.until_held(1).await;
    assert_eq!(began.elapsed().as_secs(), 1);
    let after = World::new(Arc::new(store.crash(1)));
    assert_eq!(after.call(id, "get").await, Ok(2));
}

#[tokio::test(start_paused = true)]
async fn a_strict_reply_does_not_show_relaxed_changes_that_a_crash_takes_back() {
    let (store, world) = fault_world();
    let id = world.actor("a").await;
    world.call(id, "add_relaxed").await.unwrap();
    store.pause_syncs();
    let runtime = world.runtime.clone();
    let reader = tokio::spawn(async move { runtime.call(id, request("get")).await });
    store.until_held(1).await;
    settle().await;
    assert!(!reader.is_finished());
    store.release_syncs();
    assert!(reader.await.unwrap().is_ok());
}

#[tokio::test(start_paused = true)]
async fn an_immediate_save_answers_when_everything_before_it_is_durable() {
    let (store, world) = fault_world();
    let id = world.actor("a").await;
    world.call(id, "add_relaxed").await.unwrap();
    store.pause_syncs();
    let runtime = world.runtime.clone();
    let call = tokio::spawn(async move { runtime.call(id, request("save")).await });
    store.until_held(1).await;
    settle().await;
    assert!(!world.seen.lines().contains(&"saved 7".to_owned()));
    store.release_syncs();
    world.seen.wait_for("saved 7", 1).await;
    call.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_failed_store_refuses_and_says_so() {
    let (store, world) = fault_world();
    let id = world.actor("a").await;
    world.call(id, "add").await.unwrap();
    assert!(world.runtime.store_works());
    store.fail_syncs();
    assert!(!world.runtime.store_works());
    assert_eq!(
        world.call(id, "add").await.unwrap_err().code,
        "store_failed"
    );
    assert_eq!(world.call(id, "get").await, Ok(1));
    assert_eq!(
        world.call(id, "add").await.unwrap_err().code,
        "store_failed"
    );
}

#[tokio::test(start_paused = true)]
async fn ephemeral_changes_are_stored_only_along_with_others() {
    let (store, world) = fault_world();
    let id = world.actor("a").await;
    world.call(id, "add").await.unwrap();
    store.pause_syncs();
    assert_eq!(world.call(id, "add_ephemeral").await, Ok(2));
    assert_eq!(world.call(id, "get").await, Ok(2));
    assert_eq!(store.held(), 0);
    let after = World::new(Arc::new(store.crash(0)));
    assert_eq!(after.call(id, "get").await, Ok(1));
    // Asleep it is gone as well, but a stored change takes what came before it along.
    after.call(id, "add_ephemeral").await.unwrap();
    after.call(id, "sleep").await.unwrap();
    assert_eq!(after.call(id, "get").await, Ok(1));
    after.call(id, "add_ephemeral").await.unwrap();
    after.call(id, "add").await.unwrap();
    after.call(id, "sleep").await.unwrap();
    assert_eq!(after.call(id, "get").await, Ok(3));
}

#[tokio::test(start_paused = true)]
async fn whoever_misses_an_event_of_a_lost_instance_is_disconnected() {
    let (store, world) = fault_world();
    let id = world.actor("a").await;
    let (listening, mut heard) = world.connect(id).await;
    listening.subscribe("count".into(), true).await.unwrap();
    let (deaf, mut quiet) = world.connect(id).await;
    world.call(id, "get").await.unwrap();
    store.pause_syncs();
    let runtime = world.runtime.clone();
    let lost = tokio::spawn(async move { runtime.call(id, request("add_and_tell")).await });
    store.until_held(1).await;
    // The commit makes it, and the event that waits for it is never sent.
    world.runtime.crash(id);
    let error = lost.await.unwrap().unwrap_err();
    assert_eq!(&*error.code, "restarting");
    store.release_syncs();
    let closed = heard.recv().await;
    assert!(
        matches!(closed, Some(ClientMessage::Close(CloseReason::Refused(_)))),
        "{closed:?}"
    );
    assert_eq!(world.call(id, "get").await, Ok(1));
    // Nobody else notices.
    assert_eq!(act(&deaf, &mut quiet, "add").await, Ok(2));
    drop(listening);
}
