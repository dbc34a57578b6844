//! The one way in from outside: limits first, then the gatekeeper.

use std::sync::Arc;

use bytes::Bytes;
use greenroom_types::{ActorError, ActorId, ActorKey, ActorName};

use super::{AccessRequest, Intents, Visitor, limiter::Permit};
use crate::{app::App, dispatch::Origin};

/// What a visitor wants.
pub(crate) struct Ask<'a> {
    pub(crate) intents: Intents,
    pub(crate) wish: Wish<'a>,
    /// Connection parameters in compat form.
    pub(crate) params: Option<&'a Bytes>,
}

/// Whom it is about.
#[derive(Clone, Copy, Debug, Hash)]
pub(crate) enum Wish<'a> {
    /// The actor with this id.
    Id(ActorId),
    /// The actor with this name and key.
    Key(&'a ActorName, &'a ActorKey),
    /// All actors of a type, or of all types.
    All(Option<&'a ActorName>),
}

/// A visitor may come in. What is under way is over when this is dropped.
#[derive(Debug, Default)]
pub(crate) struct Pass {
    /// What the gatekeeper said of the visitor, in compat form.
    pub(crate) auth: Option<Bytes>,
    _permit: Option<Permit>,
}

/// Decides about a visitor. Whoever comes out of this process is let in unasked.
///
/// # Errors
/// `guard.rate_limit`, `actor.stopping`, or what the gatekeeper says.
pub(crate) async fn enter(app: &App, visitor: &Visitor, ask: Ask<'_>) -> Result<Pass, ActorError> {
    if visitor.origin == Origin::Trusted {
        return Ok(Pass::default());
    }
    let permit = match (&app.limiter, visitor.address) {
        (Some(limiter), Some(address)) => Some(limiter.admit(address, ask.wish)?),
        _ => None,
    };
    let Some(gatekeeper) = &app.config.gatekeeper else {
        return Ok(Pass {
            auth: None,
            _permit: permit,
        });
    };
    if app.is_draining() {
        return Err(ActorError::stopping());
    }
    let (id, name, key) = match ask.wish {
        Wish::Id(id) => (Some(id), None, None),
        Wish::Key(name, key) => (None, Some(name), Some(key)),
        Wish::All(name) => (None, name, None),
    };
    let decided = Arc::clone(gatekeeper).decide(AccessRequest {
        intents: ask.intents,
        name: name.cloned(),
        key: key.cloned(),
        id,
        params: ask.params.cloned(),
        token: visitor.token.clone(),
        address: visitor.address,
        request: visitor.seen.clone().unwrap_or_default(),
    });
    Ok(Pass {
        auth: decided.await?,
        _permit: permit,
    })
}
