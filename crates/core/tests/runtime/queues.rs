//! Queues: a message that was acknowledged is there until a commit has finished it.

use std::sync::Arc;

use bytes::Bytes;
use greenroom_core::Published;
use greenroom_store::{MemoryStore, Store, testing::FaultStore};

use crate::host::World;

#[tokio::test(start_paused = true)]
async fn a_message_wakes_the_actor_and_stays_until_it_is_finished() {
    let world = World::in_memory();
    let id = world.actor("a").await;
    world.call(id, "get").await.unwrap();
    world.seen.wait_for("sleep", 1).await;
    assert_eq!(
        world.publish(id, 7, false).await,
        Ok(Published::Completed(None))
    );
    world.seen.wait_for("sleep", 2).await;
    assert_eq!(world.call(id, "count").await, Ok(1));
    assert_eq!(world.call(id, "finish").await, Ok(1));
    assert_eq!(world.call(id, "finish").await, Ok(0));
    assert_eq!(world.call(id, "get").await, Ok(1));
    let expected = [
        "create",
        "sleep",
        "wake",
        "message for jobs",
        "sleep",
        "wake",
    ];
    assert_eq!(world.seen.lines(), expected);
}

#[tokio::test(start_paused = true)]
async fn a_message_is_acknowledged_when_it_is_durable() {
    let store = Arc::new(FaultStore::new());
    let world = World::new(Arc::clone(&store) as Arc<dyn Store>);
    let id = world.actor("a").await;
    world.call(id, "get").await.unwrap();
    store.pause_syncs();
    let publish = world.publish(id, 7, false);
    tokio::select! {
        biased;
        _ = publish => panic!("acknowledged before the sync"),
        () = store.until_held(1) => {}
    }
    let after = World::new(Arc::new(store.crash(0)));
    assert_eq!(after.call(id, "count").await, Ok(0));
}

#[tokio::test(start_paused = true)]
async fn what_a_message_did_and_its_removal_are_one_commit() {
    for finish in ["finish", "finish_relaxed"] {
        for kept in 0..=1 {
            let store = Arc::new(FaultStore::new());
            let world = World::new(Arc::clone(&store) as Arc<dyn Store>);
            let id = world.actor("a").await;
            world.publish(id, 7, false).await.unwrap();
            store.pause_syncs();
            let finish = world.call(id, finish);
            tokio::select! {
                biased;
                _ = finish => panic!("answered before the sync"),
                () = store.until_held(1) => {}
            }
            let after = World::new(Arc::new(store.crash(kept)));
            assert_eq!(after.call(id, "count").await, Ok(1 - kept as u64));
            assert_eq!(after.call(id, "get").await, Ok(kept as u64));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_sender_that_waits_gets_the_response_and_keeps_the_actor_awake() {
    let world = World::in_memory();
    let id = world.actor("a").await;
    let waiting = world.publish(id, 7, true);
    let finish = async {
        world.seen.wait_for("message for jobs", 1).await;
        tokio::time::sleep(std::time::Duration::from_secs(100)).await;
        world.call(id, "finish").await
    };
    let (published, finished) = tokio::join!(waiting, finish);
    let response = Bytes::from_static(&[7]);
    assert_eq!(published, Ok(Published::Completed(Some(response))));
    assert_eq!(finished, Ok(1));
    assert_eq!(world.seen.lines(), ["create", "message for jobs"]);
}

#[tokio::test(start_paused = true)]
async fn a_sender_that_gives_up_leaves_its_message_there() {
    let world = World::in_memory();
    let id = world.actor("a").await;
    tokio::select! {
        biased;
        _ = world.publish(id, 7, true) => panic!("nobody finishes it"),
        () = world.seen.wait_for("message for jobs", 1) => {}
    }
    world.seen.wait_for("cancel", 1).await;
    assert_eq!(world.call(id, "count").await, Ok(1));
}

#[tokio::test(start_paused = true)]
async fn the_commit_that_stores_a_message_says_that_somebody_is_at_work_on_it() {
    for kept in 0..=1 {
        let store = Arc::new(FaultStore::new());
        let world = World::new(Arc::clone(&store) as Arc<dyn Store>);
        let id = world.actor("a").await;
        world.call(id, "get").await.unwrap();
        store.pause_syncs();
        let publish = world.publish_to(id, "run", 7, false);
        tokio::select! {
            biased;
            _ = publish => panic!("acknowledged before the sync"),
            () = store.until_held(1) => {}
        }
        let after = World::new(Arc::new(store.crash(kept)));
        tokio::time::sleep(std::time::Duration::from_secs(5)).await;
        assert_eq!(after.seen.lines().len(), kept, "woken without a call");
        assert_eq!(after.call(id, "count").await, Ok(kept as u64));
    }
}

#[tokio::test(start_paused = true)]
async fn messages_survive_the_fold_and_no_number_is_used_twice() {
    let store = Arc::new(MemoryStore::new());
    let world = World::new(Arc::clone(&store) as Arc<dyn Store>);
    let id = world.actor("a").await;
    for body in 0..70 {
        world.publish(id, body % 24, false).await.unwrap();
    }
    for number in 1..=68 {
        assert_eq!(world.call(id, "finish").await, Ok(number));
    }
    world.seen.wait_for("sleep", 1).await;
    let (snapshot, tail) = store.read(id).await.unwrap().unwrap();
    assert!(snapshot.is_some() && tail.is_empty());
    assert_eq!(world.call(id, "count").await, Ok(2));
    assert_eq!(world.call(id, "finish").await, Ok(69));
    assert_eq!(world.call(id, "finish").await, Ok(70));
    for _ in 0..100 {
        world.call(id, "add").await.unwrap();
    }
    world.seen.wait_for("sleep", 2).await;
    world.publish(id, 1, false).await.unwrap();
    assert_eq!(world.call(id, "finish").await, Ok(71));
}

#[tokio::test(start_paused = true)]
async fn a_message_for_nobody_is_refused() {
    let world = World::in_memory();
    let broken = world.actor("broken").await;
    assert_eq!(
        world.publish(broken, 7, false).await.unwrap_err().code,
        "broken"
    );
    let id = world.actor("a").await;
    world.runtime.destroy(id).await.unwrap();
    assert_eq!(
        world.publish(id, 7, true).await.unwrap_err().code,
        "not_found"
    );
    world.runtime.shutdown().await;
    assert_eq!(
        world.publish(id, 7, false).await.unwrap_err().code,
        "stopping"
    );
}
