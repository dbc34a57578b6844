//! `/metrics` and `/actors/largest`: what they say, and to whom.

use std::{sync::Arc, time::Duration};

use greenroom_server::{HostMetrics, MetricsPage, Secret};

use crate::harness::{Site, site, site_with};

const TOKEN: &[(&str, &str)] = &[("authorization", "Bearer t0k")];

/// A host that is blocked.
#[derive(Debug)]
struct Blocked;

impl HostMetrics for Blocked {
    fn blocked_for(&self) -> Option<Duration> {
        Some(Duration::from_millis(1500))
    }

    fn write(&self, page: &mut MetricsPage) {
        page.gauge("host_things", "Things.");
        page.sample(&[], 7.0);
    }
}

async fn line(site: &Site, start: &str) -> Option<String> {
    let page = site.get("/metrics").await.text();
    let found = page.lines().find(|line| line.starts_with(start));
    found.map(str::to_owned)
}

#[tokio::test]
async fn metrics_count_actors_and_what_they_weigh() {
    let site = site().await;
    let none = line(&site, r#"greenroom_actors_awake{actor="counter"}"#).await;
    assert_eq!(
        none.as_deref(),
        Some(r#"greenroom_actors_awake{actor="counter"} 0"#)
    );
    site.call("a", "add", "[]").await;
    site.call("b", "add", "[]").await;
    let _socket = site.connect("b").await;
    let answer = site.get("/metrics").await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.header("content-type"),
        "text/plain; version=0.0.4; charset=utf-8"
    );
    let page = answer.text();
    for expected in [
        r#"greenroom_actors_awake{actor="counter"} 2"#,
        r#"greenroom_actor_connections{actor="counter"} 1"#,
        "# TYPE greenroom_actor_bytes gauge",
    ] {
        assert!(
            page.lines().any(|line| line == expected),
            "{expected} is not in\n{page}"
        );
    }
    let state = line(
        &site,
        r#"greenroom_actor_bytes{actor="counter",part="state"}"#,
    );
    let bytes: f64 = state
        .await
        .and_then(|line| line.rsplit(' ').next()?.parse().ok())
        .expect("a number");
    assert!(bytes > 0.0);
    let refused = site.http("POST", "/metrics", &[], b"").await;
    assert_eq!(refused.status, 405);
}

#[tokio::test]
async fn a_store_that_keeps_nothing_of_its_own_is_not_in_the_metrics() {
    let site = site().await;
    assert_eq!(line(&site, "greenroom_store_memory_bytes").await, None);
}

#[tokio::test]
async fn the_host_adds_what_it_knows() {
    let site = site_with(|config| config.host_metrics = Some(Arc::new(Blocked))).await;
    assert_eq!(
        line(&site, "host_things").await.as_deref(),
        Some("host_things 7")
    );
    let health = site.get("/health").await;
    assert_eq!(
        (health.status, health.json()["blockedForMs"].as_u64()),
        (200, Some(1500))
    );
}

#[tokio::test]
async fn the_largest_come_first() {
    let site = site().await;
    for key in ["a", "b", "c"] {
        site.call(key, "add", "[]").await;
    }
    let list = site.get("/actors/largest").await.json();
    let actors = list["actors"].as_array().expect("a list").clone();
    assert_eq!(actors.len(), 3);
    let totals: Vec<u64> = actors
        .iter()
        .map(|actor| actor["total_bytes"].as_u64().expect("a number"))
        .collect();
    assert!(totals.is_sorted_by(|a, b| a >= b), "{totals:?}");
    assert!(actors[0]["awake"].as_bool().is_some_and(|awake| awake));
    assert!(actors[0]["state_bytes"].as_u64().is_some_and(|n| n > 0));
    let few = site.get("/actors/largest?name=counter&limit=2").await;
    assert_eq!(few.json()["actors"].as_array().map(Vec::len), Some(2));
    let others = site.get("/actors/largest?name=other").await.json();
    assert_eq!(others["actors"].as_array().map(Vec::len), Some(0));
    for (target, status) in [
        ("/actors/largest?limit=x", 400),
        ("/actors/largest?limit=-1", 400),
        (
            "/actors/largest?name=012345678901234567890123456789012345678901234567890123456789012345",
            400,
        ),
    ] {
        assert_eq!(site.get(target).await.status, status, "{target}");
    }
    assert_eq!(
        site.http("POST", "/actors/largest", &[], b"").await.status,
        405
    );
}

#[tokio::test]
async fn both_are_for_whoever_runs_the_server() {
    let site = site_with(|config| config.management_token = Some(Secret::new("t0k"))).await;
    for target in ["/metrics", "/actors/largest"] {
        let refused = site.get(target).await;
        assert_eq!(refused.gateway_error(), "401 auth.unauthorized");
        assert_eq!(site.http("GET", target, TOKEN, b"").await.status, 200);
    }
    let closed = site_with(|config| config.development = false).await;
    assert_eq!(closed.get("/metrics").await.status, 403);
    // What clients need to see says nothing of it.
    assert_eq!(closed.get("/health").await.status, 200);
}
