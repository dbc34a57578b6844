//! What the server says about itself.

use std::collections::BTreeMap;

use greenroom_types::{ActorName, protocol::EXTENSIONS};
use hyper::StatusCode;
use serde::Serialize;

use crate::{
    Display,
    app::App,
    reply::{self, Reply},
};

/// What `runtime` says in all our answers.
pub(crate) const RUNTIME: &str = "greenroom";

/// `GET /health`: 200 `ok` while serving, 503 `draining` from the beginning of a shutdown, so that
/// load balancers look elsewhere, and 503 `store_failed` once nothing can be stored any more, so
/// that a supervisor restarts the process. `blockedForMs` is there while somebody's code keeps all
/// others from running.
pub(crate) fn health(app: &App) -> Reply {
    #[derive(Serialize)]
    struct Health<'a> {
        runtime: &'a str,
        status: &'a str,
        version: &'a str,
        #[serde(rename = "blockedForMs", skip_serializing_if = "Option::is_none")]
        blocked_for_ms: Option<u64>,
    }
    let host = app.config.host_metrics.as_ref();
    let blocked = host.and_then(|host| host.blocked_for());
    let (code, status) = if app.is_draining() {
        (StatusCode::SERVICE_UNAVAILABLE, "draining")
    } else if !app.runtime.store_works() {
        (StatusCode::SERVICE_UNAVAILABLE, "store_failed")
    } else {
        (StatusCode::OK, "ok")
    };
    reply::json(
        code,
        &Health {
            runtime: RUNTIME,
            status,
            version: &app.config.version,
            blocked_for_ms: blocked.map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX)),
        },
    )
}

/// `GET /metadata`: clients wait for this before anything else.
pub(crate) fn metadata(app: &App) -> Reply {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Metadata<'a> {
        runtime: &'a str,
        version: &'a str,
        extensions: &'a str,
        actor_names: BTreeMap<&'a str, &'a Display>,
    }
    let actor_names = app
        .runtime
        .names()
        .map(|name| (name.as_str(), app.config.display(name)))
        .collect();
    reply::json(
        StatusCode::OK,
        &Metadata {
            runtime: RUNTIME,
            version: &app.config.version,
            extensions: EXTENSIONS,
            actor_names,
        },
    )
}

/// `GET /` where no page is served.
pub(crate) fn banner(app: &App) -> Reply {
    reply::text(
        StatusCode::OK,
        format!("This is Greenroom {}.\n", app.config.version),
    )
}

/// `GET {gateway}/metadata`: what an actor says about itself.
pub(crate) fn actor_metadata(app: &App, name: &ActorName) -> Reply {
    #[derive(Serialize)]
    struct Metadata<'a> {
        runtime: &'a str,
        version: &'a str,
        r#type: &'a str,
        name: &'a str,
        display: &'a Display,
    }
    reply::json(
        StatusCode::OK,
        &Metadata {
            runtime: RUNTIME,
            version: &app.config.version,
            r#type: "actor",
            name: name.as_str(),
            display: app.config.display(name),
        },
    )
}

/// `GET {gateway}/`: a text for those who look.
pub(crate) fn actor_banner(app: &App, name: &ActorName) -> Reply {
    reply::text(
        StatusCode::OK,
        format!(
            "This is a `{name}` actor on Greenroom {}.\n",
            app.config.version
        ),
    )
}

/// A JSON object without members.
#[derive(Serialize)]
pub(crate) struct Empty {}
