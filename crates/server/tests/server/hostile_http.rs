//! Requests that are too large, too slow or no requests at all.

use std::time::{Duration, Instant};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::harness::{PATIENCE, by_key, site, site_with};

#[tokio::test]
async fn what_is_no_request_is_refused_and_the_server_goes_on() {
    let site = site().await;
    let cases: &[&[u8]] = &[
        b"\r\n\r\n\r\nnonsense\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nbad header\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ];
    for request in cases {
        let answer = site.raw(request).await;
        let answer = String::from_utf8_lossy(&answer);
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 4"),
            "{request:?}: {answer}"
        );
    }
    assert_eq!(site.get("/health").await.status, 200);
}

#[tokio::test]
async fn heads_are_limited_in_size_and_count() {
    let site = site_with(|config| {
        config.max_headers = 20;
        config.max_header_bytes = 16 * 1024;
    })
    .await;
    let many = format!("GET /health HTTP/1.1\r\n{}\r\n", "x-a: b\r\n".repeat(21));
    let large = format!(
        "GET /health HTTP/1.1\r\nx-a: {}\r\n\r\n",
        "b".repeat(20_000)
    );
    let long = format!("GET /{} HTTP/1.1\r\n\r\n", "b".repeat(70_000));
    // Not far above the limits, there is a body that says what is wrong.
    for (request, what) in [(&many, "21 header lines"), (&large, "20014 bytes")] {
        let answer = String::from_utf8(site.raw(request.as_bytes()).await).unwrap();
        assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
        assert!(
            answer.contains("access-control-allow-origin: *"),
            "{answer}"
        );
        assert!(answer.contains("headers_too_large"), "{answer}");
        assert!(answer.contains(what), "{answer}");
    }
    for request in [many, large, long] {
        let answer = String::from_utf8(site.raw(request.as_bytes()).await).unwrap();
        assert!(
            answer.starts_with("HTTP/1.1 431") || answer.starts_with("HTTP/1.1 414"),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn a_head_that_trickles_is_cut_off() {
    let site = site_with(|config| config.header_read_timeout = Duration::from_millis(200)).await;
    let began = Instant::now();
    let mut tcp = site.tcp().await;
    tcp.write_all(b"GET /health HTTP/1.1\r\nx-slow: ")
        .await
        .unwrap();
    let mut rest = Vec::new();
    // A byte now and then does not help.
    let (mut read, mut write) = tcp.split();
    let mut dripping = std::pin::pin!(async {
        loop {
            tokio::time::sleep(Duration::from_millis(20)).await;
            if write.write_all(b"x").await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    });
    tokio::select! {
        _ = read.read_to_end(&mut rest) => {}
        () = &mut dripping => {}
        () = tokio::time::sleep(PATIENCE) => panic!("the connection was kept"),
    }
    assert!(began.elapsed() >= Duration::from_millis(200));
}

/// Sends requests without a pause for longer than `limit`. `false` when the machine paused in between for so long
/// that the connection was idle after all.
async fn stays_open_while_busy(tcp: &mut TcpStream, limit: Duration) -> bool {
    let mut answer = vec![0; 4096];
    let began = Instant::now();
    let mut answered = began;
    while began.elapsed() < limit + limit / 2 {
        let asked = Instant::now();
        let exchange = async {
            tcp.write_all(b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n")
                .await?;
            tcp.read(&mut answer).await
        };
        match exchange.await {
            Ok(1..) => answered = asked,
            end => {
                let idle = answered.elapsed();
                assert!(idle >= limit, "closed after {idle:?}: {end:?}");
                return false;
            }
        }
    }
    true
}

#[tokio::test]
async fn idle_connections_are_closed_and_busy_ones_are_not() {
    let limit = Duration::from_millis(500);
    let site = site_with(|config| config.header_read_timeout = limit).await;
    let mut tcp = site.tcp().await;
    while !stays_open_while_busy(&mut tcp, limit).await {
        tcp = site.tcp().await;
    }
    let end = tokio::time::timeout(PATIENCE, tcp.read(&mut [0; 4096])).await;
    let end = end.expect("an end in time");
    assert!(matches!(end, Ok(0) | Err(_)), "{end:?}");
}

#[tokio::test]
async fn a_body_that_never_comes_is_not_waited_for() {
    let site = site_with(|config| config.body_read_timeout = Duration::from_millis(200)).await;
    let request = format!(
        "POST /gateway/counter/action/increment?{} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 100\r\n\r\n{{",
        by_key("k")
    );
    let answer = String::from_utf8(site.raw(request.as_bytes()).await).unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 408") && answer.contains(r#""code":"timed_out""#),
        "{answer}"
    );
    assert_eq!(site.count("k").await, 0);
}

#[tokio::test]
async fn connections_over_the_limit_wait_for_room() {
    let site = site_with(|config| config.max_connections = 1).await;
    let first = site.connect("k").await;
    let mut second = site.tcp().await;
    second
        .write_all(b"GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut answer = Vec::new();
    let early =
        tokio::time::timeout(Duration::from_millis(200), second.read_to_end(&mut answer)).await;
    assert!(early.is_err() && answer.is_empty(), "{answer:?}");
    drop(first);
    tokio::time::timeout(PATIENCE, second.read_to_end(&mut answer))
        .await
        .expect("room in time")
        .unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200"));
}
