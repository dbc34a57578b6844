//! Connections over event streams.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

use crate::harness::{Answer, PATIENCE, Site, by_key, site, site_with};

/// A client that reads an event stream as a browser would.
struct Stream {
    tcp: BufReader<TcpStream>,
    head: String,
    /// Body bytes that are read and not yet used.
    text: String,
}

/// One event: its lines.
type Lines = Vec<String>;

impl Stream {
    async fn open(site: &Site, target: &str, headers: &str) -> Self {
        let mut tcp = site.tcp().await;
        let request = format!("GET {target} HTTP/1.1\r\nhost: test\r\n{headers}\r\n");
        tcp.write_all(request.as_bytes()).await.unwrap();
        let mut stream = Self {
            tcp: BufReader::new(tcp),
            head: String::new(),
            text: String::new(),
        };
        while !stream.head.ends_with("\r\n\r\n") {
            let line = stream.line().await;
            stream.head += &line;
        }
        stream
    }

    /// A stream of the counter `key` in JSON, and its Init.
    async fn of(site: &Site, key: &str) -> (Self, Value) {
        let mut stream = Self::open(site, &sse(key), "").await;
        let init = stream.message().await["val"].clone();
        (stream, init)
    }

    async fn line(&mut self) -> String {
        let mut line = String::new();
        let read = tokio::time::timeout(PATIENCE, self.tcp.read_line(&mut line)).await;
        read.expect("a line comes in time").unwrap();
        line
    }

    /// The next event. `None` when the body has ended properly.
    async fn event(&mut self) -> Option<Lines> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let lines = event.split('\n').map(str::to_owned).collect();
                self.text = rest.to_owned();
                return Some(lines);
            }
            let size = usize::from_str_radix(self.line().await.trim(), 16).expect("a chunk's size");
            if size == 0 {
                assert_eq!(self.text, "");
                return None;
            }
            let mut chunk = vec![0; size + 2];
            self.tcp.read_exact(&mut chunk).await.unwrap();
            self.text += str::from_utf8(&chunk[..size]).unwrap();
        }
    }

    /// The body of the next message, which has to be JSON.
    async fn message(&mut self) -> Value {
        let lines = self.event().await.expect("the stream goes on");
        let data = lines[1].strip_prefix("data: ").expect("a data line");
        serde_json::from_str::<Value>(data).unwrap()["body"].clone()
    }

    /// The close, which has to be the last thing.
    async fn closed(&mut self) -> Value {
        loop {
            let lines = self.event().await.expect("a close comes before the end");
            if lines[0] == "event: close" {
                assert_eq!(self.event().await, None);
                return serde_json::from_str(lines[1].strip_prefix("data: ").unwrap()).unwrap();
            }
        }
    }
}

fn sse(key: &str) -> String {
    format!("/gateway/counter/sse?{}", by_key(key))
}

async fn post(site: &Site, init: &Value, body: &[u8]) -> Answer {
    let target = format!(
        "/connections/{}/message",
        init["connectionId"].as_str().unwrap()
    );
    let token = init["connectionToken"].as_str().unwrap();
    site.http("POST", &target, &[("x-rivet-conn-token", token)], body)
        .await
}

fn action(id: u64, name: &str, args: &str) -> Vec<u8> {
    format!(r#"{{"body":{{"tag":"ActionRequest","val":{{"id":["$BigInt","{id}"],"name":"{name}","args":{args}}}}}}}"#)
        .into_bytes()
}

/// A binary message as it goes into a body.
fn sized(message: &[u8]) -> Vec<u8> {
    let len = u32::try_from(message.len()).unwrap();
    [&len.to_be_bytes()[..], message].concat()
}

const SUBSCRIBE: &[u8] =
    br#"{"body":{"tag":"SubscriptionRequest","val":{"eventName":"newCount","subscribe":true}}}"#;

/// Waits until the actor has been told that nobody is connected.
async fn gone(site: &Site) {
    let all = async {
        while site.observed.connected.load(Ordering::SeqCst) > 0 {
            tokio::task::yield_now().await;
        }
    };
    let told = tokio::time::timeout(PATIENCE, all).await;
    told.expect("the actor is told");
}

#[tokio::test]
async fn the_head_tells_proxies_to_pass_on_and_init_comes_first() {
    let site = site().await;
    let mut stream = Stream::open(&site, &sse("k"), "origin: https://app.example\r\n").await;
    for line in [
        "HTTP/1.1 200 OK",
        "content-type: text/event-stream",
        "cache-control: no-cache, no-transform",
        "x-accel-buffering: no",
        "access-control-allow-origin: https://app.example",
        "access-control-allow-credentials: true",
    ] {
        assert!(
            stream.head.contains(&format!("{line}\r\n")),
            "{}",
            stream.head
        );
    }
    let lines = stream.event().await.unwrap();
    assert_eq!(lines[0], "id: 1");
    let init: Value = serde_json::from_str(lines[1].strip_prefix("data: ").unwrap()).unwrap();
    let val = &init["body"]["val"];
    assert_eq!(init["body"]["tag"], "Init");
    assert_eq!(val["actorId"].as_str().unwrap().len(), 26);
    assert_eq!(val["connectionToken"].as_str().unwrap().len(), 43);
    let (_, other) = Stream::of(&site, "k").await;
    assert_ne!(other["connectionToken"], val["connectionToken"]);
    assert_ne!(other["connectionId"], val["connectionId"]);
}

#[tokio::test]
async fn messages_go_up_alone_and_come_down_numbered() {
    let site = site().await;
    let (mut stream, init) = Stream::of(&site, "k").await;
    assert_eq!(post(&site, &init, SUBSCRIBE).await.status, 202);
    let answer = post(&site, &init, &action(7, "increment", "[2]")).await;
    assert_eq!((answer.status, answer.body.len()), (202, 0));
    let event = stream.event().await.unwrap();
    assert_eq!(
        event,
        [
            "id: 2",
            r#"data: {"body":{"tag":"Event","val":{"name":"newCount","args":[2]}}}"#
        ]
    );
    let reply = stream.event().await.unwrap();
    assert_eq!(
        reply,
        [
            "id: 3",
            r#"data: {"body":{"tag":"ActionResponse","val":{"id":["$BigInt","7"],"output":2}}}"#
        ]
    );
    post(&site, &init, &action(8, "fail", "[]")).await;
    let error = stream.message().await;
    assert_eq!(error["val"]["code"], "my_code");
    assert_eq!(error["val"]["actionId"], json!(["$BigInt", "8"]));
}

#[tokio::test]
async fn several_messages_of_one_request_are_handled_in_order() {
    let site = site_with(|config| config.max_incoming_message = 1000).await;
    let (mut stream, init) = Stream::of(&site, "k").await;
    let mut body = SUBSCRIBE.to_vec();
    for id in 0..200 {
        body.push(b'\n');
        body.extend(action(id, "increment", "[1]"));
    }
    assert_eq!(post(&site, &init, &body).await.status, 202);
    for id in 0..200u64 {
        assert_eq!(stream.message().await["val"]["args"], json!([id + 1]));
        assert_eq!(stream.message().await["val"]["output"], id + 1);
    }
    // The limit is that of each message; those before the one that is over it count.
    let long = action(1, "echo", &format!("[\"{}\"]", "x".repeat(1000)));
    let body = [action(0, "increment", "[1]"), long].join(&b'\n');
    let answer = post(&site, &init, &body).await;
    assert_eq!(answer.gateway_error(), "400 message.incoming_too_long");
    assert_eq!(
        stream.closed().await,
        json!({ "code": 1011, "reason": "message.incoming_too_long" })
    );
    assert_eq!(site.count("k").await, 201);
}

#[tokio::test]
async fn binary_encodings_come_in_base64_and_share_no_event_with_sockets() {
    let site = site().await;
    let mut socket = site.connect("k").await;
    socket.subscribe("newCount", true).await;
    let target = format!("{}&rvt-encoding=bare", sse("k"));
    let mut stream = Stream::open(&site, &target, "").await;
    let decode = |lines: Lines| {
        STANDARD
            .decode(lines[1].strip_prefix("data: ").unwrap())
            .unwrap()
    };
    let init = decode(stream.event().await.unwrap());
    // version, Init, actor id of 26, connection id of 36, token of 43
    assert_eq!(&init[..4], [4, 0, 0, 26]);
    assert_eq!((init[30], init[67], init.len()), (36, 43, 111));
    let init = json!({
        "connectionId": str::from_utf8(&init[31..67]).unwrap(),
        "connectionToken": str::from_utf8(&init[68..]).unwrap(),
    });
    assert_eq!(
        post(&site, &init, &sized(b"\x04\x00\x01\x08newCount\x01"))
            .await
            .status,
        202
    );
    assert_eq!(
        post(
            &site,
            &init,
            &sized(b"\x04\x00\x00\x05\x09increment\x02\x81\x03")
        )
        .await
        .status,
        202
    );
    assert_eq!(
        decode(stream.event().await.unwrap()),
        b"\x04\x00\x03\x08newCount\x02\x81\x03"
    );
    assert_eq!(
        decode(stream.event().await.unwrap()),
        b"\x04\x00\x02\x05\x01\x03"
    );
    assert_eq!(socket.json().await["body"]["val"]["args"], json!([3]));
    let cbor = Stream::open(&site, &sse("k"), "x-rivet-encoding: cbor\r\n")
        .await
        .event()
        .await;
    assert_eq!(decode(cbor.unwrap())[..7], *b"\xa1\x64body\xa2");
}

#[tokio::test]
async fn only_the_token_opens_the_way_up() {
    let site = site().await;
    let (mut stream, init) = Stream::of(&site, "k").await;
    let target = format!(
        "/connections/{}/message",
        init["connectionId"].as_str().unwrap()
    );
    let body = action(1, "getCount", "[]");
    let almost = init["connectionToken"]
        .as_str()
        .unwrap()
        .replace(|_: char| true, "A");
    for headers in [
        &[][..],
        &[("x-rivet-conn-token", "")],
        &[("x-rivet-conn-token", &almost)],
    ] {
        let answer = site.http("POST", &target, headers, &body).await;
        assert_eq!(answer.gateway_error(), "403 auth.forbidden");
    }
    let nobody = json!({ "connectionId": "nobody", "connectionToken": "x" });
    let answer = post(&site, &nobody, &body).await;
    assert_eq!(answer.gateway_error(), "404 connection.not_found");
    for path in [
        "/connections",
        "/connections/",
        "/connections//message",
        "/connections/a/b/message",
    ] {
        let answer = site.http("POST", path, &[], &body).await;
        assert_eq!(answer.gateway_error(), "404 guard.no_route", "{path}");
    }
    assert_eq!(
        site.get(&target).await.gateway_error(),
        "405 actor.method_not_allowed"
    );
    // None of it has done anything to the stream.
    post(&site, &init, &body).await;
    assert_eq!(stream.message().await["val"]["output"], 0);
}

#[tokio::test]
async fn params_come_by_header_or_query_in_both_forms_of_url() {
    let site = site().await;
    let refused = |mut stream: Stream| async move {
        let error = stream.message().await;
        assert_eq!(
            (&error["tag"], &error["val"]["actionId"]),
            (&json!("Error"), &json!(null))
        );
        assert_eq!(error["val"]["code"], "forbidden");
        assert_eq!(
            stream.closed().await,
            json!({ "code": 1011, "reason": "auth.forbidden" })
        );
    };
    refused(Stream::open(&site, &sse("k"), "x-rivet-conn-params: \"refuse me\"\r\n").await).await;
    let target = format!("{}&rvt-conn-params=%22refuse+me%22", sse("k"));
    refused(Stream::open(&site, &target, "").await).await;
    let actor = site.call("k", "getCount", "[]").await;
    let direct = format!(
        "/gateway/{}/sse?rvt-conn-params=%22refuse%20me%22",
        actor.header("x-rivet-actor")
    );
    refused(Stream::open(&site, &direct, "").await).await;
    gone(&site).await;
}

#[tokio::test]
async fn what_is_wrong_before_the_stream_begins_is_an_http_error() {
    let site = site().await;
    let get = |key: &str, rest: &str| {
        format!("/gateway/counter/sse?rvt-namespace=default&rvt-method=get&rvt-key={key}{rest}")
    };
    for (target, expected) in [
        (get("none", ""), "404 actor.not_found"),
        (
            get("k", "&rvt-encoding=xml"),
            "400 guard.query_invalid_params",
        ),
        (get("k", "&rvt-conn-params={"), "400 encoding.invalid"),
        (
            get("k", "&rvt-conn-params=%ff"),
            "400 guard.query_invalid_percent_encoding",
        ),
        (
            get("k", "&rvt-encoding=cbor&rvt-encoding=cbor"),
            "400 guard.query_duplicate_param",
        ),
        (
            format!("{}&rvt-conn-params=%22{}%22", sse("k"), "x".repeat(4096)),
            "400 message.incoming_too_long",
        ),
        // Elsewhere, the parameters of streams are as unknown as any.
        (
            format!(
                "/gateway/counter/metadata?{}&rvt-encoding=json",
                by_key("k")
            ),
            "400 guard.query_invalid_params",
        ),
    ] {
        assert_eq!(
            site.get(&target).await.gateway_error(),
            expected,
            "{target}"
        );
    }
    let answer = site.http("POST", &sse("k"), &[], b"").await;
    assert_eq!(answer.gateway_error(), "405 actor.method_not_allowed");
}

#[tokio::test]
async fn every_end_has_the_code_that_it_has_on_a_socket() {
    let site = site_with(|config| {
        config.max_incoming_message = 1000;
        config.max_outgoing_message = 1000;
    })
    .await;
    let cases: [(Vec<u8>, u16, Value); 8] = [
        (
            action(0, "disconnect", r#"["go away"]"#),
            202,
            json!({ "code": 1000, "reason": "go away" }),
        ),
        (
            action(0, "destroy", "[]"),
            202,
            json!({ "code": 1000, "reason": "" }),
        ),
        (
            Vec::new(),
            400,
            json!({ "code": 1011, "reason": "actor.invalid_request" }),
        ),
        (
            b"{}".to_vec(),
            400,
            json!({ "code": 1011, "reason": "actor.invalid_request" }),
        ),
        (
            b"\xff".to_vec(),
            400,
            json!({ "code": 1011, "reason": "actor.invalid_request" }),
        ),
        (
            action(0, "echo", &format!("[\"{}\"]", "x".repeat(1000))),
            400,
            json!({ "code": 1011, "reason": "message.incoming_too_long" }),
        ),
        (
            action(0, "echo", &format!("[\"{}\"]", "x".repeat(400_000))),
            400,
            json!({ "code": 1011, "reason": "message.incoming_too_long" }),
        ),
        (
            action(0, "sendText", "[2000]"),
            202,
            json!({ "code": 1011, "reason": "message.outgoing_too_long" }),
        ),
    ];
    for (body, status, close) in cases {
        let (mut stream, init) = Stream::of(&site, "k").await;
        let on = br#"{"body":{"tag":"SubscriptionRequest","val":{"eventName":"text","subscribe":true}}}"#;
        assert_eq!(post(&site, &init, on).await.status, 202);
        assert_eq!(post(&site, &init, &body).await.status, status, "{close}");
        assert_eq!(stream.closed().await, close);
        let late = post(&site, &init, &body).await;
        assert_eq!(late.gateway_error(), "404 connection.not_found");
    }
}

#[tokio::test]
async fn an_oversized_result_costs_the_action_only() {
    let site = site_with(|config| config.max_outgoing_message = 1000).await;
    let (mut stream, init) = Stream::of(&site, "k").await;
    post(&site, &init, &action(3, "text", "[2000]")).await;
    let error = stream.message().await;
    assert_eq!(error["val"]["code"], "outgoing_too_long");
    post(&site, &init, &action(4, "getCount", "[]")).await;
    assert_eq!(stream.message().await["tag"], "ActionResponse");
}

#[tokio::test]
async fn the_end_of_the_stream_is_the_end_of_the_connection() {
    let site = site().await;
    let (stream, init) = Stream::of(&site, "k").await;
    assert_eq!(site.observed.connected.load(Ordering::SeqCst), 1);
    drop(stream);
    gone(&site).await;
    let answer = post(&site, &init, SUBSCRIBE).await;
    assert_eq!(answer.gateway_error(), "404 connection.not_found");
}

#[tokio::test]
async fn a_quiet_stream_has_heartbeats() {
    let site = site_with(|config| config.stream_heartbeat = Duration::from_millis(50)).await;
    let (mut stream, init) = Stream::of(&site, "k").await;
    for _ in 0..3 {
        assert_eq!(stream.event().await.unwrap(), [":"]);
    }
    // They have no number.
    post(&site, &init, &action(1, "getCount", "[]")).await;
    loop {
        let lines = stream.event().await.unwrap();
        if lines != [":"] {
            assert_eq!(lines[0], "id: 2");
            break;
        }
    }
}

#[tokio::test]
async fn the_last_event_id_is_ignored_for_all_to_see() {
    let site = site().await;
    let mut stream = Stream::open(&site, &sse("k"), "last-event-id: 41\r\n").await;
    let lines = stream.event().await.unwrap();
    assert_eq!(lines[0], "id: 1");
    assert!(lines[1].contains(r#""tag":"Init""#));
}

#[tokio::test]
async fn a_client_that_does_not_read_is_dropped() {
    let site = site_with(|config| config.write_timeout = Duration::from_millis(300)).await;
    let (stream, init) = Stream::of(&site, "k").await;
    // More than any socket buffers.
    for id in 0..64 {
        if post(&site, &init, &action(id, "text", "[1000000]"))
            .await
            .status
            != 202
        {
            break;
        }
    }
    gone(&site).await;
    drop(stream);
}

#[tokio::test]
async fn a_shutdown_says_so_and_ends_the_stream() {
    let site = site().await;
    let (mut stream, _) = Stream::of(&site, "k").await;
    let server = Arc::clone(&site.server);
    let stopping = tokio::spawn(async move { server.shutdown().await });
    assert_eq!(
        stream.closed().await,
        json!({ "code": 1001, "reason": "ws.going_away" })
    );
    drop(stream);
    stopping.await.unwrap();
}

#[tokio::test]
async fn pages_of_other_origins_may_send_messages() {
    let site = site().await;
    let headers = [
        ("origin", "https://app.example"),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "x-rivet-conn-token"),
    ];
    let answer = site
        .http("OPTIONS", "/connections/x/message", &headers, b"")
        .await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.header("access-control-allow-origin"),
        "https://app.example"
    );
    assert_eq!(
        answer.header("access-control-allow-headers"),
        "x-rivet-conn-token"
    );
    let answer = site
        .http("POST", "/connections/x/message", &headers[..1], b"")
        .await;
    assert_eq!(answer.gateway_error(), "404 connection.not_found");
    assert_eq!(
        answer.header("access-control-allow-origin"),
        "https://app.example"
    );
}
