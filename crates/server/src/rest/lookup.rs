//! Finding or creating one actor.

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use greenroom_store::ActorRecord;
use greenroom_types::{ActorError, ActorKey, ActorName, cbor, limits};
use hyper::{Request, StatusCode};
use serde::{Deserialize, Serialize};

use super::{Caller, record::ActorJson};
use crate::{
    access::{Intents, Wish},
    app::App,
    body::{RequestBody, read_body},
    reply::{self, Reply},
};

/// Largest body: the largest input in base64, and room for the rest.
const BODY: usize = limits::INPUT / 3 * 4 + 64 * 1024;

/// The body of PUT and POST. Selectors that mean nothing here are accepted and ignored.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewActor {
    name: String,
    key: Option<String>,
    /// Standard base64 of one CBOR value in compat form.
    input: Option<String>,
    #[serde(rename = "runner_name_selector")]
    _runner_name_selector: Option<String>,
    #[serde(rename = "crash_policy")]
    _crash_policy: Option<String>,
    #[serde(rename = "datacenter")]
    _datacenter: Option<String>,
}

/// What is to be found or created.
struct Wanted {
    name: ActorName,
    key: ActorKey,
    input: Option<Bytes>,
}

impl Wanted {
    fn wish(&self) -> Wish<'_> {
        Wish::Key(&self.name, &self.key)
    }
}

/// `PUT /actors`: `{actor, created}`.
pub(super) async fn get_or_create(
    caller: &Caller<'_>,
    request: Request<RequestBody>,
) -> Result<Reply, ActorError> {
    let wanted = read_wanted(caller.app, request).await?;
    let pass = caller
        .enter(Intents::GET | Intents::CREATE, wanted.wish())
        .await?;
    let (actor, created) = pass
        .get_or_create(caller.app, &wanted.name, &wanted.key, wanted.input)
        .await?;
    Ok(answer(caller.app, &actor, Some(created)))
}

/// `POST /actors`: `{actor}`, or `actor.duplicate_key`.
pub(super) async fn create(
    caller: &Caller<'_>,
    request: Request<RequestBody>,
) -> Result<Reply, ActorError> {
    let wanted = read_wanted(caller.app, request).await?;
    let pass = caller.enter(Intents::CREATE, wanted.wish()).await?;
    let actor = pass
        .create(caller.app, &wanted.name, &wanted.key, wanted.input)
        .await?;
    Ok(answer(caller.app, &actor, None))
}

fn answer(app: &App, actor: &ActorRecord, created: Option<bool>) -> Reply {
    #[derive(Serialize)]
    struct Answer {
        actor: ActorJson,
        #[serde(skip_serializing_if = "Option::is_none")]
        created: Option<bool>,
    }
    reply::json(
        StatusCode::OK,
        &Answer {
            actor: ActorJson::new(actor, &app.runtime),
            created,
        },
    )
}

async fn read_wanted(app: &App, request: Request<RequestBody>) -> Result<Wanted, ActorError> {
    let body = read_body(request, BODY, app.config.body_read_timeout).await?;
    let wanted: NewActor = serde_json::from_slice(&body).map_err(|error| {
        ActorError::new(
            "api",
            "bad_request",
            format!("the body is not what this path takes: {error}"),
        )
    })?;
    Ok(Wanted {
        name: ActorName::new(&wanted.name)?,
        key: ActorKey::from_storage(wanted.key.as_deref().unwrap_or(""))?,
        input: wanted.input.as_deref().map(parse_input).transpose()?,
    })
}

fn parse_input(base64: &str) -> Result<Bytes, ActorError> {
    let invalid = |what: String| ActorError::new("validation", "invalid_input", what);
    let input = BASE64_STANDARD
        .decode(base64)
        .map_err(|error| invalid(format!("`input` is no base64: {error}")))?;
    cbor::validate(&input).map_err(|error| invalid(format!("`input` is no CBOR: {error}")))?;
    Ok(input.into())
}
