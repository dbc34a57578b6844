//! Actions over HTTP.

use std::sync::atomic::Ordering;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::harness::{Answer, PATIENCE, Site, by_key, site, site_with};

async fn post(site: &Site, target: &str, encoding: &str, body: &[u8]) -> Answer {
    site.http("POST", target, &[("x-rivet-encoding", encoding)], body)
        .await
}

fn action(name: &str) -> String {
    format!("/gateway/counter/action/{name}?{}", by_key("k"))
}

#[tokio::test]
async fn every_encoding_calls_and_answers_in_kind() {
    let site = site().await;
    let json = post(&site, &action("increment"), "json", br#"{"args":[3]}"#).await;
    assert_eq!(
        (json.status, json.text().as_str()),
        (200, r#"{"output":3}"#)
    );
    assert_eq!(json.header("content-type"), "application/json");
    assert_eq!(
        (
            json.header("x-rivet-actor").len(),
            json.header("x-rivet-actor-key")
        ),
        (26, "k")
    );
    let cbor = post(
        &site,
        &action("increment"),
        "cbor",
        b"\xb9\x00\x01\x64args\x81\x03",
    )
    .await;
    assert_eq!(
        (cbor.status, &cbor.body[..]),
        (200, &b"\xa1\x66output\x06"[..])
    );
    assert_eq!(cbor.header("content-type"), "application/octet-stream");
    let bare = post(&site, &action("increment"), "bare", &[4, 0, 2, 0x81, 3]).await;
    assert_eq!((bare.status, &bare.body[..]), (200, &[4, 0, 1, 9][..]));
}

#[tokio::test]
async fn no_header_of_a_request_is_in_an_answer() {
    let site = site().await;
    let call = |header: &str, end: &str| {
        format!(
            "POST {} HTTP/1.1\r\nhost: a\r\nx-rivet-encoding: json\r\n{header}connection: {end}\r\n\
             content-length: 2\r\n\r\n{{}}",
            action("increment")
        )
    };
    // More headers than answers have, and more than room is kept for.
    let (some, many): (String, String) = (
        (0..9).map(|n| format!("x-secret-{n}: 1\r\n")).collect(),
        (0..60).map(|n| format!("x-secret-{n}: 1\r\n")).collect(),
    );
    let requests = [
        call(&some, "keep-alive"),
        call("", "keep-alive"),
        call(&many, "keep-alive"),
        call(&"x-secret: 1\r\n".repeat(60), "keep-alive"),
        call("", "close"),
    ];
    let answers = site.raw(requests.concat().as_bytes()).await;
    let answers = String::from_utf8(answers).unwrap();
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 5, "{answers}");
    assert_eq!(answers.matches("x-rivet-actor-key: k").count(), 5);
    for of_requests in ["x-secret", "x-rivet-encoding", "host:"] {
        assert!(!answers.contains(of_requests), "{answers}");
    }
}

#[tokio::test]
async fn bodies_are_read_leniently_and_unknown_encodings_are_json() {
    let site = site().await;
    let cases: &[(&str, &[u8], &str)] = &[
        ("json", b"{}", r#"{"output":["$Undefined",0]}"#),
        (
            "json",
            br#"{"args":null}"#,
            r#"{"output":["$Undefined",0]}"#,
        ),
        ("json", br#"{"args":"one","more":1}"#, r#"{"output":"one"}"#),
        (
            "xml",
            br#"{"args":[{"a":[1,null]}]}"#,
            r#"{"output":{"a":[1,null]}}"#,
        ),
        ("", br#"{"args":["\u00e9"]}"#, "{\"output\":\"é\"}"),
    ];
    for (encoding, body, expected) in cases {
        let answer = post(&site, &action("echo"), encoding, body).await;
        assert_eq!(
            (answer.status, answer.text().as_str()),
            (200, *expected),
            "{encoding}"
        );
    }
}

#[tokio::test]
async fn chunked_bodies_are_read() {
    let site = site().await;
    let request = format!(
        "POST {} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n\
         5\r\n{{\"arg\r\n6\r\ns\":[5]\r\n1\r\n}}\r\n0\r\n\r\n",
        action("increment")
    );
    let answer = String::from_utf8(site.raw(request.as_bytes()).await).unwrap();
    assert!(answer.ends_with(r#"{"output":5}"#), "{answer}");
}

#[tokio::test]
async fn direct_urls_and_nested_names_work() {
    let site = site().await;
    let id = post(&site, &action("increment"), "json", br#"{"args":[3]}"#)
        .await
        .header("x-rivet-actor")
        .to_owned();
    for segment in [id.clone(), format!("{id}@some%20token")] {
        let answer = post(
            &site,
            &format!("/gateway/{segment}/action/getCount"),
            "json",
            b"{}",
        )
        .await;
        assert_eq!(
            (answer.status, answer.text().as_str()),
            (200, r#"{"output":3}"#),
            "{segment}"
        );
        assert_eq!(answer.header("x-rivet-actor"), id);
    }
    let nested = post(&site, &action("nested%2Edeep"), "json", b"{}").await;
    assert_eq!(nested.text(), r#"{"output":7}"#);
}

#[tokio::test]
async fn errors_of_actors_come_in_the_encoding_of_the_call() {
    let site = site().await;
    let json = post(&site, &action("fail"), "json", b"{}").await;
    assert_eq!(
        (json.status, json.header("content-type")),
        (400, "application/json")
    );
    let body = json.json();
    let fields = [
        &body["group"],
        &body["code"],
        &body["message"],
        &body["metadata"]["a"],
    ];
    assert_eq!(fields, ["user", "my_code", "it failed", "b"]);
    assert_eq!(
        body["actor"]["actorId"].as_str(),
        Some(json.header("x-rivet-actor"))
    );
    assert_eq!(body["actor"]["key"], "k");
    // Not an error of the gateway.
    assert_eq!(json.header("x-rivet-error"), "");

    let bare = post(&site, &action("fail"), "bare", &[4, 0, 1, 0x80]).await;
    assert_eq!(
        (bare.status, bare.header("content-type")),
        (400, "application/octet-stream")
    );
    assert!(
        bare.body
            .starts_with(b"\x04\x00\x04user\x07my_code\x09it failed\x01\x05\xa1\x61a\x61b\x01\x1a"),
        "{bare:?}"
    );
    let cbor = post(&site, &action("fail"), "cbor", b"\xa0").await;
    assert_eq!(
        (cbor.status, cbor.header("content-type")),
        (400, "application/octet-stream")
    );
    assert!(
        cbor.body.windows(7).any(|window| window == b"my_code"),
        "{cbor:?}"
    );

    let unknown = post(&site, &action("nope"), "json", b"{}").await;
    assert_eq!(
        (unknown.status, unknown.json()["code"].as_str()),
        (404, Some("action_not_found"))
    );
}

#[tokio::test]
async fn malformed_calls_are_refused_before_an_actor_is_created() {
    let site = site().await;
    let cases: &[(&str, &[u8])] = &[
        ("json", b""),
        ("json", b"{\"args\":[1}"),
        ("json", b"[1]"),
        ("json", b"{\"args\":[1]}x"),
        ("json", b"{\"args\":[\"\xff\"]}"),
        ("cbor", b""),
        ("cbor", b"\xa1\x64args\x81"),
        ("cbor", b"\x81\x01"),
        ("cbor", b"\xa1\x64args\xff"),
        ("bare", b""),
        ("bare", b"\x09\x00\x01\x80"),
        ("bare", b"\x04\x00\x05\x80"),
        ("bare", b"\x04\x00\x01\xff"),
        ("bare", b"\x04\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
    ];
    for (encoding, body) in cases {
        let answer = post(&site, &action("increment"), encoding, body).await;
        assert_eq!(answer.status, 400, "{encoding} {body:?}: {}", answer.text());
        assert_eq!(
            answer.header("content-type") == "application/json",
            *encoding == "json",
            "{encoding} {body:?}"
        );
    }
    let deep = format!("{{\"args\":[{}1{}]}}", "[".repeat(5000), "]".repeat(5000));
    assert_eq!(
        post(&site, &action("increment"), "json", deep.as_bytes())
            .await
            .status,
        400
    );
    let listed = site.get("/actors?name=counter").await.json();
    assert_eq!(listed["actors"].as_array().map(Vec::len), Some(0));
}

#[tokio::test]
async fn connection_parameters_reach_the_action() {
    let site = site().await;
    let with = async |params: &[u8]| {
        let head = format!(
            "POST {} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-rivet-conn-params: ",
            action("params")
        );
        let request = [head.as_bytes(), params, b"\r\ncontent-length: 2\r\n\r\n{}"].concat();
        String::from_utf8(site.raw(&request).await).unwrap()
    };
    assert!(
        with(br#"{"token":"t"}"#)
            .await
            .ends_with(r#"{"output":{"token":"t"}}"#)
    );
    // The same character as `fetch` sends it and as other programs do.
    assert!(with(b"\"\xe9\"").await.ends_with("{\"output\":\"é\"}"));
    assert!(
        with("\"é\"".as_bytes())
            .await
            .ends_with("{\"output\":\"é\"}")
    );
    let malformed = with(b"{nope").await;
    assert!(
        malformed.starts_with("HTTP/1.1 400") && malformed.contains("encoding"),
        "{malformed}"
    );
    let long = with(format!("\"{}\"", "x".repeat(4096)).as_bytes()).await;
    assert!(
        long.starts_with("HTTP/1.1 400") && long.contains("incoming_too_long"),
        "{long}"
    );
}

#[tokio::test]
async fn sizes_are_limited_both_ways() {
    let site = site_with(|config| {
        config.max_incoming_message = 1000;
        config.max_outgoing_message = 1000;
    })
    .await;
    let body = |len: usize| format!("{{\"args\":[\"{}\"]}}", "x".repeat(len - 13)).into_bytes();
    assert_eq!(
        post(&site, &action("increment"), "json", b"{\"args\":[1]}")
            .await
            .status,
        200
    );
    let fits = post(&site, &action("echo"), "json", &body(950)).await;
    assert_eq!(fits.status, 200, "{}", fits.text());
    for len in [1001, 5000, 15_000, 5_000_000] {
        let answer = post(&site, &action("echo"), "json", &body(len)).await;
        assert_eq!(
            (answer.status, answer.json()["code"].as_str()),
            (400, Some("incoming_too_long")),
            "{len}"
        );
    }
    let big = post(&site, &action("text"), "json", b"{\"args\":[2000]}").await;
    assert_eq!(
        (big.status, big.json()["code"].as_str()),
        (400, Some("outgoing_too_long"))
    );
}

#[tokio::test]
async fn unknown_actors_names_and_namespaces_have_their_codes() {
    let site = site().await;
    let long_key = "x".repeat(200);
    let cases = [
        (
            "/gateway/counter/action/x?rvt-namespace=default&rvt-method=get&rvt-key=none"
                .to_owned(),
            "404 actor.not_found",
        ),
        (
            format!("/gateway/nobody/action/x?{}", by_key("k")),
            "404 actor.not_registered",
        ),
        (
            "/gateway/nobody/action/x?rvt-namespace=default&rvt-method=get".to_owned(),
            "404 actor.not_registered",
        ),
        (
            "/gateway/counter/action/x?rvt-namespace=other&rvt-method=get".to_owned(),
            "400 namespace.not_found",
        ),
        (
            "/gateway/counter/action/x?rvt-namespace=default".to_owned(),
            "400 guard.query_invalid_params",
        ),
        (
            format!("/gateway/counter/action/x?{}", by_key(&long_key)),
            "400 actor.key_too_large",
        ),
        (
            "/gateway/not-an-id/action/x".to_owned(),
            "404 actor.not_found",
        ),
        (
            format!("/gateway/{}/action/x", "a".repeat(26)),
            "404 actor.not_found",
        ),
        (
            format!("/gateway/counter/action/%ff?{}", by_key("k")),
            "400 request.invalid",
        ),
    ];
    for (target, expected) in cases {
        // Errors of the gateway are JSON whatever the call speaks.
        let answer = post(&site, &target, "bare", &[4, 0, 1, 0x80]).await;
        assert_eq!(answer.gateway_error(), expected, "{target}");
    }
    let long_name = post(&site, &action(&"x".repeat(300)), "json", b"{}").await;
    assert_eq!(
        (long_name.status, long_name.json()["group"].as_str()),
        (400, Some("request"))
    );
}

#[tokio::test]
async fn other_paths_of_actors_answer_or_say_why_not() {
    let site = site().await;
    let target = |path: &str| format!("/gateway/counter{path}?{}", by_key("k"));
    assert_eq!(site.get(&target("/health")).await.text(), "ok");
    assert_eq!(
        site.get(&target("/metadata")).await.json()["name"],
        "counter"
    );
    assert!(site.get(&target("/")).await.text().contains("counter"));
    let cases = [
        ("GET", "/action/getCount", "405 actor.method_not_allowed"),
        ("POST", "/health", "405 actor.method_not_allowed"),
        ("GET", "/connect", "426 guard.upgrade_required"),
        ("TRACE", "/request/hello", "405 actor.method_not_allowed"),
        ("GET", "/websocket", "426 guard.upgrade_required"),
        ("POST", "/queue", "404 actor.not_found"),
        ("POST", "/action/a/b", "404 actor.not_found"),
        ("POST", "/action/", "404 actor.not_found"),
        ("GET", "/nowhere", "404 actor.not_found"),
    ];
    for (method, path, expected) in cases {
        let answer = site.http(method, &target(path), &[], b"{}").await;
        assert_eq!(answer.gateway_error(), expected, "{method} {path}");
    }
    let metadata = &site.get(&target("/nowhere")).await.json()["metadata"];
    assert_eq!(
        (metadata["resource"].as_str(), metadata["id"].as_str()),
        (Some("route"), Some("/nowhere"))
    );
}

#[tokio::test]
async fn header_routed_requests_name_their_actor_in_headers() {
    let site = site().await;
    let cases: [(&[(&str, &str)], &str); 4] = [
        (
            &[("x-rivet-target", "actor"), ("x-rivet-actor", "not-an-id")],
            "404 actor.not_found",
        ),
        (&[("x-rivet-target", "actor")], "400 guard.missing_header"),
        (
            &[("x-rivet-target", "runner"), ("x-rivet-actor", "x")],
            "400 guard.invalid_target",
        ),
        (
            &[
                ("x-rivet-target", "actor"),
                ("x-rivet-actor", "aaaaaaaaaaaaaaaaaaaaaaaaaa"),
            ],
            "404 actor.not_found",
        ),
    ];
    for (headers, expected) in cases {
        assert_eq!(
            site.http("GET", "/request/x", headers, b"")
                .await
                .gateway_error(),
            expected,
            "{headers:?}"
        );
    }
}

#[tokio::test]
async fn a_caller_that_leaves_cancels_its_call() {
    let site = site().await;
    let mut tcp = site.tcp().await;
    let request = format!(
        "POST {} HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{{}}",
        action("hang")
    );
    tcp.write_all(request.as_bytes()).await.unwrap();
    let until = async |count: &std::sync::atomic::AtomicUsize| {
        while count.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, until(&site.observed.hanging))
        .await
        .expect("the call begins");
    drop(tcp);
    tokio::time::timeout(PATIENCE, until(&site.observed.cancelled))
        .await
        .expect("the call is cancelled");
}

#[tokio::test]
async fn one_connection_carries_many_requests() {
    let site = site().await;
    let mut tcp = site.tcp().await;
    let body = r#"{"args":[1]}"#;
    let request = format!(
        "POST {} HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{body}",
        action("increment"),
        body.len()
    );
    // Pipelined: all are sent before the first answer is read.
    tcp.write_all(request.repeat(10).as_bytes()).await.unwrap();
    let mut read = String::new();
    while !read.ends_with(r#"{"output":10}"#) {
        let mut chunk = [0; 4096];
        let len = tokio::time::timeout(PATIENCE, tcp.read(&mut chunk))
            .await
            .unwrap()
            .unwrap();
        assert_ne!(len, 0, "{read}");
        read.push_str(str::from_utf8(&chunk[..len]).unwrap());
    }
    assert_eq!(read.matches("200 OK").count(), 10);
}
