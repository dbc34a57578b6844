//! Listings: by id, by key, by name, and the names themselves.

use std::collections::BTreeMap;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use greenroom_store::{ActorRecord, ListQuery};
use greenroom_types::{ActorError, ActorKey, ActorName};
use hyper::StatusCode;
use serde::Serialize;

use super::record::{ActorJson, Pagination};
use crate::{
    app::App,
    failure::is_not_found,
    info::Empty,
    query,
    reply::{self, Reply},
};

/// Actors of one page when the request names no limit.
const PAGE: usize = 100;
/// Most actors of one page, and most ids of one request.
const PAGE_MAX: usize = 1000;

/// `GET /actors`: by `actor_ids`, else by `name` and `key`, else all of a `name` by pages.
pub(super) async fn list(app: &App, query: Option<&str>) -> Result<Reply, ActorError> {
    let value = |name| query::first(query, name);
    let ids = ids(query);
    if !ids.is_empty() {
        return Ok(answer(
            &by_ids(app, &ids, value("name").as_deref()).await?,
            None,
        ));
    }
    let Some(name) = value("name") else {
        return Err(invalid("`name` or `actor_ids` is needed"));
    };
    let name = ActorName::new(&name)?;
    if let Some(key) = value("key") {
        let found = app.runtime.get(&name, &ActorKey::from_storage(&key)?).await;
        return Ok(answer(
            &present(found)?.into_iter().collect::<Vec<_>>(),
            None,
        ));
    }
    let limit = match value("limit") {
        None => PAGE,
        Some(limit) => limit
            .parse::<usize>()
            .map_err(|_| invalid("`limit` is no number"))?
            .clamp(1, PAGE_MAX),
    };
    let cursor = value("cursor").filter(|cursor| !cursor.is_empty());
    let cursor = cursor
        .map(|cursor| BASE64_URL_SAFE_NO_PAD.decode(cursor))
        .transpose();
    let cursor = cursor
        .map_err(|_| invalid("`cursor` is none of ours"))?
        .map(Into::into);
    let page = app
        .runtime
        .list(ListQuery {
            name,
            prefix: ActorKey::default(),
            cursor,
            limit,
        })
        .await?;
    Ok(answer(
        &page.actors,
        page.next.map(|next| BASE64_URL_SAFE_NO_PAD.encode(next)),
    ))
}

/// `GET /actors/names`.
pub(super) fn names(app: &App) -> Reply {
    #[derive(Serialize)]
    struct Name {
        metadata: Empty,
    }
    #[derive(Serialize)]
    struct Names<'a> {
        names: BTreeMap<&'a str, Name>,
        pagination: Pagination,
    }
    let names = app
        .runtime
        .names()
        .map(|name| (name.as_str(), Name { metadata: Empty {} }))
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
    app: &App,
    ids: &[String],
    name: Option<&str>,
) -> Result<Vec<ActorRecord>, ActorError> {
    if ids.len() > PAGE_MAX {
        return Err(invalid(&format!("{} ids, limit is {PAGE_MAX}", ids.len())));
    }
    let mut found = Vec::with_capacity(ids.len());
    for id in ids.iter().filter_map(|id| id.parse().ok()) {
        if let Some(actor) = present(app.runtime.get_by_id(id).await)?
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

fn answer(actors: &[ActorRecord], cursor: Option<String>) -> Reply {
    #[derive(Serialize)]
    struct Answer {
        actors: Vec<ActorJson>,
        pagination: Pagination,
    }
    let actors = actors.iter().map(ActorJson::from).collect();
    reply::json(
        StatusCode::OK,
        &Answer {
            actors,
            pagination: Pagination { cursor },
        },
    )
}

fn invalid(what: &str) -> ActorError {
    ActorError::new("validation", "invalid_input", what)
}
