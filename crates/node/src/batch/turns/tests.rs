use greenroom_core::{Alarm, KvQuery, KvRange, QueueMessage};
use greenroom_types::ActorError;
use proptest::prelude::*;

use super::*;
use crate::batch::ABSENT;

fn put(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
    out.extend_from_slice(bytes);
}

fn put_error(out: &mut Vec<u8>, metadata: Option<&[u8]>) {
    put(out, b"user");
    put(out, b"nope");
    put(out, b"no way");
    match metadata {
        Some(bytes) => put(out, bytes),
        None => out.extend_from_slice(&ABSENT.to_le_bytes()),
    }
}

fn turn(instance: u32, durability: u8, changes: &[u8], outputs: &[u8]) -> Vec<u8> {
    let mut out = instance.to_le_bytes().to_vec();
    out.push(durability);
    put(&mut out, changes);
    put(&mut out, outputs);
    out
}

fn every_output() -> Vec<u8> {
    let mut out = vec![1, 2];
    put_error(&mut out, None);
    out.extend_from_slice(&[34, 7, 0, 0, 0, 0, 34, 7, 0, 0, 0, 1]);
    put(&mut out, &[1]);
    out.extend_from_slice(&[34, 7, 0, 0, 0, 2]);
    out.push(35);
    put_error(&mut out, None);
    out.extend_from_slice(&[3, 7, 0, 0, 0]);
    put(&mut out, &[0xf6]);
    out.extend_from_slice(&[4, 8, 0, 0, 0]);
    put_error(&mut out, Some(&[0xa0]));
    out.extend_from_slice(&[5, 255, 255, 255, 255]);
    put(&mut out, "größer".as_bytes());
    put(&mut out, &[0x80]);
    out.extend_from_slice(&[5, 2, 0, 0, 0]);
    put(&mut out, b"one");
    put(&mut out, &[0x81, 1]);
    out.extend_from_slice(&[56, 255, 255, 255, 255]);
    put(&mut out, b"cursor");
    put(&mut out, b"ann");
    put(&mut out, &[0x81, 2]);
    out.extend_from_slice(&[6, 3, 0, 0, 0, 7, 4, 0, 0, 0]);
    put_error(&mut out, None);
    out.extend_from_slice(&[8, 5, 0, 0, 0]);
    put(&mut out, &[1]);
    out.extend_from_slice(&[9, 6, 0, 0, 0]);
    put(&mut out, b"bye");
    out.extend_from_slice(&[10, 9, 0, 0, 0, 11, 100, 0, 0, 0, 12, 13, 14]);
    out.push(15);
    put(&mut out, b"tick");
    out.extend_from_slice(&1500.0f64.to_le_bytes());
    out.extend_from_slice(&[3, 0, 0, 0]);
    put(&mut out, b"body");
    out.push(16);
    put(&mut out, b"tock");
    out.extend_from_slice(&[20, 255, 255, 255, 255, 1, 0, 0, 0]);
    put(&mut out, b"k");
    put(&mut out, b"v");
    out.extend_from_slice(&[20, 3, 0, 0, 0, 0, 0, 0, 0]);
    out.extend_from_slice(&[21, 1, 0, 0, 0]);
    put(&mut out, b"k");
    out.push(22);
    put(&mut out, b"a");
    put(&mut out, b"b");
    out.extend_from_slice(&[23, 4, 0, 0, 0, 0, 1, 0, 0, 0]);
    put(&mut out, b"k");
    out.extend_from_slice(&[23, 5, 0, 0, 0, 1]);
    put(&mut out, b"a");
    out.extend_from_slice(&[255, 255, 255, 255, 1, 9, 0, 0, 0]);
    out.extend_from_slice(&[44, 6, 0, 0, 0]);
    out.extend_from_slice(&[17, 2]);
    out.extend_from_slice(&[26, 7, 0, 0, 0, 1, 201, 0]);
    put(&mut out, b"Made");
    out.extend_from_slice(&[1, 0, 0, 0]);
    put(&mut out, b"x");
    put(&mut out, b"\xe9");
    out.extend_from_slice(&[27, 7, 0, 0, 0]);
    put(&mut out, b"data");
    out.extend_from_slice(&[28, 7, 0, 0, 0, 29, 8, 0, 0, 0, 30, 7, 0, 0, 0, 4, 0, 0, 0]);
    out.extend_from_slice(&[31, 2, 0, 0, 0, 1]);
    put(&mut out, b"hi");
    out.extend_from_slice(&[32, 2, 0, 0, 0, 0xa1, 0x0f]);
    put(&mut out, b"bye");
    out.extend_from_slice(&[33, 2, 0, 0, 0, 1, 45, 2, 0, 0, 0, 3, 0, 0, 0]);
    out.push(18);
    out.extend_from_slice(&7.0f64.to_le_bytes());
    put(&mut out, b"message");
    out.push(19);
    out.extend_from_slice(&6.0f64.to_le_bytes());
    out
}

#[test]
fn every_output_is_read() {
    let mut batch = turn(5, 1, &[1, 2, 3], &every_output());
    batch.extend(turn(6, 2, &[], &[]));
    let turns: Vec<_> = Turns::new(batch.into())
        .collect::<Result<_, _>>()
        .expect("well formed");
    assert_eq!(turns.len(), 2);
    let first = &turns[0].turn;
    assert_eq!(
        (turns[0].instance, first.durability),
        (Instance(5), Durability::Relaxed)
    );
    assert_eq!(first.changes, &[1, 2, 3][..]);
    let shown = format!("{:?}", first.outputs);
    let nope = r#"ActorError { group: "user", code: "nope", message: "no way", metadata: "#;
    let expected = format!(
        r#"[Started, StartFailed({nope}None }}), Stream {{ call: CallId(7), part: Start }}, Stream {{ call: CallId(7), part: Item(b"\x01") }}, Stream {{ call: CallId(7), part: End }}, StartRefused({nope}None }}), Reply {{ call: CallId(7), result: Ok(b"\xf6") }}, Reply {{ call: CallId(8), result: Err({nope}Some(b"\xa0") }}) }}, Event {{ to: None, name: "größer", args: b"\x80", when_slow: Disconnect }}, Event {{ to: Some(ConnKey(2)), name: "one", args: b"\x81\x01", when_slow: Disconnect }}, Event {{ to: None, name: "cursor", args: b"\x81\x02", when_slow: Coalesce {{ about: "ann" }} }}, Accept {{ conn: ConnKey(3) }}, Reject {{ conn: ConnKey(4), error: {nope}None }} }}, ConnState {{ conn: ConnKey(5), state: b"\x01" }}, Disconnect {{ conn: ConnKey(6), reason: "bye" }}, Save {{ token: 9 }}, SaveWithin {{ max_wait_ms: 100 }}, Sleep, Destroy, Stopped, Awake {{ held: false, resumes: true }}, ResponseHead {{ call: CallId(7), head: ResponseHead {{ status: 201, reason: "Made", headers: [("x", b"\xe9")] }}, has_body: true }}, ResponseData {{ call: CallId(7), data: b"data" }}, ResponseEnd {{ call: CallId(7) }}, ResponseAbort {{ call: CallId(8) }}, RequestCredit {{ call: CallId(7), bytes: 4 }}, SocketSend {{ conn: ConnKey(2), message: SocketMessage {{ text: true, data: b"hi" }} }}, SocketClose {{ conn: ConnKey(2), close: SocketClose {{ code: 4001, reason: "bye" }} }}, AcceptSocket {{ conn: ConnKey(2), hibernates: true }}, SocketHandled {{ conn: ConnKey(2), count: 3 }}]"#
    );
    assert_eq!(shown, expected);
    let tick = Alarm {
        id: "tick".to_owned(),
        due_ms: 1500,
        attempt: 3,
        body: Bytes::from_static(b"body"),
    };
    let tock = AlarmUpdate::Remove("tock".to_owned());
    assert_eq!(first.alarms, [AlarmUpdate::Set(tick), tock]);
    let message = QueueMessage {
        id: 7,
        body: Bytes::from_static(b"message"),
    };
    let put_and_removed = [QueueUpdate::Put(message), QueueUpdate::Remove(6)];
    assert_eq!(first.queue, put_and_removed);
    assert_eq!(first.state_version, Some(6));
    let text = |text: &'static str| Bytes::from_static(text.as_bytes());
    let kv = [
        KvRequest::Put {
            pairs: vec![(text("k"), text("v"))],
            token: None,
        },
        KvRequest::Put {
            pairs: vec![],
            token: Some(3),
        },
        KvRequest::Delete(vec![text("k")]),
        KvRequest::DeleteRange {
            start: text("a"),
            end: text("b"),
        },
        KvRequest::Read {
            token: 4,
            query: KvQuery::Get(vec![text("k")]),
        },
        KvRequest::Read {
            token: 5,
            query: KvQuery::List(KvRange {
                start: text("a"),
                end: None,
                reverse: true,
                limit: 9,
            }),
        },
    ];
    assert_eq!(first.kv, kv);
    assert_eq!(
        (turns[1].instance, turns[1].turn.durability),
        (Instance(6), Durability::Ephemeral)
    );
}

fn every_request() -> Vec<u8> {
    let mut out = vec![38, 1, 0, 0, 0, 3];
    put(&mut out, b"POST");
    put(&mut out, b"/a?b");
    out.extend_from_slice(&[1, 0]);
    put(&mut out, b"x-a");
    put(&mut out, "\u{e9}".as_bytes());
    out.extend_from_slice(&ABSENT.to_le_bytes());
    put(&mut out, b"::ffff:10.0.0.1");
    out.extend_from_slice(&[39, 1, 0, 0, 0]);
    put(&mut out, b"part");
    out.extend_from_slice(&[40, 1, 0, 0, 0, 41, 2, 0, 0, 0, 42, 3, 0, 0, 0, 9, 0, 0, 0]);
    out.extend_from_slice(&[46, 4, 0, 0, 0]);
    put(&mut out, b"2001:db8::1");
    out.extend_from_slice(&[46, 5, 0, 0, 0]);
    put(&mut out, b"/a/path");
    out
}

#[test]
fn answers_about_requests_are_read() {
    let mut outputs = vec![36, 7, 0, 0, 0];
    put(&mut outputs, b"who");
    outputs.extend_from_slice(&[36, 8, 0, 0, 0]);
    outputs.extend_from_slice(&ABSENT.to_le_bytes());
    outputs.extend_from_slice(&[37, 9, 0, 0, 0]);
    put_error(&mut outputs, None);
    let batch = Bytes::from(turn(0, 0, &[], &outputs));
    for len in 1..batch.len() {
        let result: Result<Vec<_>, _> = Turns::new(batch.slice(..len)).collect();
        assert!(result.is_err(), "{len} of {} bytes", batch.len());
    }
    let handed = Turns::new(batch).next().expect("one").expect("well formed");
    let refused = ActorError::new("user", "nope", "no way");
    let expected = [
        (7, Ok(Some(Bytes::from_static(b"who")))),
        (8, Ok(None)),
        (9, Err(refused)),
    ];
    assert_eq!(handed.answers, expected);
}

#[test]
fn requests_are_read() {
    let read = |instance| {
        let batch = turn(instance, 0, &[], &every_request());
        let mut turns = Turns::new(batch.into());
        turns.next().expect("there is one").expect("well formed")
    };
    let handed = read(0);
    assert!(handed.turn.outputs.is_empty());
    assert_eq!(
        format!("{:?}", handed.requests),
        r#"[Begin(Begin { request: 1, origin: Trusted, peer: Some(10.0.0.1), method: "POST", target: "/a?b", headers: [("x-a", "é")], body: Follows, clearance: None }), Part { request: 1, part: b"part" }, End { request: 1 }, GiveUp { request: 2 }, Taken { request: 3, bytes: 9 }, Connect { request: 4, peer: Some(2001:db8::1) }, Connect { request: 5, peer: None }]"#
    );
    // That of an actor has to wait.
    let handed = read(5);
    assert!(matches!(handed.turn.outputs[..], [Output::Depart(_)]));
    assert!(matches!(&handed.requests[0], Requested::Begin(begin) if begin.clearance.is_some()));
}

#[test]
fn every_shorter_batch_of_requests_is_refused() {
    let batch = Bytes::from(turn(0, 0, &[], &every_request()));
    for len in 1..batch.len() {
        let result: Result<Vec<_>, _> = Turns::new(batch.slice(..len)).collect();
        assert!(result.is_err(), "{len} of {} bytes", batch.len());
    }
}

#[test]
fn every_shorter_batch_is_refused() {
    let batch = Bytes::from(turn(5, 0, &[1, 2, 3], &every_output()));
    for len in 1..batch.len() {
        let result: Result<Vec<_>, _> = Turns::new(batch.slice(..len)).collect();
        assert!(
            result.is_err(),
            "{len} of {} bytes were taken for a batch",
            batch.len()
        );
    }
}

#[test]
fn errors_name_the_place() {
    let check = |batch: Vec<u8>, expected: &str| {
        let error = Turns::new(batch.into())
            .find_map(Result::err)
            .expect("malformed");
        assert_eq!(
            error.to_string(),
            format!("malformed batch at byte {expected}")
        );
    };
    check(turn(1, 3, &[], &[]), "5: unknown durability");
    check(turn(1, 0, &[], &[255]), "14: unknown output");
    check(turn(1, 0, &[], &[17, 4]), "15: unknown flags");
    check(
        turn(1, 0, &[], &[34, 0, 0, 0, 0, 3]),
        "19: unknown part of a stream",
    );
    check(
        turn(1, 0, &[], &[9, 0, 0, 0, 0, 1, 0, 0, 0, 0xff]),
        "23: a text is not UTF-8",
    );
    check(turn(1, 0, &[], &[6, 0]), "14: the record ends early");
    let mut half = vec![19];
    half.extend_from_slice(&0.5f64.to_le_bytes());
    check(turn(1, 0, &[], &half), "22: a number is not a whole one");
}

proptest! {
    #[test]
    fn random_bytes_end_in_turns_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Turns::new(bytes.into()).count();
    }
}
