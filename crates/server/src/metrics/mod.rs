//! `GET /metrics`, in the text format of Prometheus: for whoever runs the server, like the management API.
//!
//! Labels are names of the program (actor types, actions), never keys or ids. Which actors are the largest
//! is `GET /actors/largest`.

mod page;

use std::{collections::BTreeMap, fmt::Debug, sync::Arc, time::Duration};

use greenroom_core::Weight;
use greenroom_types::ActorError;
use hyper::{Request, StatusCode};
use tokio::task::spawn_blocking;
use tracing::error;

pub use self::page::MetricsPage;
use crate::{
    app::App,
    body::RequestBody,
    dispatch::origin,
    failure::gateway_error,
    reply::{self, Reply},
};

/// What the host of a runtime knows about itself.
pub trait HostMetrics: Debug + Send + Sync {
    /// How long it has come to run nothing, because somebody's code blocks it; `None` if it runs.
    fn blocked_for(&self) -> Option<Duration>;

    /// Adds what it knows to `page`.
    fn write(&self, page: &mut MetricsPage);
}

/// The media type of the text format.
const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Answers a request for `/metrics`.
///
/// The page is made aside: to ask the allocator how much it has given out takes its locks and a walk through what is free.
pub(crate) async fn metrics(app: &Arc<App>, request: &Request<RequestBody>) -> Reply {
    if let Err(error) = check(app, request) {
        return gateway_error(&error);
    }
    let app = Arc::clone(app);
    match spawn_blocking(move || page(&app)).await {
        Ok(text) => reply::bytes(StatusCode::OK, TEXT_FORMAT, text),
        Err(error) => {
            error!(%error, "the page of metrics could not be made");
            gateway_error(&ActorError::internal())
        }
    }
}

/// # Errors
/// `auth.unauthorized`, `auth.forbidden`, `actor.method_not_allowed`.
fn check(app: &App, request: &Request<RequestBody>) -> Result<(), ActorError> {
    crate::router::check_read_only(request.method())?;
    app.management.check(origin(request), request.headers())?;
    Ok(())
}

fn page(app: &App) -> String {
    let mut page = MetricsPage::default();
    page.gauge("greenroom_info", "The version that runs.");
    page.sample(&[("version", &app.config.version)], 1.0);
    actors(app, &mut page);
    if let Some(memory) = app.runtime.store_memory() {
        page.gauge(
            "greenroom_store_memory_bytes",
            "What the store holds in memory: tables of what is in its log and in no other file yet, and a cache of what was read.",
        );
        page.sample(&[("part", "tables")], memory.tables as f64);
        page.sample(&[("part", "cache")], memory.cache as f64);
    }
    if let Some(bytes) = resident_bytes() {
        page.gauge(
            "process_resident_memory_bytes",
            "What the process has in memory.",
        );
        page.sample(&[], bytes as f64);
    }
    if let Some(host) = &app.config.host_metrics {
        host.write(&mut page);
    }
    page.into_text()
}

/// The actors of one type.
#[derive(Default)]
struct OfType {
    awake: u64,
    sum: Weight,
    largest: u64,
}

fn actors(app: &App, page: &mut MetricsPage) {
    let mut types: BTreeMap<&str, OfType> = app
        .runtime
        .names()
        .map(|name| (name.as_str(), OfType::default()))
        .collect();
    let weights = app.runtime.weights();
    for (who, weight) in &weights {
        let Some(of_type) = types.get_mut(who.name.as_str()) else {
            continue;
        };
        let OfType {
            awake,
            sum,
            largest,
        } = of_type;
        *awake += u64::from(weight.awake);
        *largest = weight.total().max(*largest);
        sum.state += weight.state;
        sum.kv += weight.kv;
        sum.queue += weight.queue;
        sum.outbox += weight.outbox;
        sum.journal += weight.journal;
        sum.connections += weight.connections;
        sum.calls += weight.calls;
    }
    let mut gauge = |name, help, value: fn(&OfType) -> u64| {
        page.gauge(name, help);
        for (actor, of_type) in &types {
            page.sample(&[("actor", actor)], value(of_type) as f64);
        }
    };
    gauge(
        "greenroom_actors_awake",
        "Actors that are awake, by type.",
        |t| t.awake,
    );
    gauge(
        "greenroom_actor_connections",
        "Connections of actors, those of sleeping ones included.",
        |t| t.sum.connections,
    );
    gauge(
        "greenroom_actor_calls",
        "Calls that wait for an answer.",
        |t| t.sum.calls,
    );
    gauge(
        "greenroom_actor_largest_bytes",
        "What the largest actor of a type holds in memory.",
        |t| t.largest,
    );
    page.gauge(
        "greenroom_actor_bytes",
        "What actors weigh: state, key-value pairs, queues, what waits for clients, and (on disk) journals behind their snapshots.",
    );
    for (actor, OfType { sum, .. }) in &types {
        let parts = [
            ("state", sum.state),
            ("kv", sum.kv),
            ("queue", sum.queue),
            ("outbox", sum.outbox),
            ("journal", sum.journal),
        ];
        for (part, bytes) in parts {
            page.sample(&[("actor", actor), ("part", part)], bytes as f64);
        }
    }
}

/// What the process has in memory; `None` where the operating system does not say so in a file.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}
