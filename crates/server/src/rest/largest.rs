//! `GET /actors/largest`: the actors that weigh most, of those that are awake or have connections.

use greenroom_core::{Identity, Weight};
use greenroom_types::{ActorError, ActorName};
use hyper::StatusCode;
use serde::Serialize;

use super::list::invalid;
use crate::{
    app::App,
    query,
    reply::{self, Reply},
};

/// Actors that are listed when the request names no limit, and at most.
const LISTED: usize = 20;
const LISTED_MAX: usize = 1000;

/// One actor and what it weighs, in bytes.
#[derive(Serialize)]
struct Heavy {
    actor_id: String,
    name: String,
    /// In storage form.
    key: String,
    /// False for one that only its connections keep.
    awake: bool,
    /// What it holds in memory: the sum of the next four.
    total_bytes: u64,
    state_bytes: u64,
    kv_bytes: u64,
    queue_bytes: u64,
    outbox_bytes: u64,
    /// On disk, behind the last snapshot.
    journal_bytes: u64,
    connections: u64,
    calls: u64,
}

impl Heavy {
    fn new(who: &Identity, weight: Weight) -> Self {
        Self {
            actor_id: who.id.to_string(),
            name: who.name.to_string(),
            key: who.key.to_storage(),
            awake: weight.awake,
            total_bytes: weight.total(),
            state_bytes: weight.state,
            kv_bytes: weight.kv,
            queue_bytes: weight.queue,
            outbox_bytes: weight.outbox,
            journal_bytes: weight.journal,
            connections: weight.connections,
            calls: weight.calls,
        }
    }
}

/// Answers with the largest actors, those of one `name` if it is given, at most `limit`.
pub(super) fn largest(app: &App, query: Option<&str>) -> Result<Reply, ActorError> {
    #[derive(Serialize)]
    struct Answer {
        actors: Vec<Heavy>,
    }
    let value = |name| query::first(query, name).filter(|value| !value.is_empty());
    let name = value("name").as_deref().map(ActorName::new).transpose()?;
    let limit = match value("limit") {
        None => LISTED,
        Some(limit) => limit
            .parse::<usize>()
            .map_err(|_| invalid("`limit` is no number"))?
            .clamp(1, LISTED_MAX),
    };
    let mut weights = app.runtime.weights();
    if let Some(name) = name {
        weights.retain(|(who, _)| who.name == name);
    }
    // By id among equals, so that the order does not depend on chance.
    weights.sort_unstable_by_key(|(who, weight)| (std::cmp::Reverse(weight.total()), who.id));
    weights.truncate(limit);
    let actors = weights
        .iter()
        .map(|(who, weight)| Heavy::new(who, *weight))
        .collect();
    Ok(reply::json(StatusCode::OK, &Answer { actors }))
}
