//! Requests to an actor's own HTTP handler. That of these tests answers every request with nothing but a
//! header, which says whether a body came.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::harness::{PATIENCE, by_key, site, site_with};

fn target(path: &str) -> String {
    format!("/gateway/counter/request{path}?{}", by_key("k"))
}

#[tokio::test]
async fn a_response_passes_with_its_status_reason_and_headers() {
    let site = site().await;
    let request = format!(
        "POST {} HTTP/1.1\r\nhost: test\r\nconnection: close\r\ncontent-length: 2\r\n\r\nhi",
        target("/a")
    );
    let answer = site.raw(request.as_bytes()).await;
    let answer = String::from_utf8(answer).unwrap().to_lowercase();
    assert!(answer.starts_with("http/1.1 299 seen\r\n"), "{answer}");
    assert!(answer.contains("\r\nx-body: true\r\n"), "{answer}");
    assert!(answer.contains("\r\nx-rivet-actor: "), "{answer}");
    assert!(
        answer.contains("\r\naccess-control-allow-origin: *\r\n"),
        "{answer}"
    );
}

#[tokio::test]
async fn only_methods_that_may_have_one_come_with_a_body() {
    let site = site().await;
    let cases = [
        ("POST", &b"hi"[..], "true"),
        ("POST", b"", "false"),
        ("DELETE", b"hi", "true"),
        ("GET", b"hi", "false"),
        ("HEAD", b"", "false"),
        ("PURGE", b"hi", "true"),
    ];
    for (method, body, seen) in cases {
        let answer = site.http(method, &target("/a"), &[], body).await;
        assert_eq!(answer.status, 299);
        assert_eq!(answer.header("x-body"), seen, "{method} {body:?}");
    }
}

#[tokio::test]
async fn what_cannot_be_passed_on_is_refused_before_the_actor_is_made() {
    let site = site_with(|config| config.max_request_body = 1000).await;
    let long = format!("\"{}\"", "x".repeat(5000));
    let cases = [
        ("TRACE", "null", 0, "405 actor.method_not_allowed"),
        ("CONNECT", "null", 0, "405 actor.method_not_allowed"),
        ("POST", "null", 1001, "400 message.incoming_too_long"),
        ("POST", "{no", 0, "400 encoding.invalid"),
        ("POST", &long, 0, "400 message.incoming_too_long"),
    ];
    for (method, params, size, expected) in cases {
        let headers = [("x-rivet-conn-params", params)];
        let body = vec![b'x'; size];
        let answer = site.http(method, &target("/a"), &headers, &body).await;
        assert_eq!(answer.gateway_error(), expected, "{method} {size}");
    }
    let listed = site.get("/actors?namespace=default&name=counter").await;
    assert_eq!(listed.json()["actors"].as_array().unwrap().len(), 0);
}

#[tokio::test]
async fn a_body_that_breaks_off_or_is_malformed_ends_its_connection_only() {
    let site = site().await;
    for rest in [
        "content-length: 100\r\n\r\nfew",
        "transfer-encoding: chunked\r\n\r\nzz\r\n",
        "transfer-encoding: chunked\r\n\r\n5\r\nhello",
    ] {
        let request = format!("POST {} HTTP/1.1\r\nhost: test\r\n{rest}", target("/a"));
        let mut tcp = site.tcp().await;
        tcp.write_all(request.as_bytes()).await.unwrap();
        drop(tcp);
    }
    let answer = site.http("POST", &target("/a"), &[], b"hi").await;
    assert_eq!(answer.status, 299);
}

#[tokio::test]
async fn a_body_that_nobody_reads_and_that_never_ends_does_not_keep_its_connection() {
    let site = site_with(|config| config.body_read_timeout = Duration::from_millis(100)).await;
    let mut tcp = site.tcp().await;
    let request = format!(
        "POST {} HTTP/1.1\r\nhost: test\r\ncontent-length: 100\r\n\r\nfew",
        target("/a")
    );
    tcp.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let end = tokio::time::timeout(PATIENCE, tcp.read_to_end(&mut answer)).await;
    end.expect("the connection ends").unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 299"));
}
