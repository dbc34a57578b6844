//! The journal is folded in the background, and waking from the fold gives the same state.

use std::sync::Arc;

use bytes::Bytes;
use greenroom_core::{KvRequest, Output, StopReason, Turn};
use greenroom_store::{MemoryStore, Store};

use crate::{
    host::{World, replace_root, request},
    manual::{Manual, reply, settle},
};

async fn tail(store: &MemoryStore, id: greenroom_types::ActorId) -> (bool, usize) {
    let (snapshot, tail) = store.read(id).await.unwrap().expect("the actor exists");
    (snapshot.is_some(), tail.len())
}

#[tokio::test(start_paused = true)]
async fn a_long_tail_is_folded_while_the_actor_runs() {
    let store = Arc::new(MemoryStore::new());
    let world = World::new(Arc::clone(&store) as Arc<dyn Store>);
    let id = world.actor("a").await;
    for _ in 0..3000 {
        world.call(id, "add").await.unwrap();
    }
    let (folded, left) = tail(&store, id).await;
    assert!(folded && left <= 1100, "{left} commits left");
    let after = World::new(store);
    assert_eq!(after.call(id, "get").await, Ok(3000));
}

#[tokio::test(start_paused = true)]
async fn a_tail_worth_it_is_folded_on_the_way_to_sleep() {
    let store = Arc::new(MemoryStore::new());
    let world = World::new(Arc::clone(&store) as Arc<dyn Store>);
    let (short, long) = (world.actor("short").await, world.actor("long").await);
    world.call(short, "add").await.unwrap();
    for _ in 0..100 {
        world.call(long, "add").await.unwrap();
    }
    world.seen.wait_for("sleep", 2).await;
    while world.runtime.live_actors() > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(tail(&store, long).await, (true, 0));
    assert_eq!(tail(&store, short).await, (false, 2));
    let after = World::new(store);
    assert_eq!(after.call(long, "get").await, Ok(100));
    assert_eq!(after.call(short, "get").await, Ok(1));
}

#[tokio::test(start_paused = true)]
async fn a_large_snapshot_is_not_made_anew_for_a_few_small_changes() {
    let store = Arc::new(MemoryStore::new());
    let mut manual = Manual::new(Arc::clone(&store) as Arc<dyn Store>);
    let id = manual.actor().await;
    let runtime = manual.runtime.clone();
    let call = tokio::spawn(async move { runtime.call(id, request("write")).await });
    let instance = manual.started(replace_root(0)).await;
    let (_, number) = manual.called().await;
    manual.say(instance, reply(number));
    call.await.unwrap().unwrap();
    let put = |len: usize| Turn {
        kv: vec![KvRequest::Put {
            pairs: vec![(Bytes::from_static(b"a"), vec![0; len].into())],
            token: None,
        }],
        ..Turn::default()
    };
    let is_folded = || async { tail(&store, id).await == (true, 0) };
    manual.runtime.turn(instance, put(1 << 20));
    while !is_folded().await {
        tokio::task::yield_now().await;
    }
    for _ in 0..5000 {
        manual.runtime.turn(instance, put(1));
    }
    manual.runtime.sleep(id).unwrap();
    let instance = manual.stopping(StopReason::Sleep).await;
    manual.say(instance, Output::Stopped);
    settle().await;
    assert_eq!(tail(&store, id).await, (true, 5000));
}

#[tokio::test(start_paused = true)]
async fn a_state_that_is_replaced_again_and_again_keeps_a_short_tail() {
    let store = Arc::new(MemoryStore::new());
    let mut manual = Manual::new(Arc::clone(&store) as Arc<dyn Store>);
    let id = manual.actor().await;
    let runtime = manual.runtime.clone();
    let call = tokio::spawn(async move { runtime.call(id, request("write")).await });
    let text = [&[0x82, 0x07, 0x59, 0x27, 0x10][..], &[7; 10_000]].concat();
    let instance = manual.started(text.clone().into()).await;
    let mut longest = 0;
    for _ in 0..1000 {
        manual.turn(instance, text.clone().into(), []);
        tokio::task::yield_now().await;
        longest = longest.max(tail(&store, id).await.1);
    }
    assert!(
        (5..20).contains(&longest),
        "{longest} commits of 10 kB each"
    );
    call.abort();
}
