//! The one way in from outside: limits first, then the gatekeeper.

use std::{net::IpAddr, sync::Arc};

use bytes::Bytes;
use greenroom_types::{ActorError, ActorId, ActorKey, ActorName};

use super::{
    AccessRequest, Intents, Visitor,
    limiter::{Permit, RateLimiter, Seat},
};
use greenroom_store::ActorRecord;

use crate::{app::App, dispatch::Origin, failure::is_not_found};

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
    /// Of somebody who opens a connection; it is to last as long as that.
    pub(crate) seat: Option<Seat>,
    /// Whose creations count.
    creator: Option<(Arc<RateLimiter>, IpAddr)>,
    _permit: Option<Permit>,
}

impl Pass {
    /// Finds or creates an actor, and says whether it is new. Who has created too many still finds those that exist.
    ///
    /// # Errors
    /// `guard.rate_limit`, and those of [`Runtime::get_or_create`](greenroom_core::Runtime::get_or_create).
    pub(crate) async fn get_or_create(
        &self,
        app: &App,
        name: &ActorName,
        key: &ActorKey,
        input: Option<Bytes>,
    ) -> Result<(ActorRecord, bool), ActorError> {
        // Apart, so that connections do not have room for it while they last.
        let found = Box::pin(app.runtime.get_or_create(name, key, input));
        self.count_creation(app, name, key, found).await
    }

    /// As [`Pass::get_or_create`], for those who send the actor something at once
    /// ([`Runtime::reach_or_create`](greenroom_core::Runtime::reach_or_create)).
    ///
    /// # Errors
    /// The same.
    pub(crate) async fn reach_or_create(
        &self,
        app: &App,
        name: &ActorName,
        key: &ActorKey,
        input: Option<Bytes>,
    ) -> Result<(ActorRecord, bool), ActorError> {
        let found = app.runtime.reach_or_create(name, key, input);
        self.count_creation(app, name, key, found).await
    }

    /// Lets `found` go on if the visitor may create another actor, and counts it if it does.
    async fn count_creation(
        &self,
        app: &App,
        name: &ActorName,
        key: &ActorKey,
        found: impl Future<Output = Result<(ActorRecord, bool), ActorError>>,
    ) -> Result<(ActorRecord, bool), ActorError> {
        let Some((limiter, address)) = &self.creator else {
            return found.await;
        };
        let creation = match limiter.create(*address) {
            Ok(creation) => creation,
            Err(limited) => {
                return match app.runtime.get(name, key).await {
                    Ok(record) => Ok((record, false)),
                    Err(error) if is_not_found(&error) => Err(limited),
                    Err(error) => Err(error),
                };
            }
        };
        let found = found.await;
        if !matches!(found, Ok((_, true))) {
            creation.give_back();
        }
        found
    }

    /// Creates an actor.
    ///
    /// # Errors
    /// `guard.rate_limit`, and those of [`Runtime::create`](greenroom_core::Runtime::create).
    pub(crate) async fn create(
        &self,
        app: &App,
        name: &ActorName,
        key: &ActorKey,
        input: Option<Bytes>,
    ) -> Result<ActorRecord, ActorError> {
        // One that fails counts, too: it has cost as much.
        if let Some((limiter, address)) = &self.creator {
            limiter.create(*address)?;
        }
        app.runtime.create(name, key, input).await
    }
}

/// Decides about a visitor. Whoever comes out of this process is let in unasked.
///
/// # Errors
/// `guard.rate_limit`, `actor.stopping`, or what the gatekeeper says.
pub(crate) async fn enter(app: &App, visitor: &Visitor, ask: Ask<'_>) -> Result<Pass, ActorError> {
    if visitor.origin == Origin::Trusted {
        return Ok(Pass::default());
    }
    let mut pass = Pass::default();
    if let (Some(limiter), Some(address)) = (&app.limiter, visitor.address) {
        pass._permit = Some(limiter.admit(address, ask.wish)?);
        if ask.intents.opens_connection() {
            pass.seat = Some(limiter.connect(address)?);
        }
        pass.creator = Some((Arc::clone(limiter), address));
    }
    let Some(gatekeeper) = &app.config.gatekeeper else {
        return Ok(pass);
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
    pass.auth = decided.await?;
    Ok(pass)
}
