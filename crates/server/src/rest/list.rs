//! Listings: by id, by key, by name, and the names themselves.

use std::collections::BTreeMap;

use greenroom_store::ActorRecord;
use greenroom_types::{ActorError, ActorKey, ActorName};
use hyper::StatusCode;
use serde::Serialize;

use super::{
    Caller,
    listing::Listing,
    record::{ActorJson, Pagination},
};
use crate::{
    Display,
    access::{Intents, Wish},
    app::App,
    failure::is_not_found,
    query,
    reply::{self, Reply},
};

/// Actors of one page when the request names no limit.
const PAGE: usize = 100;
/// Most actors of one page, and most ids of one request.
const PAGE_MAX: usize = 1000;

/// `GET /actors`: by `actor_ids`, by `name` and `key`, or else by pages: those of a `name`, or of all
/// types, whose keys begin with `key_prefix`.
///
/// The first two are for clients. Listing whatever there is is management.
pub(super) async fn list(caller: &Caller<'_>, query: Option<&str>) -> Result<Reply, ActorError> {
    let value = |name| query::first(query, name).filter(|value| !value.is_empty());
    let app = caller.app;
    let ids = ids(query);
    if !ids.is_empty() {
        let found = by_ids(caller, &ids, value("name").as_deref()).await?;
        return Ok(answer(app, &found, None));
    }
    let name = value("name").as_deref().map(ActorName::new).transpose()?;
    if let Some(key) = query::first(query, "key") {
        let name = name.ok_or_else(|| invalid("`key` needs a `name`"))?;
        let key = ActorKey::from_storage(&key)?;
        let _pass = caller.enter(Intents::GET, Wish::Key(&name, &key)).await?;
        let found = app.runtime.get(&name, &key).await;
        let found: Vec<_> = present(found)?.into_iter().collect();
        return Ok(answer(app, &found, None));
    }
    caller
        .manage(Intents::LIST, Wish::All(name.as_ref()))
        .await?;
    let limit = match value("limit") {
        None => PAGE,
        Some(limit) => limit
            .parse::<usize>()
            .map_err(|_| invalid("`limit` is no number"))?
            .clamp(1, PAGE_MAX),
    };
    let prefix = value("key_prefix").unwrap_or_default();
    let listing = Listing {
        name,
        prefix: ActorKey::from_storage(&prefix)?,
        limit,
    };
    let (found, next) = listing
        .page(&app.runtime, value("cursor").as_deref())
        .await?;
    Ok(answer(app, &found, next))
}

/// `GET /actors/names`.
pub(super) fn names(app: &App) -> Reply {
    #[derive(Serialize)]
    struct Name<'a> {
        metadata: &'a Display,
    }
    #[derive(Serialize)]
    struct Names<'a> {
        names: BTreeMap<&'a str, Name<'a>>,
        pagination: Pagination,
    }
    let names = app
        .runtime
        .names()
        .map(|name| {
            let metadata = app.config.display(name);
            (name.as_str(), Name { metadata })
        })
        .collect();
    reply::json(
        StatusCode::OK,
        &Names {
            names,
            pagination: Pagination::default(),
        },
    )
}

/// The ids of `actor_ids` (separated by commas) and `actor_id`, of which there may be several.
fn ids(query: Option<&str>) -> Vec<String> {
    query::pairs(query)
        .filter(|(name, _)| name == "actor_ids" || name == "actor_id")
        .flat_map(|(_, value)| value.split(',').map(str::to_owned).collect::<Vec<_>>())
        .filter(|id| !id.is_empty())
        .collect()
}

/// The actors that exist. A text that is no id is the id of no actor.
async fn by_ids(
    caller: &Caller<'_>,
    ids: &[String],
    name: Option<&str>,
) -> Result<Vec<ActorRecord>, ActorError> {
    if ids.len() > PAGE_MAX {
        return Err(invalid(&format!("{} ids, limit is {PAGE_MAX}", ids.len())));
    }
    let mut found = Vec::with_capacity(ids.len());
    for id in ids.iter().filter_map(|id| id.parse().ok()) {
        let _pass = caller.enter(Intents::GET, Wish::Id(id)).await?;
        if let Some(actor) = present(caller.app.runtime.get_by_id(id).await)?
            && name.is_none_or(|name| actor.name.as_str() == name)
        {
            found.push(actor);
        }
    }
    Ok(found)
}

fn present(found: Result<ActorRecord, ActorError>) -> Result<Option<ActorRecord>, ActorError> {
    match found {
        Ok(actor) => Ok(Some(actor)),
        Err(error) if is_not_found(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

fn answer(app: &App, actors: &[ActorRecord], cursor: Option<String>) -> Reply {
    #[derive(Serialize)]
    struct Answer {
        actors: Vec<ActorJson>,
        pagination: Pagination,
    }
    let actors = actors
        .iter()
        .map(|actor| ActorJson::new(actor, &app.runtime))
        .collect();
    reply::json(
        StatusCode::OK,
        &Answer {
            actors,
            pagination: Pagination { cursor },
        },
    )
}

pub(super) fn invalid(what: &str) -> ActorError {
    ActorError::new("validation", "invalid_input", what)
}
