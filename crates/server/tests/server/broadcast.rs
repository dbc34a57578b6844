//! Many receivers, some of them slow.

use std::{sync::atomic::Ordering, time::Duration};

use tokio_tungstenite::tungstenite::Message;

use crate::harness::{PATIENCE, connect_to, site, site_with};

#[tokio::test]
async fn an_event_reaches_two_hundred_sockets_in_every_encoding() {
    let site = site().await;
    let mut sockets = Vec::new();
    for index in 0..200 {
        let encoding = ["json", "cbor", "bare"][index % 3];
        let mut socket = site
            .socket(
                &connect_to("k"),
                &format!("rivet, rivet_encoding.{encoding}"),
            )
            .await;
        socket.next().await;
        let subscribe = match encoding {
            "json" => Message::text(r#"{"body":{"tag":"SubscriptionRequest","val":{"eventName":"newCount","subscribe":true}}}"#),
            "bare" => Message::binary(&b"\x04\x00\x01\x08newCount\x01"[..]),
            _ => Message::binary(
                &b"\xa1\x64body\xa2\x63tag\x73SubscriptionRequest\x63val\xa2\x69eventName\x68newCount\x69subscribe\xf5"[..],
            ),
        };
        socket.send(subscribe).await;
        // An answered ping says that the subscription before it has been read.
        socket.send(Message::Ping("x".into())).await;
        assert_eq!(socket.next().await, Message::Pong("x".into()));
        sockets.push(socket);
    }
    site.call("k", "increment", "[5]").await;
    for (index, socket) in sockets.iter_mut().enumerate() {
        let expected = match index % 3 {
            0 => Message::text(r#"{"body":{"tag":"Event","val":{"name":"newCount","args":[5]}}}"#),
            1 => Message::binary(
                &b"\xa1\x64body\xa2\x63tag\x65Event\x63val\xa2\x64name\x68newCount\x64args\x81\x05"
                    [..],
            ),
            _ => Message::binary(&b"\x04\x00\x03\x08newCount\x02\x81\x05"[..]),
        };
        assert_eq!(socket.next().await, expected, "{index}");
    }
}

#[tokio::test]
async fn a_client_that_does_not_read_is_dropped_while_others_go_on() {
    let site = site_with(|config| config.write_timeout = Duration::from_millis(500)).await;
    let mut stalled = site.connect("k").await;
    stalled.subscribe("text", true).await;
    let mut reader = site.connect("k").await;
    reader.subscribe("text", true).await;
    // More than any backlog holds: 40 events of 800 kB.
    for id in 0..40 {
        reader.action(id, "sendText", "[800000]").await;
        let event = reader.json().await;
        assert_eq!(event["body"]["tag"], "Event");
        assert_eq!(reader.json().await["body"]["tag"], "ActionResponse");
    }
    let dropped = async {
        while site.observed.connected.load(Ordering::SeqCst) > 1 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, dropped)
        .await
        .expect("the stalled client is dropped");
    reader.action(99, "getCount", "[]").await;
    assert_eq!(reader.json().await["body"]["tag"], "ActionResponse");
}
