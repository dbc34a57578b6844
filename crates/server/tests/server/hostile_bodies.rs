//! Bodies that come slowly, never, too long or in a form that nobody asked for, and how their connections end.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::harness::{PATIENCE, Site, by_key, site, site_with};

/// The head of a call of `increment`, with these headers.
fn call(headers: &str) -> String {
    let query = by_key("k");
    format!(
        "POST /gateway/counter/action/increment?{query} HTTP/1.1\r\nhost: x\r\n{headers}\r\n\r\n"
    )
}

/// What comes until the server ends the connection, which it has to do without a reset.
async fn heard(tcp: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let read = tokio::time::timeout(PATIENCE, tcp.read_to_end(&mut answer)).await;
    read.expect("an end in time").expect("an end and no reset");
    String::from_utf8_lossy(&answer).into_owned()
}

/// Sends `head` and then more than any buffer holds, and only then reads.
async fn sends_on(site: &Site, head: &str) -> String {
    let mut tcp = site.tcp().await;
    tcp.write_all(head.as_bytes()).await.unwrap();
    let piece = vec![b'x'; 1 << 20];
    for _ in 0..16 {
        tcp.write_all(&piece).await.expect("the server reads on");
    }
    heard(&mut tcp).await
}

#[tokio::test]
async fn a_client_that_sends_first_and_reads_later_gets_the_answer() {
    let site = site().await;
    let announced = sends_on(&site, &call("content-length: 1099511627776")).await;
    assert!(announced.starts_with("HTTP/1.1 400"), "{announced}");
    assert!(announced.contains("incoming_too_long"), "{announced}");
    let unreadable = sends_on(&site, "GET / HTTP/9.9\r\n\r\n").await;
    assert!(unreadable.starts_with("HTTP/1.1 400"), "{unreadable}");
    let large = format!(
        "GET / HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n",
        "x".repeat(1 << 18)
    );
    let large = sends_on(&site, &large).await;
    assert!(large.starts_with("HTTP/1.1 431"), "{large}");
    assert_eq!(site.count("k").await, 0);
}

#[tokio::test]
async fn a_client_that_never_ends_is_not_waited_for() {
    let site = site_with(|config| config.close_timeout = Duration::from_millis(200)).await;
    let mut tcp = site.tcp().await;
    tcp.write_all(b"GET / HTTP/9.9\r\n\r\n").await.unwrap();
    assert!(heard(&mut tcp).await.starts_with("HTTP/1.1 400"));
    // Once the server has let go, the system refuses what is sent.
    let refused = async { while tcp.write_all(b"x").await.is_ok() {} };
    tokio::time::timeout(PATIENCE, refused)
        .await
        .expect("the connection is let go");
}

#[tokio::test]
async fn bodies_that_trickle_are_cut_off_wherever_they_are() {
    let site = site_with(|config| config.body_read_timeout = Duration::from_millis(200)).await;
    let chunked = call("transfer-encoding: chunked");
    let beginnings = [
        call("content-length: 1000"),
        // Within the length of a chunk, its extension, its data, and what follows the last one.
        chunked.clone(),
        format!("{chunked}c;"),
        format!("{chunked}3e8\r\n{{\"args\":["),
        format!("{chunked}c\r\n{{\"args\":[1]}}\r\n0\r\nx-slow: "),
    ];
    for beginning in beginnings {
        let mut tcp = site.tcp().await;
        tcp.write_all(beginning.as_bytes()).await.unwrap();
        let (mut read, mut write) = tcp.split();
        let mut dripping = std::pin::pin!(async {
            loop {
                tokio::time::sleep(Duration::from_millis(20)).await;
                if write.write_all(b"0").await.is_err() {
                    std::future::pending::<()>().await;
                }
            }
        });
        let mut answer = Vec::new();
        tokio::select! {
            _ = read.read_to_end(&mut answer) => {}
            () = &mut dripping => {}
            () = tokio::time::sleep(PATIENCE) => panic!("the connection was kept: {beginning:?}"),
        }
        let answer = String::from_utf8_lossy(&answer);
        assert!(
            answer.starts_with("HTTP/1.1 408"),
            "{beginning:?}: {answer}"
        );
        assert!(answer.contains(r#""code":"timed_out""#), "{answer}");
    }
    assert_eq!(site.count("k").await, 0);
}

#[tokio::test]
async fn whoever_asks_before_sending_is_told_before_sending() {
    let site = site().await;
    let asks = |length: usize, more: &str| {
        call(&format!(
            "content-length: {length}\r\nexpect: 100-continue\r\nconnection: close{more}"
        ))
    };
    for (head, status, code) in [
        (asks(1_000_000, ""), "400", "incoming_too_long"),
        (
            asks(12, "\r\ncontent-encoding: gzip"),
            "415",
            "content_encoding_unsupported",
        ),
    ] {
        let mut tcp = site.tcp().await;
        tcp.write_all(head.as_bytes()).await.unwrap();
        let answer = heard(&mut tcp).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{answer}"
        );
        assert!(answer.contains(code), "{answer}");
    }
    let mut tcp = site.tcp().await;
    tcp.write_all(asks(12, "").as_bytes()).await.unwrap();
    let mut told = [0; 25];
    tcp.read_exact(&mut told).await.unwrap();
    assert_eq!(&told, b"HTTP/1.1 100 Continue\r\n\r\n");
    tcp.write_all(br#"{"args":[1]}"#).await.unwrap();
    assert!(heard(&mut tcp).await.starts_with("HTTP/1.1 200"));
    assert_eq!(site.count("k").await, 1);
}

#[tokio::test]
async fn compressed_bodies_are_refused_and_the_connection_goes_on() {
    let site = site().await;
    for coding in [
        "gzip",
        "deflate",
        "br",
        "zstd",
        "gzip, gzip",
        "identity, gzip",
    ] {
        let headers = [("content-encoding", coding)];
        let target = format!("/gateway/counter/action/increment?{}", by_key("k"));
        let answer = site.http("POST", &target, &headers, b"\x1f\x8b\x08").await;
        assert_eq!(answer.status, 415, "{coding}");
        assert_eq!(answer.json()["code"], "content_encoding_unsupported");
        let lookup = site.http("PUT", "/actors", &headers, b"\x1f\x8b").await;
        assert_eq!(
            lookup.gateway_error(),
            "415 request.content_encoding_unsupported"
        );
    }
    let identity = [("content-encoding", "Identity")];
    let target = format!("/gateway/counter/action/increment?{}", by_key("k"));
    let answer = site
        .http("POST", &target, &identity, br#"{"args":[1]}"#)
        .await;
    assert_eq!(answer.status, 200);
}
