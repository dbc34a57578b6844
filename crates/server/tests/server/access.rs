//! The gatekeeper and the limits: what they are told, and what those who are refused see of it.

use std::{
    num::NonZeroU32,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use greenroom_server::{AccessRequest, Gatekeeper, Intents, RateLimit, Verdict};
use greenroom_types::{ActorError, cbor::Reader};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::harness::{Site, by_key, connect_to, site_with};

/// Lets in whoever has the token `open`, and remembers everybody.
#[derive(Debug, Default)]
struct Doorman(Mutex<Vec<AccessRequest>>);

impl Gatekeeper for Doorman {
    fn decide(&self, request: AccessRequest) -> Verdict {
        let is_known = request.token.as_deref() == Some("open");
        self.0.lock().unwrap().push(request);
        Box::pin(async move {
            // Not at once, as in the real thing.
            tokio::task::yield_now().await;
            if is_known {
                Ok(Some(Bytes::from_static(b"\x63ann")))
            } else {
                Err(ActorError::forbidden("you may not"))
            }
        })
    }
}

impl Doorman {
    /// Everybody who came since the last time.
    fn seen(&self) -> Vec<AccessRequest> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }

    fn last(&self) -> AccessRequest {
        self.seen().pop().expect("somebody came")
    }
}

async fn guarded() -> (Site, Arc<Doorman>) {
    let doorman = Arc::new(Doorman::default());
    let gatekeeper = Arc::<Doorman>::clone(&doorman);
    let site = site_with(|config| config.gatekeeper = Some(gatekeeper)).await;
    (site, doorman)
}

const OPEN: [(&str, &str); 1] = [("authorization", "Bearer open")];

async fn exists(site: &Site, key: &str) -> bool {
    let target = format!("/actors?name=counter&key={key}");
    let found = site.http("GET", &target, &OPEN, b"").await.json();
    !found["actors"].as_array().unwrap().is_empty()
}

#[tokio::test]
async fn those_who_are_refused_create_nothing_over_any_way_in() {
    let (site, _doorman) = guarded().await;
    let gateway = |path: &str| format!("/gateway/counter{path}?{}", by_key("k"));
    let body = json!({ "name": "counter", "key": "k" }).to_string();
    let requests = [
        ("POST", gateway("/action/increment"), "{\"args\":[1]}"),
        ("GET", gateway("/sse"), ""),
        ("GET", gateway("/metadata"), ""),
        ("GET", gateway(""), ""),
        ("PUT", "/actors".to_owned(), &body),
        ("POST", "/actors".to_owned(), &body),
        ("GET", "/actors?name=counter&key=k".to_owned(), ""),
        ("GET", "/actors?name=counter".to_owned(), ""),
        ("GET", "/actors/names".to_owned(), ""),
    ];
    for (method, target, body) in requests {
        let origin = [("origin", "http://page.test")];
        let refused = site.http(method, &target, &origin, body.as_bytes()).await;
        assert_eq!(
            refused.gateway_error(),
            "403 auth.forbidden",
            "{method} {target}"
        );
        let allowed = refused.header("access-control-allow-origin");
        assert_eq!(allowed, "http://page.test", "{method} {target}");
    }
    let mut socket = site
        .socket(&connect_to("k"), "rivet, rivet_encoding.json")
        .await;
    let error = &socket.json().await["body"];
    assert_eq!(
        (
            &error["tag"],
            &error["val"]["code"],
            &error["val"]["message"]
        ),
        (&json!("Error"), &json!("forbidden"), &json!("you may not"))
    );
    assert_eq!(socket.closed().await, "1011 auth.forbidden");
    assert!(!exists(&site, "k").await);
}

#[tokio::test]
async fn ids_are_asked_about_before_they_are_looked_up() {
    let (site, doorman) = guarded().await;
    let made = site
        .http(
            "PUT",
            "/actors",
            &OPEN,
            b"{\"name\":\"counter\",\"key\":\"k\"}",
        )
        .await;
    let id = made.json()["actor"]["actor_id"]
        .as_str()
        .unwrap()
        .to_owned();
    doorman.seen();
    let targets = [
        (
            "POST",
            format!("/gateway/{id}/action/getCount"),
            "{\"args\":[]}",
            Intents::ACTION,
        ),
        ("GET", format!("/actors?actor_ids={id}"), "", Intents::GET),
        ("DELETE", format!("/actors/{id}"), "", Intents::DESTROY),
        ("POST", format!("/actors/{id}/sleep"), "", Intents::SLEEP),
    ];
    for (method, target, body, intent) in targets {
        let refused = site.http(method, &target, &[], body.as_bytes()).await;
        assert_eq!(refused.gateway_error(), "403 auth.forbidden", "{target}");
        let asked = doorman.last();
        assert_eq!(asked.id.map(|id| id.to_string()), Some(id.clone()));
        assert!(asked.name.is_none() && asked.key.is_none());
        assert_eq!(
            asked.intents.bits() & intent.bits(),
            intent.bits(),
            "{target}"
        );
    }
    assert!(exists(&site, "k").await);
}

#[tokio::test]
async fn tokens_are_found_wherever_clients_put_them() {
    let (site, doorman) = guarded().await;
    let made = site
        .http(
            "PUT",
            "/actors",
            &OPEN,
            b"{\"name\":\"counter\",\"key\":\"k\"}",
        )
        .await;
    let id = made.json()["actor"]["actor_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let action = |query: &str| format!("/gateway/counter/action/getCount?{}{query}", by_key("k"));
    let call = async |target: &str, headers: &[(&str, &str)]| {
        let answer = site.http("POST", target, headers, b"{\"args\":[]}").await;
        assert_eq!(answer.status, 200, "{target} {headers:?}: {answer:?}");
    };
    call(&action("&rvt-token=open"), &[]).await;
    // The URL is what a client means.
    call(&action("&rvt-token=open"), &[("x-rivet-token", "other")]).await;
    call(&action(""), &[("x-rivet-token", "open")]).await;
    call(&action(""), &OPEN).await;
    call(&format!("/gateway/{id}@open/action/getCount"), &[]).await;
    let in_headers = [("x-rivet-target", "actor"), ("x-rivet-actor", &id)];
    let by_header: Vec<_> = in_headers
        .into_iter()
        .chain([("x-rivet-token", "open")])
        .collect();
    let metadata = site.http("GET", "/metadata", &by_header, b"").await;
    assert_eq!(metadata.status, 200, "{metadata:?}");
    let protocols = format!("rivet, rivet_target.actor, rivet_actor.{id}, rivet_token.open");
    let mut socket = site.socket("/connect", &protocols).await;
    assert_eq!(socket.json().await["body"]["tag"], "Init");
    let mut socket = site
        .socket(&format!("{}&rvt-token=open", connect_to("k")), "rivet")
        .await;
    assert_eq!(socket.json().await["body"]["tag"], "Init");
    assert!(
        doorman
            .seen()
            .iter()
            .all(|asked| asked.token.as_deref() == Some("open"))
    );
}

#[tokio::test]
async fn the_gatekeeper_is_told_what_is_wanted_and_by_whom() {
    let (site, doorman) = guarded().await;
    let target = format!(
        "/gateway/counter/action/increment?a=1&{}&rvt-token=x",
        by_key("a%2Cb")
    );
    let headers = [
        ("x-rivet-conn-params", "{\"user\":\"ann\"}"),
        ("x-own", "1"),
    ];
    site.http("POST", &target, &headers, b"{\"args\":[1]}")
        .await;
    let asked = doorman.last();
    assert_eq!(
        asked.intents,
        Intents::GET | Intents::CREATE | Intents::ACTION
    );
    assert_eq!(asked.name.unwrap().as_str(), "counter");
    assert_eq!(asked.key.unwrap().parts(), ["a", "b"]);
    assert_eq!(asked.token.as_deref(), Some("x"));
    assert_eq!(asked.address, Some([127, 0, 0, 1].into()));
    assert_eq!(asked.params.as_deref(), Some(&b"\xa1\x64user\x63ann"[..]));
    let mut request = Reader::new(&asked.request);
    let mut fields = request.array().unwrap();
    assert!(fields.more(&mut request).unwrap());
    assert_eq!(request.text().unwrap(), "POST");
    assert!(fields.more(&mut request).unwrap());
    // As the actor would see it: the token is not part of it.
    assert_eq!(request.text().unwrap(), "http://test/action/increment?a=1");
    assert!(asked.request.windows(5).any(|window| window == b"x-own"));
    site.get("/gateway/counter/sse?rvt-namespace=default&rvt-method=get&rvt-key=k")
        .await;
    assert_eq!(doorman.last().intents, Intents::GET | Intents::CONNECT);
}

#[tokio::test]
async fn what_was_let_in_is_the_key_that_was_asked_about() {
    let (site, _doorman) = guarded().await;
    // Over the gateway, `a,b` could mean the one part `a,b`, which exists, or the parts `a` and `b`.
    let put = b"{\"name\":\"counter\",\"key\":\"a,b\"}";
    assert_eq!(site.http("PUT", "/actors", &OPEN, put).await.status, 200);
    let target =
        "/gateway/counter/action/getCount?rvt-namespace=default&rvt-method=get&rvt-key=a%2Cb";
    let missing = site.http("POST", target, &OPEN, b"{\"args\":[]}").await;
    assert_eq!(missing.gateway_error(), "404 actor.not_found");
}

async fn limited(per_minute: u32, in_flight: u32) -> Site {
    let number = |n| NonZeroU32::new(n).unwrap();
    site_with(|config| {
        config.trusted_proxies = 1;
        config.rate_limit = Some(RateLimit {
            requests_per_minute: number(per_minute),
            in_flight: number(in_flight),
            creations_per_minute: number(1000),
            connections: number(1000),
        });
    })
    .await
}

fn get_count(key: &str) -> String {
    format!("/gateway/counter/action/getCount?{}", by_key(key))
}

#[tokio::test]
async fn an_address_that_asks_too_much_of_an_actor_is_told_when_to_come_back() {
    let site = limited(3, 10).await;
    let call = async |key: &str, from: &str| {
        let headers = [("x-forwarded-for", from), ("origin", "http://page.test")];
        site.http("POST", &get_count(key), &headers, b"{\"args\":[]}")
            .await
    };
    for _ in 0..3 {
        assert_eq!(call("a", "1.1.1.1").await.status, 200);
    }
    let refused = call("a", "1.1.1.1").await;
    assert_eq!(refused.gateway_error(), "429 guard.rate_limit");
    let wait: u64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=20).contains(&wait), "{wait}");
    assert_eq!(refused.json()["metadata"]["retryAfter"], wait);
    assert_eq!(
        refused.header("access-control-allow-origin"),
        "http://page.test"
    );
    assert_eq!(call("b", "1.1.1.1").await.status, 200);
    assert_eq!(call("a", "2.2.2.2").await.status, 200);
    // Opening a connection counts as well.
    let mut socket = site.socket(&connect_to("c"), "rivet").await;
    assert_eq!(socket.json().await["body"]["tag"], "Init");
    for _ in 0..2 {
        site.socket(&connect_to("c"), "rivet").await;
    }
    let mut socket = site.socket(&connect_to("c"), "rivet").await;
    assert_eq!(socket.closed().await, "1011 guard.rate_limit");
}

#[tokio::test]
async fn requests_at_once_are_limited_until_they_are_answered() {
    let site = Arc::new(limited(1000, 2).await);
    let call = |action: &'static str| {
        let site = Arc::clone(&site);
        tokio::spawn(async move { site.call("k", action, "[]").await })
    };
    let hanging = [call("hang"), call("hang")];
    while site
        .observed
        .hanging
        .load(std::sync::atomic::Ordering::SeqCst)
        < 2
    {
        tokio::task::yield_now().await;
    }
    let refused = call("getCount").await.unwrap();
    assert_eq!(refused.gateway_error(), "429 guard.rate_limit");
    assert!(refused.text().contains("at once"), "{refused:?}");
    site.observed.release.notify_one();
    for call in hanging {
        assert_eq!(call.await.unwrap().status, 200);
    }
    assert_eq!(call("getCount").await.unwrap().status, 200);
}

#[tokio::test]
async fn an_address_creates_and_connects_so_much_and_others_are_not_concerned() {
    let number = |n| NonZeroU32::new(n).unwrap();
    let site = site_with(|config| {
        config.trusted_proxies = 1;
        config.rate_limit = Some(RateLimit {
            requests_per_minute: number(1000),
            in_flight: number(1000),
            creations_per_minute: number(3),
            connections: number(2),
        });
    });
    let site = site.await;
    let (ann, bob) = (
        ("x-forwarded-for", "1.1.1.1"),
        ("x-forwarded-for", "2.2.2.2"),
    );
    let body = |key: &str| json!({ "name": "counter", "key": key }).to_string();
    let put = async |key: &str, who| {
        site.http("PUT", "/actors", &[who], body(key).as_bytes())
            .await
    };
    let post = async |key: &str, who| {
        site.http("POST", "/actors", &[who], body(key).as_bytes())
            .await
    };
    let call = async |key: &str, who| {
        site.http("POST", &get_count(key), &[who], b"{\"args\":[]}")
            .await
    };
    assert_eq!(put("a", ann).await.status, 200);
    for _ in 0..5 {
        assert_eq!(call("a", ann).await.status, 200, "it is not new");
    }
    assert_eq!(call("b", ann).await.status, 200);
    assert_eq!(post("c", ann).await.status, 200);
    for refused in [
        put("d", ann).await,
        post("d", ann).await,
        call("d", ann).await,
    ] {
        assert_eq!(refused.gateway_error(), "429 guard.rate_limit");
        assert!(
            refused.json()["message"]
                .to_string()
                .contains("3 new actors")
        );
    }
    assert_eq!(
        call("a", ann).await.status,
        200,
        "what exists is still there"
    );
    assert_eq!(put("a", ann).await.json()["created"], false);
    let by_key = "/actors?name=counter&key=d";
    assert!(
        site.get(by_key).await.json()["actors"]
            .as_array()
            .unwrap()
            .is_empty()
    );
    assert_eq!(call("d", bob).await.status, 200);

    let streams = [
        open_stream(&site, "1.1.1.1").await,
        open_stream(&site, "1.1.1.1").await,
    ];
    let stream = format!("/gateway/counter/sse?{}", crate::harness::by_key("a"));
    let refused = site.http("GET", &stream, &[ann], b"").await;
    assert_eq!(refused.gateway_error(), "429 guard.rate_limit");
    let other = open_stream(&site, "2.2.2.2").await;
    drop(streams);
    // The server notices by itself that they are gone.
    let again = async {
        loop {
            let mut tcp = site.tcp().await;
            let head =
                format!("GET {stream} HTTP/1.1\r\nhost: test\r\nx-forwarded-for: 1.1.1.1\r\n\r\n");
            tcp.write_all(head.as_bytes()).await.unwrap();
            let mut begin = [0; 12];
            tcp.read_exact(&mut begin).await.unwrap();
            if &begin == b"HTTP/1.1 200" {
                break;
            }
        }
    };
    let again = tokio::time::timeout(crate::harness::PATIENCE, again).await;
    again.expect("there is room again");
    drop(other);
}

/// An event stream of a client at `address`, once it has begun.
async fn open_stream(site: &Site, address: &str) -> TcpStream {
    let mut tcp = site.tcp().await;
    let target = format!("/gateway/counter/sse?{}", by_key("a"));
    let head = format!("GET {target} HTTP/1.1\r\nhost: test\r\nx-forwarded-for: {address}\r\n\r\n");
    tcp.write_all(head.as_bytes()).await.unwrap();
    let mut begin = [0; 12];
    tcp.read_exact(&mut begin).await.unwrap();
    assert_eq!(&begin, b"HTTP/1.1 200");
    tcp
}

#[tokio::test]
async fn a_server_that_drains_asks_nobody_about_visitors() {
    let (site, doorman) = guarded().await;
    let site = Arc::new(site);
    let hang = format!("/gateway/counter/action/hang?{}", by_key("k"));
    let asker = Arc::clone(&site);
    let call =
        tokio::spawn(async move { asker.http("POST", &hang, &OPEN, b"{\"args\":[]}").await });
    while site
        .observed
        .hanging
        .load(std::sync::atomic::Ordering::SeqCst)
        < 1
    {
        tokio::task::yield_now().await;
    }
    let server = Arc::clone(&site.server);
    let ending = tokio::spawn(async move { server.shutdown().await });
    while site.get("/health").await.status == 200 {
        tokio::task::yield_now().await;
    }
    doorman.seen();
    let late = site
        .http("POST", &get_count("k"), &OPEN, b"{\"args\":[]}")
        .await;
    assert_eq!(late.gateway_error(), "503 actor.stopping");
    let mut socket = site.socket(&connect_to("k"), "rivet").await;
    // Only a close: clients take that for a reason to try again.
    match socket.next().await {
        tokio_tungstenite::tungstenite::Message::Close(Some(close)) => {
            assert_eq!(close.reason.as_str(), "actor.stopping");
        }
        other => panic!("expected a close, got {other:?}"),
    }
    assert!(doorman.seen().is_empty());
    site.observed.release.notify_one();
    assert_eq!(call.await.unwrap().status, 200);
    ending.await.unwrap();
}
