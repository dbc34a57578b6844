//! What has to happen sooner or later: alarms that were set, messages that were taken.

use super::Final;
use crate::{
    book::Book,
    history::{Kind, Outcome, cancelled, told},
};

/// Something that was promised and has not happened yet. Messages whose handling was not promised to survive
/// the loss of their actor count only when actors have been woken (`all`).
pub(crate) fn promises(book: &Book, end: &Final, all: bool) -> Option<String> {
    let pages = book.pages();
    for op in &pages.ops {
        let Outcome::Done(actor, _) = &op.outcome else {
            continue;
        };
        // What was promised by an actor that was destroyed is over.
        let Some(kept) = end.actors.get(actor) else {
            continue;
        };
        let has = |entry: &str| kept.log.iter().any(|other| other == entry);
        let missing = match &op.kind {
            Kind::Schedule(alarm, _) if !has(&told(alarm)) && !has(&cancelled(alarm)) => {
                Some(told(alarm))
            }
            Kind::Publish { entry, resumes, .. } if (*resumes || all) && !has(entry) => {
                Some(entry.clone())
            }
            Kind::Append(_)
            | Kind::Loose(_)
            | Kind::Faint(_)
            | Kind::Read
            | Kind::Save
            | Kind::Schedule(..)
            | Kind::Cancel(_)
            | Kind::Publish { .. }
            | Kind::Sleep
            | Kind::Destroy => None,
        };
        if let Some(entry) = missing {
            return Some(format!("{entry} of actor {actor}"));
        }
    }
    None
}
