//! The actor lookup API under `/actors`: always plain JSON.

mod list;
mod lookup;
mod record;

use greenroom_types::{ActorError, ActorId};
use hyper::{Method, Request, StatusCode};

use crate::{
    app::App,
    body::RequestBody,
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
        ([], Method::GET | Method::HEAD) => list::list(app, query.as_deref()).await,
        ([], Method::PUT) => lookup::get_or_create(app, request).await,
        ([], Method::POST) => lookup::create(app, request).await,
        (["names"], Method::GET | Method::HEAD) => Ok(list::names(app)),
        ([id], Method::DELETE) => destroy(app, id).await,
        ([id, "sleep"], Method::POST) => {
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
