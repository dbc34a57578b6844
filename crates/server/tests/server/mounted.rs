//! Connections that another server of the process has accepted.

use std::sync::atomic::Ordering;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream},
    task::JoinHandle,
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Message, client::IntoClientRequest, http::HeaderValue},
};

use crate::harness::{PATIENCE, Site, connect_to, site_without_address};

/// The client's end of a connection, and the task that serves it.
fn connect(site: &Site, buffer: usize) -> (DuplexStream, JoinHandle<()>) {
    let (near, far) = tokio::io::duplex(buffer);
    let dispatcher = site.server.dispatcher();
    let served = tokio::spawn(async move { dispatcher.converse(near, None).await });
    (far, served)
}

async fn socket(stream: DuplexStream) -> WebSocketStream<DuplexStream> {
    let mut request = format!("ws://test{}", connect_to("k"))
        .into_client_request()
        .unwrap();
    let offered = HeaderValue::from_static("rivet, rivet_encoding.json");
    request
        .headers_mut()
        .insert("sec-websocket-protocol", offered);
    let (socket, answer) = client_async(request, stream).await.expect("it is accepted");
    assert_eq!(answer.headers()["sec-websocket-protocol"], "rivet");
    socket
}

async fn next(socket: &mut WebSocketStream<DuplexStream>) -> Value {
    let message = tokio::time::timeout(PATIENCE, socket.next()).await;
    let message = message.expect("in time").expect("open").expect("it works");
    serde_json::from_str(message.to_text().unwrap()).unwrap()
}

async fn ended(served: JoinHandle<()>) {
    let ended = tokio::time::timeout(PATIENCE, served).await;
    ended.expect("it ends").expect("without a panic");
}

fn increment(id: u32) -> Message {
    Message::text(format!(
        r#"{{"body":{{"tag":"ActionRequest","val":{{"id":["$BigInt","{id}"],"name":"increment","args":[1]}}}}}}"#
    ))
}

#[tokio::test]
async fn a_connection_becomes_a_websocket() {
    let site = site_without_address();
    // Smaller than its messages, so that both sides have to wait for each other.
    let (stream, served) = connect(&site, 64);
    let mut socket = socket(stream).await;
    for id in 0..50 {
        socket.send(increment(id)).await.unwrap();
    }
    assert_eq!(next(&mut socket).await["body"]["tag"], "Init");
    for id in 0..50 {
        let answer = next(&mut socket).await;
        assert_eq!(
            answer["body"]["val"],
            json!({ "id": ["$BigInt", id.to_string()], "output": id + 1 })
        );
    }
    socket.close(None).await.unwrap();
    ended(served).await;
    assert_eq!(site.observed.connected.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_connection_that_breaks_is_a_client_that_left() {
    let site = site_without_address();
    let (stream, served) = connect(&site, 1024);
    let mut socket = socket(stream).await;
    assert_eq!(next(&mut socket).await["body"]["tag"], "Init");
    drop(socket);
    ended(served).await;
}

#[tokio::test]
async fn a_shutdown_says_goodbye() {
    let site = site_without_address();
    let (stream, served) = connect(&site, 1024);
    let mut socket = socket(stream).await;
    assert_eq!(next(&mut socket).await["body"]["tag"], "Init");
    site.server.shutdown().await;
    let close = socket.next().await.unwrap().unwrap();
    let Message::Close(Some(close)) = close else {
        panic!("expected a close, got {close:?}");
    };
    assert_eq!(close.reason.as_str(), "ws.going_away");
    drop(socket);
    ended(served).await;
}

#[tokio::test]
async fn only_the_first_request_is_answered() {
    let site = site_without_address();
    let (mut stream, served) = connect(&site, 1024);
    let request = b"GET /health HTTP/1.1\r\nhost: a\r\n\r\n";
    stream.write_all(request).await.unwrap();
    // The server may have ended by now.
    let _ = stream.write_all(request).await;
    let mut answers = String::new();
    stream.read_to_string(&mut answers).await.unwrap();
    assert_eq!(answers.matches("HTTP/1.1 ").count(), 1, "{answers}");
    assert!(answers.starts_with("HTTP/1.1 200"), "{answers}");
    ended(served).await;
}
