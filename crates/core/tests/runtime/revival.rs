//! Actors that are busy without being called, and what becomes of them when they are lost.

use std::{sync::Arc, time::Duration};

use greenroom_core::{ActorOptions, CrashPolicy, HostEvent, Instance, Output, StopReason};
use greenroom_store::{MemoryStore, Store, StoreError, testing::FaultStore};
use greenroom_types::ActorId;
use tokio::{task::JoinHandle, time::Instant};

use crate::{
    host::{World, name, one, replace_root, request},
    manual::{Manual, settle},
};

const AT_WORK: Output = Output::Awake {
    held: true,
    resumes: true,
};
const DONE: Output = Output::Awake {
    held: false,
    resumes: false,
};

/// A world whose only actor, `a`, has said something.
async fn world_where(store: &Arc<FaultStore>, says: &str) -> (World, ActorId) {
    let world = World::new(Arc::clone(store) as Arc<dyn Store>);
    let id = world.actor("a").await;
    world.call(id, says).await.unwrap();
    // What a read shows is durable, and so is what was said before it.
    world.call(id, "get").await.unwrap();
    (world, id)
}

fn with_policy(store: Arc<dyn Store>, crash_policy: CrashPolicy) -> World {
    let mut options = ActorOptions::default();
    options.crash_policy = crash_policy;
    World::with_options(store, options)
}

async fn some_time() {
    tokio::time::sleep(Duration::from_secs(20)).await;
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_is_held_awake_sleeps_when_it_is_let_go_and_then_waits_its_time() {
    let world = World::in_memory();
    let id = world.actor("a").await;
    world.call(id, "awake held").await.unwrap();
    tokio::time::sleep(Duration::from_secs(300)).await;
    assert_eq!(world.seen.lines(), ["create"]);
    world.call(id, "awake").await.unwrap();
    let began = Instant::now();
    world.seen.wait_for("sleep", 1).await;
    assert_eq!(began.elapsed().as_secs(), 30);
}

#[tokio::test(start_paused = true)]
async fn one_that_is_held_awake_sleeps_when_told() {
    let world = World::in_memory();
    let id = world.actor("a").await;
    world.call(id, "awake held resumes").await.unwrap();
    world.call(id, "sleep").await.unwrap();
    some_time().await;
    assert_eq!(world.seen.lines(), ["create", "sleep"]);
}

#[tokio::test(start_paused = true)]
async fn the_next_process_wakes_what_was_at_work_and_nothing_else() {
    for (says, expected) in [
        ("awake held resumes", &["wake"][..]),
        ("awake held", &[]),
        ("add", &[]),
    ] {
        let store = Arc::new(FaultStore::new());
        let _world = world_where(&store, says).await;
        let after = World::new(Arc::new(store.crash(0)));
        some_time().await;
        assert_eq!(after.seen.lines(), expected, "{says}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_has_finished_its_work_is_left_alone() {
    let store = Arc::new(FaultStore::new());
    let (world, id) = world_where(&store, "awake held resumes").await;
    world.call(id, "awake").await.unwrap();
    some_time().await;
    let after = World::new(Arc::new(store.crash(0)));
    some_time().await;
    assert!(after.seen.lines().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_waits_now_and_then_moves_its_mark_only_when_it_waits_for_long() {
    let store = Arc::new(FaultStore::new());
    let (world, id) = world_where(&store, "awake held resumes").await;
    let last = async || {
        let (snapshot, tail) = store.read(id).await.unwrap().unwrap();
        tail.last()
            .map_or_else(|| snapshot.map_or(0, |s| s.seq), |entry| entry.seq)
    };
    let before = last().await;
    for _ in 0..20 {
        world.call(id, "awake").await.unwrap();
        tokio::time::sleep(Duration::from_millis(500)).await;
        world.call(id, "awake held resumes").await.unwrap();
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    assert_eq!(last().await, before);
    world.call(id, "awake").await.unwrap();
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(last().await, before + 1);
    let after = World::new(Arc::new(store.crash(0)));
    some_time().await;
    assert!(after.seen.lines().is_empty());
}

#[tokio::test(start_paused = true)]
async fn one_that_was_put_to_sleep_is_left_alone_and_its_alarm_is_kept() {
    let store = Arc::new(FaultStore::new());
    let (world, id) = world_where(&store, "alarm 100000").await;
    world.call(id, "awake held resumes").await.unwrap();
    world.call(id, "sleep").await.unwrap();
    world.seen.wait_for("sleep", 1).await;
    some_time().await;
    let after = World::new(Arc::new(store.crash(0)));
    some_time().await;
    assert!(after.seen.lines().is_empty());
    after.env.jump(200_000);
    after.seen.wait_for("told alarm", 1).await;
}

#[tokio::test(start_paused = true)]
async fn alarms_of_one_at_work_are_told_in_time_before_and_after_a_crash() {
    let store = Arc::new(FaultStore::new());
    let (world, id) = world_where(&store, "awake held resumes").await;
    world.call(id, "alarm 500").await.unwrap();
    world.seen.wait_for("told alarm", 1).await;
    world.call(id, "later alarm 50000").await.unwrap();
    let after = World::new(Arc::new(store.crash(0)));
    after.env.jump(60_000);
    after.seen.wait_for("told later alarm", 1).await;
    assert_eq!(after.seen.lines(), ["wake", "told later alarm"]);
}

#[tokio::test(start_paused = true)]
async fn work_that_a_shutdown_interrupts_goes_on_in_the_next_process() {
    let store = Arc::new(FaultStore::new());
    let (world, _) = world_where(&store, "awake held resumes").await;
    world.runtime.shutdown().await;
    let after = World::new(Arc::new(store.crash(0)));
    after.seen.wait_for("wake", 1).await;
    // It has no work in this life, so the one after is no concern.
    some_time().await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(after.seen.lines(), ["wake", "sleep"]);
}

/// An instance that is at work, with the call that has started it.
async fn at_work(manual: &mut Manual) -> Instance {
    let id = manual.actor().await;
    let runtime = manual.runtime.clone();
    tokio::spawn(async move { runtime.call(id, request("get")).await });
    let instance = manual.started(replace_root(0)).await;
    manual.say(instance, AT_WORK);
    manual.called().await;
    instance
}

fn shut_down(manual: &Manual) -> JoinHandle<()> {
    let runtime = manual.runtime.clone();
    tokio::spawn(async move { runtime.shutdown().await })
}

#[tokio::test(start_paused = true)]
async fn work_whose_end_the_shutdown_itself_has_brought_goes_on_too() {
    let store = Arc::new(FaultStore::new());
    let mut manual = Manual::new(Arc::clone(&store) as Arc<dyn Store>);
    let instance = at_work(&mut manual).await;
    let shutdown = shut_down(&manual);
    manual.stopping(StopReason::Sleep).await;
    manual.say(instance, DONE);
    manual.say(instance, Output::Stopped);
    shutdown.await.unwrap();
    let after = World::new(Arc::new(store.crash(0)));
    after.seen.wait_for("wake", 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_does_not_make_work_of_a_sleep_that_was_asked_for() {
    let store = Arc::new(FaultStore::new());
    let mut manual = Manual::new(Arc::clone(&store) as Arc<dyn Store>);
    let instance = at_work(&mut manual).await;
    manual.say(instance, Output::Sleep);
    manual.stopping(StopReason::Sleep).await;
    let shutdown = shut_down(&manual);
    settle().await;
    manual.say(instance, Output::Stopped);
    shutdown.await.unwrap();
    let after = World::new(Arc::new(store.crash(0)));
    some_time().await;
    assert!(after.seen.lines().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_process_that_ends_before_work_has_begun_again_leaves_it_to_the_next() {
    let before = Arc::new(FaultStore::new());
    world_where(&before, "awake held resumes").await;
    let store = Arc::new(before.crash(0));
    let mut manual = Manual::new(Arc::clone(&store) as Arc<dyn Store>);
    let (instance, _) = manual.next().await;
    let shutdown = shut_down(&manual);
    settle().await;
    manual.say(instance, Output::Started);
    manual.stopping(StopReason::Sleep).await;
    manual.say(instance, AT_WORK);
    manual.say(instance, DONE);
    manual.say(instance, Output::Stopped);
    shutdown.await.unwrap();
    let after = World::new(Arc::new(store.crash(0)));
    after.seen.wait_for("wake", 1).await;
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_is_lost_at_work_is_followed_by_another_at_once() {
    let store = Arc::new(FaultStore::new());
    let (world, id) = world_where(&store, "awake held resumes").await;
    store.fail_append(1, StoreError::Full("no room".into()));
    assert!(world.call(id, "add").await.is_err());
    let began = Instant::now();
    world.seen.wait_for("wake", 1).await;
    assert!(began.elapsed() < Duration::from_millis(100));
}

#[tokio::test(start_paused = true)]
async fn one_that_cannot_start_again_is_tried_with_longer_and_longer_pauses() {
    let store = Arc::new(FaultStore::new());
    let world = World::new(Arc::clone(&store) as Arc<dyn Store>);
    let id = world.actor("unsteady").await;
    world.call(id, "awake held resumes").await.unwrap();
    world.call(id, "get").await.unwrap();
    let after = World::new(Arc::new(store.crash(0)));
    let began = Instant::now();
    let mut times = Vec::new();
    for attempt in 1..=6 {
        after.seen.wait_for("wake", attempt).await;
        times.push(began.elapsed().as_secs());
    }
    assert_eq!(times, [0, 1, 3, 7, 15, 31]);
    // A caller need not wait for the next attempt, and is told why it fails.
    assert_eq!(after.call(id, "get").await.unwrap_err().code, "unsteady");
    tokio::time::sleep(Duration::from_secs(3600)).await;
    let lines = after.seen.lines();
    let attempts = lines.iter().filter(|line| *line == "wake").count();
    assert!(
        (12..=24).contains(&attempts),
        "{attempts} attempts in an hour"
    );
}

#[tokio::test(start_paused = true)]
async fn processes_that_die_with_an_actor_wake_it_later_and_later_until_one_is_steady() {
    let mut store = Arc::new(FaultStore::new());
    world_where(&store, "awake held resumes").await;
    let mut waited = Vec::new();
    for _ in 0..5 {
        store = Arc::new(store.crash(0));
        let world = World::new(Arc::clone(&store) as Arc<dyn Store>);
        let id = world.actor("a").await;
        let began = Instant::now();
        world.seen.wait_for("wake", 1).await;
        waited.push(began.elapsed().as_secs());
        world.call(id, "awake held resumes").await.unwrap();
        world.call(id, "get").await.unwrap();
    }
    assert_eq!(waited, [0, 1, 2, 4, 8]);
    store = Arc::new(store.crash(0));
    let world = World::new(Arc::clone(&store) as Arc<dyn Store>);
    world.seen.wait_for("wake", 1).await;
    let id = world.actor("a").await;
    world.call(id, "awake held resumes").await.unwrap();
    tokio::time::sleep(Duration::from_secs(90)).await;
    let world = World::new(Arc::new(store.crash(0)));
    let began = Instant::now();
    world.seen.wait_for("wake", 1).await;
    assert_eq!(began.elapsed().as_secs(), 0);
}

#[tokio::test(start_paused = true)]
async fn processes_that_die_while_an_actor_starts_try_it_later_and_later() {
    for (policy, shut_down, expected) in [
        (CrashPolicy::Sleep, false, [0, 1, 2, 4, 8]),
        (CrashPolicy::Sleep, true, [0, 0, 1, 2, 4]),
        (CrashPolicy::Restart, false, [0, 1, 2, 4, 8]),
        // Once it has started, a loss removes it, and not before.
        (CrashPolicy::Destroy, true, [0, 0, 0, 0, 0]),
    ] {
        let mut store = Arc::new(FaultStore::new());
        let mut options = ActorOptions::default();
        options.crash_policy = policy;
        let world = World::with_options(Arc::clone(&store) as Arc<dyn Store>, options.clone());
        let id = world.actor("a").await;
        world.call(id, "awake held resumes").await.unwrap();
        world.call(id, "get").await.unwrap();
        if shut_down {
            world.runtime.shutdown().await;
        }
        let mut waited = Vec::new();
        for _ in expected {
            store = Arc::new(store.crash(0));
            let dynamic = Arc::clone(&store) as Arc<dyn Store>;
            let mut manual = Manual::with_options(dynamic, options.clone());
            let began = Instant::now();
            let (_, event) = manual.next().await;
            assert!(matches!(event, HostEvent::Start(_)), "{event:?}");
            waited.push(began.elapsed().as_secs());
        }
        assert_eq!(waited, expected, "{policy:?}, shut down: {shut_down}");
        // Whoever calls it does not wait for its turn.
        let after = World::with_options(Arc::new(store.crash(0)), options);
        let began = Instant::now();
        after.call(id, "get").await.unwrap();
        assert_eq!(began.elapsed().as_secs(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn starts_that_fail_in_good_order_are_one_loss_of_a_process_at_most() {
    let store = Arc::new(FaultStore::new());
    let world = World::new(Arc::clone(&store) as Arc<dyn Store>);
    let id = world.actor("unsteady").await;
    world.call(id, "awake held resumes").await.unwrap();
    world.call(id, "get").await.unwrap();
    let store = Arc::new(store.crash(0));
    let failing = World::new(Arc::clone(&store) as Arc<dyn Store>);
    for _ in 0..12 {
        let error = failing.call(id, "get").await.unwrap_err();
        assert_eq!(error.code, "unsteady");
    }
    // Both processes have died while the actor was awake or starting.
    let mut healthy = Manual::new(Arc::new(store.crash(0)));
    let began = Instant::now();
    let (_, event) = healthy.next().await;
    assert!(matches!(event, HostEvent::Start(_)), "{event:?}");
    assert_eq!(began.elapsed().as_secs(), 1);
}

#[tokio::test(start_paused = true)]
async fn restart_wakes_what_was_awake_whatever_it_did() {
    let store = Arc::new(FaultStore::new());
    let world = with_policy(Arc::clone(&store) as Arc<dyn Store>, CrashPolicy::Restart);
    let (awake, asleep) = (world.actor("awake").await, world.actor("asleep").await);
    for id in [awake, asleep] {
        world.call(id, "get").await.unwrap();
    }
    world.call(asleep, "sleep").await.unwrap();
    world.seen.wait_for("sleep", 1).await;
    some_time().await;
    let after = with_policy(Arc::new(store.crash(0)), CrashPolicy::Restart);
    some_time().await;
    assert_eq!(after.seen.lines(), ["wake"]);
}

#[tokio::test(start_paused = true)]
async fn destroy_removes_what_was_awake_and_nothing_else() {
    let store = Arc::new(FaultStore::new());
    let world = with_policy(Arc::clone(&store) as Arc<dyn Store>, CrashPolicy::Destroy);
    let (awake, asleep) = (world.actor("awake").await, world.actor("asleep").await);
    for id in [awake, asleep] {
        world.call(id, "add").await.unwrap();
    }
    world.call(asleep, "sleep").await.unwrap();
    world.seen.wait_for("sleep", 1).await;
    some_time().await;
    let after = with_policy(Arc::new(store.crash(0)), CrashPolicy::Destroy);
    some_time().await;
    assert!(after.seen.lines().is_empty());
    let gone = after.runtime.get_by_id(awake).await.unwrap_err();
    assert_eq!(gone.code, "not_found");
    assert_eq!(after.call(asleep, "get").await, Ok(1));
    let by_key = after.runtime.get(&name(), &one("awake")).await;
    assert_eq!(by_key.unwrap_err().code, "not_found");
}

#[tokio::test(start_paused = true)]
async fn destroy_removes_an_actor_whose_commit_failed() {
    let store = Arc::new(FaultStore::new());
    let world = with_policy(Arc::clone(&store) as Arc<dyn Store>, CrashPolicy::Destroy);
    let id = world.actor("a").await;
    world.call(id, "add").await.unwrap();
    store.fail_append(1, StoreError::Full("no room".into()));
    assert!(world.call(id, "add").await.is_err());
    assert_eq!(world.call(id, "get").await.unwrap_err().code, "not_found");
    assert_ne!(world.actor("a").await, id);
    assert_eq!(world.seen.lines(), ["create", "drop"]);
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_in_good_order_is_no_crash() {
    for policy in [CrashPolicy::Restart, CrashPolicy::Destroy] {
        let store = Arc::new(FaultStore::new());
        let world = with_policy(Arc::clone(&store) as Arc<dyn Store>, policy);
        let id = world.actor("a").await;
        world.call(id, "add").await.unwrap();
        world.runtime.shutdown().await;
        let after = with_policy(Arc::new(store.crash(0)), policy);
        some_time().await;
        assert!(after.seen.lines().is_empty());
        assert_eq!(after.call(id, "get").await, Ok(1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_policy_costs_one_commit_per_wake_and_sleep_and_none_per_call() {
    let store = Arc::new(MemoryStore::new());
    let world = with_policy(Arc::clone(&store) as Arc<dyn Store>, CrashPolicy::Restart);
    let id = world.actor("a").await;
    let last = async || {
        let (snapshot, tail) = store.read(id).await.unwrap().unwrap();
        tail.last()
            .map_or_else(|| snapshot.map_or(0, |s| s.seq), |entry| entry.seq)
    };
    world.call(id, "get").await.unwrap();
    // The commit of the creation has the mark in it.
    assert_eq!(last().await, 1);
    for _ in 0..10 {
        world.call(id, "get").await.unwrap();
    }
    assert_eq!(last().await, 1);
    world.call(id, "sleep").await.unwrap();
    world.seen.wait_for("sleep", 1).await;
    some_time().await;
    assert_eq!(last().await, 2);
    world.call(id, "get").await.unwrap();
    assert_eq!(last().await, 3);
}

#[tokio::test(start_paused = true)]
async fn an_alarm_is_told_though_its_actor_was_lost_while_its_mark_went() {
    // The mark goes some time after it is not needed any more, or when the actor goes to sleep.
    for (says, then) in [("awake", None), ("get", Some("sleep"))] {
        let store = Arc::new(FaultStore::new());
        let (world, id) = world_where(&store, "awake resumes").await;
        world.call(id, "alarm 5000").await.unwrap();
        // The first commit from here on is the one that would put the time of the alarm there.
        store.fail_append(1, StoreError::Full("a test".to_owned()));
        world.call(id, says).await.unwrap();
        if let Some(then) = then {
            world.call(id, then).await.unwrap();
        }
        world.seen.wait_for("drop", 1).await;
        world.seen.wait_for("told alarm", 1).await;
        assert_eq!(world.call(id, "get").await, Ok(1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_mark_that_cannot_be_taken_away_does_not_make_a_loop() {
    let store = Arc::new(FaultStore::new());
    let (world, id) = world_where(&store, "awake resumes").await;
    store.fail_syncs();
    // The mark is not needed any more, and stays, because nothing is written any more.
    world.call(id, "awake").await.unwrap();
    tokio::time::sleep(Duration::from_secs(100)).await;
    // Each attempt claims it anew, as this look does; none can write down that it is about to start.
    // In the lower half; the upper one counts how often the store was opened.
    let claims = store.load(id).await.unwrap().unwrap().epoch.0 & u64::from(u32::MAX);
    assert!((4..14).contains(&claims), "{claims} times in 100 s");
    assert!(!world.seen.lines().contains(&"wake".to_owned()));
}
