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
//! | `GET /actors/largest?[name=N][&limit=L]` | `{actors}`: what they weigh, the largest first | management |
//! | `DELETE /actors/{id}`, `POST /actors/{id}/sleep` | `{}` | management |
//!
//! Keys are in storage form. `key_prefix` is the storage form of whole parts: `room` is the prefix of
//! `room` and of `room/1`, not of `rooms`; absent, empty and `/` are the prefix of all keys. A page has
//! at most `limit` actors (100 unless given, at most 1,000), in the order of their types and then of
//! their keys; `cursor` is null after the last page, and otherwise to be given with the request for the
//! next. What is for management takes the server's token, see [`Management`](crate::access::Management).

mod largest;
mod list;
mod listing;
mod lookup;
mod record;

use greenroom_types::{ActorError, ActorId};
use hyper::{Method, Request, StatusCode};

use crate::{
    access::{Ask, Intents, Pass, Visitor, Wish, enter},
    app::App,
    body::RequestBody,
    client_info::Seen,
    connection::UpgradeSlot,
    dispatch::origin,
    failure::{gateway_error, is_not_found},
    gateway::check_namespace,
    info::Empty,
    query,
    reply::{self, Reply},
};

/// Answers a request whose path begins with `/actors`.
pub(crate) async fn handle(app: &App, slot: &UpgradeSlot, request: Request<RequestBody>) -> Reply {
    answer(app, slot, request)
        .await
        .unwrap_or_else(|error| gateway_error(&error))
}

async fn answer(
    app: &App,
    slot: &UpgradeSlot,
    request: Request<RequestBody>,
) -> Result<Reply, ActorError> {
    let path = request.uri().path().trim_matches('/').to_owned();
    let query = request.uri().query().map(str::to_owned);
    check_namespace(app, query::first(query.as_deref(), "namespace").as_deref())?;
    let method = request.method().clone();
    let caller = Caller {
        app,
        visitor: visitor(app, slot, &request),
        manages: app.management.check(origin(&request), request.headers()),
    };
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    match (parts.as_slice(), method) {
        ([], Method::GET | Method::HEAD) => list::list(&caller, query.as_deref()).await,
        ([], Method::PUT) => lookup::get_or_create(&caller, request).await,
        ([], Method::POST) => lookup::create(&caller, request).await,
        (["names"], Method::GET | Method::HEAD) => {
            caller.manage(Intents::LIST, Wish::All(None)).await?;
            Ok(list::names(app))
        }
        (["largest"], Method::GET | Method::HEAD) => {
            caller.manage(Intents::LIST, Wish::All(None)).await?;
            largest::largest(app, query.as_deref())
        }
        ([id], Method::DELETE) => {
            let id = parse_id(id)?;
            caller.manage(Intents::DESTROY, Wish::Id(id)).await?;
            destroy(app, id).await
        }
        ([id, "sleep"], Method::POST) => {
            let id = parse_id(id)?;
            caller.manage(Intents::SLEEP, Wish::Id(id)).await?;
            app.runtime.sleep(id)?;
            Ok(reply::json(StatusCode::OK, &Empty {}))
        }
        ([], other) => Err(ActorError::method_not_allowed(
            other.as_str(),
            "GET, PUT or POST",
        )),
        (["names" | "largest"], other) => {
            Err(ActorError::method_not_allowed(other.as_str(), "GET"))
        }
        ([_], other) => Err(ActorError::method_not_allowed(other.as_str(), "DELETE")),
        ([_, "sleep"], other) => Err(ActorError::method_not_allowed(other.as_str(), "POST")),
        (_, _) => Err(ActorError::no_route(request.uri().path())),
    }
}

/// Who asks, and what of.
struct Caller<'a> {
    app: &'a App,
    visitor: Visitor,
    /// Whether it may manage: `true` if nobody else needs to be asked.
    manages: Result<bool, ActorError>,
}

impl Caller<'_> {
    /// Lets the caller in to find or create an actor.
    ///
    /// # Errors
    /// `guard.rate_limit`, or what the gatekeeper says.
    async fn enter(&self, intents: Intents, wish: Wish<'_>) -> Result<Pass, ActorError> {
        let ask = Ask {
            intents,
            wish,
            params: None,
        };
        enter(self.app, &self.visitor, ask).await
    }

    /// Lets the caller do what is for management.
    ///
    /// # Errors
    /// `auth.unauthorized`, `auth.forbidden`, and those of [`Caller::enter`].
    async fn manage(&self, intents: Intents, wish: Wish<'_>) -> Result<(), ActorError> {
        if !self.manages.clone()? {
            self.enter(intents, wish).await?;
        }
        Ok(())
    }
}

fn visitor(app: &App, slot: &UpgradeSlot, request: &Request<RequestBody>) -> Visitor {
    let seen = Seen {
        method: request.method(),
        path: request.uri().path(),
        query: request.uri().query(),
        headers: request.headers(),
    };
    Visitor::of(app, slot.peer(), request, None, || seen.encode())
}

/// Destroying what is gone already is fine: the wish is fulfilled.
async fn destroy(app: &App, id: ActorId) -> Result<Reply, ActorError> {
    match app.runtime.destroy(id).await {
        Ok(()) => Ok(reply::json(StatusCode::OK, &Empty {})),
        Err(error) if is_not_found(&error) => Ok(reply::json(StatusCode::OK, &Empty {})),
        Err(error) => Err(error),
    }
}

/// A text that is no id is the id of no actor.
fn parse_id(id: &str) -> Result<ActorId, ActorError> {
    id.parse().map_err(|_| ActorError::not_found())
}
