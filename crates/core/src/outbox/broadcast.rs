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

/// One event, for one client or many.
#[derive(Debug)]
pub(crate) struct Broadcast {
    frame: EventFrame,
    /// The same in memory of its own, made for the first client that is slow and shared by all of them.
    lasting: Option<EventFrame>,
    topic: Option<Arc<Topic>>,
}

impl Broadcast {
    pub(crate) fn new(frame: EventFrame, when_slow: WhenSlow) -> Self {
        let topic = match when_slow {
            WhenSlow::Disconnect => None,
            WhenSlow::Coalesce { about } => Some(Arc::new(Topic {
                event: frame.name().to_owned(),
                about,
            })),
        };
        Self {
            frame,
            lasting: None,
            topic,
        }
    }

    /// The event's name.
    pub(crate) fn name(&self) -> &str {
        self.frame.name()
    }

    pub(super) fn topic(&self) -> Option<Arc<Topic>> {
        self.topic.clone()
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
