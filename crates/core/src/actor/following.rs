//! How far a connection is in the events of its actor, if its client may come back to them.

use std::collections::{BTreeMap, BTreeSet};

use crate::session::Session;

/// A connection whose events are numbered.
#[derive(Debug)]
pub(super) struct Following {
    pub(super) session: Session,
    /// What it claimed to have heard of another actor's events.
    pub(super) refused: Option<u64>,
    /// It has come back, and does not hear anything until it has what it missed.
    pub(super) behind: Option<Behind>,
}

/// What a connection that came back waits for before it is told what it missed.
#[derive(Debug)]
pub(super) struct Behind {
    /// The last event that its client knows of.
    pub(super) last: u64,
    /// Its client has said what it had subscribed to.
    pub(super) has_said: bool,
    /// Of that, what the instance has yet to allow.
    pub(super) undecided: BTreeSet<String>,
    /// Subscriptions that began meanwhile, and how often their client asked for each. It is told later, when it has
    /// heard everything before.
    pub(super) begun: BTreeMap<String, u32>,
}

impl Following {
    /// A connection that begins with what follows.
    pub(super) fn new(session: Session, refused: Option<u64>) -> Self {
        Self {
            session,
            refused,
            behind: None,
        }
    }

    /// A connection whose client knows the events up to `last`.
    pub(super) fn after(session: Session, last: u64) -> Self {
        Self {
            session,
            refused: None,
            behind: Some(Behind {
                last,
                has_said: false,
                undecided: BTreeSet::new(),
                begun: BTreeMap::new(),
            }),
        }
    }
}

impl Behind {
    /// Whether all is known that tells which events it missed.
    pub(super) fn is_ready(&self) -> bool {
        self.has_said && self.undecided.is_empty()
    }
}
