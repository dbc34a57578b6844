//! Answers that stream, and calls that are given up.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::Arc,
    task::Poll,
};

use bytes::Bytes;
use greenroom_core::{
    CallId, CallOutcome, ClientMessage, Connection, HostEvent, Instance, OutboxReader, Output,
    ReplyStream, StreamPart,
};
use greenroom_store::{MemoryStore, Store, StoreError, testing::FaultStore};
use greenroom_types::{ActorError, ActorId, limits};
use tokio::task::JoinHandle;

use crate::{
    host::{replace_root, request, uint},
    manual::{Manual, client, reply, settle},
};

const NO_ARGS: Bytes = Bytes::from_static(&[0x80]);

type Outcome = Result<CallOutcome, ActorError>;

fn fault() -> (Arc<FaultStore>, Manual) {
    let store = Arc::new(FaultStore::new());
    let manual = Manual::new(Arc::clone(&store) as Arc<dyn Store>);
    (store, manual)
}

fn call(manual: &Manual, id: ActorId) -> JoinHandle<Outcome> {
    let runtime = manual.runtime.clone();
    tokio::spawn(async move { runtime.call_in_life(id, request("stream"), true).await.1 })
}

fn part(call: CallId, part: StreamPart) -> Output {
    Output::Stream { call, part }
}

fn item(call: CallId, value: u64) -> Output {
    part(call, StreamPart::Item(uint(value)))
}

fn stream(outcome: Outcome) -> ReplyStream {
    match outcome.expect("it streams") {
        CallOutcome::Stream(stream) => stream,
        CallOutcome::Value(value) => panic!("a value: {value:?}"),
    }
}

/// A stream that has begun.
async fn begun(manual: &mut Manual) -> (ActorId, Instance, CallId, ReplyStream) {
    let id = manual.actor().await;
    let caller = call(manual, id);
    let instance = manual.started(replace_root(0)).await;
    let (_, number) = manual.called().await;
    manual.say(instance, part(number, StreamPart::Start));
    (id, instance, number, stream(caller.await.unwrap()))
}

#[tokio::test(start_paused = true)]
async fn items_wait_for_the_commits_before_them() {
    let (store, mut manual) = fault();
    let (_, instance, number, mut stream) = begun(&mut manual).await;
    store.pause_syncs();
    manual.turn(instance, replace_root(1), [item(number, 1)]);
    manual.say(instance, item(number, 2));
    manual.say(instance, part(number, StreamPart::End));
    let reading = tokio::spawn(async move {
        let mut items = Vec::new();
        while let Some(item) = stream.next().await {
            items.push(item);
        }
        items
    });
    settle().await;
    assert!(!reading.is_finished());
    store.release_syncs();
    assert_eq!(reading.await.unwrap(), [Ok(uint(1)), Ok(uint(2))]);
}

#[tokio::test(start_paused = true)]
async fn whoever_takes_a_stream_says_so_after_some_items() {
    let mut manual = Manual::new(Arc::new(MemoryStore::new()));
    let (_, instance, number, mut stream) = begun(&mut manual).await;
    for value in 0..u64::from(limits::STREAM_CREDIT) + 1 {
        manual.say(instance, item(number, value));
    }
    for _ in 0..limits::STREAM_CREDIT {
        stream.next().await.unwrap().unwrap();
    }
    assert!(manual.now().await.is_none(), "not for every item");
    stream.next().await.unwrap().unwrap();
    assert!(matches!(
        manual.now().await,
        Some(HostEvent::Credit { call, items: limits::STREAM_CREDIT }) if call == number
    ));
    let large = Bytes::from(vec![0x40; limits::STREAM_CREDIT_BYTES]);
    manual.say(instance, part(number, StreamPart::Item(large)));
    stream.next().await.unwrap().unwrap();
    manual.say(instance, item(number, 0));
    stream.next().await.unwrap().unwrap();
    assert!(matches!(
        manual.now().await,
        Some(HostEvent::Credit { items: 2, .. })
    ));
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_nobody_takes_any_more_is_cancelled() {
    let mut manual = Manual::new(Arc::new(MemoryStore::new()));
    let (_, _, number, stream) = begun(&mut manual).await;
    drop(stream);
    assert!(matches!(manual.next().await, (_, HostEvent::Cancel(call)) if call == number));
}

#[tokio::test(start_paused = true)]
async fn an_error_comes_after_the_items_before_it() {
    let mut manual = Manual::new(Arc::new(MemoryStore::new()));
    let (_, instance, number, mut stream) = begun(&mut manual).await;
    manual.say(instance, item(number, 1));
    let error = ActorError::new("user", "late", "too late");
    manual.say(
        instance,
        Output::Reply {
            call: number,
            result: Err(error.clone()),
        },
    );
    assert_eq!(stream.next().await, Some(Ok(uint(1))));
    assert_eq!(stream.next().await, Some(Err(error)));
    assert_eq!(stream.next().await, None);
}

#[tokio::test(start_paused = true)]
async fn a_failed_commit_ends_a_stream_and_shows_nothing_of_what_it_took_back() {
    let (store, mut manual) = fault();
    let (_, instance, number, mut stream) = begun(&mut manual).await;
    store.fail_append(1, StoreError::Full("no room".into()));
    manual.turn(
        instance,
        replace_root(1),
        [item(number, 1), part(number, StreamPart::End)],
    );
    let error = stream.next().await.unwrap().unwrap_err();
    assert_eq!(error.code, "store_unavailable");
    assert_eq!(stream.next().await, None);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_takes_no_streams_is_told_apart() {
    let mut manual = Manual::new(Arc::new(MemoryStore::new()));
    let id = manual.actor().await;
    for streams in [true, false] {
        let runtime = manual.runtime.clone();
        let caller = tokio::spawn(async move {
            let (_, outcome) = runtime.call_in_life(id, request("get"), streams).await;
            assert!(matches!(outcome, Ok(CallOutcome::Value(_))), "{outcome:?}");
        });
        if streams {
            manual.started(replace_root(0)).await;
        }
        match manual.next().await {
            (instance, HostEvent::Call(call)) => {
                assert_eq!(call.streams, streams);
                manual.say(instance, reply(call.call));
            }
            (_, other) => panic!("expected a call, got {other:?}"),
        }
        caller.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_gets_its_stream_in_order_and_can_credit_and_cancel_it() {
    let mut manual = Manual::new(Arc::new(MemoryStore::new()));
    let id = manual.actor().await;
    let (request, mut reader) = client();
    let runtime = manual.runtime.clone();
    let connecting = tokio::spawn(async move { runtime.connect(id, request).await });
    let instance = manual.started(replace_root(0)).await;
    let (_, conn) = manual.connecting().await;
    manual.say(instance, Output::Accept { conn });
    let connection = connecting.await.unwrap().unwrap();
    assert!(matches!(
        reader.recv().await,
        Some(ClientMessage::Init { .. })
    ));
    connection
        .action(7, "stream".into(), NO_ARGS, true)
        .await
        .unwrap();
    let (_, number) = manual.called().await;
    for part in [StreamPart::Start, StreamPart::Item(uint(1))] {
        manual.say(
            instance,
            Output::Stream {
                call: number,
                part: part.clone(),
            },
        );
        let got = reader.recv().await;
        assert!(
            matches!(&got, Some(ClientMessage::Stream { id: 7, part: p }) if *p == part),
            "{got:?}"
        );
    }
    connection.credit(7, 1).await;
    assert!(matches!(
        manual.next().await,
        (_, HostEvent::Credit { call, items: 1 }) if call == number
    ));
    connection.credit(8, 1).await;
    connection.cancel(7).await.unwrap();
    connection.cancel(8).await.unwrap();
    assert!(matches!(manual.next().await, (_, HostEvent::Cancel(call)) if call == number));
    manual.say(instance, part(number, StreamPart::End));
    assert!(matches!(
        reader.recv().await,
        Some(ClientMessage::Stream {
            id: 7,
            part: StreamPart::End
        })
    ));
}

/// A connection with a stream, which it knows by 7, and that stream's call.
async fn streaming(manual: &mut Manual) -> (Instance, CallId, Connection, OutboxReader) {
    let id = manual.actor().await;
    let (request, mut reader) = client();
    let runtime = manual.runtime.clone();
    let connecting = tokio::spawn(async move { runtime.connect(id, request).await });
    let instance = manual.started(replace_root(0)).await;
    let (_, conn) = manual.connecting().await;
    manual.say(instance, Output::Accept { conn });
    let connection = connecting.await.unwrap().unwrap();
    reader.recv().await.unwrap();
    let called = connection.action(7, "stream".into(), NO_ARGS, true);
    called.await.unwrap();
    let (_, number) = manual.called().await;
    manual.say(instance, part(number, StreamPart::Start));
    reader.recv().await.unwrap();
    (instance, number, connection, reader)
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_words_is_held_up_and_the_host_hears_only_what_can_be() {
    let mut manual = Manual::new(Arc::new(MemoryStore::new()));
    let (instance, number, connection, mut reader) = streaming(&mut manual).await;
    for value in [1, 2, 3] {
        manual.say(instance, item(number, value));
        reader.recv().await.unwrap();
    }
    // The actor's task does not run as long as this one does not wait.
    let mut passed = 0;
    loop {
        let mut word = pin!(connection.credit(7, 2));
        match poll_fn(|cx| Poll::Ready(word.as_mut().poll(cx))).await {
            Poll::Ready(()) => passed += 1,
            Poll::Pending => break,
        }
    }
    assert_eq!(passed, limits::UNHEEDED_WORDS);
    for _ in 0..1_000 {
        connection.credit(7, u32::MAX).await;
        connection.cancel(7).await.unwrap();
    }
    settle().await;
    for expected in [2, 1] {
        let (_, event) = manual.next().await;
        assert!(
            matches!(event, HostEvent::Credit { call, items } if (call, items) == (number, expected)),
            "{event:?}"
        );
    }
    let (_, event) = manual.next().await;
    assert!(matches!(event, HostEvent::Cancel(call) if call == number));
    assert!(manual.now().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn an_action_that_is_given_up_before_the_actor_is_awake_never_runs() {
    let mut manual = Manual::new(Arc::new(MemoryStore::new()));
    let id = manual.actor().await;
    let (request, mut reader) = client();
    let runtime = manual.runtime.clone();
    let connecting = tokio::spawn(async move { runtime.connect(id, request).await });
    let instance = manual.started(replace_root(0)).await;
    let (_, conn) = manual.connecting().await;
    manual.say(instance, Output::Accept { conn });
    let connection = connecting.await.unwrap().unwrap();
    reader.recv().await.unwrap();
    manual.runtime.sleep(id).unwrap();
    let instance = manual.stopping(greenroom_core::StopReason::Sleep).await;
    manual.say(instance, Output::Stopped);
    settle().await;
    for number in [1, 2] {
        connection
            .action(number, "act".into(), NO_ARGS, true)
            .await
            .unwrap();
    }
    settle().await;
    connection.cancel(1).await.unwrap();
    let (instance, started) = manual.next().await;
    assert!(matches!(started, HostEvent::Start(_)));
    settle().await;
    manual.say(instance, Output::Started);
    assert!(matches!(
        reader.recv().await,
        Some(ClientMessage::Error { id: Some(1), error }) if error.code == "aborted"
    ));
    match manual.next().await {
        (_, HostEvent::Call(call)) => manual.say(instance, reply(call.call)),
        (_, other) => panic!("expected a call, got {other:?}"),
    }
    assert!(matches!(
        reader.recv().await,
        Some(ClientMessage::Response { id: 2, .. })
    ));
}
