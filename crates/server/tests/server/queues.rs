//! Messages for queues over HTTP.

use std::{sync::atomic::Ordering, time::Duration};

use crate::harness::{Answer, PATIENCE, Site, by_key, site};

async fn post(site: &Site, target: &str, encoding: &str, body: &[u8]) -> Answer {
    site.http("POST", target, &[("x-rivet-encoding", encoding)], body)
        .await
}

fn queue(name: &str) -> String {
    format!("/gateway/counter/queue/{name}?{}", by_key("k"))
}

#[tokio::test]
async fn every_encoding_sends_and_is_answered_in_kind() {
    let site = site().await;
    let json = br#"{"body":{"x":[1]},"name":"echo","wait":true}"#;
    let answer = post(&site, &queue("echo"), "json", json).await;
    assert_eq!(
        (answer.status, answer.text().as_str()),
        (200, r#"{"status":"completed","response":{"x":[1]}}"#)
    );
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("x-rivet-actor-key"), "k");
    let answer = post(&site, &queue("echo"), "json", br#"{"body":1}"#).await;
    assert_eq!(answer.text(), r#"{"status":"completed"}"#);
    let answer = post(
        &site,
        &queue("slow"),
        "json",
        br#"{"body":1,"wait":true,"timeout":5}"#,
    )
    .await;
    assert_eq!(answer.text(), r#"{"status":"timedOut"}"#);
    let answer = post(
        &site,
        &queue("timeout"),
        "json",
        br#"{"body":1,"wait":true,"timeout":5}"#,
    )
    .await;
    assert_eq!(answer.text(), r#"{"status":"completed","response":5}"#);
    let cbor = b"\xa2\x64body\x07\x64wait\xf5";
    let answer = post(&site, &queue("echo"), "cbor", cbor).await;
    let expected = b"\xa2\x66status\x69completed\x68response\x07";
    assert_eq!((answer.status, &answer.body[..]), (200, &expected[..]));
    assert_eq!(answer.header("content-type"), "application/octet-stream");
    let bare = b"\x04\x00\x01\x07\x01\x04echo\x01\x01\x00";
    let answer = post(&site, &queue("echo"), "bare", bare).await;
    let expected = b"\x04\x00\x09completed\x01\x01\x07";
    assert_eq!((answer.status, &answer.body[..]), (200, &expected[..]));
}

#[tokio::test]
async fn the_name_in_the_path_wins_and_is_decoded() {
    let site = site().await;
    let body = br#"{"body":2,"name":"other","wait":true}"#;
    let answer = post(&site, &queue("%65cho"), "json", body).await;
    assert_eq!(answer.text(), r#"{"status":"completed","response":2}"#);
}

#[tokio::test]
async fn parameters_reach_the_actor() {
    let site = site().await;
    let headers = [("x-rivet-conn-params", r#"{"who":"me"}"#)];
    let answer = site
        .http("POST", &queue("params"), &headers, br#"{"body":1}"#)
        .await;
    assert_eq!(
        answer.text(),
        r#"{"status":"completed","response":{"who":"me"}}"#
    );
}

#[tokio::test]
async fn bad_messages_are_refused_before_the_actor_is_created() {
    let site = site().await;
    let cases: &[(&str, &str, &[u8], u16, &str)] = &[
        ("echo", "json", b"", 400, r#""code":"invalid""#),
        ("echo", "json", b"{}", 400, "send it as the member `body`"),
        (
            "echo",
            "json",
            br#"{"body":1,"wait":2}"#,
            400,
            "`wait` is not",
        ),
        (
            "echo",
            "json",
            br#"{"body":1,"timeout":-2}"#,
            400,
            "`timeout` is not",
        ),
        ("%ff", "json", br#"{"body":1}"#, 400, "not UTF-8"),
        ("", "json", br#"{"body":1}"#, 404, r#""code":"not_found""#),
        (
            "a/b",
            "json",
            br#"{"body":1}"#,
            404,
            r#""code":"not_found""#,
        ),
    ];
    for (name, encoding, body, status, part) in cases {
        let answer = post(&site, &queue(name), encoding, body).await;
        let text = answer.text();
        assert!(
            answer.status == *status && text.contains(part),
            "{name}: {text}"
        );
    }
    let long = post(&site, &queue(&"q".repeat(257)), "json", br#"{"body":1}"#).await;
    assert!(
        long.text()
            .contains("the queue name has 257 bytes, limit is 256"),
        "{}",
        long.text()
    );
    let large = format!(r#"{{"body":"{}"}}"#, "x".repeat(70_000));
    let large = post(&site, &queue("echo"), "json", large.as_bytes()).await;
    assert!(large.status == 400 && large.text().contains("incoming_too_long"));
    let get = site.http("GET", &queue("echo"), &[], b"").await;
    assert_eq!(
        (get.status, get.text().contains("method_not_allowed")),
        (405, true)
    );
    let found = site
        .http("GET", "/actors?namespace=default&name=counter", &[], b"")
        .await;
    assert!(found.text().contains(r#""actors":[]"#), "{}", found.text());
}

#[tokio::test]
async fn refusals_of_the_actor_come_in_the_encoding_of_the_message() {
    let site = site().await;
    let full = post(&site, &queue("fail"), "json", br#"{"body":1}"#).await;
    assert_eq!(full.status, 400);
    assert!(
        full.text()
            .starts_with(r#"{"group":"queue","code":"full","message":"no more","actor""#)
    );
    let bare = post(
        &site,
        &queue("none"),
        "bare",
        b"\x04\x00\x01\x07\x00\x00\x00",
    )
    .await;
    assert_eq!(bare.status, 404);
    assert!(bare.body.starts_with(b"\x04\x00\x05queue\x09not_found"));
}

#[tokio::test]
async fn a_full_inbox_is_named_so_that_clients_send_again() {
    let site = site().await;
    let busy = post(&site, &queue("busy"), "json", br#"{"body":1}"#).await;
    assert_eq!(busy.status, 429);
    let hint = r#""metadata":{"channel":"dispatch_inbox","operation":"dispatch_queue_send"}"#;
    assert!(busy.text().contains(hint), "{}", busy.text());
}

#[tokio::test]
async fn a_client_that_goes_away_ends_the_waiting() {
    let site = site().await;
    let target = queue("hang");
    let waiting = post(&site, &target, "json", br#"{"body":1,"wait":true}"#);
    let given_up = tokio::time::timeout(Duration::from_millis(300), waiting).await;
    assert!(given_up.is_err(), "nobody answers");
    let cancelled = async {
        while site.observed.cancelled.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, cancelled)
        .await
        .expect("the waiting is cancelled");
}
