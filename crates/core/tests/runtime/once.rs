//! Calls that are made again: they run once, whatever was lost in between.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use greenroom_core::{
    ActorOptions, CallId, CallRequest, ClientMessage, CloseReason, Connection, HostEvent, Instance,
    OutboxReader, Output, SocketClose, Turn,
};
use greenroom_store::{MemoryStore, Store, StoreError, testing::FaultStore};
use greenroom_types::{
    ActorError, ActorId, limits,
    once::{CallerId, OnceCall, OnceId},
};
use tokio::{task::JoinHandle, time::Instant};

use crate::{
    host::{World, read_uint, replace_root, request, uint},
    manual::{Manual, client, reply, settle},
};

/// The call `number` of the caller 7, made again after `waited_ms`.
fn made(action: &str, number: u64, first: u64, waited_ms: u64) -> CallRequest {
    let id = OnceId::Numbered {
        caller: CallerId([7; 16]),
        number,
    };
    CallRequest {
        once: Some(Box::new(OnceCall {
            id,
            first,
            waited_ms,
        })),
        ..request(action)
    }
}

fn keyed(action: &str, key: &str) -> CallRequest {
    let once = OnceCall {
        id: OnceId::Key(key.into()),
        first: 0,
        waited_ms: 0,
    };
    CallRequest {
        once: Some(Box::new(once)),
        ..request(action)
    }
}

async fn call(world: &World, id: ActorId, request: CallRequest) -> Result<u64, ActorError> {
    let result = world.runtime.call(id, request).await;
    result.map(|value| read_uint(&value))
}

fn spawn(
    manual: &Manual,
    id: ActorId,
    request: CallRequest,
) -> JoinHandle<Result<Bytes, ActorError>> {
    let runtime = manual.runtime.clone();
    tokio::spawn(async move { runtime.call(id, request).await })
}

fn code<T: std::fmt::Debug>(result: Result<T, ActorError>) -> String {
    result.expect_err("refused").code.into_owned()
}

fn on(store: &Arc<FaultStore>) -> World {
    World::new(Arc::clone(store) as Arc<dyn Store>)
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_made_again_is_answered_and_not_run() {
    let world = World::in_memory();
    let id = world.actor("a").await;
    assert_eq!(call(&world, id, made("add", 0, 0, 0)).await, Ok(1));
    assert_eq!(call(&world, id, made("add", 1, 0, 0)).await, Ok(2));
    // After a crash of the instance, too.
    for _ in 0..2 {
        assert_eq!(call(&world, id, made("add", 0, 0, 5)).await, Ok(1));
        assert_eq!(call(&world, id, made("add", 1, 0, 5)).await, Ok(2));
        world.runtime.crash(id);
    }
    assert_eq!(world.call(id, "get").await, Ok(2));
    // What the caller does not wait for is forgotten, and refused if it comes late.
    assert_eq!(call(&world, id, made("add", 2, 2, 0)).await, Ok(3));
    assert_eq!(
        code(call(&world, id, made("add", 1, 0, 0)).await),
        "call_expired"
    );
    assert_eq!(world.call(id, "get").await, Ok(3));
}

#[tokio::test(start_paused = true)]
async fn a_lost_commit_takes_the_answer_along_and_the_call_runs() {
    let store = Arc::new(FaultStore::new());
    let world = on(&store);
    let id = world.actor("a").await;
    world.call(id, "get").await.unwrap();
    store.pause_syncs();
    let runtime = world.runtime.clone();
    let lost = tokio::spawn(async move { runtime.call(id, made("add", 0, 0, 0)).await });
    store.until_held(1).await;
    let (gone, kept) = (Arc::new(store.crash(0)), Arc::new(store.after_crash(1)));
    drop(lost);
    // Nothing of it was stored: it runs.
    let world = on(&gone);
    assert_eq!(call(&world, id, made("add", 0, 0, 9)).await, Ok(1));
    assert_eq!(world.call(id, "get").await, Ok(1));
    // All of it was stored, and only the answer was lost: it does not run.
    let world = on(&kept);
    assert_eq!(call(&world, id, made("add", 0, 0, 9)).await, Ok(1));
    assert_eq!(world.call(id, "get").await, Ok(1));
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_fails_leaves_no_answer_behind() {
    let store = Arc::new(FaultStore::new());
    let world = on(&store);
    let id = world.actor("a").await;
    world.call(id, "get").await.unwrap();
    store.fail_append(1, StoreError::Full("no room".into()));
    let failed = call(&world, id, made("add", 0, 0, 0)).await;
    assert_eq!(code(failed), "store_unavailable");
    assert_eq!(call(&world, id, made("add", 0, 0, 9)).await, Ok(1));
    assert_eq!(call(&world, id, made("add", 0, 0, 9)).await, Ok(1));
}

#[tokio::test(start_paused = true)]
async fn whoever_comes_while_the_call_runs_waits_for_its_answer() {
    let mut world = Manual::new(Arc::new(MemoryStore::new()));
    let id = world.actor().await;
    let first = spawn(&world, id, made("act", 0, 0, 0));
    world.started(Bytes::new()).await;
    let (instance, running) = world.called().await;
    let again = spawn(&world, id, made("act", 0, 0, 1));
    let other = spawn(&world, id, made("other", 0, 0, 1));
    assert_eq!(code(other.await.unwrap()), "call_mismatch");
    assert!(world.now().await.is_none(), "it does not run again");
    // Over a connection of the same caller as well.
    let (connection, mut reader) = connected(&mut world, id, instance).await;
    let caller = CallerId([7; 16]);
    connection.calls_of(caller, 1, 5).await.unwrap();
    act(&connection, 0).await.unwrap();
    assert!(world.now().await.is_none());
    world.turn(instance, replace_root(1), [reply(running)]);
    assert_eq!(first.await.unwrap(), Ok(uint(0)));
    assert_eq!(again.await.unwrap(), Ok(uint(0)));
    assert!(matches!(
        reader.recv().await,
        Some(ClientMessage::Response { id: 0, .. })
    ));
}

/// A connection that is open.
async fn connected(
    world: &mut Manual,
    id: ActorId,
    instance: Instance,
) -> (Connection, OutboxReader) {
    let (request, mut reader) = client();
    let runtime = world.runtime.clone();
    let connecting = tokio::spawn(async move { runtime.connect(id, request).await });
    let (_, conn) = world.connecting().await;
    world.say(instance, Output::Accept { conn });
    let connection = connecting.await.unwrap().unwrap();
    assert!(matches!(
        reader.recv().await,
        Some(ClientMessage::Init { .. })
    ));
    (connection, reader)
}

async fn act(connection: &Connection, number: u64) -> Result<(), ActorError> {
    let args = Bytes::from_static(&[0x80]);
    connection.action(number, "act".into(), args, true).await
}

async fn is_replaced(reader: &mut OutboxReader) -> bool {
    matches!(
        reader.recv().await,
        Some(ClientMessage::Close(CloseReason::Replaced))
    )
}

#[tokio::test(start_paused = true)]
async fn what_is_on_its_way_from_a_connection_that_was_left_does_not_run_any_more() {
    let mut world = Manual::new(Arc::new(MemoryStore::new()));
    let (id, instance) = world.awake().await;
    let caller = CallerId([7; 16]);
    let (left, mut left_reader) = connected(&mut world, id, instance).await;
    left.calls_of(caller, 0, 0).await.unwrap();
    act(&left, 0).await.unwrap();
    let (_, running) = world.called().await;
    // The client has lost it and comes back, for the call that runs as well.
    let (back, mut reader) = connected(&mut world, id, instance).await;
    back.calls_of(caller, 1, 5).await.unwrap();
    act(&back, 0).await.unwrap();
    act(&back, 2).await.unwrap();
    act(&left, 1).await.unwrap();
    assert!(matches!(world.next().await, (_, HostEvent::Disconnect(_))));
    let (_, second) = world.called().await;
    assert!(world.now().await.is_none(), "call 1 does not run behind 2");
    assert!(is_replaced(&mut left_reader).await);
    for call in [running, second] {
        world.say(instance, reply(call));
    }
    for expected in [0, 2] {
        let answer = reader.recv().await;
        assert!(matches!(answer, Some(ClientMessage::Response { id, .. }) if id == expected));
    }
    // Its end is no news any more, and its client says nothing twice.
    drop(left);
    back.calls_of(caller, 3, 5).await.unwrap();
    act(&back, 3).await.unwrap();
    world.called().await;
}

/// A connection with three calls that run, ended by a close with `code`, or without one.
async fn left_with_calls(code: Option<u16>) -> (Manual, Vec<CallId>) {
    let mut world = Manual::new(Arc::new(MemoryStore::new()));
    let (id, instance) = world.awake().await;
    let (connection, _reader) = connected(&mut world, id, instance).await;
    connection.calls_of(CallerId([7; 16]), 0, 0).await.unwrap();
    let mut calls = Vec::new();
    for number in 0..3 {
        act(&connection, number).await.unwrap();
        calls.push(world.called().await.1);
    }
    match code {
        Some(code) => connection.closed_with(SocketClose {
            code,
            reason: String::new(),
        }),
        None => drop(connection),
    }
    assert!(matches!(world.next().await, (_, HostEvent::Disconnect(_))));
    (world, calls)
}

#[tokio::test(start_paused = true)]
async fn whoever_says_goodbye_gives_up_its_calls_at_once_and_the_last_first() {
    let (mut world, calls) = left_with_calls(Some(1000)).await;
    let began = Instant::now();
    for expected in calls.into_iter().rev() {
        let (_, event) = world.next().await;
        assert!(matches!(event, HostEvent::Cancel(call) if call == expected));
    }
    assert_eq!(began.elapsed(), Duration::ZERO);
    tokio::time::sleep(2 * limits::CALLER_RETURN).await;
    assert!(world.now().await.is_none(), "nobody is told twice");
}

#[tokio::test(start_paused = true)]
async fn whoever_leaves_in_another_way_is_waited_for() {
    for code in [None, Some(1001), Some(1006)] {
        let (mut world, calls) = left_with_calls(code).await;
        let began = Instant::now();
        assert!(world.now().await.is_none());
        for expected in calls.into_iter().rev() {
            let (_, event) = world.next().await;
            assert!(matches!(event, HostEvent::Cancel(call) if call == expected));
        }
        assert_eq!(began.elapsed(), limits::CALLER_RETURN, "{code:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn of_two_connections_of_a_client_the_one_that_was_opened_first_was_left() {
    let mut world = Manual::new(Arc::new(MemoryStore::new()));
    let (id, instance) = world.awake().await;
    let (left, mut left_reader) = connected(&mut world, id, instance).await;
    let (back, _reader) = connected(&mut world, id, instance).await;
    let (other, _other_reader) = connected(&mut world, id, instance).await;
    back.calls_of(CallerId([7; 16]), 1, 5).await.unwrap();
    other.calls_of(CallerId([8; 16]), 0, 0).await.unwrap();
    // What it had sent comes late.
    left.calls_of(CallerId([7; 16]), 0, 0).await.unwrap();
    act(&left, 0).await.unwrap();
    assert!(matches!(world.next().await, (_, HostEvent::Disconnect(_))));
    assert!(world.now().await.is_none());
    assert!(is_replaced(&mut left_reader).await);
    for connection in [&back, &other] {
        act(connection, 0).await.unwrap();
        world.called().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_was_left_is_known_though_the_one_behind_it_has_ended() {
    let mut world = Manual::new(Arc::new(MemoryStore::new()));
    let (id, instance) = world.awake().await;
    let (left, mut left_reader) = connected(&mut world, id, instance).await;
    let (back, _reader) = connected(&mut world, id, instance).await;
    back.calls_of(CallerId([7; 16]), 1, 5).await.unwrap();
    drop(back);
    assert!(matches!(world.next().await, (_, HostEvent::Disconnect(_))));
    left.calls_of(CallerId([7; 16]), 0, 0).await.unwrap();
    act(&left, 0).await.unwrap();
    assert!(matches!(world.next().await, (_, HostEvent::Disconnect(_))));
    assert!(world.now().await.is_none(), "it does not run any more");
    assert!(is_replaced(&mut left_reader).await);
    // The client comes back once more.
    let (again, _again_reader) = connected(&mut world, id, instance).await;
    again.calls_of(CallerId([7; 16]), 1, 5).await.unwrap();
    act(&again, 1).await.unwrap();
    world.called().await;
}

/// A call that has awaited something, with another one in between that stores something.
async fn lost_in_the_middle(world: &mut Manual, id: ActorId, changes: Bytes) -> Instance {
    let first = spawn(world, id, made("act", 0, 0, 0));
    let (instance, call) = world.called().await;
    world.turn(instance, changes, [Output::GoesOn { call }]);
    settle().await;
    world.runtime.crash(id);
    assert_eq!(code(first.await.unwrap()), "restarting");
    assert!(matches!(world.next().await, (_, HostEvent::Drop)));
    instance
}

#[tokio::test(start_paused = true)]
async fn a_call_that_was_lost_in_the_middle_does_not_run_again() {
    let mut world = Manual::new(Arc::new(MemoryStore::new()));
    let (id, _) = world.awake().await;
    lost_in_the_middle(&mut world, id, replace_root(1)).await;
    let again = spawn(&world, id, made("act", 0, 0, 5));
    world.started(Bytes::new()).await;
    assert_eq!(code(again.await.unwrap()), "call_interrupted");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_was_lost_before_anything_was_stored_runs() {
    let mut world = Manual::new(Arc::new(MemoryStore::new()));
    let (id, _) = world.awake().await;
    lost_in_the_middle(&mut world, id, Bytes::new()).await;
    let again = spawn(&world, id, made("act", 0, 0, 5));
    world.started(Bytes::new()).await;
    let (instance, call) = world.called().await;
    world.say(instance, reply(call));
    assert_eq!(again.await.unwrap(), Ok(uint(0)));
}

#[tokio::test(start_paused = true)]
async fn the_answer_of_a_call_of_several_turns_is_stored_though_the_last_changes_nothing() {
    let mut world = Manual::new(Arc::new(MemoryStore::new()));
    let (id, _) = world.awake().await;
    let first = spawn(&world, id, made("act", 0, 0, 0));
    let (instance, call) = world.called().await;
    world.turn(instance, replace_root(1), [Output::GoesOn { call }]);
    world.say(instance, reply(call));
    assert_eq!(first.await.unwrap(), Ok(uint(0)));
    world.runtime.crash(id);
    assert!(matches!(world.next().await, (_, HostEvent::Drop)));
    let again = spawn(&world, id, made("act", 0, 0, 5));
    world.started(Bytes::new()).await;
    assert_eq!(again.await.unwrap(), Ok(uint(0)));
}

#[tokio::test(start_paused = true)]
async fn errors_are_answers_if_something_was_stored_with_them() {
    let mut world = Manual::new(Arc::new(MemoryStore::new()));
    let (id, _) = world.awake().await;
    let fail = |call| Output::Reply {
        call,
        result: Err(ActorError::new("user", "no", "it failed")),
    };
    for (number, changes) in [(0, replace_root(1)), (1, Bytes::new())] {
        let stored = !changes.is_empty();
        let first = spawn(&world, id, made("act", number, 0, 0));
        let (instance, call) = world.called().await;
        world.turn(instance, changes, [fail(call)]);
        assert_eq!(code(first.await.unwrap()), "no");
        let again = spawn(&world, id, made("act", number, 0, 5));
        if !stored {
            let (instance, call) = world.called().await;
            world.say(instance, fail(call));
        }
        assert_eq!(code(again.await.unwrap()), "no");
        assert!(world.now().await.is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn answers_wait_for_the_commit_that_they_are_in() {
    let store = Arc::new(FaultStore::new());
    let world = on(&store);
    let id = world.actor("a").await;
    world.call(id, "get").await.unwrap();
    store.pause_syncs();
    let calls: Vec<_> = [0, 5]
        .map(|waited_ms| {
            let runtime = world.runtime.clone();
            tokio::spawn(async move { runtime.call(id, made("add", 0, 0, waited_ms)).await })
        })
        .into();
    store.until_held(1).await;
    settle().await;
    assert!(calls.iter().all(|call| !call.is_finished()));
    store.release_syncs();
    for call in calls {
        assert_eq!(call.await.unwrap(), Ok(uint(1)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_window_that_overflows_refuses_what_it_may_have_forgotten() {
    let mut options = ActorOptions::default();
    options.call_records.count = 2;
    let world = World::with_options(Arc::new(MemoryStore::new()), options);
    let id = world.actor("a").await;
    for number in 0..4 {
        tokio::time::advance(std::time::Duration::from_millis(10)).await;
        assert_eq!(
            call(&world, id, made("add", number, 0, 0)).await,
            Ok(number + 1)
        );
    }
    for _ in 0..2 {
        assert_eq!(
            code(call(&world, id, made("add", 0, 0, 100)).await),
            "call_expired"
        );
        assert_eq!(call(&world, id, made("add", 3, 0, 100)).await, Ok(4));
        world.runtime.crash(id);
    }
    // It was made after the last one that is forgotten, so it has not run.
    assert_eq!(call(&world, id, made("add", 9, 0, 1)).await, Ok(5));
}

#[tokio::test(start_paused = true)]
async fn without_a_window_nothing_is_answered_or_run_again() {
    let mut options = ActorOptions::default();
    options.call_records.count = 0;
    let world = World::with_options(Arc::new(MemoryStore::new()), options);
    let id = world.actor("a").await;
    assert_eq!(call(&world, id, made("add", 0, 0, 0)).await, Ok(1));
    assert_eq!(
        code(call(&world, id, made("add", 0, 0, 5)).await),
        "call_expired"
    );
    assert_eq!(world.call(id, "get").await, Ok(1));
}

#[tokio::test(start_paused = true)]
async fn keys_of_users_are_the_same_call_for_everybody_and_one_action_each() {
    let world = World::in_memory();
    let id = world.actor("a").await;
    assert_eq!(call(&world, id, keyed("add", "k")).await, Ok(1));
    assert_eq!(call(&world, id, keyed("add", "k")).await, Ok(1));
    assert_eq!(
        code(call(&world, id, keyed("get", "k")).await),
        "call_mismatch"
    );
    assert_eq!(call(&world, id, keyed("add", "other")).await, Ok(2));
    let other = world.actor("b").await;
    assert_eq!(call(&world, other, keyed("add", "k")).await, Ok(1));
    assert_eq!(call(&world, id, keyed("get", "read")).await, Ok(2));
}

#[tokio::test(start_paused = true)]
async fn callers_that_wait_for_a_call_of_others_are_bounded() {
    let mut world = Manual::new(Arc::new(MemoryStore::new()));
    let (id, _) = world.awake().await;
    let mut waiting = vec![spawn(&world, id, made("act", 0, 0, 0))];
    let (instance, running) = world.called().await;
    while waiting.len() < limits::CALLS_IN_PROGRESS {
        for _ in 0..512 {
            waiting.push(spawn(&world, id, made("act", 0, 0, 1)));
        }
        settle().await;
    }
    let over = world.runtime.call(id, made("act", 0, 0, 1)).await;
    assert_eq!(code(over), "overloaded");
    world.say(instance, reply(running));
    for call in waiting.into_iter().take(limits::CALLS_IN_PROGRESS) {
        assert_eq!(call.await.unwrap(), Ok(uint(0)));
    }
    assert!(world.runtime.call(id, made("act", 0, 0, 1)).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_caller_vanishes_is_told_so_when_nobody_comes_back() {
    let mut world = Manual::new(Arc::new(MemoryStore::new()));
    let (id, _) = world.awake().await;
    let cancelled = |event: Option<HostEvent>, running: CallId| matches!(event, Some(HostEvent::Cancel(call)) if call == running);
    let lost = spawn(&world, id, made("act", 0, 0, 0));
    let (instance, running) = world.called().await;
    lost.abort();
    settle().await;
    let back = spawn(&world, id, made("act", 0, 0, 5));
    settle().await;
    tokio::time::sleep(2 * limits::CALLER_RETURN).await;
    assert!(world.now().await.is_none(), "somebody waits");
    world.runtime.turn(
        instance,
        Turn {
            outputs: vec![reply(running)],
            ..Turn::default()
        },
    );
    assert!(back.await.unwrap().is_ok());

    let lost = spawn(&world, id, made("act", 1, 0, 0));
    let (_, running) = world.called().await;
    lost.abort();
    settle().await;
    assert!(world.now().await.is_none(), "it may come back");
    tokio::time::sleep(2 * limits::CALLER_RETURN).await;
    assert!(cancelled(world.now().await, running));
}

fn is_cancel(event: Option<HostEvent>, running: CallId) -> bool {
    matches!(event, Some(HostEvent::Cancel(call)) if call == running)
}

fn once_id(number: u64) -> OnceId {
    OnceId::Numbered {
        caller: CallerId([7; 16]),
        number,
    }
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_says_so_is_not_waited_for() {
    let mut world = Manual::new(Arc::new(MemoryStore::new()));
    let (id, _) = world.awake().await;
    // Before and after its connection is gone.
    for (number, is_gone) in [(0, false), (1, true)] {
        let lost = spawn(&world, id, made("act", number, 0, 0));
        let (_, running) = world.called().await;
        if is_gone {
            lost.abort();
            settle().await;
        }
        for other in [once_id(9), OnceId::Key("k".into())] {
            world.runtime.give_up(id, other).await;
            assert!(world.now().await.is_none(), "another call");
        }
        world.runtime.give_up(id, once_id(number)).await;
        assert!(is_cancel(world.now().await, running));
        lost.abort();
        settle().await;
        world.runtime.give_up(id, once_id(number)).await;
        tokio::time::sleep(2 * limits::CALLER_RETURN).await;
        assert!(world.now().await.is_none(), "it was told");
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_given_up_while_the_actor_wakes_is_not_forgotten() {
    let mut world = Manual::new(Arc::new(MemoryStore::new()));
    let id = world.actor().await;
    // The first wakes the actor, the others are behind it in the mailbox.
    let first = spawn(&world, id, made("act", 0, 0, 0));
    settle().await;
    let behind = spawn(&world, id, made("act", 1, 0, 0));
    let waits = spawn(&world, id, made("other", 2, 0, 0));
    settle().await;
    world.runtime.give_up(id, once_id(0)).await;
    world.runtime.give_up(id, once_id(1)).await;
    assert_eq!(code(first.await.unwrap()), "aborted", "it never runs");
    world.started(replace_root(0)).await;
    let (_, running) = world.called().await;
    let (instance, HostEvent::Call(other)) = world.next().await else {
        panic!("the other call is made");
    };
    assert_eq!(other.name, "other");
    assert!(is_cancel(world.now().await, running));
    for call in [running, other.call] {
        world.say(instance, reply(call));
    }
    assert!(behind.await.unwrap().is_ok() && waits.await.unwrap().is_ok());
    assert!(world.now().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn no_actor_wakes_to_hear_that_a_call_is_given_up() {
    let mut world = Manual::new(Arc::new(MemoryStore::new()));
    let id = world.actor().await;
    world.runtime.give_up(id, once_id(0)).await;
    settle().await;
    assert!(world.now().await.is_none());
}
