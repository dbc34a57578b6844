//! What leaves an actor on a way of its own waits for the actor's commits like everything else.

use std::sync::Arc;

use bytes::Bytes;
use greenroom_core::{Instance, Output, Turn, departure};
use greenroom_store::{Store, StoreError, testing::FaultStore};

use crate::{
    host::replace_root,
    manual::{Manual, settle},
};

/// An actor that is awake, on a store that is told when to sync.
async fn awake() -> (Arc<FaultStore>, Manual, Instance) {
    let store = Arc::new(FaultStore::new());
    let mut manual = Manual::new(Arc::clone(&store) as Arc<dyn Store>);
    let (_, instance) = manual.awake().await;
    (store, manual, instance)
}

#[tokio::test(start_paused = true)]
async fn a_departure_waits_for_the_commit_of_its_turn() {
    let (store, manual, instance) = awake().await;
    store.pause_syncs();
    let (leave, clearance) = departure();
    manual.turn(instance, replace_root(1), [Output::Depart(leave)]);
    let granted = tokio::spawn(clearance.granted());
    store.until_held(1).await;
    settle().await;
    assert!(!granted.is_finished());
    store.sync(1);
    assert!(granted.await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_departure_without_changes_waits_for_those_before_it_or_for_nothing() {
    let (store, manual, instance) = awake().await;
    let (leave, clearance) = departure();
    manual.say(instance, Output::Depart(leave));
    assert!(clearance.granted().await);
    store.pause_syncs();
    let (leave, clearance) = departure();
    manual.turn(instance, replace_root(1), []);
    manual.say(instance, Output::Depart(leave));
    let granted = tokio::spawn(clearance.granted());
    settle().await;
    assert!(!granted.is_finished());
    store.release_syncs();
    assert!(granted.await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_relaxed_turn_lets_its_departures_go_at_once() {
    let (store, manual, instance) = awake().await;
    store.pause_syncs();
    let (leave, clearance) = departure();
    let turn = Turn {
        changes: replace_root(1),
        durability: greenroom_core::Durability::Relaxed,
        outputs: vec![Output::Depart(leave)],
        ..Turn::default()
    };
    manual.runtime.turn(instance, turn);
    assert!(clearance.granted().await);
}

#[tokio::test(start_paused = true)]
async fn nothing_departs_when_its_commit_failed_or_its_instance_is_gone() {
    let (store, manual, instance) = awake().await;
    store.fail_append(1, StoreError::Failed("disk".into()));
    let (leave, clearance) = departure();
    manual.turn(instance, replace_root(1), [Output::Depart(leave)]);
    assert!(!clearance.granted().await);
    let (leave, clearance) = departure();
    manual.turn(instance, Bytes::new(), [Output::Depart(leave)]);
    assert!(!clearance.granted().await);
}
