//! Which actor a request means, and finding it.

use std::borrow::Cow;

use bytes::Bytes;
use greenroom_store::ActorRecord;
use greenroom_types::{
    ActorError, ActorId, ActorKey, ActorName,
    gateway::{GatewayQuery, GatewayTarget, KeySpec, Method},
};

use crate::{
    access::{Ask, Intents, Pass, Seat, Visitor, Wish, enter},
    app::App,
    dispatch::Origin,
    failure::is_not_found,
};

/// The actor that a request means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// The one with this id.
    Id(ActorId),
    /// The one with this key, which has to exist.
    Get {
        /// Its type.
        name: ActorName,
        /// Its key.
        key: KeySpec,
    },
    /// The one with this key, created if it does not exist.
    GetOrCreate {
        /// Its type.
        name: ActorName,
        /// Its key.
        key: KeySpec,
        /// What it is created from.
        input: Option<Bytes>,
    },
}

/// An actor that a request can be sent to.
#[derive(Clone, Debug)]
pub(crate) struct Reached {
    pub(crate) id: ActorId,
    /// Known when it was found by its key.
    pub(crate) key: Option<ActorKey>,
    /// Which life of the actor has answered; 0 while that is not known.
    pub(crate) generation: u64,
}

impl Target {
    /// The target of a gateway URL.
    ///
    /// # Errors
    /// `actor.not_found` for what cannot be an id, `namespace.not_found`.
    pub(crate) fn of(app: &App, target: GatewayTarget<'_>) -> Result<Self, ActorError> {
        match target {
            GatewayTarget::Id { id_text, .. } => Self::of_id(&id_text),
            GatewayTarget::Query(query) => {
                check_namespace(app, Some(&query.namespace))?;
                let GatewayQuery {
                    name,
                    method,
                    key,
                    input,
                    ..
                } = *query;
                Ok(match method {
                    Method::Get => Self::Get { name, key },
                    Method::GetOrCreate => Self::GetOrCreate { name, key, input },
                })
            }
        }
    }

    /// The actor with this id. A text that is no id is the id of no actor.
    ///
    /// # Errors
    /// `actor.not_found`.
    pub(crate) fn of_id(text: &str) -> Result<Self, ActorError> {
        text.parse()
            .map(Self::Id)
            .map_err(|_| ActorError::not_found())
    }

    /// Lets a visitor through to the actor, who wants what `intent` says beside finding or creating
    /// it. The only way to an actor from outside: nothing is read, created or woken before.
    ///
    /// # Errors
    /// `guard.rate_limit`, or what the gatekeeper says.
    pub(crate) async fn enter(
        &self,
        app: &App,
        visitor: &Visitor,
        intent: Intents,
        params: Option<&Bytes>,
    ) -> Result<Entered<'_>, ActorError> {
        if !app.is_guarded() || visitor.origin == Origin::Trusted {
            return Ok(Entered {
                target: Cow::Borrowed(self),
                pass: Pass::default(),
            });
        }
        let plain = self.key().map(KeySpec::plain);
        let (intents, wish) = match (self, &plain) {
            (Self::Get { name, .. }, Some(key)) => (Intents::GET, Wish::Key(name, key)),
            (Self::GetOrCreate { name, .. }, Some(key)) => {
                (Intents::GET | Intents::CREATE, Wish::Key(name, key))
            }
            (Self::Id(id), _) => (Intents::GET, Wish::Id(*id)),
            (Self::Get { .. } | Self::GetOrCreate { .. }, None) => {
                unreachable!("these have a key")
            }
        };
        let ask = Ask {
            intents: intents | intent,
            wish,
            params,
        };
        let pass = enter(app, visitor, ask).await?;
        // What was let in is that key and no other reading of it.
        let target = match plain.filter(|_| app.config.gatekeeper.is_some()) {
            Some(key) => Cow::Owned(self.with_key(key)),
            None => Cow::Borrowed(self),
        };
        Ok(Entered { target, pass })
    }

    fn key(&self) -> Option<&KeySpec> {
        match self {
            Self::Id(_) => None,
            Self::Get { key, .. } | Self::GetOrCreate { key, .. } => Some(key),
        }
    }

    /// The same with an unambiguous key.
    fn with_key(&self, exact: ActorKey) -> Self {
        let mut target = self.clone();
        match &mut target {
            Self::Id(_) => {}
            Self::Get { key, .. } | Self::GetOrCreate { key, .. } => *key = KeySpec::Exact(exact),
        }
        target
    }

    /// Finds or creates the actor.
    async fn resolve(&self, app: &App, pass: &Pass) -> Result<ActorRecord, ActorError> {
        match self {
            Self::Id(id) => app.runtime.get_by_id(*id).await,
            Self::Get { name, key } => find(app, name, key).await,
            Self::GetOrCreate { name, key, input } => {
                if let Some(found) = find_ambiguous(app, name, key).await? {
                    return Ok(found);
                }
                let key = key.plain();
                let created = pass.get_or_create(app, name, &key, input.clone());
                Ok(created.await?.0)
            }
        }
    }

    /// The actor that the request means without doubt, if it has a task.
    fn known(&self, app: &App) -> Result<Option<ActorRecord>, ActorError> {
        match self {
            Self::GetOrCreate { name, key, .. } if key.candidates().nth(1).is_none() => {
                app.runtime.known(name, &key.plain())
            }
            Self::Id(_) | Self::Get { .. } | Self::GetOrCreate { .. } => Ok(None),
        }
    }

    /// As [`Target::resolve`], for those who send the actor something at once: it may not be created yet.
    async fn reach(&self, app: &App, pass: &Pass) -> Result<ActorRecord, ActorError> {
        let Self::GetOrCreate { name, key, input } = self else {
            return self.resolve(app, pass).await;
        };
        if let Some(found) = find_ambiguous(app, name, key).await? {
            return Ok(found);
        }
        let key = key.plain();
        let created = pass.reach_or_create(app, name, &key, input.clone());
        Ok(created.await?.0)
    }
}

/// An actor that somebody was let through to. It counts as under way until it is dropped.
#[derive(Debug)]
pub(crate) struct Entered<'a> {
    target: Cow<'a, Target>,
    pass: Pass,
}

impl Entered<'_> {
    /// What is known of the visitor, in compat form. Gives it away.
    pub(crate) fn take_auth(&mut self) -> Option<Bytes> {
        self.pass.auth.take()
    }

    /// What counts as the visitor's connection for as long as it is kept. Gives it away.
    pub(crate) fn take_seat(&mut self) -> Option<Seat> {
        self.pass.seat.take()
    }

    /// Finds or creates the actor.
    pub(crate) async fn resolve(&self, app: &App) -> Result<ActorRecord, ActorError> {
        self.target.resolve(app, &self.pass).await
    }

    /// Finds the actor, and never creates it. Takes an id at its word.
    pub(crate) async fn find(&self, app: &App) -> Result<ActorId, ActorError> {
        match &*self.target {
            Target::Id(id) => Ok(*id),
            Target::Get { name, key } | Target::GetOrCreate { name, key, .. } => {
                Ok(find(app, name, key).await?.id)
            }
        }
    }

    /// As [`Entered::resolve`], but takes an id at its word, and does not wait for a creation to be durable:
    /// whoever sends the actor something learns soon enough whether it exists.
    pub(crate) async fn reach(&self, app: &App) -> Result<Reached, ActorError> {
        match &*self.target {
            Target::Id(id) => Ok(Reached {
                id: *id,
                key: None,
                generation: 0,
            }),
            Target::Get { .. } | Target::GetOrCreate { .. } => {
                let record = match self.target.known(app)? {
                    Some(record) => record,
                    // Apart, so that connections do not have room for what is rare.
                    None => Box::pin(self.target.reach(app, &self.pass)).await?,
                };
                Ok(Reached {
                    id: record.id,
                    key: Some(record.key),
                    generation: 0,
                })
            }
        }
    }
}

/// The first actor that exists among those that the key may mean.
async fn find(app: &App, name: &ActorName, key: &KeySpec) -> Result<ActorRecord, ActorError> {
    for candidate in key.candidates() {
        match app.runtime.get(name, &candidate).await {
            Err(error) if is_not_found(&error) => {}
            found => return found,
        }
    }
    Err(ActorError::not_found())
}

/// The actor that exists, if the key may mean several.
async fn find_ambiguous(
    app: &App,
    name: &ActorName,
    key: &KeySpec,
) -> Result<Option<ActorRecord>, ActorError> {
    if key.candidates().nth(1).is_none() {
        return Ok(None);
    }
    match find(app, name, key).await {
        Err(error) if is_not_found(&error) => Ok(None),
        found => found.map(Some),
    }
}

/// Whether this server answers to a namespace. None is the default one.
///
/// # Errors
/// `namespace.not_found`.
pub(crate) fn check_namespace(app: &App, namespace: Option<&str>) -> Result<(), ActorError> {
    match namespace {
        Some(other) if other != app.config.namespace => Err(ActorError::namespace_not_found(other)),
        Some(_) | None => Ok(()),
    }
}
