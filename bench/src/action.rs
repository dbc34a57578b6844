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
    /// Hashes [`ROUNDS`] numbers, each step from the one before, and answers [`HASH`]. Changes nothing.
    Compute,
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

/// What [`Action::Compute`] hashes: about 0.2 ms of JavaScript.
pub(crate) const ROUNDS: u32 = 150_000;
/// What it comes to.
pub(crate) const HASH: u32 = hash(ROUNDS);

/// FNV-1a of the lowest bytes of the numbers below `rounds`.
pub(crate) const fn hash(rounds: u32) -> u32 {
    let mut hash: u32 = 0x811c_9dc5;
    let mut number = 0;
    while number < rounds {
        hash = (hash ^ (number & 0xff)).wrapping_mul(0x0100_0193);
        number += 1;
    }
    hash
}

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
            Self::Compute => "compute",
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
            Self::Compute => vec![Argument::Number(ROUNDS.into())],
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
            Self::Compute => Some(Ability::Compute),
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

#[cfg(test)]
mod tests {
    use super::hash;

    #[test]
    fn the_hash_is_fnv_1a() {
        assert_eq!(hash(0), 0x811c_9dc5);
        // Of the one byte 0, as published with the algorithm.
        assert_eq!(hash(1), 0x050c_5d1f);
    }
}
