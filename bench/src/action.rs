//! What can be asked of an actor, whatever protocol carries it.

use std::fmt;

use crate::ability::Ability;

/// One call. Every system's actor type `counter`, or what it has instead, offers these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action<'a> {
    /// Adds one to the durable counter and answers its value.
    Increment,
    /// Answers the counter's value.
    Read,
    /// Appends a text to the durable list and answers its length.
    Append(&'a str),
    /// Appends texts of 100 bytes to the list until they are about this many bytes, and answers its
    /// length.
    Fill(u64),
    /// Sends the event [`EVENT`] with this text to all who hear it, and answers how often.
    Publish {
        /// The event's only argument.
        text: &'a str,
        /// How many times.
        times: u32,
    },
    /// Asks the actor to sleep soon, and answers nothing.
    Nap,
    /// Answers how often the actor was woken since the process began, its creation included.
    Wakes,
}

/// The event that [`Action::Publish`] sends.
pub(crate) const EVENT: &str = "said";

/// What a system answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// A number.
    Number(u64),
    /// That there is nothing to say.
    Nothing,
    /// The request itself: the server computes nothing that could be checked.
    Echo,
}

/// An argument of an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Argument<'a> {
    /// A number.
    Number(u64),
    /// A text.
    Text(&'a str),
}

impl<'a> Action<'a> {
    /// The name that the systems know it by.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Increment => "increment",
            Self::Read => "getCount",
            Self::Append(_) => "append",
            Self::Fill(_) => "fill",
            Self::Publish { .. } => "publish",
            Self::Nap => "nap",
            Self::Wakes => "getWakes",
        }
    }

    /// Its arguments, in their order.
    pub(crate) fn arguments(self) -> impl ExactSizeIterator<Item = Argument<'a>> {
        match self {
            Self::Increment => vec![Argument::Number(1)],
            Self::Read | Self::Nap | Self::Wakes => Vec::new(),
            Self::Append(text) => vec![Argument::Text(text)],
            Self::Fill(bytes) => vec![Argument::Number(bytes)],
            Self::Publish { text, times } => {
                vec![Argument::Text(text), Argument::Number(times.into())]
            }
        }
        .into_iter()
    }

    /// What a system has to be able to do for it, beside being reached.
    pub(crate) fn needs(self) -> Option<Ability> {
        match self {
            Self::Increment | Self::Read => None,
            Self::Append(_) | Self::Fill(_) => Some(Ability::Lines),
            Self::Publish { .. } => Some(Ability::Events),
            Self::Nap => Some(Ability::Nap),
            Self::Wakes => Some(Ability::Wakes),
        }
    }
}

impl fmt::Display for Action<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
