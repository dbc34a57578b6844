//! Key-value pairs: part of the turn's commit, visible to their own actor at once.

use std::sync::Arc;

use bytes::Bytes;
use greenroom_core::{
    ActorOptions, HostEvent, Instance, KvAnswer, KvQuery, KvRange, KvRequest, KvResult, Output,
    StartEvent, StopReason, Turn,
};
use greenroom_store::{MemoryStore, Store, StoreError, testing::FaultStore};
use greenroom_types::{ActorError, ActorId};

use crate::{
    host::{replace_root, request},
    manual::{Manual, reply, settle},
};

fn bytes(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

fn put(key: &str, value: &str) -> KvRequest {
    KvRequest::Put {
        pairs: vec![(bytes(key), bytes(value))],
        token: None,
    }
}

fn checked_put(token: u32, pairs: &[(&str, &str)]) -> KvRequest {
    let pairs = pairs.iter().map(|(key, value)| (bytes(key), bytes(value)));
    KvRequest::Put {
        pairs: pairs.collect(),
        token: Some(token),
    }
}

fn get(token: u32, keys: &[&str]) -> KvRequest {
    let query = KvQuery::Get(keys.iter().map(|key| bytes(key)).collect());
    KvRequest::Read { token, query }
}

fn list(token: u32) -> KvRequest {
    let query = KvQuery::List(KvRange {
        start: Bytes::new(),
        end: None,
        reverse: false,
        limit: 100,
    });
    KvRequest::Read { token, query }
}

fn ask(manual: &Manual, instance: Instance, kv: impl IntoIterator<Item = KvRequest>) {
    let turn = Turn {
        kv: kv.into_iter().collect(),
        ..Turn::default()
    };
    manual.runtime.turn(instance, turn);
}

async fn answer(manual: &mut Manual) -> KvAnswer {
    match manual.next().await.1 {
        HostEvent::Kv(answer) => answer,
        other => panic!("expected an answer, got {other:?}"),
    }
}

/// Everything that the actor has, as text.
async fn all(manual: &mut Manual, instance: Instance) -> String {
    ask(manual, instance, [list(99)]);
    let KvResult::Pairs(pairs) = answer(manual).await.result else {
        panic!("a list gives pairs");
    };
    let text = |bytes: &Bytes| String::from_utf8(bytes.to_vec()).unwrap();
    let pairs: Vec<_> = pairs
        .iter()
        .map(|(key, value)| format!("{}={}", text(key), text(value)))
        .collect();
    pairs.join(" ")
}

/// Wakes the actor and expects to be asked to start it.
async fn waking(manual: &mut Manual, id: ActorId) -> (Instance, Box<StartEvent>) {
    let (runtime, request) = (manual.runtime.clone(), request("get"));
    tokio::spawn(async move { runtime.call(id, request).await });
    match manual.next().await {
        (instance, HostEvent::Start(start)) => (instance, start),
        (_, other) => panic!("expected a start, got {other:?}"),
    }
}

/// An actor that is awake and has answered its first call.
async fn awake(manual: &mut Manual) -> (ActorId, Instance) {
    let id = manual.actor().await;
    let (instance, _) = waking(manual, id).await;
    manual.turn(instance, replace_root(0), [Output::Started]);
    let (_, call) = manual.called().await;
    manual.say(instance, reply(call));
    settle().await;
    (id, instance)
}

async fn asleep(manual: &mut Manual, id: ActorId) {
    manual.runtime.sleep(id).unwrap();
    let instance = manual.stopping(StopReason::Sleep).await;
    manual.say(instance, Output::Stopped);
    settle().await;
}

#[tokio::test(start_paused = true)]
async fn reads_see_what_was_written_before_them_and_nothing_later() {
    let store = Arc::new(FaultStore::new());
    let mut manual = Manual::new(Arc::clone(&store) as Arc<dyn Store>);
    let (_, instance) = awake(&mut manual).await;
    store.pause_syncs();
    let requests = [
        get(1, &["a", "b"]),
        put("a", "1"),
        get(2, &["a", "b", "a"]),
        KvRequest::Delete(vec![bytes("a")]),
        put("b", "2"),
    ];
    ask(&manual, instance, requests);
    let values = |values: &[Option<&str>]| {
        KvResult::Values(values.iter().map(|value| value.map(bytes)).collect())
    };
    let (first, second) = (answer(&mut manual).await, answer(&mut manual).await);
    assert_eq!((first.token, first.result), (1, values(&[None, None])));
    assert_eq!(
        (second.token, second.result),
        (2, values(&[Some("1"), None, Some("1")]))
    );
    // None of it is durable.
    assert_eq!(
        (all(&mut manual, instance).await, store.held()),
        ("b=2".to_owned(), 1)
    );
}

#[tokio::test(start_paused = true)]
async fn pairs_and_state_are_one_commit() {
    for kept in 0..=1 {
        let store = Arc::new(FaultStore::new());
        let mut manual = Manual::new(Arc::clone(&store) as Arc<dyn Store>);
        let (id, instance) = awake(&mut manual).await;
        store.pause_syncs();
        let turn = Turn {
            changes: replace_root(7),
            kv: vec![
                put("seven", "7"),
                put("gone", ""),
                KvRequest::DeleteRange {
                    start: bytes("g"),
                    end: bytes("h"),
                },
            ],
            ..Turn::default()
        };
        manual.runtime.turn(instance, turn);
        settle().await;
        assert_eq!(store.held(), 1);
        let mut manual = Manual::new(Arc::new(store.crash(kept)));
        let (instance, start) = waking(&mut manual, id).await;
        let (state, pairs, size) = [(0, "", 0), (7, "seven=7", 6)][kept];
        assert_eq!(start.state, Some(replace_root(state).slice(2..)));
        assert_eq!(start.kv_size, size);
        assert_eq!(all(&mut manual, instance).await, pairs);
    }
}

#[tokio::test(start_paused = true)]
async fn a_failed_commit_takes_its_pairs_back() {
    let store = Arc::new(FaultStore::new());
    let mut manual = Manual::new(Arc::clone(&store) as Arc<dyn Store>);
    let (id, instance) = awake(&mut manual).await;
    ask(&manual, instance, [put("kept", "1")]);
    settle().await;
    store.fail_append(1, StoreError::Full("no room".into()));
    ask(
        &manual,
        instance,
        [put("lost", "1"), KvRequest::Delete(vec![bytes("kept")])],
    );
    assert!(matches!(manual.next().await.1, HostEvent::Drop));
    let (instance, _) = waking(&mut manual, id).await;
    assert_eq!(all(&mut manual, instance).await, "kept=1");
}

#[tokio::test(start_paused = true)]
async fn pairs_survive_the_fold_into_a_snapshot() {
    let store = Arc::new(MemoryStore::new());
    let mut manual = Manual::new(Arc::clone(&store) as Arc<dyn Store>);
    let (id, instance) = awake(&mut manual).await;
    for number in 0..100 {
        ask(
            &manual,
            instance,
            [put(&format!("{:02}", number % 10), &number.to_string())],
        );
    }
    asleep(&mut manual, id).await;
    let (snapshot, tail) = store.read(id).await.unwrap().unwrap();
    assert!(snapshot.is_some() && tail.is_empty());
    let (instance, start) = waking(&mut manual, id).await;
    assert_eq!(start.kv_size, 10 * 4);
    let expected: Vec<_> = (0..10).map(|key| format!("{key:02}=9{key}")).collect();
    assert_eq!(all(&mut manual, instance).await, expected.join(" "));
}

#[tokio::test(start_paused = true)]
async fn puts_that_ask_are_refused_as_a_whole_when_they_do_not_fit() {
    let mut options = ActorOptions::default();
    options.max_kv_size = 10;
    let mut manual = Manual::with_options(Arc::new(MemoryStore::new()), options);
    let (_, instance) = awake(&mut manual).await;
    let requests = [
        checked_put(1, &[("a", "1234"), ("b", "1234")]),
        checked_put(2, &[("b", ""), ("c", "12345")]),
        checked_put(3, &[("b", "123"), ("c", "")]),
        // Nobody asked, so somebody else has seen to it that it fits.
        put("d", "12345"),
        // Still too many bytes, but fewer than before.
        checked_put(4, &[("d", "1234")]),
    ];
    ask(&manual, instance, requests);
    for expected in [
        KvResult::Put { size: 10 },
        KvResult::Full { size: 10 },
        KvResult::Put { size: 10 },
        KvResult::Put { size: 15 },
    ] {
        assert_eq!(answer(&mut manual).await.result, expected);
    }
    assert_eq!(all(&mut manual, instance).await, "a=1234 b=123 c= d=1234");
}

#[tokio::test(start_paused = true)]
async fn a_start_is_one_commit_even_if_it_reads_in_between() {
    for succeeds in [false, true] {
        let store = Arc::new(FaultStore::new());
        let mut manual = Manual::new(Arc::clone(&store) as Arc<dyn Store>);
        let (id, _) = awake(&mut manual).await;
        asleep(&mut manual, id).await;
        let (instance, _) = waking(&mut manual, id).await;
        let turn = Turn {
            changes: replace_root(5),
            kv: vec![put("half", "done"), get(1, &["half"])],
            state_version: Some(2),
            ..Turn::default()
        };
        manual.runtime.turn(instance, turn);
        answer(&mut manual).await;
        settle().await;
        assert_eq!(store.read(id).await.unwrap().unwrap().1.len(), 1);
        if succeeds {
            manual.say(instance, Output::Started);
            manual.called().await;
        } else {
            let error = ActorError::internal();
            manual.say(instance, Output::StartFailed(error));
            assert!(matches!(manual.next().await.1, HostEvent::Drop));
        }
        settle().await;
        let mut after = Manual::new(Arc::new(store.crash(0)));
        let (instance, start) = waking(&mut after, id).await;
        let (state, version, pairs) = if succeeds {
            (5, Some(2), "half=done")
        } else {
            (0, None, "")
        };
        assert_eq!(start.state, Some(replace_root(state).slice(2..)));
        assert_eq!(start.state_version, version);
        assert_eq!(all(&mut after, instance).await, pairs);
    }
}

#[tokio::test(start_paused = true)]
async fn destroying_an_actor_ends_its_pairs() {
    let mut manual = Manual::new(Arc::new(MemoryStore::new()));
    let (id, instance) = awake(&mut manual).await;
    ask(&manual, instance, [put("a", "1")]);
    let runtime = manual.runtime.clone();
    let destroyed = tokio::spawn(async move { runtime.destroy(id).await });
    let instance = manual.stopping(StopReason::Destroy).await;
    assert_eq!(all(&mut manual, instance).await, "a=1");
    ask(&manual, instance, [put("b", "2")]);
    manual.say(instance, Output::Stopped);
    destroyed.await.unwrap().unwrap();
    let (_, instance) = awake(&mut manual).await;
    assert_eq!(all(&mut manual, instance).await, "");
}
