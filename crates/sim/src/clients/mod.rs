//! Who uses the actors.

mod caller;
mod far;
mod link;
mod near;
mod repeat;
mod talker;

pub(crate) use caller::{Caller, Will};
pub(crate) use far::Far;
pub(crate) use link::Link;
pub(crate) use near::Near;
pub(crate) use repeat::Repeater;
pub(crate) use talker::Talker;

use greenroom_types::{ActorError, ActorId};

use crate::{
    history::{Kind, Outcome},
    view::View,
};

/// The name and the argument of the action that does this.
fn action(kind: &Kind) -> (&'static str, String) {
    match kind {
        Kind::Append(entry) => ("append", entry.clone()),
        Kind::Loose(entry) => ("loose", entry.clone()),
        Kind::Faint(entry) => ("faint", entry.clone()),
        Kind::Read => ("read", String::new()),
        Kind::Save => ("save", String::new()),
        Kind::Schedule(entry, ms) => ("schedule", format!("{entry} {ms}")),
        Kind::Cancel(alarm) => ("cancel", alarm.clone()),
        Kind::Sleep => ("sleep", String::new()),
        Kind::Publish { .. } | Kind::Destroy => unreachable!("{kind:?} is no action"),
    }
}

/// Whether an error says for certain that nothing has happened.
fn is_harmless(error: &ActorError) -> bool {
    matches!(
        (&*error.group, &*error.code),
        ("actor", "overloaded" | "not_found")
    )
}

/// What an answer comes to.
fn outcome(actor: ActorId, answer: Result<String, ActorError>) -> Outcome {
    match answer {
        Ok(text) => match View::parse(&text) {
            Some(view) => Outcome::Done(actor, view),
            None => Outcome::Unknown(format!("an answer that nobody gave: {text}")),
        },
        Err(error) if is_harmless(&error) => Outcome::Refused(code(&error)),
        Err(error) => Outcome::Unknown(code(&error)),
    }
}

fn code(error: &ActorError) -> String {
    format!("{}.{}", error.group, error.code)
}
