//! The actor lookup API under `/actors`: always plain JSON.
//!
//! | request | answer | for |
//! |---|---|---|
//! | `GET /actors?name=N&key=K` | the actor with this key, in a list of one or none | clients |
//! | `GET /actors?actor_ids=A,B` | those of them that exist | clients |
//! | `PUT /actors` | `{actor, created}`: found or created | clients |
//! | `POST /actors` | `{actor}`: created | clients |
//! | `GET /actors?[name=N][&key_prefix=K][&limit=L][&cursor=C]` | `{actors, pagination: {cursor}}` | management |
//! | `GET /actors/names` | `{names: {N: …}, pagination}` | management |
//! | `DELETE /actors/{id}`, `POST /actors/{id}/sleep` | `{}` | management |
//!
//! Keys are in storage form. `key_prefix` is the storage form of whole parts: `room` is the prefix of
//! `room` and of `room/1`, not of `rooms`; absent, empty and `/` are the prefix of all keys. A page has
//! at most `limit` actors (100 unless given, at most 1,000), in the order of their types and then of
//! their keys; `cursor` is null after the last page, and otherwise to be given with the request for the
//! next. What is for management takes the server's token, see [`Management`](crate::access::Management).

mod list;
mod listing;
mod lookup;
mod record;

use greenroom_types::{ActorError, ActorId};
use hyper::{Method, Request, StatusCode};

use crate::{
    app::App,
    body::RequestBody,
    dispatch::origin,
    failure::{gateway_error, is_not_found},
    gateway::check_namespace,
    info::Empty,
    query,
    reply::{self, Reply},
};

/// Answers a request whose path begins with `/actors`.
pub(crate) async fn handle(app: &App, request: Request<RequestBody>) -> Reply {
    answer(app, request)
        .await
        .unwrap_or_else(|error| gateway_error(&error))
}

async fn answer(app: &App, request: Request<RequestBody>) -> Result<Reply, ActorError> {
    let path = request.uri().path().trim_matches('/').to_owned();
    let query = request.uri().query().map(str::to_owned);
    check_namespace(app, query::first(query.as_deref(), "namespace").as_deref())?;
    let method = request.method().clone();
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    match (parts.as_slice(), method) {
        ([], Method::GET | Method::HEAD) => list::list(app, &request, query.as_deref()).await,
        ([], Method::PUT) => lookup::get_or_create(app, request).await,
        ([], Method::POST) => lookup::create(app, request).await,
        (["names"], Method::GET | Method::HEAD) => {
            manage(app, &request)?;
            Ok(list::names(app))
        }
        ([id], Method::DELETE) => {
            manage(app, &request)?;
            destroy(app, id).await
        }
        ([id, "sleep"], Method::POST) => {
            manage(app, &request)?;
            app.runtime.sleep(parse_id(id)?)?;
            Ok(reply::json(StatusCode::OK, &Empty {}))
        }
        ([], other) => Err(ActorError::method_not_allowed(
            other.as_str(),
            "GET, PUT or POST",
        )),
        (["names"], other) => Err(ActorError::method_not_allowed(other.as_str(), "GET")),
        ([_], other) => Err(ActorError::method_not_allowed(other.as_str(), "DELETE")),
        ([_, "sleep"], other) => Err(ActorError::method_not_allowed(other.as_str(), "POST")),
        (_, _) => Err(ActorError::no_route(request.uri().path())),
    }
}

/// Whether a request may do what is for management.
fn manage(app: &App, request: &Request<RequestBody>) -> Result<bool, ActorError> {
    app.management.check(origin(request), request.headers())
}

/// Destroying what is gone already is fine: the wish is fulfilled.
async fn destroy(app: &App, id: &str) -> Result<Reply, ActorError> {
    match app.runtime.destroy(parse_id(id)?).await {
        Ok(()) => Ok(reply::json(StatusCode::OK, &Empty {})),
        Err(error) if is_not_found(&error) => Ok(reply::json(StatusCode::OK, &Empty {})),
        Err(error) => Err(error),
    }
}

/// A text that is no id is the id of no actor.
fn parse_id(id: &str) -> Result<ActorId, ActorError> {
    id.parse().map_err(|_| ActorError::not_found())
}
