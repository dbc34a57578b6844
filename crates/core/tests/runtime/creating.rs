//! An actor begins while its creation is under way, and nobody can tell.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use greenroom_core::{ActorOptions, CrashPolicy, HostEvent, Output, WhenSlow};
use greenroom_store::{Store, StoreError, testing::FaultStore};
use greenroom_types::{ActorError, ActorId};
use tokio::task::JoinHandle;

use crate::{
    host::{World, name, one, read_uint, replace_root, request},
    manual::{Manual, PANIC, reply, settle},
};

fn fault_world() -> (Arc<FaultStore>, World) {
    let store = Arc::new(FaultStore::new());
    let world = World::new(Arc::clone(&store) as Arc<dyn Store>);
    (store, world)
}

type Answer = (ActorId, Result<u64, ActorError>);

/// Calls the actor of a key, and creates it if need be, as a stateless call of a client does.
fn ask(world: &World, key: &str, action: &str) -> JoinHandle<Result<Answer, ActorError>> {
    let (runtime, key, request) = (world.runtime.clone(), one(key), request(action));
    tokio::spawn(async move {
        let (actor, _) = runtime.reach_or_create(&name(), &key, None).await?;
        let result = runtime.call(actor.id, request).await;
        Ok((actor.id, result.map(|bytes| read_uint(&bytes))))
    })
}

fn fault_manual() -> (Arc<FaultStore>, Manual) {
    let store = Arc::new(FaultStore::new());
    let manual = Manual::new(Arc::clone(&store) as Arc<dyn Store>);
    (store, manual)
}

/// As [`ask`], of the actor `a` of a host that the test plays. Tells who has answered.
fn ask_manual(manual: &Manual, action: &'static str) -> JoinHandle<Result<ActorId, ActorError>> {
    let runtime = manual.runtime.clone();
    tokio::spawn(async move {
        let (actor, _) = runtime.reach_or_create(&name(), &one("a"), None).await?;
        let answer = runtime.call(actor.id, request(action)).await;
        answer.map(|_| actor.id)
    })
}

async fn answer(asked: JoinHandle<Result<Answer, ActorError>>) -> Answer {
    asked.await.unwrap().expect("there is an actor")
}

#[tokio::test(start_paused = true)]
async fn creation_start_and_first_action_share_a_sync() {
    let (store, world) = fault_world();
    store.pause_syncs();
    let asked = ask(&world, "a", "add");
    // The record, and what the actor has done since, though nothing is durable.
    store.until_held(2).await;
    world.seen.wait_for("create", 1).await;
    settle().await;
    assert!(!asked.is_finished());
    assert_eq!(store.record(ActorId::from_bytes([0; 16])).await, Ok(None));
    assert_eq!(store.lookup(&name(), &one("a")).await, Ok(None));
    store.release_syncs();
    let (id, count) = answer(asked).await;
    assert_eq!(count, Ok(1));
    let stored = store.lookup(&name(), &one("a")).await.unwrap();
    assert_eq!(stored.unwrap().id, id);
    assert_eq!(world.call(id, "get").await, Ok(1));
    assert_eq!(world.seen.lines(), ["create"]);
}

#[tokio::test(start_paused = true)]
async fn a_new_actor_is_not_loaded_however_quick_the_store_is() {
    let (store, world) = fault_world();
    store.pause_loads();
    let answered = answer(ask(&world, "a", "add"));
    let answered = tokio::time::timeout(Duration::from_secs(60), answered);
    assert_eq!(answered.await.expect("nothing is loaded").1, Ok(1));
}

#[tokio::test(start_paused = true)]
async fn not_even_what_waits_for_no_commit_leaves_before_the_creation_is_durable() {
    for action in ["add_relaxed", "add_ephemeral", "get", "fail", "nonsense"] {
        let (store, world) = fault_world();
        store.pause_syncs();
        let asked = ask(&world, "a", action);
        store.until_held(1).await;
        world.seen.wait_for("create", 1).await;
        settle().await;
        assert!(!asked.is_finished(), "{action}");
        store.release_syncs();
        let (id, _) = answer(asked).await;
        assert_eq!(store.record(id).await.unwrap().unwrap().id, id);
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_a_crash_leaves_of_a_creation_the_actor_is_whole_or_not_there() {
    let (store, world) = fault_world();
    store.pause_syncs();
    let asked = ask(&world, "a", "add");
    store.until_held(2).await;
    settle().await;
    for keep in 0..=store.held() {
        let after = Arc::new(store.after_crash(keep));
        let stored = after.lookup(&name(), &one("a")).await.unwrap();
        assert_eq!(stored.is_some(), keep > 0, "{keep} writes are left");
        let world = World::new(after as Arc<dyn Store>);
        let (_, count) = answer(ask(&world, "a", "get")).await;
        let all = keep == store.held();
        assert_eq!(count, Ok(u64::from(all)), "{keep} writes are left");
    }
    store.release_syncs();
    assert_eq!(answer(asked).await.1, Ok(1));
}

#[tokio::test(start_paused = true)]
async fn a_creation_that_fails_fails_those_who_wait_and_leaves_nothing() {
    let (store, world) = fault_world();
    store.pause_syncs();
    let asked = [ask(&world, "a", "add"), ask(&world, "a", "get")];
    store.until_held(2).await;
    settle().await;
    store.fail_syncs();
    store.release_syncs();
    for asked in asked {
        let (id, result) = answer(asked).await;
        assert_eq!(result.unwrap_err().code, "store_failed");
        assert_eq!(store.record(id).await, Ok(None));
    }
    settle().await;
    assert_eq!(world.runtime.live_actors(), 0);
    assert_eq!(store.lookup(&name(), &one("a")).await, Ok(None));
    let later = ask(&world, "a", "add").await.unwrap();
    assert_eq!(later.unwrap_err().code, "store_failed");
}

#[tokio::test(start_paused = true)]
async fn of_many_at_once_one_creates_and_all_reach_it() {
    let (store, world) = fault_world();
    store.pause_syncs();
    let asked: Vec<_> = (0..20).map(|_| ask(&world, "a", "add")).collect();
    store.until_held(2).await;
    settle().await;
    store.release_syncs();
    let mut counts = Vec::new();
    let mut ids = Vec::new();
    for asked in asked {
        let (id, count) = answer(asked).await;
        ids.push(id);
        counts.push(count.unwrap());
    }
    ids.dedup();
    assert_eq!(ids.len(), 1);
    counts.sort_unstable();
    assert_eq!(counts, Vec::from_iter(1..=20));
    assert_eq!(world.seen.lines(), ["create"]);
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_a_creation_and_who_does_not_get_the_same_actor() {
    for waits_first in [true, false] {
        let (store, world) = fault_world();
        store.pause_syncs();
        let create = || {
            let runtime = world.runtime.clone();
            tokio::spawn(async move { runtime.create(&name(), &one("a"), None).await })
        };
        let (created, asked) = match waits_first {
            true => {
                let created = create();
                store.until_held(1).await;
                (created, ask(&world, "a", "add"))
            }
            false => {
                let asked = ask(&world, "a", "add");
                store.until_held(2).await;
                (create(), asked)
            }
        };
        settle().await;
        // What is not durable is found by nobody. If its code runs already, nobody is told that it is not there.
        let runtime = world.runtime.clone();
        let found = tokio::spawn(async move { runtime.get(&name(), &one("a")).await });
        settle().await;
        assert_eq!(found.is_finished(), waits_first);
        store.release_syncs();
        let (id, count) = answer(asked).await;
        assert_eq!(count, Ok(1));
        match (created.await.unwrap(), waits_first) {
            (Ok(record), true) => assert_eq!(record.id, id),
            (Err(error), false) => assert_eq!(error, ActorError::duplicate_key()),
            other => panic!("{other:?}"),
        }
        match (found.await.unwrap(), waits_first) {
            (Err(error), true) => assert_eq!(error, ActorError::not_found()),
            (Ok(record), false) => assert_eq!(record.id, id),
            other => panic!("{other:?}"),
        }
        assert_eq!(world.seen.lines(), ["create"], "code has run for one actor");
    }
}

#[tokio::test(start_paused = true)]
async fn who_looks_for_what_is_being_created_waits_until_that_is_settled() {
    for fails in [false, true] {
        let (store, world) = fault_world();
        store.pause_syncs();
        let asked = ask(&world, "a", "add");
        store.until_held(2).await;
        let known = world.runtime.known(&name(), &one("a")).unwrap();
        let id = known.expect("it is at work").id;
        let runtime = world.runtime.clone();
        let by_key = tokio::spawn(async move { runtime.get(&name(), &one("a")).await });
        let runtime = world.runtime.clone();
        let by_id = tokio::spawn(async move { runtime.get_by_id(id).await });
        settle().await;
        assert!(!by_key.is_finished() && !by_id.is_finished());
        if fails {
            store.fail_syncs();
        }
        store.release_syncs();
        for found in [by_key.await.unwrap(), by_id.await.unwrap()] {
            match fails {
                true => assert_eq!(found.unwrap_err(), ActorError::not_found()),
                false => assert_eq!(found.unwrap().id, id),
            }
        }
        assert_eq!(answer(asked).await.1.is_err(), fails);
    }
}

#[tokio::test(start_paused = true)]
async fn a_creation_that_nobody_waits_for_any_more_is_not_overtaken() {
    let (store, world) = fault_world();
    store.pause_syncs();
    let runtime = world.runtime.clone();
    let created = tokio::spawn(async move { runtime.create(&name(), &one("a"), None).await });
    store.until_held(1).await;
    created.abort();
    assert!(created.await.unwrap_err().is_cancelled());
    let asked = ask(&world, "a", "add");
    settle().await;
    assert_eq!(world.seen.lines(), [""; 0], "no code runs for another one");
    store.release_syncs();
    let (id, count) = answer(asked).await;
    assert_eq!(count, Ok(1));
    let stored = store.lookup(&name(), &one("a")).await.unwrap();
    assert_eq!(stored.unwrap().id, id);
    assert_eq!(world.seen.lines(), ["create"]);
}

#[tokio::test(start_paused = true)]
async fn a_creation_under_which_the_host_panics_is_not_overtaken() {
    let (store, mut manual) = fault_manual();
    store.pause_syncs();
    let boom = ask_manual(&manual, PANIC);
    let first = manual.started(replace_root(1)).await;
    settle().await;
    assert!(matches!(manual.next().await, (instance, HostEvent::Drop) if instance == first));
    assert_eq!(boom.await.unwrap().unwrap_err().code, "restarting");
    let asked = ask_manual(&manual, "get");
    settle().await;
    assert!(manual.now().await.is_none(), "no code runs for another one");
    store.release_syncs();
    let instance = manual.started(Bytes::new()).await;
    let (_, call) = manual.called().await;
    manual.say(instance, reply(call));
    let id = asked.await.unwrap().expect("it answers");
    let stored = store.lookup(&name(), &one("a")).await.unwrap();
    assert_eq!(stored.unwrap().id, id);
}

#[tokio::test(start_paused = true)]
async fn a_start_that_fails_is_told_when_there_is_an_actor_that_cannot_start() {
    let (store, world) = fault_world();
    store.pause_syncs();
    let asked = ask(&world, "broken", "add");
    store.until_held(1).await;
    world.seen.wait_for("drop", 1).await;
    settle().await;
    assert!(!asked.is_finished());
    store.release_syncs();
    let (id, result) = answer(asked).await;
    assert_eq!(result.unwrap_err().code, "broken");
    assert_eq!(store.record(id).await.unwrap().unwrap().id, id);
    // Nothing of its start was kept, and the next caller tries again.
    assert_eq!(store.read(id).await, Ok(Some((None, Vec::new()))));
    assert_eq!(world.call(id, "add").await.unwrap_err().code, "broken");
    assert_eq!(world.seen.lines(), ["drop", "drop"]);
}

#[tokio::test(start_paused = true)]
async fn a_start_that_fails_for_an_actor_that_is_not_created_is_told_why_not() {
    let (store, world) = fault_world();
    store.pause_syncs();
    let asked = ask(&world, "broken", "add");
    world.seen.wait_for("drop", 1).await;
    settle().await;
    store.fail_syncs();
    store.release_syncs();
    let (id, result) = answer(asked).await;
    assert_eq!(result.unwrap_err().code, "store_failed");
    assert_eq!(store.record(id).await, Ok(None));
    settle().await;
    assert_eq!(world.runtime.live_actors(), 0);
}

#[tokio::test(start_paused = true)]
async fn input_that_is_refused_leaves_no_actor() {
    let (store, mut manual) = fault_manual();
    store.pause_syncs();
    let asked = ask_manual(&manual, "add");
    let (instance, _) = manual.next().await;
    let refusal = ActorError::new("user", "bad_input", "not this");
    manual.say(instance, Output::StartRefused(refusal.clone()));
    // The record and its end.
    store.until_held(2).await;
    settle().await;
    assert!(!asked.is_finished());
    store.release_syncs();
    assert_eq!(asked.await.unwrap().unwrap_err(), refusal);
    assert_eq!(store.lookup(&name(), &one("a")).await, Ok(None));
    settle().await;
    assert_eq!(manual.runtime.live_actors(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_a_failed_start_says_behind_that_keeps_nobody_waiting() {
    let (store, mut manual) = fault_manual();
    store.pause_syncs();
    let asked = ask_manual(&manual, "add");
    let (instance, _) = manual.next().await;
    let failure = ActorError::new("user", "broken", "not today");
    let event = Output::Event {
        to: None,
        name: "late".into(),
        args: Bytes::from_static(&[0x80]),
        when_slow: WhenSlow::Disconnect,
    };
    let outputs = [Output::StartFailed(failure.clone()), event];
    manual.turn(instance, replace_root(1), outputs);
    store.until_held(1).await;
    settle().await;
    assert!(!asked.is_finished());
    store.release_syncs();
    let answered = tokio::time::timeout(Duration::from_secs(60), asked);
    let answer = answered.await.expect("it is answered").unwrap();
    assert_eq!(answer.unwrap_err(), failure);
    let ended = tokio::time::timeout(Duration::from_secs(60), manual.runtime.shutdown());
    ended.await.expect("nothing keeps it from ending");
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_is_lost_under_its_creation_is_followed_by_another() {
    let (store, world) = fault_world();
    store.pause_syncs();
    let asked = ask(&world, "a", "add");
    store.until_held(2).await;
    settle().await;
    let (actor, is_new) = world
        .runtime
        .reach_or_create(&name(), &one("a"), None)
        .await
        .unwrap();
    assert!(!is_new);
    world.runtime.crash(actor.id);
    assert_eq!(answer(asked).await.1.unwrap_err().code, "restarting");
    // The next one waits for what the first has written.
    let again = ask(&world, "a", "add");
    settle().await;
    assert!(!again.is_finished());
    store.release_syncs();
    assert_eq!(answer(again).await, (actor.id, Ok(2)));
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_is_lost_under_its_creation_is_revived_when_it_is_created() {
    let store = Arc::new(FaultStore::new());
    let mut options = ActorOptions::default();
    options.crash_policy = CrashPolicy::Restart;
    let world = World::with_options(Arc::clone(&store) as Arc<dyn Store>, options);
    store.pause_syncs();
    let asked = ask(&world, "a", "add");
    store.until_held(3).await;
    settle().await;
    let (actor, _) = world
        .runtime
        .reach_or_create(&name(), &one("a"), None)
        .await
        .unwrap();
    world.runtime.crash(actor.id);
    assert_eq!(answer(asked).await.1.unwrap_err().code, "restarting");
    // Its revival is due at once. It waits for the creation, and holds up nobody meanwhile.
    settle().await;
    assert_eq!(world.seen.lines(), ["create", "drop"]);
    store.release_syncs();
    world.seen.wait_for("wake", 1).await;
    assert_eq!(world.call(actor.id, "add").await, Ok(2));
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_is_told_nothing_is_created_and_sleeps() {
    let (store, world) = fault_world();
    store.pause_syncs();
    let (name, key) = (name(), one("a"));
    let reached = world.runtime.reach_or_create(&name, &key, None);
    let (actor, is_new) = reached.await.unwrap();
    assert!(is_new);
    settle().await;
    assert_eq!(world.runtime.live_actors(), 1);
    store.release_syncs();
    settle().await;
    assert_eq!(world.runtime.live_actors(), 0);
    assert_eq!(store.record(actor.id).await, Ok(Some(actor.clone())));
    assert_eq!(world.seen.lines(), [""; 0], "no code has run");
    assert_eq!(world.call(actor.id, "add").await, Ok(1));
}

#[tokio::test(start_paused = true)]
async fn another_node_that_was_faster_has_the_actor() {
    let (store, world) = fault_world();
    // It has asked, and the other one's answer is not there yet.
    store.pause_syncs();
    let mut other = greenroom_store::testing::new_actor(9, "counter", &["a"]);
    other.name = name();
    let created = store.create(other.clone());
    let asked = ask(&world, "a", "add");
    store.until_held(3).await;
    settle().await;
    store.release_syncs();
    created.await.unwrap();
    let (id, result) = answer(asked).await;
    assert_eq!(result.unwrap_err(), ActorError::restarting());
    assert_eq!(store.record(id).await, Ok(None));
    settle().await;
    assert_eq!(answer(ask(&world, "a", "add")).await, (other.id, Ok(1)));
}

#[tokio::test(start_paused = true)]
async fn a_full_store_refuses_the_creation_at_once() {
    let (store, world) = fault_world();
    store.fail_syncs();
    let asked = ask(&world, "a", "add").await.unwrap();
    assert_eq!(asked.unwrap_err().code, "store_failed");
    assert_eq!(world.runtime.live_actors(), 0);
    assert_eq!(
        store
            .create_claimed(greenroom_store::testing::new_actor(1, "counter", &["a"]))
            .err(),
        Some(StoreError::Failed("a test fails all syncs".to_owned()))
    );
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_finishes_what_is_being_created() {
    let (store, world) = fault_world();
    store.pause_syncs();
    let asked = ask(&world, "a", "add");
    store.until_held(2).await;
    settle().await;
    let runtime = world.runtime.clone();
    let shutdown = tokio::spawn(async move { runtime.shutdown().await });
    settle().await;
    assert!(!shutdown.is_finished());
    store.release_syncs();
    assert_eq!(answer(asked).await.1, Ok(1));
    shutdown.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_ends_in_its_first_turn_is_gone() {
    let (store, world) = fault_world();
    store.pause_syncs();
    let asked = ask(&world, "a", "destroy");
    store.until_held(2).await;
    settle().await;
    store.release_syncs();
    let (id, result) = answer(asked).await;
    assert_eq!(result, Ok(0));
    world.seen.wait_for("destroy", 1).await;
    settle().await;
    assert_eq!(store.record(id).await, Ok(None));
}
