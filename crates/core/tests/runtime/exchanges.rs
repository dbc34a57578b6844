//! HTTP exchanges: what leaves and when, how both bodies are held back, and every way they can end.

use std::{sync::Arc, task::Poll};

use bytes::Bytes;
use greenroom_core::{
    CallId, ClientInfo, Fetch, FetchRequest, FetchResponse, HostEvent, Instance, Output,
    ResponseBody, ResponseHead, StopReason,
};
use greenroom_store::{MemoryStore, Store, StoreError, testing::FaultStore};
use greenroom_types::{ActorError, ActorId, limits};

use crate::{
    host::replace_root,
    manual::{Manual, settle},
};

fn fault() -> (Arc<FaultStore>, Manual) {
    let store = Arc::new(FaultStore::new());
    let manual = Manual::new(Arc::clone(&store) as Arc<dyn Store>);
    (store, manual)
}

fn send(manual: &Manual, id: ActorId, has_body: bool) -> Fetch {
    let request = FetchRequest {
        client: ClientInfo::default(),
        has_body,
    };
    manual.runtime.fetch(id, request).unwrap()
}

async fn asked(manual: &mut Manual) -> (Instance, CallId) {
    match manual.next().await {
        (instance, HostEvent::Fetch(fetch)) => (instance, fetch.call),
        (_, other) => panic!("expected a request, got {other:?}"),
    }
}

/// An awake actor, and a request that it was told of.
async fn begun(manual: &mut Manual, has_body: bool) -> (ActorId, Instance, CallId, Fetch) {
    let id = manual.actor().await;
    let fetch = send(manual, id, has_body);
    manual.started(replace_root(0)).await;
    let (instance, call) = asked(manual).await;
    (id, instance, call, fetch)
}

fn head(call: CallId, has_body: bool) -> Output {
    let head = ResponseHead {
        status: 200,
        reason: String::new(),
        headers: Vec::new(),
    };
    Output::ResponseHead {
        call,
        head,
        has_body,
    }
}

fn data(call: CallId, text: &'static str) -> Output {
    Output::ResponseData {
        call,
        data: Bytes::from_static(text.as_bytes()),
    }
}

async fn body_of(fetch: &mut Fetch) -> ResponseBody {
    fetch.response().await.unwrap().body.unwrap()
}

async fn next(body: &mut ResponseBody) -> Option<Result<Bytes, greenroom_core::BodyAborted>> {
    std::future::poll_fn(|cx| body.poll_next(cx)).await
}

/// What can be read at once: its bytes, `end`, `broken`, or `nothing`.
fn now(body: &mut ResponseBody) -> String {
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    match body.poll_next(&mut cx) {
        Poll::Pending => "nothing".to_owned(),
        Poll::Ready(None) => "end".to_owned(),
        Poll::Ready(Some(Err(_))) => "broken".to_owned(),
        Poll::Ready(Some(Ok(data))) => String::from_utf8(data.into()).unwrap(),
    }
}

fn code(result: Result<FetchResponse, ActorError>) -> String {
    result.unwrap_err().code.into()
}

#[tokio::test(start_paused = true)]
async fn head_and_pieces_each_wait_for_their_commit() {
    let (store, mut manual) = fault();
    let (_, instance, call, mut fetch) = begun(&mut manual, false).await;
    settle().await;
    store.pause_syncs();
    manual.turn(
        instance,
        replace_root(1),
        [head(call, true), data(call, "one")],
    );
    manual.turn(instance, replace_root(2), [data(call, "two")]);
    manual.say(instance, Output::ResponseEnd { call });
    store.until_held(2).await;
    let response = tokio::spawn(async move { body_of(&mut fetch).await });
    settle().await;
    assert!(!response.is_finished());
    store.sync(1);
    let mut body = response.await.unwrap();
    settle().await;
    assert_eq!([now(&mut body), now(&mut body)], ["one", "nothing"]);
    store.release_syncs();
    assert_eq!(next(&mut body).await, Some(Ok(Bytes::from_static(b"two"))));
    assert_eq!(next(&mut body).await, None);
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_fails_breaks_the_response_off() {
    let (store, mut manual) = fault();
    let (id, instance, call, mut fetch) = begun(&mut manual, false).await;
    manual.turn(
        instance,
        Bytes::new(),
        [head(call, true), data(call, "one")],
    );
    let mut body = body_of(&mut fetch).await;
    settle().await;
    store.fail_append(1, StoreError::Full("no room".into()));
    manual.turn(
        instance,
        replace_root(1),
        [data(call, "two"), Output::ResponseEnd { call }],
    );
    settle().await;
    assert_eq!([now(&mut body), now(&mut body)], ["one", "broken"]);
    assert!(matches!(manual.now().await, Some(HostEvent::Drop)));
    // One whose head waits is told why there is none.
    let mut fetch = send(&manual, id, false);
    manual.started(Bytes::new()).await;
    let (instance, call) = asked(&mut manual).await;
    store.fail_append(1, StoreError::Full("no room".into()));
    manual.turn(instance, replace_root(1), [head(call, false)]);
    assert_eq!(code(fetch.response().await), "store_unavailable");
}

#[tokio::test(start_paused = true)]
async fn a_response_that_is_aborted_ends_behind_what_was_said() {
    let (_store, mut manual) = fault();
    let (_, instance, call, mut fetch) = begun(&mut manual, false).await;
    let outputs = [
        head(call, true),
        data(call, "one"),
        Output::ResponseAbort { call },
    ];
    manual.turn(instance, replace_root(1), outputs);
    let mut body = body_of(&mut fetch).await;
    assert_eq!(next(&mut body).await, Some(Ok(Bytes::from_static(b"one"))));
    assert_eq!(
        next(&mut body).await,
        Some(Err(greenroom_core::BodyAborted))
    );
    assert_eq!(next(&mut body).await, None);
    drop(body);
    assert!(manual.now().await.is_none(), "the host knows");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_is_reported_before_and_after_the_head() {
    let mut manual = Manual::new(Arc::new(MemoryStore::new()));
    let (id, _, call, fetch) = begun(&mut manual, false).await;
    drop(fetch);
    assert!(matches!(manual.now().await, Some(HostEvent::Cancel(told)) if told == call));
    let mut fetch = send(&manual, id, false);
    let (instance, call) = asked(&mut manual).await;
    manual.say(instance, head(call, true));
    let body = body_of(&mut fetch).await;
    drop(fetch);
    assert!(manual.now().await.is_none());
    drop(body);
    assert!(matches!(manual.now().await, Some(HostEvent::Cancel(told)) if told == call));
    // Nobody was there any more when the head came out.
    let fetch = send(&manual, id, false);
    let (instance, call) = asked(&mut manual).await;
    drop(fetch);
    assert!(matches!(manual.now().await, Some(HostEvent::Cancel(_))));
    manual.say(instance, head(call, true));
    assert!(matches!(manual.now().await, Some(HostEvent::Cancel(told)) if told == call));
}

#[tokio::test(start_paused = true)]
async fn credit_for_a_response_comes_as_it_is_read() {
    let mut manual = Manual::new(Arc::new(MemoryStore::new()));
    let (_, instance, call, mut fetch) = begun(&mut manual, false).await;
    manual.say(instance, head(call, true));
    let mut body = body_of(&mut fetch).await;
    let piece = Bytes::from(vec![0; limits::STREAM_PIECE]);
    let step = limits::STREAM_WINDOW / 2 / limits::STREAM_PIECE;
    for _ in 0..step {
        manual.say(
            instance,
            Output::ResponseData {
                call,
                data: piece.clone(),
            },
        );
    }
    for _ in 0..step {
        assert!(manual.now().await.is_none());
        next(&mut body).await.unwrap().unwrap();
    }
    assert!(
        matches!(manual.now().await, Some(HostEvent::BodyCredit(told, bytes)) if told == call && bytes == limits::STREAM_WINDOW / 2)
    );
}

#[tokio::test(start_paused = true)]
async fn a_request_body_goes_no_further_than_its_reader() {
    let mut manual = Manual::new(Arc::new(MemoryStore::new()));
    let (_, instance, call, mut fetch) = begun(&mut manual, true).await;
    let mut writer = fetch.take_body().unwrap();
    let writing = tokio::spawn(async move {
        let body = Bytes::from(vec![1; limits::STREAM_WINDOW + limits::STREAM_PIECE]);
        writer.write(body).await.unwrap();
        writer.finish().await;
    });
    let mut received = 0;
    while let Some(HostEvent::BodyData(told, data)) = manual.now().await {
        assert!(told == call && data.len() <= limits::STREAM_PIECE);
        received += data.len();
    }
    assert_eq!(received, limits::STREAM_WINDOW);
    assert!(!writing.is_finished());
    let bytes = u32::try_from(limits::STREAM_WINDOW / 2).unwrap();
    manual.say(instance, Output::RequestCredit { call, bytes });
    assert!(matches!(
        manual.now().await,
        Some(HostEvent::BodyData(_, data)) if data.len() == limits::STREAM_PIECE
    ));
    assert!(matches!(manual.now().await, Some(HostEvent::BodyEnd(told)) if told == call));
    writing.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_request_body_can_break_off_and_nobody_has_to_read_it() {
    let mut manual = Manual::new(Arc::new(MemoryStore::new()));
    let (id, _, call, mut fetch) = begun(&mut manual, true).await;
    drop(fetch.take_body());
    assert!(matches!(manual.now().await, Some(HostEvent::BodyAbort(told)) if told == call));
    // Before the actor knew of it.
    let mut second = send(&manual, id, true);
    drop(second.take_body());
    let (instance, call) = asked(&mut manual).await;
    assert!(matches!(manual.now().await, Some(HostEvent::BodyAbort(told)) if told == call));
    drop(second);
    assert!(matches!(manual.now().await, Some(HostEvent::Cancel(_))));
    // An answer ends the interest in the body.
    let mut third = send(&manual, id, true);
    let (_, call) = asked(&mut manual).await;
    let mut writer = third.take_body().unwrap();
    manual.say(instance, head(call, false));
    third.response().await.unwrap();
    let written = writer.write(Bytes::from_static(b"late")).await;
    assert_eq!(written, Err(greenroom_core::BodyAborted));
    drop(writer);
    assert!(manual.now().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn an_actor_with_a_response_under_way_stays_awake_unless_it_is_to_stop() {
    let mut manual = Manual::new(Arc::new(MemoryStore::new()));
    let (id, instance, call, mut fetch) = begun(&mut manual, false).await;
    manual.say(instance, head(call, true));
    let mut body = body_of(&mut fetch).await;
    tokio::time::sleep(limits::SLEEP_TIMEOUT * 10).await;
    assert!(manual.now().await.is_none());
    manual.runtime.sleep(id).unwrap();
    let instance = manual.stopping(StopReason::Sleep).await;
    manual.turn(
        instance,
        Bytes::new(),
        [
            data(call, "bye"),
            Output::ResponseEnd { call },
            Output::Stopped,
        ],
    );
    assert_eq!(next(&mut body).await, Some(Ok(Bytes::from_static(b"bye"))));
    assert_eq!(next(&mut body).await, None);
    // One that the instance leaves open breaks off.
    let mut fetch = send(&manual, id, false);
    let instance = manual.started(Bytes::new()).await;
    let (_, call) = asked(&mut manual).await;
    manual.say(instance, head(call, true));
    let mut body = body_of(&mut fetch).await;
    manual.runtime.sleep(id).unwrap();
    let instance = manual.stopping(StopReason::Sleep).await;
    manual.say(instance, Output::Stopped);
    assert_eq!(
        next(&mut body).await,
        Some(Err(greenroom_core::BodyAborted))
    );
}

#[tokio::test(start_paused = true)]
async fn a_request_whose_actor_cannot_start_is_told_why() {
    let mut manual = Manual::new(Arc::new(MemoryStore::new()));
    let id = manual.actor().await;
    let mut fetch = send(&manual, id, true);
    let writer = fetch.take_body().unwrap();
    let (instance, _) = manual.next().await;
    let error = ActorError::new("user", "no_start", "it does not want to");
    manual.say(instance, Output::StartFailed(error));
    assert_eq!(code(fetch.response().await), "no_start");
    // Returns though nobody ever read.
    writer.finish().await;
}
