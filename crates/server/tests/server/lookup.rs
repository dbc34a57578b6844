//! The lookup API under `/actors`.

use greenroom_server::Secret;
use serde_json::{Value, json};

use crate::harness::{Answer, Site, site, site_with};

async fn send(site: &Site, method: &str, target: &str, body: &Value) -> Answer {
    site.http(
        method,
        target,
        &[("content-type", "application/json")],
        body.to_string().as_bytes(),
    )
    .await
}

fn wanted(key: &str) -> Value {
    json!({ "name": "counter", "key": key, "runner_name_selector": "default", "crash_policy": "sleep" })
}

fn keys(answer: &Answer) -> Vec<String> {
    let body = answer.json();
    let actors = body["actors"].as_array().expect("a list of actors");
    actors
        .iter()
        .map(|actor| actor["key"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn put_creates_once_and_finds_afterwards() {
    let site = site().await;
    let first = send(&site, "PUT", "/actors?namespace=default", &wanted("a/\\0")).await;
    assert_eq!(
        (first.status, first.json()["created"].as_bool()),
        (200, Some(true))
    );
    let actor = first.json()["actor"].clone();
    assert_eq!(
        (actor["name"].as_str(), actor["key"].as_str()),
        (Some("counter"), Some("a/\\0"))
    );
    assert!(actor["error"].is_null() && actor["destroy_ts"].is_null());
    assert!(
        actor["create_ts"]
            .as_i64()
            .is_some_and(|created| created > 1_700_000_000_000)
    );
    let again = send(&site, "PUT", "/actors", &wanted("a/\\0")).await;
    assert_eq!(
        (again.json()["created"].as_bool(), &again.json()["actor"]),
        (Some(false), &actor)
    );
}

#[tokio::test]
async fn post_refuses_a_key_that_is_taken() {
    let site = site().await;
    let made = send(&site, "POST", "/actors", &wanted("k")).await;
    assert!(
        made.status == 200 && made.json().get("created").is_none(),
        "{made:?}"
    );
    assert_eq!(
        send(&site, "POST", "/actors", &wanted("k"))
            .await
            .gateway_error(),
        "400 actor.duplicate_key"
    );
    let keyless = send(&site, "POST", "/actors", &json!({ "name": "counter" })).await;
    assert_eq!(keyless.json()["actor"]["key"], "/");
}

#[tokio::test]
async fn input_is_checked_and_accepted() {
    let site = site().await;
    let with = |input: &str| json!({ "name": "counter", "key": input, "input": input });
    assert_eq!(
        send(&site, "PUT", "/actors", &with("oWF4AQ=="))
            .await
            .status,
        200
    );
    for bad in ["***", "oWF4", "AAA="] {
        assert_eq!(
            send(&site, "PUT", "/actors", &with(bad))
                .await
                .gateway_error(),
            "400 validation.invalid_input",
            "{bad}"
        );
    }
}

#[tokio::test]
async fn mistakes_are_structured_errors() {
    let site = site().await;
    let cases = [
        (
            "PUT",
            "/actors",
            json!({ "name": "nobody", "key": "k" }),
            "404 actor.not_registered",
        ),
        (
            "PUT",
            "/actors",
            json!({ "name": "", "key": "k" }),
            "400 actor.invalid_name",
        ),
        (
            "PUT",
            "/actors",
            json!({ "name": "counter", "key": "x".repeat(129) }),
            "400 actor.key_too_large",
        ),
        (
            "PUT",
            "/actors",
            json!({ "name": "counter", "colour": "red" }),
            "400 api.bad_request",
        ),
        (
            "PUT",
            "/actors",
            json!({ "key": "k" }),
            "400 api.bad_request",
        ),
        ("PUT", "/actors", json!([]), "400 api.bad_request"),
        (
            "PUT",
            "/actors?namespace=other",
            wanted("k"),
            "400 namespace.not_found",
        ),
        (
            "GET",
            "/actors?key=k",
            Value::Null,
            "400 validation.invalid_input",
        ),
        (
            "GET",
            "/actors?name=nobody&key=k",
            Value::Null,
            "404 actor.not_registered",
        ),
        (
            "GET",
            "/actors?name=counter&limit=many",
            Value::Null,
            "400 validation.invalid_input",
        ),
        (
            "GET",
            "/actors?name=counter&cursor=***",
            Value::Null,
            "400 validation.invalid_input",
        ),
        (
            "DELETE",
            "/actors",
            Value::Null,
            "405 actor.method_not_allowed",
        ),
        (
            "POST",
            "/actors/not-an-id/sleep",
            Value::Null,
            "404 actor.not_found",
        ),
    ];
    for (method, target, body, expected) in cases {
        assert_eq!(
            send(&site, method, target, &body).await.gateway_error(),
            expected,
            "{method} {target} {body}"
        );
    }
    let answer = site.http("PUT", "/actors", &[], b"{\"name\":").await;
    assert_eq!(answer.gateway_error(), "400 api.bad_request");
}

#[tokio::test]
async fn actors_are_found_by_key_id_and_name() {
    let site = site().await;
    let mut ids = Vec::new();
    for key in ["a", "b", "c", "d", "e"] {
        let made = send(&site, "PUT", "/actors", &wanted(key)).await;
        ids.push(
            made.json()["actor"]["actor_id"]
                .as_str()
                .unwrap()
                .to_owned(),
        );
    }
    assert_eq!(
        keys(
            &site
                .get("/actors?namespace=default&name=counter&key=b")
                .await
        ),
        ["b"]
    );
    assert!(keys(&site.get("/actors?name=counter&key=none").await).is_empty());
    let by_ids = site
        .get(&format!(
            "/actors?actor_ids={},garbage,{}&actor_id={}",
            ids[2], ids[0], ids[4]
        ))
        .await;
    assert_eq!(keys(&by_ids), ["c", "a", "e"]);
    assert!(
        keys(
            &site
                .get(&format!("/actors?actor_ids={}&name=other", ids[0]))
                .await
        )
        .is_empty()
    );

    let mut found = Vec::new();
    let mut target = "/actors?name=counter&limit=2".to_owned();
    loop {
        let page = site.get(&target).await;
        assert!(keys(&page).len() <= 2);
        found.extend(keys(&page));
        match page.json()["pagination"]["cursor"].as_str() {
            Some(cursor) => target = format!("/actors?name=counter&limit=2&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(found, ["a", "b", "c", "d", "e"]);
    assert_eq!(
        site.get("/actors/names").await.json()["names"],
        json!({ "counter": { "metadata": {} } })
    );
}

#[tokio::test]
async fn delete_destroys_and_is_idempotent() {
    let site = site().await;
    site.call("k", "increment", "[5]").await;
    let id = site
        .call("k", "getCount", "[]")
        .await
        .header("x-rivet-actor")
        .to_owned();
    for target in [&id, &id] {
        let answer = site
            .http("DELETE", &format!("/actors/{target}"), &[], b"")
            .await;
        assert_eq!((answer.status, answer.text().as_str()), (200, "{}"));
    }
    assert!(keys(&site.get(&format!("/actors?actor_ids={id}")).await).is_empty());
    assert_eq!(site.count("k").await, 0);
}

#[tokio::test]
async fn sleep_keeps_the_state() {
    let site = site().await;
    site.call("k", "increment", "[5]").await;
    let id = site
        .call("k", "getCount", "[]")
        .await
        .header("x-rivet-actor")
        .to_owned();
    let answer = site
        .http("POST", &format!("/actors/{id}/sleep"), &[], b"{}")
        .await;
    assert_eq!((answer.status, answer.text().as_str()), (200, "{}"));
    assert_eq!(site.count("k").await, 5);
}

#[tokio::test]
async fn commas_in_keys_are_told_apart_and_reachable_through_the_gateway() {
    let site = site().await;
    let comma =
        send(&site, "PUT", "/actors", &wanted("a,b")).await.json()["actor"]["actor_id"].clone();
    // Only `["a,b"]` exists, so it is what an old client's `a,b` means.
    assert_eq!(
        site.call("a,b", "increment", "[1]")
            .await
            .header("x-rivet-actor"),
        comma
    );
    let pair =
        send(&site, "PUT", "/actors", &wanted("a/b")).await.json()["actor"]["actor_id"].clone();
    assert_ne!(pair, comma);
    assert_eq!(
        site.call("a,b", "increment", "[1]")
            .await
            .header("x-rivet-actor"),
        pair
    );
}

#[tokio::test]
async fn listing_and_destroying_take_the_token_once_there_is_one() {
    let site = site_with(|config| config.management_token = Some(Secret::new("s3cret"))).await;
    let made = send(&site, "PUT", "/actors", &wanted("k")).await;
    let id = made.json()["actor"]["actor_id"]
        .as_str()
        .unwrap()
        .to_owned();
    // What clients need is open.
    for target in [
        "/actors?name=counter&key=k".to_owned(),
        format!("/actors?actor_ids={id}"),
    ] {
        assert_eq!(keys(&site.get(&target).await), ["k"], "{target}");
    }
    let managed = [
        ("GET", "/actors?name=counter".to_owned()),
        ("GET", "/actors".to_owned()),
        ("GET", "/actors/names".to_owned()),
        ("POST", format!("/actors/{id}/sleep")),
        ("DELETE", format!("/actors/{id}")),
    ];
    for (method, target) in managed {
        for wrong in [
            "",
            "Bearer",
            "Bearer wrong",
            "Basic s3cret",
            "Bearer s3cret2",
        ] {
            let refused = site
                .http(method, &target, &[("authorization", wrong)], b"")
                .await;
            assert_eq!(refused.gateway_error(), "401 auth.unauthorized", "{wrong}");
            assert_eq!(refused.header("www-authenticate"), "Bearer");
            assert_eq!(refused.header("access-control-allow-origin"), "*");
        }
        let right = [("authorization", "Bearer s3cret")];
        let done = site.http(method, &target, &right, b"").await;
        assert_eq!(done.status, 200, "{method} {target}: {done:?}");
    }
    assert!(keys(&site.get(&format!("/actors?actor_ids={id}")).await).is_empty());
}

#[tokio::test]
async fn without_a_token_nobody_manages_a_server_in_production() {
    let site = site_with(|config| config.development = false).await;
    let refused = site
        .http("GET", "/actors", &[("authorization", "Bearer ")], b"")
        .await;
    assert_eq!(refused.gateway_error(), "403 auth.forbidden");
    assert!(refused.text().contains("GREENROOM_TOKEN"), "{refused:?}");
    assert_eq!(
        send(&site, "PUT", "/actors", &wanted("k")).await.status,
        200
    );
}

#[tokio::test]
async fn lists_go_by_whole_parts_of_keys() {
    let site = site().await;
    for key in ["a", "a/b", "a/b/c", "ab", "a\\/b", "b", "\\0", "/"] {
        let key = key.replace("\\\\", "\\");
        assert_eq!(
            send(&site, "PUT", "/actors", &wanted(&key)).await.status,
            200
        );
    }
    let cases: [(&str, &[&str]); 7] = [
        ("a", &["a", "a/b", "a/b/c"]),
        ("a%2Fb", &["a/b", "a/b/c"]),
        ("a%5C%2Fb", &["a\\/b"]),
        ("%5C0", &["\\0"]),
        ("c", &[]),
        (
            "%2F",
            &["/", "\\0", "a", "a/b", "a/b/c", "a\\/b", "ab", "b"],
        ),
        ("", &["/", "\\0", "a", "a/b", "a/b/c", "a\\/b", "ab", "b"]),
    ];
    for (prefix, expected) in cases {
        for limit in [1, 2, 100] {
            let base = format!("/actors?key_prefix={prefix}&limit={limit}");
            let (mut found, mut target) = (Vec::new(), base.clone());
            loop {
                let page = site.get(&target).await;
                found.extend(keys(&page));
                match page.json()["pagination"]["cursor"].as_str() {
                    Some(cursor) => target = format!("{base}&cursor={cursor}"),
                    None => break,
                }
            }
            assert_eq!(found, expected, "{prefix} by {limit}");
        }
    }
}
