//! A server that is reached without a socket.

use std::sync::atomic::Ordering;

use bytes::Bytes;
use greenroom_server::{Body, Origin};
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, StatusCode, header};
use serde_json::{Value, json};

use crate::harness::{PATIENCE, Site, by_key, site, site_without_address};

/// Sends a request with the JSON encoding.
async fn send(site: &Site, method: &str, target: &str, body: &str) -> Response<Body> {
    let request = Request::builder()
        .method(method)
        .uri(target)
        .header("x-rivet-encoding", "json")
        .body(body_of(body))
        .unwrap();
    dispatch(site, request).await
}

async fn dispatch(
    site: &Site,
    request: Request<greenroom_server::InProcessBody>,
) -> Response<Body> {
    let dispatcher = site.server.dispatcher();
    let answer = dispatcher.dispatch(request, Origin::Public, None);
    tokio::time::timeout(PATIENCE, answer).await.unwrap()
}

fn body_of(text: &str) -> greenroom_server::InProcessBody {
    Full::new(Bytes::copy_from_slice(text.as_bytes()))
        .map_err(|never| match never {})
        .boxed()
}

fn actor(path: &str) -> String {
    format!("/gateway/counter{path}?{}", by_key("k"))
}

async fn json_of(answer: Response<Body>) -> Value {
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    serde_json::from_slice(&body).unwrap()
}

#[tokio::test]
async fn a_server_without_an_address_answers_requests_of_its_process() {
    let site = site_without_address();
    assert_eq!(site.server.local_addr(), None);
    let target = actor("/action/increment");
    for expected in [2, 4] {
        let answer = send(&site, "POST", &target, r#"{"args":[2]}"#).await;
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(json_of(answer).await, json!({ "output": expected }));
    }
    assert_eq!(
        send(&site, "GET", "/health", "").await.status(),
        StatusCode::OK
    );
    site.server.shutdown().await;
    let answer = send(&site, "POST", &target, r#"{"args":[2]}"#).await;
    assert_eq!(json_of(answer).await["code"], json!("stopping"));
}

#[tokio::test]
async fn an_event_stream_ends_with_its_body() {
    let site = site_without_address();
    let answer = send(&site, "GET", &actor("/sse"), "").await;
    assert_eq!(answer.headers()[header::CONTENT_TYPE], "text/event-stream");
    let mut body = answer.into_body();
    let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert!(String::from_utf8_lossy(&first).contains("Init"));
    assert_eq!(site.observed.connected.load(Ordering::SeqCst), 1);
    drop(body);
    let gone = async {
        while site.observed.connected.load(Ordering::SeqCst) > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, gone).await.unwrap();
}

#[tokio::test]
async fn bodies_have_the_limits_of_sockets() {
    let site = site().await;
    let long = format!(r#"{{"args":["{}"]}}"#, "x".repeat(100_000));
    let target = actor("/action/increment");
    let answer = send(&site, "POST", &target, &long).await;
    assert_eq!(json_of(answer).await["code"], json!("incoming_too_long"));
}

#[tokio::test]
async fn there_are_no_websockets_without_a_socket() {
    let site = site().await;
    let request = Request::builder()
        .uri(actor("/connect"))
        .header(header::UPGRADE, "websocket")
        .header(header::CONNECTION, "upgrade")
        .header(header::SEC_WEBSOCKET_VERSION, "13")
        .header(header::SEC_WEBSOCKET_KEY, "dGhlIHNhbXBsZSBub25jZQ==")
        .body(body_of(""))
        .unwrap();
    let answer = dispatch(&site, request).await;
    assert!(!answer.status().is_success(), "{}", answer.status());
    assert_eq!(json_of(answer).await["code"], json!("upgrade_required"));
}
