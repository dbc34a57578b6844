//! Alarms: at least once, never early, through sleep, crash and clock jumps.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use greenroom_core::{Alarm, AlarmUpdate, HostEvent, Output, StopReason, Turn};
use greenroom_store::{MemoryStore, Store, testing::FaultStore};
use greenroom_types::ActorError;
use tokio::time::Instant;

use crate::{
    host::{World, replace_root, request},
    manual::{Manual, reply},
};

#[tokio::test(start_paused = true)]
async fn an_alarm_is_told_when_it_is_due_and_once() {
    let world = World::in_memory();
    let id = world.actor("a").await;
    let began = Instant::now();
    world.call(id, "alarm 500").await.unwrap();
    world.seen.wait_for("told alarm", 1).await;
    assert_eq!(began.elapsed().as_millis(), 500);
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert_eq!(world.call(id, "get").await, Ok(1));
    assert_eq!(world.seen.lines(), ["create", "told alarm"]);
}

#[tokio::test(start_paused = true)]
async fn an_alarm_wakes_a_sleeping_actor() {
    let world = World::in_memory();
    let id = world.actor("a").await;
    let began = Instant::now();
    world.call(id, "alarm 120000").await.unwrap();
    world.seen.wait_for("sleep", 1).await;
    world.seen.wait_for("told alarm", 1).await;
    let late = began.elapsed() - Duration::from_secs(120);
    assert!(late < Duration::from_secs(2), "{late:?} late");
    assert_eq!(
        world.seen.lines(),
        ["create", "sleep", "wake", "told alarm"]
    );
    assert_eq!(world.call(id, "get").await, Ok(1));
}

#[tokio::test(start_paused = true)]
async fn a_removed_alarm_is_not_told() {
    let world = World::in_memory();
    let id = world.actor("a").await;
    world.call(id, "alarm 500").await.unwrap();
    world.call(id, "no alarm").await.unwrap();
    tokio::time::sleep(Duration::from_secs(100)).await;
    assert_eq!(world.seen.lines(), ["create", "sleep"]);
}

#[tokio::test(start_paused = true)]
async fn overdue_alarms_are_told_in_order_after_a_restart() {
    let store = Arc::new(FaultStore::new());
    let world = World::new(Arc::clone(&store) as Arc<dyn Store>);
    let id = world.actor("a").await;
    world.call(id, "late alarm 900").await.unwrap();
    world.call(id, "early alarm 300").await.unwrap();
    let after = World::new(Arc::new(store.crash(0)));
    after.env.jump(1_000_000);
    after.seen.wait_for("told late alarm", 1).await;
    assert_eq!(
        after.seen.lines(),
        ["wake", "told early alarm", "told late alarm"]
    );
    assert_eq!(after.call(id, "get").await, Ok(2));
}

#[tokio::test(start_paused = true)]
async fn what_an_alarm_did_and_its_removal_are_one_commit() {
    for kept in 0..=1 {
        let store = Arc::new(FaultStore::new());
        let world = World::new(Arc::clone(&store) as Arc<dyn Store>);
        let id = world.actor("a").await;
        world.call(id, "alarm 500").await.unwrap();
        store.pause_syncs();
        world.seen.wait_for("told alarm", 1).await;
        store.until_held(1).await;
        let after = World::new(Arc::new(store.crash(kept)));
        after.env.jump(1_000);
        tokio::time::sleep(Duration::from_secs(5)).await;
        // Told again if and only if what it did was lost.
        assert_eq!(after.call(id, "get").await, Ok(1));
        assert_eq!(
            after.seen.lines().contains(&"told alarm".to_owned()),
            kept == 0
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_failing_alarm_is_told_again_as_the_host_says() {
    let world = World::in_memory();
    let id = world.actor("a").await;
    world.call(id, "broken alarm 100").await.unwrap();
    world.seen.wait_for("told broken alarm", 3).await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(world.call(id, "get").await, Ok(1));
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_jumps_forward_is_noticed_within_seconds() {
    let world = World::in_memory();
    let (awake, asleep) = (world.actor("awake").await, world.actor("asleep").await);
    for id in [awake, asleep] {
        world.call(id, "alarm 3600000").await.unwrap();
    }
    world.call(asleep, "sleep").await.unwrap();
    world.seen.wait_for("sleep", 1).await;
    world.env.jump(3_600_000);
    let began = Instant::now();
    world.seen.wait_for("told alarm", 2).await;
    assert!(
        began.elapsed() <= Duration::from_secs(6),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn an_alarm_survives_the_fold_into_a_snapshot() {
    let store = Arc::new(MemoryStore::new());
    let world = World::new(Arc::clone(&store) as Arc<dyn Store>);
    let id = world.actor("a").await;
    world.call(id, "alarm 600000").await.unwrap();
    for _ in 0..100 {
        world.call(id, "add").await.unwrap();
    }
    world.seen.wait_for("sleep", 1).await;
    let (snapshot, tail) = store.read(id).await.unwrap().unwrap();
    assert!(snapshot.is_some() && tail.is_empty());
    world.seen.wait_for("told alarm", 1).await;
    assert_eq!(world.call(id, "get").await, Ok(101));
}

#[tokio::test(start_paused = true)]
async fn destroying_an_actor_ends_its_alarms() {
    let world = World::in_memory();
    let id = world.actor("a").await;
    world.call(id, "alarm 50000").await.unwrap();
    world.runtime.destroy(id).await.unwrap();
    tokio::time::sleep(Duration::from_secs(100)).await;
    assert_eq!(world.seen.lines(), ["create", "destroy"]);
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_cannot_start_does_not_hold_up_the_alarms_of_others() {
    let world = World::in_memory();
    let ids: Vec<_> = [world.actor("a").await, world.actor("b").await].into();
    for &id in &ids {
        world.call(id, "alarm 40000").await.unwrap();
    }
    world.seen.wait_for("told alarm", 2).await;
    for id in ids {
        assert_eq!(world.call(id, "get").await, Ok(1));
    }
}

/// An actor that sleeps, with an alarm in a minute.
async fn asleep_until_its_alarm() -> Manual {
    let mut manual = Manual::new(Arc::new(MemoryStore::new()));
    let id = manual.actor().await;
    let runtime = manual.runtime.clone();
    let call = tokio::spawn(async move { runtime.call(id, request("plan")).await });
    let instance = manual.started(replace_root(0)).await;
    let (_, planned) = manual.called().await;
    let set = Turn {
        alarms: vec![AlarmUpdate::Set(Alarm {
            id: "tick".to_owned(),
            due_ms: 60_000,
            attempt: 0,
            body: Bytes::new(),
        })],
        outputs: vec![reply(planned), Output::Sleep],
        ..Turn::default()
    };
    manual.runtime.turn(instance, set);
    call.await.unwrap().unwrap();
    manual.stopping(StopReason::Sleep).await;
    manual.say(instance, Output::Stopped);
    manual
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_goes_back_to_sleep_at_once_has_what_is_due_first() {
    let mut manual = asleep_until_its_alarm().await;

    // The alarm wakes it, and it says that it wants to sleep before it says that it is awake.
    let (instance, event) = manual.next().await;
    assert!(matches!(event, HostEvent::Start(_)), "{event:?}");
    let late = Instant::now();
    manual.turn(instance, Bytes::new(), [Output::Sleep, Output::Started]);
    let (_, event) = manual.next().await;
    let HostEvent::Alarm(told) = event else {
        panic!("expected the alarm, got {event:?}");
    };
    assert_eq!(told.alarm.id, "tick");
    manual.stopping(StopReason::Sleep).await;
    assert!(late.elapsed().is_zero(), "{:?} late", late.elapsed());
    let done = Turn {
        alarms: vec![AlarmUpdate::Remove("tick".to_owned())],
        outputs: vec![reply(told.call), Output::Stopped],
        ..Turn::default()
    };
    manual.runtime.turn(instance, done);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(manual.now().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_cannot_start_is_tried_again_soon_and_then_later_and_later() {
    let mut manual = asleep_until_its_alarm().await;

    let mut pauses = Vec::new();
    let mut failed = None;
    for _ in 0..7 {
        let (instance, event) = manual.next().await;
        assert!(matches!(event, HostEvent::Start(_)), "{event:?}");
        pauses.extend(failed.map(|at: Instant| at.elapsed().as_secs()));
        manual.say(instance, Output::StartFailed(ActorError::internal()));
        failed = Some(Instant::now());
        assert!(matches!(manual.next().await.1, HostEvent::Drop));
    }
    assert_eq!(pauses, [1, 2, 4, 8, 15, 15]);
}
