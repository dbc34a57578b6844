//! Things that happen at the worst moment.

use std::{pin::pin, sync::Arc, task::Poll, time::Duration};

use bytes::Bytes;
use greenroom_core::{
    ActorOptions, ClientMessage, CloseReason, Connection, HostEvent, Instance, OutboxReader,
    Output, StopReason, WhenSlow,
};
use greenroom_store::{MemoryStore, Store, StoreError, testing::FaultStore};
use greenroom_types::{ActorError, ActorId, limits};
use tokio::task::JoinHandle;

use crate::{
    host::{World, name, one, replace_root, request},
    manual::{Manual, PANIC, client, reply, settle},
};

const NO_ARGS: Bytes = Bytes::from_static(&[0x80]);

fn fault() -> (Arc<FaultStore>, Manual) {
    let store = Arc::new(FaultStore::new());
    let manual = Manual::new(Arc::clone(&store) as Arc<dyn Store>);
    (store, manual)
}

fn memory() -> Manual {
    Manual::new(Arc::new(MemoryStore::new()))
}

fn call(manual: &Manual, id: ActorId, action: &str) -> JoinHandle<Result<Bytes, ActorError>> {
    let (runtime, request) = (manual.runtime.clone(), request(action));
    tokio::spawn(async move { runtime.call(id, request).await })
}

fn code(result: Result<Bytes, ActorError>) -> String {
    result.unwrap_err().code.into_owned()
}

fn event(name: &str) -> Output {
    Output::Event {
        to: None,
        name: name.into(),
        args: NO_ARGS,
        when_slow: WhenSlow::Disconnect,
    }
}

/// An awake actor.
async fn awake(manual: &mut Manual) -> (ActorId, Instance) {
    let id = manual.actor().await;
    let first = call(manual, id, "get");
    let instance = manual.started(replace_root(0)).await;
    let (_, number) = manual.called().await;
    manual.say(instance, reply(number));
    first.await.unwrap().unwrap();
    (id, instance)
}

/// A connection that the host has not decided about.
async fn knock(
    manual: &mut Manual,
    id: ActorId,
) -> (Connection, OutboxReader, greenroom_core::ConnKey) {
    let (request, reader) = client();
    let connection = manual.runtime.connect(id, request).await.unwrap();
    let (_, conn) = manual.connecting().await;
    (connection, reader, conn)
}

async fn connected(
    manual: &mut Manual,
    id: ActorId,
    instance: Instance,
) -> (Connection, OutboxReader) {
    let (connection, mut reader, conn) = knock(manual, id).await;
    manual.say(instance, Output::Accept { conn });
    assert!(matches!(
        reader.recv().await,
        Some(ClientMessage::Init { .. })
    ));
    (connection, reader)
}

async fn put_to_sleep(manual: &mut Manual, id: ActorId) {
    manual.runtime.sleep(id).unwrap();
    let instance = manual.stopping(StopReason::Sleep).await;
    manual.say(instance, Output::Stopped);
    settle().await;
}

#[tokio::test(start_paused = true)]
async fn a_start_whose_commit_fails_is_not_tried_for_ever() {
    let (store, mut manual) = fault();
    let (id, _) = awake(&mut manual).await;
    put_to_sleep(&mut manual, id).await;
    let caller = call(&manual, id, "get");
    let (instance, _) = manual.next().await;
    store.fail_syncs();
    // Asks for a commit before the start is over.
    manual.turn(instance, replace_root(1), [Output::Save { token: 1 }]);
    assert_eq!(code(caller.await.unwrap()), "store_failed");
    assert!(matches!(manual.now().await, Some(HostEvent::Drop)));
    assert!(manual.now().await.is_none(), "nobody asked for more");
}

#[tokio::test(start_paused = true)]
async fn a_client_whose_admission_is_lost_is_told() {
    let (store, mut manual) = fault();
    let (id, instance) = awake(&mut manual).await;
    let (_connection, mut reader, conn) = knock(&mut manual, id).await;
    store.fail_append(1, StoreError::Full("no room".into()));
    manual.turn(instance, replace_root(1), [Output::Accept { conn }]);
    assert!(
        matches!(reader.recv().await, Some(ClientMessage::Error { id: None, error }) if error.code == "store_unavailable")
    );
    assert!(matches!(
        reader.recv().await,
        Some(ClientMessage::Close(CloseReason::Refused(_)))
    ));
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_nobody_takes_is_closed() {
    let mut manual = memory();
    let (id, _) = awake(&mut manual).await;
    let (request, _reader) = client();
    let runtime = manual.runtime.clone();
    {
        let mut connect = pin!(runtime.connect(id, request));
        std::future::poll_fn(|cx| {
            assert!(connect.as_mut().poll(cx).is_pending());
            Poll::Ready(())
        })
        .await;
        // The actor answers, and the one who asked leaves before it looks.
        manual.connecting().await;
    }
    assert!(matches!(manual.next().await, (_, HostEvent::Disconnect(_))));
}

#[tokio::test(start_paused = true)]
async fn a_subscription_outlives_a_start_that_fails() {
    let mut manual = memory();
    let (id, instance) = awake(&mut manual).await;
    let (connection, mut reader) = connected(&mut manual, id, instance).await;
    put_to_sleep(&mut manual, id).await;
    let act = |number| connection.action(number, "tell".into(), NO_ARGS, true);
    act(1).await.unwrap();
    connection.subscribe("news".into(), true).await.unwrap();
    let (instance, _) = manual.next().await;
    manual.say(instance, Output::StartFailed(ActorError::internal()));
    assert!(matches!(
        reader.recv().await,
        Some(ClientMessage::Error { id: Some(1), .. })
    ));
    act(2).await.unwrap();
    assert!(matches!(manual.next().await, (_, HostEvent::Drop)));
    let instance = manual.started(Bytes::new()).await;
    manual.called().await;
    manual.say(instance, event("news"));
    assert!(matches!(reader.recv().await, Some(ClientMessage::Event(_))));
}

#[tokio::test(start_paused = true)]
async fn nothing_that_a_client_sends_counts_before_it_is_let_in() {
    let (store, mut manual) = fault();
    let (id, instance) = awake(&mut manual).await;
    let (connection, mut reader, conn) = knock(&mut manual, id).await;
    connection.subscribe("secret".into(), true).await.unwrap();
    connection
        .action(1, "act".into(), NO_ARGS, true)
        .await
        .unwrap();
    assert!(manual.now().await.is_none(), "the action waits");
    manual.say(instance, event("secret"));
    store.pause_syncs();
    manual.turn(instance, replace_root(1), [Output::Accept { conn }]);
    manual.say(instance, event("secret"));
    settle().await;
    store.release_syncs();
    assert!(matches!(
        reader.recv().await,
        Some(ClientMessage::Init { .. })
    ));
    let (_, number) = manual.called().await;
    manual.say(instance, reply(number));
    // The event behind the admission is the only one it may see.
    assert!(matches!(reader.recv().await, Some(ClientMessage::Event(_))));
    assert!(matches!(
        reader.recv().await,
        Some(ClientMessage::Response { id: 1, .. })
    ));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_cannot_wait_to_be_let_in_is_turned_away() {
    let mut manual = memory();
    let (id, _) = awake(&mut manual).await;
    let (connection, mut reader, _) = knock(&mut manual, id).await;
    for number in 0..=limits::EARLY_MESSAGES as u64 {
        connection
            .action(number, "act".into(), NO_ARGS, true)
            .await
            .unwrap();
    }
    assert!(
        matches!(reader.recv().await, Some(ClientMessage::Error { id: None, error }) if error.code == "overloaded")
    );
    assert!(matches!(manual.next().await, (_, HostEvent::Disconnect(_))));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_while_its_actor_wakes_is_told_of() {
    let store = Arc::new(FaultStore::new());
    let mut options = ActorOptions::default();
    options.notices_departures = true;
    let mut manual = Manual::with_options(Arc::clone(&store) as Arc<dyn Store>, options);
    let (id, instance) = awake(&mut manual).await;
    let (connection, _reader) = connected(&mut manual, id, instance).await;
    put_to_sleep(&mut manual, id).await;
    store.pause_loads();
    let waking = call(&manual, id, "get");
    settle().await;
    // There is no room left to leave behind all that was sent before.
    let mut others: Vec<_> = (0..=limits::MAILBOX)
        .map(|_| call(&manual, id, "get"))
        .collect();
    let last = others.pop().unwrap();
    assert_eq!(code(last.await.unwrap()), "overloaded");
    drop(connection);
    settle().await;
    store.release_loads();
    let (instance, event) = manual.next().await;
    assert!(
        matches!(&event, HostEvent::Start(start) if start.conns.len() == 1),
        "{event:?}"
    );
    manual.say(instance, Output::Started);
    let (_, event) = manual.next().await;
    assert!(matches!(event, HostEvent::Disconnect(_)), "{event:?}");
    let (_, number) = manual.called().await;
    manual.say(instance, reply(number));
    waking.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_turn_after_the_end_changes_nothing() {
    let (store, mut manual) = fault();
    let (id, _) = awake(&mut manual).await;
    let runtime = manual.runtime.clone();
    let destroy = tokio::spawn(async move { runtime.destroy(id).await });
    let instance = manual.stopping(StopReason::Destroy).await;
    store.pause_syncs();
    // It does not stop in time, and has something to say afterwards.
    assert!(matches!(manual.next().await, (_, HostEvent::Drop)));
    manual.turn(instance, replace_root(9), []);
    settle().await;
    store.release_syncs();
    assert_eq!(destroy.await.unwrap(), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_host_that_panics_costs_one_instance() {
    let mut manual = memory();
    let (id, _) = awake(&mut manual).await;
    let boom = call(&manual, id, PANIC);
    assert_eq!(code(boom.await.unwrap()), "restarting");
    assert!(matches!(manual.next().await, (_, HostEvent::Drop)));
    let again = call(&manual, id, "get");
    let instance = manual.started(Bytes::new()).await;
    let (_, number) = manual.called().await;
    manual.say(instance, reply(number));
    assert!(again.await.unwrap().is_ok());
}

#[tokio::test(start_paused = true)]
async fn an_actor_at_work_whose_host_panics_comes_back_without_a_call() {
    let mut manual = memory();
    let (id, instance) = awake(&mut manual).await;
    let at_work = Output::Awake {
        held: true,
        resumes: true,
    };
    manual.say(instance, at_work);
    let boom = call(&manual, id, PANIC);
    assert_eq!(code(boom.await.unwrap()), "restarting");
    assert!(matches!(manual.next().await, (_, HostEvent::Drop)));
    let next = manual.started(Bytes::new()).await;
    assert_ne!(next, instance);
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_is_to_stop_hears_of_it_at_once_and_still_answers() {
    let mut manual = memory();
    let (id, instance) = awake(&mut manual).await;
    let early = call(&manual, id, "get");
    let (_, number) = manual.called().await;
    manual.say(instance, Output::Sleep);
    manual.stopping(StopReason::Sleep).await;
    let late = call(&manual, id, "get");
    assert!(manual.now().await.is_none());
    manual.say(instance, reply(number));
    assert!(early.await.unwrap().is_ok());
    manual.say(instance, Output::Stopped);
    let next = manual.started(Bytes::new()).await;
    let (_, number) = manual.called().await;
    manual.say(next, reply(number));
    assert!(late.await.unwrap().is_ok());
}

#[tokio::test(start_paused = true)]
async fn an_actor_is_created_as_a_whole_or_not_at_all() {
    let store = Arc::new(MemoryStore::new());
    let mut manual = Manual::new(Arc::clone(&store) as Arc<dyn Store>);
    let id = manual.actor().await;
    for _ in 0..2 {
        let caller = call(&manual, id, "get");
        let (instance, started) = manual.next().await;
        let HostEvent::Start(start) = started else {
            panic!("expected a start, got {started:?}")
        };
        assert!(start.created && start.state.is_none());
        manual.turn(instance, replace_root(1), []);
        settle().await;
        let failed = Output::StartFailed(ActorError::internal());
        manual.turn(instance, replace_root(2), [failed]);
        assert_eq!(code(caller.await.unwrap()), "internal_error");
        assert!(matches!(manual.next().await, (_, HostEvent::Drop)));
    }
    let caller = call(&manual, id, "get");
    let (instance, _) = manual.next().await;
    manual.turn(instance, replace_root(3), []);
    manual.turn(instance, replace_root(4), [Output::Started]);
    let (_, number) = manual.called().await;
    manual.say(instance, reply(number));
    caller.await.unwrap().unwrap();
    let (_, tail) = store.read(id).await.unwrap().unwrap();
    assert_eq!(tail.len(), 1, "one commit for all of it");
}

#[tokio::test(start_paused = true)]
async fn an_actor_does_not_fall_asleep_over_a_decision() {
    let mut manual = memory();
    let (id, instance) = awake(&mut manual).await;
    let (_connection, mut reader, conn) = knock(&mut manual, id).await;
    tokio::time::sleep(Duration::from_secs(100)).await;
    manual.say(instance, Output::Accept { conn });
    assert!(matches!(
        reader.recv().await,
        Some(ClientMessage::Init { .. })
    ));
    manual.stopping(StopReason::Sleep).await;
}

#[tokio::test(start_paused = true)]
async fn a_destruction_asked_for_while_falling_asleep_is_not_forgotten() {
    let mut manual = memory();
    let (id, _) = awake(&mut manual).await;
    manual.runtime.sleep(id).unwrap();
    let instance = manual.stopping(StopReason::Sleep).await;
    manual.say(instance, Output::Destroy);
    manual.say(instance, Output::Stopped);
    manual.started(Bytes::new()).await;
    let instance = manual.stopping(StopReason::Destroy).await;
    manual.say(instance, Output::Stopped);
    settle().await;
    assert_eq!(
        manual.runtime.get_by_id(id).await.unwrap_err().code,
        "not_found"
    );
}

#[tokio::test(start_paused = true)]
async fn connections_to_an_actor_that_is_gone_are_closed() {
    let (store, mut manual) = fault();
    let (id, instance) = awake(&mut manual).await;
    let (connection, mut reader) = connected(&mut manual, id, instance).await;
    put_to_sleep(&mut manual, id).await;
    let image = store.load(id).await.unwrap().unwrap();
    let mut end = greenroom_store::testing::commit(id, image.epoch, 2, "");
    end.destroy = true;
    store.append(end).await.unwrap();
    connection
        .action(1, "get".into(), NO_ARGS, true)
        .await
        .unwrap();
    assert!(matches!(
        reader.recv().await,
        Some(ClientMessage::Close(CloseReason::Destroyed))
    ));
    settle().await;
    assert_eq!(manual.runtime.live_actors(), 0);
    assert!(manual.runtime.get(&name(), &one("a")).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_does_not_wait_longer_for_a_start_than_for_an_end() {
    let mut options = ActorOptions::default();
    options.start_timeout = Duration::from_secs(3600);
    let mut manual = Manual::with_options(Arc::new(MemoryStore::new()), options);
    let id = manual.actor().await;
    let caller = call(&manual, id, "get");
    manual.next().await;
    let began = tokio::time::Instant::now();
    manual.runtime.shutdown().await;
    assert_eq!(began.elapsed().as_secs(), 15);
    assert_eq!(code(caller.await.unwrap()), "not_ready");
}

#[tokio::test(start_paused = true)]
async fn a_stalled_store_does_not_let_replies_pile_up() {
    let store = Arc::new(FaultStore::new());
    let world = World::new(Arc::clone(&store) as Arc<dyn Store>);
    let id = world.actor("a").await;
    world.call(id, "get").await.unwrap();
    store.pause_syncs();
    let mut callers = Vec::new();
    for number in 0..limits::CALLS_IN_PROGRESS + 10 {
        let runtime = world.runtime.clone();
        let action = if number == 0 { "add" } else { "get" };
        callers.push(tokio::spawn(async move {
            runtime.call(id, request(action)).await
        }));
        tokio::task::yield_now().await;
        tokio::task::yield_now().await;
    }
    settle().await;
    assert_eq!(
        callers.iter().filter(|caller| caller.is_finished()).count(),
        10
    );
    store.release_syncs();
    let mut answered = 0;
    for caller in callers {
        answered += usize::from(caller.await.unwrap().is_ok());
    }
    assert_eq!(answered, limits::CALLS_IN_PROGRESS);
    assert_eq!(world.call(id, "add").await, Ok(2));
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_refuses_what_it_is_made_of_never_existed() {
    let (store, mut manual) = fault();
    let id = manual.actor().await;
    let caller = call(&manual, id, "get");
    let (request, mut reader) = client();
    let runtime = manual.runtime.clone();
    let connecting = tokio::spawn(async move { runtime.connect(id, request).await });
    let (instance, _) = manual.next().await;
    settle().await;
    store.pause_syncs();
    let refusal = ActorError::new("actor", "validation_error", "no");
    manual.say(instance, Output::StartRefused(refusal.clone()));
    settle().await;
    assert!(!caller.is_finished(), "nobody is told before it is gone");
    store.release_syncs();
    assert_eq!(caller.await.unwrap(), Err(refusal.clone()));
    let _connection = connecting.await.unwrap().unwrap();
    assert!(matches!(
        reader.recv().await,
        Some(ClientMessage::Error { id: None, error }) if error == refusal
    ));
    assert_ne!(manual.actor().await, id, "its key is free");
    assert_eq!(
        manual.runtime.get_by_id(id).await.unwrap_err().code,
        "not_found"
    );
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_has_lived_is_kept_whatever_it_refuses() {
    let mut manual = memory();
    let (id, _) = awake(&mut manual).await;
    put_to_sleep(&mut manual, id).await;
    let caller = call(&manual, id, "get");
    let (instance, _) = manual.next().await;
    let refusal = ActorError::new("actor", "validation_error", "no");
    manual.say(instance, Output::StartRefused(refusal));
    assert_eq!(code(caller.await.unwrap()), "validation_error");
    assert_eq!(manual.actor().await, id);
}

#[tokio::test(start_paused = true)]
async fn connection_state_of_a_turn_that_was_lost_is_lost_with_it() {
    let (store, mut manual) = fault();
    let (id, instance) = awake(&mut manual).await;
    let (_connection, _reader, conn) = knock(&mut manual, id).await;
    let keep = |text: &'static str| Output::ConnState {
        conn,
        state: Bytes::from_static(text.as_bytes()),
    };
    let admitted = [Output::Accept { conn }, keep("before")];
    manual.turn(instance, replace_root(1), admitted);
    settle().await;
    store.fail_append(1, StoreError::Full("no room".into()));
    manual.turn(instance, replace_root(2), [keep("after")]);
    assert!(matches!(manual.next().await.1, HostEvent::Drop));
    let _caller = call(&manual, id, "get");
    let (_, event) = manual.next().await;
    let HostEvent::Start(start) = event else {
        panic!("expected a start, got {event:?}");
    };
    assert_eq!(start.state, Some(replace_root(1).slice(2..)));
    let states: Vec<_> = start.conns.into_iter().map(|conn| conn.state).collect();
    assert_eq!(states, [Some(Bytes::from_static(b"before"))]);
}
