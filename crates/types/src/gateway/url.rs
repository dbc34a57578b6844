//! Splits a gateway URL.

use std::borrow::Cow;

use super::{GatewayQuery, query::Params};
use crate::{
    ActorError, ActorName,
    percent::{self, Plus},
};

/// A request through the gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayRequest<'a> {
    /// Which actor it is for.
    pub target: GatewayTarget<'a>,
    /// What follows the first segment, raw; `/` when nothing does.
    pub path: &'a str,
    /// The query without its `rvt-` parameters, byte for byte; absent when there is none or nothing
    /// is left of it.
    pub query: Option<Cow<'a, str>>,
}

/// Which actor a request is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GatewayTarget<'a> {
    /// The actor with an id.
    Id {
        /// The id as the client wrote it, unchecked: one that cannot be parsed names no actor.
        id_text: Cow<'a, str>,
        /// The token behind `@`.
        token: Option<Cow<'a, str>>,
    },
    /// The actor with a name and a key.
    Query(Box<GatewayQuery<'a>>),
}

impl<'a> GatewayRequest<'a> {
    /// Reads a raw path and a raw query (what follows `?`). `None` when the path is no gateway path:
    /// it does not start with `/gateway/` and a segment, or it contains `//`.
    ///
    /// # Errors
    /// `guard.query_*` with the reason, or `actor.key_too_large`, `actor.input_too_large`. All of
    /// them are the client's mistake (status 400).
    pub fn parse(path: &'a str, query: Option<&'a str>) -> Result<Option<Self>, ActorError> {
        let Some(after) = path
            .strip_prefix("/gateway/")
            .filter(|_| !path.contains("//"))
        else {
            return Ok(None);
        };
        let (segment, rest) = after.split_at(after.find('/').unwrap_or(after.len()));
        let params = Params::split(query.unwrap_or_default());
        let target = if params.is_query_form() {
            GatewayTarget::Query(Box::new(params.parse(actor_name(segment)?)?))
        } else if segment.is_empty() {
            return Ok(None);
        } else {
            direct(segment)?
        };
        let path = if rest.is_empty() { "/" } else { rest };
        let query = if params.is_query_form() {
            params.remaining()
        } else {
            query.map(Cow::Borrowed)
        };
        Ok(Some(Self {
            target,
            path,
            query,
        }))
    }
}

fn direct(segment: &str) -> Result<GatewayTarget<'_>, ActorError> {
    let (id, token) = match segment.split_once('@') {
        Some((id, token)) => (id, Some(token)),
        None => (segment, None),
    };
    let id_text = decode_segment(id)?;
    let token = token.map(decode_segment).transpose()?;
    Ok(GatewayTarget::Id { id_text, token })
}

fn actor_name(segment: &str) -> Result<ActorName, ActorError> {
    if segment.contains('@') {
        return Err(ActorError::guard(
            "query_path_token_syntax",
            "`@token` is for actor ids: with `rvt-` parameters, use `rvt-token`",
        ));
    }
    if segment.is_empty() {
        return Err(ActorError::guard(
            "query_empty_actor_name",
            "the actor name in the path is empty",
        ));
    }
    ActorName::new(&decode_segment(segment)?)
        .map_err(|error| ActorError::guard("query_invalid_params", error.to_string()))
}

fn decode_segment(segment: &str) -> Result<Cow<'_, str>, ActorError> {
    percent::decode(segment, Plus::Plus).ok_or_else(|| {
        ActorError::guard(
            "query_invalid_percent_encoding",
            "the first segment after `/gateway/` is not percent-encoded UTF-8",
        )
    })
}
