//! Connections over WebSocket.

use std::sync::atomic::Ordering;

use bytes::Bytes;
use serde_json::json;
use tokio_tungstenite::tungstenite::{
    Message,
    protocol::{CloseFrame, frame::coding::CloseCode},
};

use crate::harness::{PATIENCE, Socket, by_key, connect_to, site, site_with};

#[tokio::test]
async fn init_comes_first_and_the_subprotocol_is_selected_only_if_offered() {
    let site = site().await;
    let mut socket = site
        .socket(&connect_to("k"), "rivet, rivet_encoding.json")
        .await;
    assert_eq!(socket.protocol.as_deref(), Some("rivet"));
    let init = socket.json().await;
    assert_eq!(init["body"]["tag"], "Init");
    assert_eq!(
        init["body"]["val"]["actorId"].as_str().map(str::len),
        Some(26)
    );
    assert!(
        init["body"]["val"]["connectionId"]
            .as_str()
            .is_some_and(|id| !id.is_empty())
    );
    let mut plain = site.socket(&connect_to("k"), "").await;
    assert_eq!(plain.protocol, None);
    assert_eq!(plain.json().await["body"]["tag"], "Init");
}

#[tokio::test]
async fn actions_events_and_errors_in_json() {
    let site = site().await;
    let mut socket = site.connect("k").await;
    socket.subscribe("newCount", true).await;
    socket.action(7, "increment", "[2]").await;
    let event = socket.json().await;
    assert_eq!(
        event,
        json!({ "body": { "tag": "Event", "val": { "name": "newCount", "args": [2] } } })
    );
    let reply = socket.json().await;
    assert_eq!(
        reply,
        json!({ "body": { "tag": "ActionResponse", "val": { "id": ["$BigInt", "7"], "output": 2 } } })
    );
    socket.action(8, "fail", "[]").await;
    let error = socket.json().await["body"].clone();
    assert_eq!(
        (error["tag"].as_str(), &error["val"]["actionId"]),
        (Some("Error"), &json!(["$BigInt", "8"]))
    );
    assert_eq!(
        (
            error["val"]["group"].as_str(),
            error["val"]["code"].as_str()
        ),
        (Some("user"), Some("my_code"))
    );
    // JSON in a binary frame is as good.
    let frame = r#"{"body":{"tag":"SubscriptionRequest","val":{"eventName":"newCount","subscribe":false}}}"#;
    socket.send(Message::binary(frame.as_bytes())).await;
    socket.action(9, "increment", "[1]").await;
    assert_eq!(socket.json().await["body"]["val"]["output"], 3);
}

async fn binary(socket: &mut Socket) -> Bytes {
    match socket.next().await {
        Message::Binary(bytes) => bytes,
        other => panic!("expected binary, got {other:?}"),
    }
}

#[tokio::test]
async fn actions_and_events_in_bare() {
    let site = site().await;
    let mut socket = site
        .socket(&connect_to("k"), "rivet, rivet_encoding.bare")
        .await;
    assert!(binary(&mut socket).await.starts_with(&[4, 0, 0, 26]));
    socket
        .send(Message::binary(&b"\x04\x00\x01\x08newCount\x01"[..]))
        .await;
    socket
        .send(Message::binary(
            &b"\x04\x00\x00\x00\x09increment\x02\x81\x04"[..],
        ))
        .await;
    assert_eq!(
        &binary(&mut socket).await[..],
        b"\x04\x00\x03\x08newCount\x02\x81\x04"
    );
    assert_eq!(&binary(&mut socket).await[..], b"\x04\x00\x02\x00\x01\x04");
}

#[tokio::test]
async fn actions_in_cbor() {
    let site = site().await;
    let mut socket = site
        .socket(&connect_to("k"), "rivet, rivet_encoding.cbor")
        .await;
    assert!(
        binary(&mut socket)
            .await
            .starts_with(b"\xa1\x64body\xa2\x63tag\x64Init")
    );
    let request = b"\xa1\x64body\xa2\x63tag\x6dActionRequest\x63val\xa3\x62id\x1b\0\0\0\0\0\0\0\x00\x64name\x69increment\x64args\x81\x04";
    socket.send(Message::binary(&request[..])).await;
    let reply = b"\xa1\x64body\xa2\x63tag\x6eActionResponse\x63val\xa2\x62id\x1b\0\0\0\0\0\0\0\0\x66output\x04";
    assert_eq!(&binary(&mut socket).await[..], reply);
}

#[tokio::test]
async fn whatever_stands_against_a_connection_is_said_in_the_close() {
    let site = site().await;
    let long = format!("rivet, rivet_conn_params.%22{}%22", "x".repeat(5000));
    let cases = [
        (
            "/gateway/counter/connect?rvt-namespace=default&rvt-method=get&rvt-key=none".to_owned(),
            "rivet",
            "1011 actor.not_found",
        ),
        (
            format!("/gateway/nobody/connect?{}", by_key("k")),
            "rivet",
            "1011 actor.not_registered",
        ),
        (
            format!("/gateway/{}/connect", "a".repeat(26)),
            "rivet",
            "1011 actor.not_found",
        ),
        (
            "/gateway/not-an-id/connect".to_owned(),
            "rivet",
            "1011 actor.not_found",
        ),
        (
            "/gateway/counter/connect?rvt-method=get".to_owned(),
            "rivet",
            "1011 guard.query_invalid_params",
        ),
        (
            "/gateway/counter/connect?rvt-namespace=x&rvt-method=get".to_owned(),
            "rivet",
            "1011 namespace.not_found",
        ),
        (
            connect_to("k"),
            "rivet, rivet_encoding.xml",
            "1003 actor.unsupported_websocket_encoding",
        ),
        (
            connect_to("k"),
            "rivet, rivet_conn_params.%7Bnope",
            "1011 actor.invalid_request",
        ),
        (
            connect_to("k"),
            "rivet, rivet_conn_params.%zz",
            "1011 actor.invalid_request",
        ),
        (
            connect_to("k"),
            long.as_str(),
            "1011 message.incoming_too_long",
        ),
        (
            format!("/gateway/counter/connect/?{}", by_key("k")),
            "rivet",
            "1011 actor.not_found",
        ),
        (
            "/connect".to_owned(),
            "rivet, rivet_target.actor",
            "1011 guard.missing_header",
        ),
        (
            "/connect".to_owned(),
            "rivet, rivet_target.actor, rivet_actor.nope",
            "1011 actor.not_found",
        ),
    ];
    for (target, protocols, expected) in cases {
        let mut socket = site.socket(&target, protocols).await;
        assert_eq!(socket.protocol.as_deref(), Some("rivet"), "{target}");
        assert_eq!(socket.closed().await, expected, "{target} {protocols}");
    }
}

#[tokio::test]
async fn header_routed_connections_reach_their_actor() {
    let site = site().await;
    let id = site
        .call("k", "increment", "[3]")
        .await
        .header("x-rivet-actor")
        .to_owned();
    let mut socket = site
        .socket(
            "/connect",
            &format!("rivet, rivet_target.actor, rivet_actor.{id}"),
        )
        .await;
    assert_eq!(socket.json().await["body"]["val"]["actorId"], id);
    socket.action(0, "getCount", "[]").await;
    assert_eq!(socket.json().await["body"]["val"]["output"], 3);
}

#[tokio::test]
async fn a_refused_connection_gets_its_error_and_then_its_close() {
    let site = site().await;
    let mut socket = site
        .socket(
            &connect_to("k"),
            "rivet, rivet_conn_params.%22refuse%20me%22",
        )
        .await;
    let error = socket.json().await["body"].clone();
    assert_eq!(
        (error["tag"].as_str(), &error["val"]["actionId"]),
        (Some("Error"), &json!(null))
    );
    assert_eq!(error["val"]["code"], "forbidden");
    assert_eq!(socket.closed().await, "1011 auth.forbidden");
}

#[tokio::test]
async fn the_ends_that_actors_choose_have_their_codes() {
    let site = site().await;
    let mut socket = site.connect("k").await;
    socket.action(0, "disconnect", r#"["go away"]"#).await;
    assert_eq!(socket.closed().await, "1000 go away");
    let mut socket = site.connect("k").await;
    socket.action(0, "destroy", "[]").await;
    assert_eq!(socket.closed().await, "1000");
}

#[tokio::test]
async fn a_client_that_closes_is_answered_and_the_actor_is_told() {
    let site = site().await;
    let mut socket = site.connect("k").await;
    let frame = CloseFrame {
        code: CloseCode::Normal,
        reason: "Disposed".into(),
    };
    socket.send(Message::Close(Some(frame))).await;
    assert_eq!(socket.closed().await, "1000");
    gone(&site).await;
    // One that just vanishes is noticed as well.
    drop(site.connect("k").await);
    gone(&site).await;
}

async fn gone(site: &crate::harness::Site) {
    let all = async {
        while site.observed.connected.load(Ordering::SeqCst) > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, all)
        .await
        .expect("the actor is told");
}

#[tokio::test]
async fn pings_are_answered_and_silent_clients_are_pinged_then_dropped() {
    let site = site_with(|config| {
        config.ping_interval = std::time::Duration::from_millis(100);
        config.pong_timeout = std::time::Duration::from_millis(1500);
    })
    .await;
    let mut socket = site.connect("k").await;
    socket
        .send(Message::Ping(Bytes::from_static(b"hello")))
        .await;
    assert_eq!(
        socket.next().await,
        Message::Pong(Bytes::from_static(b"hello"))
    );
    // Reading answers pings, so the connection outlives several of them.
    for _ in 0..4 {
        assert_eq!(socket.next().await, Message::Ping(Bytes::new()));
    }
    assert_eq!(site.observed.connected.load(Ordering::SeqCst), 1);
    // A client that no longer reads answers none.
    gone(&site).await;
}

#[tokio::test]
async fn oversized_results_cost_the_action_and_oversized_events_the_connection() {
    let site = site_with(|config| config.max_outgoing_message = 1000).await;
    let mut socket = site.connect("k").await;
    socket.action(0, "text", "[2000]").await;
    let error = socket.json().await["body"].clone();
    assert_eq!(
        (error["tag"].as_str(), error["val"]["code"].as_str()),
        (Some("Error"), Some("outgoing_too_long"))
    );
    assert_eq!(error["val"]["actionId"], json!(["$BigInt", "0"]));
    socket.action(1, "getCount", "[]").await;
    assert_eq!(socket.json().await["body"]["tag"], "ActionResponse");
    socket.subscribe("text", true).await;
    socket.action(2, "sendText", "[2000]").await;
    assert_eq!(socket.closed().await, "1011 message.outgoing_too_long");
}

#[tokio::test]
async fn a_thousand_pipelined_actions_are_all_answered_in_order() {
    let site = site().await;
    let mut socket = site.connect("k").await;
    for id in 0..1000 {
        socket.action(id, "increment", "[1]").await;
    }
    for id in 0..1000u64 {
        let reply = socket.json().await;
        assert_eq!(reply["body"]["val"]["output"], id + 1, "{reply}");
    }
}
