use bytes::Bytes;
use greenroom_core::{
    AlarmEvent, CallId, ClientFacts, ConnKey, FetchEvent, QueueMessage, SocketClose, SocketMessage,
    SubscribeEvent,
};
use greenroom_types::{ActorId, ActorKey, ActorName};

use super::*;

/// Concatenates what a record consists of: numbers as they are and texts with their length.
fn record(parts: &[Part]) -> Vec<u8> {
    let mut out = Vec::new();
    for part in parts {
        match part {
            Part::U8(value) => out.push(*value),
            Part::U16(value) => out.extend_from_slice(&value.to_le_bytes()),
            Part::U32(value) => out.extend_from_slice(&value.to_le_bytes()),
            Part::F64(value) => out.extend_from_slice(&value.to_le_bytes()),
            Part::Str(text) => {
                out.extend_from_slice(&(text.len() as u32).to_le_bytes());
                out.extend_from_slice(text.as_bytes());
            }
        }
    }
    out
}

enum Part {
    U8(u8),
    U16(u16),
    U32(u32),
    F64(f64),
    Str(&'static str),
}
use Part::{F64, Str, U8, U16, U32};

const NOTHING: Part = U32(0xffff_ffff);

fn check(event: HostEvent, expected: &[Part]) {
    let mut batch = Vec::new();
    EventWriter::new(&mut batch).event(Instance(0x0102_0304), &event);
    assert_eq!(batch, record(expected), "{event:?}");
}

#[test]
fn answers_are_written() {
    let check = |answer: Answer, expected: &[Part]| {
        let mut batch = Vec::new();
        EventWriter::new(&mut batch).answer(7, &answer);
        assert_eq!(batch, record(expected), "{answer:?}");
    };
    let mut answer = hyper::Response::new(());
    let value = hyper::header::HeaderValue::from_bytes(b"\xe9").expect("allowed");
    answer.headers_mut().append("x", value);
    let reason = hyper::ext::ReasonPhrase::from_static(b"Fine");
    answer.extensions_mut().insert(reason);
    let head = Box::new(answer.into_parts().0);
    let begin = [
        U8(24),
        U32(0),
        U32(7),
        U16(200),
        Str("Fine"),
        U16(1),
        Str("x"),
        Str("é"),
    ];
    check(
        Answer::Head {
            head: head.clone(),
            body: None,
        },
        &begin.into_iter().chain([NOTHING]).collect::<Vec<_>>(),
    );
    check(
        Answer::Part(bytes("more")),
        &[U8(25), U32(0), U32(7), Str("more")],
    );
    check(Answer::End, &[U8(26), U32(0), U32(7)]);
    let error = greenroom_types::ActorError::new("a", "b", "c");
    check(
        Answer::Failed(error),
        &[
            U8(27),
            U32(0),
            U32(7),
            Str("a"),
            Str("b"),
            Str("c"),
            NOTHING,
        ],
    );
    check(Answer::Taken(9), &[U8(28), U32(0), U32(7), U32(9)]);
}

fn bytes(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

#[test]
fn a_start_is_written_in_full() {
    let start = StartEvent {
        id: ActorId::from_bytes([0; 16]),
        name: ActorName::new("room").expect("valid"),
        key: ActorKey::new(vec!["a".to_owned(), "bc".to_owned()]).expect("valid"),
        input: Some(bytes("in")),
        state: None,
        created: true,
        ending: true,
        generation: 3,
        conns: vec![RestoredConn {
            conn: ConnKey(9),
            id: "c1".to_owned(),
            client: ClientInfo::default(),
            state: Some(bytes("st")),
            raw: true,
        }],
        alarms: vec![alarm()],
        kv_size: 5,
        state_version: Some(4),
        messages: vec![QueueMessage {
            id: 4,
            body: bytes("msg"),
        }],
        last_message: 6,
    };
    check(
        HostEvent::Start(Box::new(start)),
        &[
            U8(1),
            U32(0x0102_0304),
            Str("aaaaaaaaaaaaaaaaaaaaaaaaaa"),
            Str("room"),
            U16(2),
            Str("a"),
            Str("bc"),
            Str("in"),
            NOTHING,
            U8(3),
            F64(3.0),
            U32(1),
            U32(9),
            Str("c1"),
            U8(1),
            U8(0),
            Str("st"),
            U32(1),
            Str("tick"),
            F64(-5.0),
            U32(2),
            Str("body"),
            F64(5.0),
            U32(4),
            F64(6.0),
            U32(1),
            F64(4.0),
            Str("msg"),
        ],
    );
}

#[test]
fn messages_are_written_with_how_long_to_wait() {
    let publish = |wait, timeout_ms| PublishEvent {
        call: CallId(7),
        queue: "jobs".to_owned(),
        body: bytes("body"),
        compat: wait,
        client: ClientInfo::default(),
        wait,
        timeout_ms,
    };
    let written = |wait, timeout| {
        [
            U8(10),
            U32(0x0102_0304),
            U32(7),
            Str("jobs"),
            U8(wait),
            U8(0),
            U8(wait),
            F64(timeout),
            Str("body"),
        ]
    };
    check(
        HostEvent::Publish(publish(true, Some(5000))),
        &written(1, 5000.0),
    );
    check(HostEvent::Publish(publish(false, None)), &written(0, -1.0));
}

#[test]
fn answers_about_pairs_are_written() {
    let answer = |result, rest: Vec<Part>| {
        let mut expected = vec![U8(12), U32(0x0102_0304), U32(7)];
        expected.extend(rest);
        check(HostEvent::Kv(KvAnswer { token: 7, result }), &expected);
    };
    answer(
        KvResult::Values(vec![Some(bytes("v")), None]),
        vec![U8(0), U32(2), Str("v"), NOTHING],
    );
    answer(
        KvResult::Pairs(vec![(bytes("k"), bytes(""))]),
        vec![U8(1), U32(1), Str("k"), Str("")],
    );
    answer(KvResult::Put { size: 9 }, vec![U8(2), F64(9.0)]);
    answer(KvResult::Full { size: 8 }, vec![U8(3), F64(8.0)]);
}

fn alarm() -> Alarm {
    Alarm {
        id: "tick".to_owned(),
        due_ms: -5,
        attempt: 2,
        body: bytes("body"),
    }
}

#[test]
fn an_alarm_is_written_with_its_call_and_the_time() {
    let event = AlarmEvent {
        call: CallId(7),
        alarm: alarm(),
        now_ms: 1_700_000_000_123,
    };
    check(
        HostEvent::Alarm(event),
        &[
            U8(9),
            U32(0x0102_0304),
            U32(7),
            Str("tick"),
            F64(-5.0),
            U32(2),
            Str("body"),
            F64(1_700_000_000_123.0),
        ],
    );
}

#[test]
fn calls_are_written_with_and_without_a_connection() {
    let call = |conn, client| CallEvent {
        call: CallId(7),
        conn,
        name: "say".to_owned(),
        args: bytes("args"),
        compat: conn.is_some(),
        streams: conn.is_none(),
        once: conn.is_some(),
        client,
    };
    check(
        HostEvent::Call(call(Some(ConnKey(2)), ClientInfo::default())),
        &[
            U8(2),
            U32(0x0102_0304),
            U32(7),
            U32(2),
            Str("say"),
            U8(5),
            U8(0),
            Str("args"),
        ],
    );
    check(
        HostEvent::Call(call(
            None,
            ClientInfo::from(ClientFacts {
                params: Some(bytes("")),
                auth: None,
                request: Some(bytes("r")),
                chain: Some("a,b".into()),
            }),
        )),
        &[
            U8(2),
            U32(0x0102_0304),
            U32(7),
            NOTHING,
            Str("say"),
            U8(0b10),
            U8(0b1101),
            Str(""),
            Str("r"),
            Str("a,b"),
            Str("args"),
        ],
    );
}

#[test]
fn questions_about_requests_are_written() {
    let check = |request: AccessRequest, expected: Vec<Part>| {
        let mut batch = Vec::new();
        EventWriter::new(&mut batch).authorize(7, &request);
        let head = [U8(23), U32(0), U32(7)];
        let expected: Vec<_> = head.into_iter().chain(expected).collect();
        assert_eq!(batch, record(&expected));
    };
    let nothing = AccessRequest {
        intents: greenroom_server::Intents::GET | greenroom_server::Intents::ACTION,
        name: None,
        key: None,
        id: None,
        params: None,
        token: None,
        address: None,
        request: bytes("r"),
    };
    let key = ActorKey::new(vec!["a".to_owned(), String::new()]).expect("short");
    check(
        nothing.clone(),
        vec![
            U16(9),
            NOTHING,
            U16(u16::MAX),
            NOTHING,
            NOTHING,
            NOTHING,
            NOTHING,
            Str("r"),
        ],
    );
    let everything = AccessRequest {
        name: Some(ActorName::new("room").expect("valid")),
        key: Some(key),
        params: Some(bytes("p")),
        token: Some("t".to_owned()),
        address: Some([127, 0, 0, 1].into()),
        ..nothing
    };
    check(
        everything,
        vec![
            U16(9),
            Str("room"),
            U16(2),
            Str("a"),
            Str(""),
            NOTHING,
            Str("p"),
            Str("t"),
            Str("127.0.0.1"),
            Str("r"),
        ],
    );
}

#[test]
fn small_events_are_written() {
    let head = |kind| [U8(kind), U32(0x0102_0304)];
    let with = |kind, rest: Vec<Part>| head(kind).into_iter().chain(rest).collect::<Vec<_>>();
    check(HostEvent::Cancel(CallId(5)), &with(3, vec![U32(5)]));
    let credit = HostEvent::Credit {
        call: CallId(5),
        items: 16,
    };
    check(credit, &with(21, vec![U32(5), U32(16)]));
    let connect = ConnectEvent {
        conn: ConnKey(6),
        id: "c".to_owned(),
        client: ClientInfo::from(ClientFacts {
            params: Some(bytes("p")),
            auth: Some(bytes("who")),
            request: None,
            chain: None,
        }),
    };
    check(
        HostEvent::Connect(connect),
        &with(4, vec![U32(6), Str("c"), U8(0b011), Str("p"), Str("who")]),
    );
    check(HostEvent::Disconnect(ConnKey(6)), &with(5, vec![U32(6)]));
    check(HostEvent::Saved(8), &with(6, vec![U32(8)]));
    check(HostEvent::Stop(StopReason::Sleep), &with(7, vec![U8(0)]));
    check(HostEvent::Stop(StopReason::Destroy), &with(7, vec![U8(1)]));
    let ask = SubscribeEvent {
        ticket: 9,
        conn: ConnKey(6),
        event: "note".to_owned(),
    };
    check(
        HostEvent::Subscribe(ask),
        &with(11, vec![U32(9), U32(6), Str("note")]),
    );
    check(HostEvent::Drop, &with(8, vec![]));
    let fetch = FetchEvent {
        call: CallId(5),
        client: ClientInfo::default(),
        has_body: true,
    };
    check(
        HostEvent::Fetch(fetch),
        &with(13, vec![U32(5), U8(1), U8(0)]),
    );
    check(
        HostEvent::BodyData(CallId(5), bytes("data")),
        &with(14, vec![U32(5), Str("data")]),
    );
    let message = SocketMessage {
        text: true,
        data: bytes("hi"),
    };
    check(
        HostEvent::SocketMessage(ConnKey(6), message),
        &with(19, vec![U32(6), U8(1), Str("hi")]),
    );
    let close = SocketClose {
        code: 4001,
        reason: "bye".to_owned(),
    };
    check(
        HostEvent::SocketClosed(ConnKey(6), close),
        &with(20, vec![U32(6), U16(4001), Str("bye")]),
    );
    check(HostEvent::BodyEnd(CallId(5)), &with(15, vec![U32(5)]));
    check(HostEvent::BodyAbort(CallId(5)), &with(16, vec![U32(5)]));
    check(
        HostEvent::BodyCredit(CallId(5), 99),
        &with(17, vec![U32(5), U32(99)]),
    );
}
