//! Which connection stands for which session, and how far those that came back are.

use greenroom_types::ActorId;

use super::Conns;
use crate::{
    ConnKey,
    actor::following::{Behind, Following},
    session::Session,
};

impl Conns {
    /// The session of a connection whose client may come back, which takes the place of any other of that session.
    /// `None` for other connections. What the client claims is looked at the first time; `new` makes a session.
    pub(crate) fn follow(
        &mut self,
        key: ConnKey,
        actor: ActorId,
        new: impl FnOnce() -> Session,
    ) -> Option<Session> {
        let Some(conn) = self.open.get_mut(&key) else {
            let left = self.left.iter().rev().find(|(left, _)| *left == key);
            return left.map(|(_, session)| *session);
        };
        if !conn.can_resume {
            return None;
        }
        if let Some(following) = &conn.following {
            return Some(following.session);
        }
        let claim = conn.claim.take();
        let following = match claim.as_ref().map(|claim| claim.of(actor)) {
            Some(Some((session, last))) => Following::after(session, last),
            Some(None) => Following::new(new(), claim.map(|claim| claim.last())),
            None => Following::new(new(), None),
        };
        let session = following.session;
        conn.following = Some(Box::new(following));
        Some(session)
    }

    /// Lets `key` stand for its session, and gives the connection that did before.
    pub(crate) fn take_place(&mut self, key: ConnKey, session: Session) -> Option<ConnKey> {
        let before = self.sessions.insert(*session.as_bytes(), key);
        before.filter(|&before| before != key)
    }

    /// The connection that stands for a session.
    pub(crate) fn of_session(&self, session: Session) -> Option<ConnKey> {
        self.sessions.get(session.as_bytes()).copied()
    }

    /// The session of a connection whose events are numbered.
    pub(crate) fn session(&self, key: ConnKey) -> Option<Session> {
        let following = self.open.get(&key)?.following.as_ref()?;
        Some(following.session)
    }

    /// What a connection claims to have heard though that cannot be, once.
    pub(crate) fn take_refused(&mut self, key: ConnKey) -> Option<u64> {
        let conn = self.open.get_mut(&key)?;
        match &mut conn.following {
            Some(following) => following.refused.take(),
            None => conn.claim.take().map(|claim| claim.last()),
        }
    }

    /// What a connection that came back waits for.
    pub(in crate::actor) fn behind(&mut self, key: ConnKey) -> Option<&mut Behind> {
        let following = self.open.get_mut(&key)?.following.as_mut()?;
        following.behind.as_mut()
    }

    /// A connection that came back has what it missed.
    pub(in crate::actor) fn caught_up(&mut self, key: ConnKey) -> Option<Behind> {
        let following = self.open.get_mut(&key)?.following.as_mut()?;
        following.behind.take()
    }

    /// All connections whose events are numbered.
    pub(crate) fn following(&self) -> Vec<ConnKey> {
        self.sessions.values().copied().collect()
    }
}
