//! The words in which a history is told.

use greenroom_types::{ActorError, ActorId};

use crate::view::{News, View};

/// What somebody wants of an actor. Entries are unique within a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Append an entry to the log, durably.
    Append(String),
    /// Append an entry to the loose log, with less than strict durability.
    Loose(String),
    /// Append an entry that may get lost at any time.
    Faint(String),
    /// Read both logs.
    Read,
    /// Read, when everything so far is durable.
    Save,
    /// Note an alarm in the log, and let it append its entry after so many milliseconds.
    Schedule(String, u64),
    /// Take an alarm back, and note that.
    Cancel(String),
    /// Put a message into a queue whose consumer appends it to the log.
    Publish {
        /// What is appended.
        entry: String,
        /// Whether the actor asks to be woken again if it is lost before that.
        resumes: bool,
        /// Whether the sender waits until it is.
        wait: bool,
    },
    /// Let the actor put itself to sleep.
    Sleep,
    /// End the actor.
    Destroy,
}

impl Kind {
    /// The entry that the log has if the operation has happened.
    pub(crate) fn entry(&self) -> Option<String> {
        match self {
            Self::Append(entry) | Self::Schedule(entry, _) => Some(entry.clone()),
            Self::Publish { entry, .. } => Some(entry.clone()),
            Self::Cancel(alarm) => Some(cancelled(alarm)),
            Self::Loose(_)
            | Self::Faint(_)
            | Self::Read
            | Self::Save
            | Self::Sleep
            | Self::Destroy => None,
        }
    }
}

/// The entry of an alarm that was told.
pub(crate) fn told(alarm: &str) -> String {
    format!("{alarm}:told")
}

/// The entry of an alarm that was taken back.
pub(crate) fn cancelled(alarm: &str) -> String {
    format!("{alarm}:cancelled")
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Nothing yet.
    Open,
    /// It has happened, to this actor.
    Done(ActorId, View),
    /// It has not happened, and never will.
    Refused(String),
    /// Nobody knows, and it may yet happen.
    Unknown(String),
}

/// One operation.
#[derive(Clone, Debug)]
pub(crate) struct Op {
    pub(crate) client: String,
    /// The actor's key. Which actor that was is known only if it has answered.
    pub(crate) key: String,
    pub(crate) kind: Kind,
    /// Its beginning and its end, as positions in the order of all of them.
    pub(crate) invoked: u64,
    pub(crate) returned: Option<u64>,
    pub(crate) outcome: Outcome,
}

impl Op {
    /// What was asked for, and what came of it.
    pub(crate) fn in_words(&self) -> String {
        format!("{} {:?}: {:?}", self.key, self.kind, self.outcome)
    }

    /// Whether somebody still waits for it.
    pub(crate) fn is_open(&self) -> bool {
        self.outcome == Outcome::Open
    }
}

/// Something that happened on a connection, as its client sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// It is let in.
    Init(ActorId),
    /// The client wants to hear events from now on, or no longer, and asks for an answer behind that.
    Asked {
        /// Whether it wants to.
        on: bool,
        /// The action behind it.
        id: u64,
    },
    /// An action is answered.
    Answer(u64, View),
    /// An action has failed.
    Failed(u64, ActorError),
    /// An event.
    Event(News),
    /// It has come back, says whether it had subscribed to events, and asks for an answer behind that.
    Back {
        /// Whether it had.
        on: bool,
        /// The action behind it.
        id: u64,
    },
    /// Of the events after the first of these numbers, up to the second, nobody can tell it.
    Resync(u64, u64),
    /// The end.
    Closed(String),
}

/// One connection.
#[derive(Clone, Debug)]
pub(crate) struct Conn {
    pub(crate) client: String,
    pub(crate) key: String,
    pub(crate) actor: Option<ActorId>,
    /// The connection that it goes on with.
    pub(crate) before: Option<usize>,
    pub(crate) heard: Vec<Heard>,
}
