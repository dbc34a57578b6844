use greenroom_types::{ActorId, ActorKey, ActorName, ShardId, limits};

use crate::host::{World, name, one, request};

#[tokio::test(start_paused = true)]
async fn one_actor_counts_and_others_are_their_own() {
    let world = World::in_memory();
    let (a, b) = (world.actor("a").await, world.actor("b").await);
    assert_ne!(a, b);
    assert_eq!(world.call(a, "add").await, Ok(1));
    assert_eq!(world.call(a, "add").await, Ok(2));
    assert_eq!(world.call(b, "get").await, Ok(0));
    assert_eq!(world.actor("a").await, a);
}

#[tokio::test(start_paused = true)]
async fn errors_reach_the_caller_and_the_actor_lives_on() {
    let world = World::in_memory();
    let id = world.actor("a").await;
    world.call(id, "add").await.unwrap();
    assert_eq!(world.call(id, "fail").await.unwrap_err().code, "user_error");
    assert_eq!(
        world.call(id, "nope").await.unwrap_err().code,
        "action_not_found"
    );
    assert_eq!(world.call(id, "get").await, Ok(1));
}

#[tokio::test(start_paused = true)]
async fn look_ups_say_what_is_wrong() {
    let world = World::in_memory();
    let runtime = &world.runtime;
    let stranger = ActorName::new("stranger").unwrap();
    let nobody = ActorId::new(ShardId::new(1), [9; 13]);
    assert_eq!(
        runtime.get(&name(), &one("a")).await.unwrap_err().code,
        "not_found"
    );
    assert_eq!(
        runtime.get(&stranger, &one("a")).await.unwrap_err().code,
        "not_registered"
    );
    assert_eq!(
        runtime.get_by_id(nobody).await.unwrap_err().code,
        "not_found"
    );
    assert_eq!(
        world.call(nobody, "get").await.unwrap_err().code,
        "not_found"
    );
    let made = runtime.create(&name(), &one("a"), None).await.unwrap();
    assert_eq!(
        runtime
            .create(&name(), &one("a"), None)
            .await
            .unwrap_err()
            .code,
        "duplicate_key"
    );
    assert_eq!(runtime.get(&name(), &one("a")).await.unwrap(), made);
    assert!(runtime.get(&name(), &ActorKey::default()).await.is_err());
    let huge = bytes::Bytes::from(vec![0; limits::INPUT + 1]);
    let error = runtime
        .create(&name(), &one("b"), Some(huge))
        .await
        .unwrap_err();
    assert_eq!(error.code, "input_too_large");
}

#[tokio::test(start_paused = true)]
async fn racing_creators_get_one_actor() {
    let world = World::in_memory();
    let race = (0..50).map(|_| {
        let runtime = world.runtime.clone();
        tokio::spawn(async move {
            runtime
                .get_or_create(&name(), &one("a"), None)
                .await
                .unwrap()
        })
    });
    let mut results = Vec::new();
    for racer in race.collect::<Vec<_>>() {
        results.push(racer.await.unwrap());
    }
    assert_eq!(results.iter().filter(|(_, created)| *created).count(), 1);
    assert!(
        results
            .iter()
            .all(|(record, _)| record.id == results[0].0.id)
    );
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_gives_up_cancels_its_call() {
    let world = World::in_memory();
    let id = world.actor("a").await;
    let runtime = world.runtime.clone();
    let caller = tokio::spawn(async move { runtime.call(id, request("hang")).await });
    world.seen.wait_for("hanging", 1).await;
    caller.abort();
    world.seen.wait_for("cancel", 1).await;
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_cannot_start_says_why_and_can_be_destroyed() {
    let world = World::in_memory();
    let id = world.actor("broken").await;
    assert_eq!(world.call(id, "get").await.unwrap_err().code, "broken");
    assert_eq!(world.call(id, "get").await.unwrap_err().code, "broken");
    world.runtime.destroy(id).await.unwrap();
    assert_eq!(world.call(id, "get").await.unwrap_err().code, "not_found");
}

#[tokio::test(start_paused = true)]
async fn too_many_calls_in_progress_are_refused() {
    let world = World::in_memory();
    let id = world.actor("a").await;
    let mut hanging = Vec::new();
    for number in 1..=limits::CALLS_IN_PROGRESS {
        let runtime = world.runtime.clone();
        hanging.push(tokio::spawn(async move {
            runtime.call(id, request("hang")).await
        }));
        // One at a time, or the mailbox would be full first.
        world.seen.wait_for("hanging", number).await;
    }
    assert_eq!(world.call(id, "get").await.unwrap_err().code, "overloaded");
    assert!(hanging.iter().all(|call| !call.is_finished()));
}
