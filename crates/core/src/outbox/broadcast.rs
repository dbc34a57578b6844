//! An event on its way into many outboxes.

use std::sync::Arc;

use greenroom_types::EventFrame;

use crate::WhenSlow;

/// What of an event's copies only the newest is kept of: the name of the event, and what the actor says
/// that it is about.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Topic {
    event: String,
    about: String,
}

/// What may become of a message that waits.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    /// It waits until it is written.
    Whole,
    /// It may be left out.
    Optional,
    /// It gives way to the next one about the same.
    About(Arc<Topic>),
}

/// One event, for one client or many.
#[derive(Debug)]
pub(crate) struct Broadcast {
    frame: EventFrame,
    /// The same in memory of its own, made for the first client that is slow and shared by all of them.
    lasting: Option<EventFrame>,
    kind: Kind,
}

impl Broadcast {
    pub(crate) fn new(frame: EventFrame, when_slow: WhenSlow) -> Self {
        let kind = match when_slow {
            WhenSlow::Disconnect => Kind::Whole,
            WhenSlow::Drop => Kind::Optional,
            WhenSlow::Coalesce { about } => Kind::About(Arc::new(Topic {
                event: frame.name().to_owned(),
                about,
            })),
        };
        Self {
            frame,
            lasting: None,
            kind,
        }
    }

    /// The event's name.
    pub(crate) fn name(&self) -> &str {
        self.frame.name()
    }

    /// What may become of it on its way to a client that can be told of gaps, or cannot.
    pub(super) fn kind(&self, sees_gaps: bool) -> Kind {
        match &self.kind {
            Kind::Optional if !sees_gaps => Kind::Whole,
            kind => kind.clone(),
        }
    }

    /// For a client that takes what comes.
    pub(super) fn frame(&self) -> EventFrame {
        self.frame.clone()
    }

    /// For a client that lets things wait.
    pub(super) fn lasting(&mut self) -> EventFrame {
        self.lasting
            .get_or_insert_with(|| self.frame.detached())
            .clone()
    }
}
