//! Pages of other origins may use the server, and see its errors.

use crate::harness::{Answer, by_key, connect_to, site};

const ORIGIN: (&str, &str) = ("origin", "http://app.example");

fn assert_readable(answer: &Answer, what: &str) {
    assert_eq!(
        answer.header("access-control-allow-origin"),
        "http://app.example",
        "{what}"
    );
    assert_eq!(
        answer.header("access-control-allow-credentials"),
        "true",
        "{what}"
    );
    assert_eq!(
        answer.header("access-control-expose-headers"),
        "*",
        "{what}"
    );
    assert!(
        answer.header("vary").to_lowercase().contains("origin"),
        "{what}"
    );
}

#[tokio::test]
async fn gateway_preflight_is_answered_without_an_actor() {
    let site = site().await;
    let target = format!("/gateway/nobody/action/x?{}", by_key("k"));
    let wanted = "content-type,x-rivet-encoding,x-anything";
    let headers = [
        ORIGIN,
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", wanted),
    ];
    let answer = site.http("OPTIONS", &target, &headers, b"").await;
    assert_eq!(answer.status, 204);
    assert_eq!(
        answer.header("access-control-allow-methods"),
        "GET, POST, PUT, DELETE, OPTIONS, PATCH"
    );
    assert_eq!(answer.header("access-control-allow-headers"), wanted);
    assert_eq!(answer.header("access-control-max-age"), "86400");
    assert_readable(&answer, "gateway preflight");
    let bare = site.http("OPTIONS", &target, &[], b"").await;
    assert_eq!(
        (bare.status, bare.header("access-control-allow-origin")),
        (204, "*")
    );
    assert_eq!(
        (
            bare.header("access-control-allow-headers"),
            bare.header("vary")
        ),
        ("*", "")
    );
}

#[tokio::test]
async fn lookup_and_metadata_preflights_mirror_what_is_asked() {
    let site = site().await;
    for target in [
        "/actors?namespace=default",
        "/actors/abc",
        "/metadata?namespace=default",
    ] {
        let headers = [
            ORIGIN,
            ("access-control-request-method", "PUT"),
            ("access-control-request-headers", "authorization"),
        ];
        let answer = site.http("OPTIONS", target, &headers, b"").await;
        assert_eq!(answer.status, 200, "{target}");
        assert_eq!(
            answer.header("access-control-allow-methods"),
            "PUT",
            "{target}"
        );
        assert_eq!(
            answer.header("access-control-allow-headers"),
            "authorization",
            "{target}"
        );
        assert_eq!(
            answer.header("vary"),
            "origin, access-control-request-method, access-control-request-headers",
            "{target}"
        );
        assert_readable(&answer, target);
    }
}

#[tokio::test]
async fn answers_and_errors_are_readable() {
    let site = site().await;
    let ok = format!("/gateway/counter/action/getCount?{}", by_key("k"));
    let missing = "/gateway/counter/action/x?rvt-namespace=default&rvt-method=get&rvt-key=none";
    let cases = [
        ("GET", "/metadata", 200),
        ("GET", "/health", 200),
        ("GET", "/actors?name=counter&key=k", 200),
        ("GET", "/actors?name=counter", 403),
        ("GET", "/actors?key=k", 400),
        ("POST", ok.as_str(), 200),
        ("POST", missing, 404),
        ("POST", "/gateway/counter/action/x?rvt-method=get", 400),
        ("GET", "/nowhere", 404),
        ("GET", connect_to("k").as_str(), 426),
    ]
    .map(|(method, target, status)| (method, target.to_owned(), status));
    for (method, target, status) in cases {
        let answer = site.http(method, &target, &[ORIGIN], b"{}").await;
        assert_eq!(
            answer.status,
            status,
            "{method} {target}: {}",
            answer.text()
        );
        assert_readable(&answer, &target);
    }
    let malformed = site.http("POST", &ok, &[ORIGIN], b"{").await;
    assert_eq!(malformed.status, 400);
    assert_readable(&malformed, "an error in the call's encoding");
}
