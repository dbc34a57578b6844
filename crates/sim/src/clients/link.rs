//! The two ways to the actors as one.

use greenroom_types::ActorError;

use super::{
    far::{Bookmark, Far, FarConn},
    near::{Near, NearConn},
};
use crate::history::{Heard, Kind, Outcome};

/// A way to the actors.
#[derive(Clone)]
pub(crate) enum Link {
    /// Within the process.
    Near(Near),
    /// Over the network.
    Far(Far),
}

impl Link {
    /// Does it, and waits for what comes of it.
    pub(crate) async fn act(&self, key: &str, kind: &Kind) -> Outcome {
        match self {
            Self::Near(near) => near.act(key, kind).await,
            Self::Far(far) => far.act(key, kind).await,
        }
    }

    /// Opens a connection. Over the network it may be one that comes back.
    pub(crate) async fn connect(
        &self,
        key: &str,
        returns: bool,
        bookmark: Option<Bookmark>,
    ) -> Result<LinkConn, ActorError> {
        Ok(match self {
            Self::Near(near) => LinkConn::Near(near.connect(key).await?),
            Self::Far(far) => LinkConn::Far(Box::new(far.connect(key, returns, bookmark).await?)),
        })
    }

    /// Whether answers can get lost on the way, so that nobody should wait for ever.
    pub(crate) fn loses(&self) -> bool {
        matches!(self, Self::Far(_))
    }
}

/// A connection to an actor.
pub(crate) enum LinkConn {
    Near(NearConn),
    Far(Box<FarConn>),
}

impl LinkConn {
    /// Calls an action. The answer is heard.
    pub(crate) async fn act(&mut self, id: u64, kind: &Kind) -> Result<(), ActorError> {
        match self {
            Self::Near(conn) => conn.act(id, kind).await,
            Self::Far(conn) => conn.act(id, kind).await,
        }
    }

    /// Starts or ends hearing the news.
    pub(crate) async fn subscribe(&mut self, on: bool) -> Result<(), ActorError> {
        match self {
            Self::Near(conn) => conn.subscribe(on).await,
            Self::Far(conn) => conn.subscribe(on).await,
        }
    }

    /// Says whether it had subscribed to the news, after it has come back.
    pub(crate) async fn go_on(&mut self, on: bool) -> Result<(), ActorError> {
        match self {
            Self::Near(_) => unreachable!("nobody within the process has a bookmark"),
            Self::Far(conn) => conn.go_on(on).await,
        }
    }

    /// Where its client is in the events, if the actor keeps them.
    pub(crate) fn bookmark(&self) -> Option<Bookmark> {
        match self {
            Self::Near(_) => None,
            Self::Far(conn) => conn.bookmark(),
        }
    }

    /// The next thing that is heard; `None` when nothing ever will be.
    pub(crate) async fn next(&mut self) -> Option<Heard> {
        match self {
            Self::Near(conn) => conn.next().await,
            Self::Far(conn) => conn.next().await,
        }
    }
}
