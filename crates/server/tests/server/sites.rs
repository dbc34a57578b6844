//! What pages of strangers can do to a server on the machine of somebody who works on it: nothing, on any way in.

use futures_util::StreamExt;
use tokio_tungstenite::{
    client_async,
    tungstenite::{Message, client::IntoClientRequest, http::HeaderValue},
};

use crate::harness::{Answer, Site, by_key, connect_to, site_with};

/// A server with the defaults of development.
async fn at_home() -> Site {
    site_with(|config| {
        config.allowed_hosts.clear();
        config.allowed_origins = None;
    })
    .await
}

const LOCAL: &str = "localhost:6420";
const EVIL_HOST: &str = "evil.test:6420";
const EVIL_PAGE: (&str, &str) = ("origin", "http://evil.test");

async fn ask(
    site: &Site,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Answer {
    let mut request = format!("{method} {target} HTTP/1.1\r\nconnection: close\r\n");
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str(&format!("content-length: {}\r\n\r\n{body}", body.len()));
    Answer::parse(&site.raw(request.as_bytes()).await)
}

/// Whether somebody has created the actor.
async fn exists(site: &Site) -> bool {
    let target = "/actors?name=counter&key=k";
    let found = ask(site, "GET", target, &[("host", LOCAL)], "").await;
    !found.json()["actors"].as_array().unwrap().is_empty()
}

/// Everything that does something or tells something.
fn ways_in() -> Vec<(&'static str, String, &'static str)> {
    let gateway = |path: &str| format!("/gateway/counter{path}?{}", by_key("k"));
    let new = r#"{"name":"counter","key":"k"}"#;
    vec![
        ("POST", gateway("/action/increment"), r#"{"args":[1]}"#),
        ("POST", gateway("/queue/jobs"), r#"{"body":1}"#),
        ("GET", gateway("/sse"), ""),
        ("GET", gateway("/request/x"), ""),
        ("POST", gateway("/request/x"), "text"),
        ("GET", gateway("/metadata"), ""),
        ("GET", gateway(""), ""),
        ("PUT", "/actors".to_owned(), new),
        ("POST", "/actors".to_owned(), new),
        ("GET", "/actors?name=counter&key=k".to_owned(), ""),
        ("GET", "/actors?name=counter".to_owned(), ""),
        ("GET", "/actors/names".to_owned(), ""),
        ("POST", "/connections/abc/message".to_owned(), "{}"),
        ("GET", "/index.html".to_owned(), ""),
        ("GET", "/".to_owned(), ""),
    ]
}

#[tokio::test]
async fn a_name_that_a_stranger_has_turned_to_this_machine_leads_nowhere() {
    let site = at_home().await;
    let mut all = ways_in();
    for target in ["/health", "/metadata"] {
        all.push(("GET", target.to_owned(), ""));
    }
    all.push(("OPTIONS", "/actors".to_owned(), ""));
    for (method, target, body) in all {
        let refused = ask(&site, method, &target, &[("host", EVIL_HOST)], body).await;
        assert_eq!(
            refused.gateway_error(),
            "403 guard.host_not_allowed",
            "{method} {target}"
        );
        let message = refused.json()["message"].to_string();
        assert!(
            message.contains("`evil.test`") && message.contains("allowedHosts"),
            "{message}"
        );
    }
    assert!(!exists(&site).await);
}

#[tokio::test]
async fn pages_of_strangers_wake_nothing_and_are_told_why() {
    let site = at_home().await;
    let nobody = ("origin", "null");
    for (method, target, body) in ways_in() {
        for page in [EVIL_PAGE, nobody] {
            let refused = ask(&site, method, &target, &[("host", LOCAL), page], body).await;
            let what = format!("{method} {target} {page:?}");
            assert_eq!(
                refused.gateway_error(),
                "403 guard.origin_not_allowed",
                "{what}"
            );
            assert_eq!(
                refused.header("access-control-allow-origin"),
                page.1,
                "{what}"
            );
            assert!(
                refused.json()["message"]
                    .to_string()
                    .contains("allowedOrigins"),
                "{what}"
            );
        }
        let image = [
            ("host", LOCAL),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-mode", "no-cors"),
        ];
        let refused = ask(&site, method, &target, &image, body).await;
        assert_eq!(
            refused.gateway_error(),
            "403 guard.origin_not_allowed",
            "{method} {target}"
        );
    }
    assert!(!exists(&site).await);
}

#[tokio::test]
async fn pages_of_this_machine_and_programs_may_do_everything() {
    let site = at_home().await;
    let target = format!("/gateway/counter/action/increment?{}", by_key("k"));
    let from: [&[(&str, &str)]; 4] = [
        &[("host", LOCAL), ("origin", "http://localhost:5173")],
        &[
            ("host", "127.0.0.1:6420"),
            ("origin", "http://localhost:6420"),
        ],
        &[
            ("host", "192.168.1.5:5173"),
            ("origin", "http://192.168.1.5:5173"),
        ],
        &[("host", LOCAL)],
    ];
    for (count, headers) in from.iter().enumerate() {
        let answer = ask(&site, "POST", &target, headers, r#"{"args":[1]}"#).await;
        assert!(answer.status == 200, "{headers:?}: {}", answer.text());
        assert_eq!(answer.json()["output"], count + 1);
    }
}

#[tokio::test]
async fn websockets_of_strangers_are_closed_with_the_reason() {
    let site = at_home().await;
    let cases = [
        (LOCAL, "http://evil.test", Some("guard.origin_not_allowed")),
        (LOCAL, "null", Some("guard.origin_not_allowed")),
        (
            EVIL_HOST,
            "http://evil.test:6420",
            Some("guard.host_not_allowed"),
        ),
        (LOCAL, "http://localhost:5173", None),
    ];
    for (host, page, refusal) in cases {
        for target in [
            connect_to("k"),
            format!("/gateway/counter/websocket/x?{}", by_key("k")),
        ] {
            let mut request = format!("ws://{host}{target}")
                .into_client_request()
                .unwrap();
            let headers = request.headers_mut();
            headers.insert("origin", HeaderValue::from_static(page));
            headers.insert("sec-websocket-protocol", HeaderValue::from_static("rivet"));
            let (mut socket, _) = client_async(request, site.tcp().await)
                .await
                .expect("it opens");
            let Some(refusal) = refusal else {
                continue;
            };
            let last = loop {
                match socket.next().await.expect("a close").expect("a message") {
                    Message::Close(frame) => break frame.expect("a reason"),
                    Message::Binary(_) => {}
                    other => panic!("{other:?}"),
                }
            };
            assert_eq!(
                (u16::from(last.code), last.reason.as_str()),
                (1011, refusal),
                "{host} {page} {target}"
            );
            assert!(!exists(&site).await);
        }
    }
}

#[tokio::test]
async fn metadata_and_health_say_to_every_page_that_there_is_a_server() {
    let site = at_home().await;
    for target in ["/health", "/metadata"] {
        let answer = ask(&site, "GET", target, &[("host", LOCAL), EVIL_PAGE], "").await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("access-control-allow-origin"), EVIL_PAGE.1);
    }
}

#[tokio::test]
async fn pages_of_the_internet_reach_a_local_server_only_by_invitation() {
    let preflight = |origin: &'static str| {
        [
            ("host", LOCAL),
            ("origin", origin),
            ("access-control-request-method", "POST"),
            ("access-control-request-private-network", "true"),
        ]
    };
    let site = site_with(|config| {
        config.allowed_origins = Some(vec!["https://invited.test".to_owned()]);
    });
    let site = site.await;
    for target in ["/gateway/counter/action/x", "/actors"] {
        for (origin, allowed) in [("https://invited.test", "true"), ("https://evil.test", "")] {
            let answer = ask(&site, "OPTIONS", target, &preflight(origin), "").await;
            assert_eq!(
                answer.header("access-control-allow-private-network"),
                allowed,
                "{origin}"
            );
        }
    }
}

#[tokio::test]
async fn in_production_origins_are_checked_if_they_are_given() {
    let site = site_with(|config| {
        config.development = false;
        config.allowed_hosts.clear();
        config.allowed_origins = Some(vec!["https://app.test".to_owned()]);
    });
    let site = site.await;
    let target = format!("/gateway/counter/action/increment?{}", by_key("k"));
    let from = async |page: &str| {
        let headers = [("host", "api.test"), ("origin", page)];
        ask(&site, "POST", &target, &headers, r#"{"args":[1]}"#)
            .await
            .status
    };
    assert_eq!(from("https://app.test").await, 200);
    assert_eq!(
        from("https://api.test").await,
        200,
        "the server's own pages"
    );
    assert_eq!(from("https://evil.test").await, 403);
    assert_eq!(from("http://localhost:5173").await, 403);
}
