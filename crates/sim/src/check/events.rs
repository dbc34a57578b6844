//! What each connection hears: events in order and without a gap while it is subscribed, none when it is not,
//! and nothing that has not happened.

use super::Final;
use crate::{
    book::Pages,
    history::{Conn, Heard},
};

/// Everything that does not hold. With two nodes on a store (`split`), one does not hear what happens on the
/// other.
pub(super) fn check(pages: &Pages, end: &Final, split: bool) -> Vec<String> {
    let mut found = Vec::new();
    for (number, conn) in pages.conns.iter().enumerate() {
        let Some(actor) = conn.actor else {
            continue;
        };
        let log = end.actors.get(&actor).map(|kept| &kept.log);
        let log = log.or_else(|| pages.ends.get(&actor));
        let log = log.map(Vec::as_slice);
        check_conn(number, conn, log, split, &mut found);
    }
    found
}

/// Whether a connection hears events, as far as its client can know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hearing {
    No,
    /// It has asked for a change that is not confirmed.
    Perhaps,
    Yes,
}

fn check_conn(
    number: usize,
    conn: &Conn,
    log: Option<&[String]>,
    split: bool,
    found: &mut Vec<String>,
) {
    let mut hearing = Hearing::No;
    let hears_all = |hearing| hearing == Hearing::Yes && !split;
    let mut asked: Option<(u64, bool)> = None;
    // The position of the last event, or of the answer since which all are heard.
    let mut last: Option<usize> = None;
    let mut is_first = true;
    let mut is_over = false;
    for heard in &conn.heard {
        let mut wrong = |what: &str| {
            found.push(format!(
                "events: c{number} of {} to {}: {what}: {heard:?}",
                conn.client, conn.key
            ));
        };
        if is_over && !matches!(heard, Heard::Closed(_)) {
            wrong("something after the close");
        }
        match heard {
            Heard::Init(_) => {
                if !is_first {
                    wrong("it is let in twice, or too late");
                }
                is_first = false;
            }
            Heard::Asked { on, id } => {
                asked = Some((*id, *on));
                hearing = Hearing::Perhaps;
            }
            Heard::Answer(id, view) => {
                if asked.is_some_and(|(behind, _)| behind == *id) {
                    let on = asked.take().is_some_and(|(_, on)| on);
                    hearing = if on { Hearing::Yes } else { Hearing::No };
                    last = on.then_some(view.log.len);
                } else if hears_all(hearing) && last.is_some_and(|last| last != view.log.len) {
                    wrong(&format!("events up to {last:?} came before the answer"));
                    last = Some(view.log.len);
                }
            }
            Heard::Failed(id, _) => {
                // An answer that is lost confirms nothing, but what was asked has happened before.
                if asked.is_some_and(|(behind, _)| behind == *id) {
                    hearing = Hearing::Perhaps;
                    asked = None;
                    last = None;
                }
            }
            Heard::Event(news) => {
                if hearing == Hearing::No {
                    wrong("an event that it has not subscribed to");
                }
                if hears_all(hearing) && last.is_some_and(|last| last + 1 != news.log.len) {
                    wrong(&format!("a gap after {last:?}"));
                }
                last = Some(news.log.len);
                if let Some(log) = log
                    && (!news.log.begins(log) || log.get(news.log.len - 1) != Some(&news.entry))
                {
                    wrong("it has not happened");
                }
            }
            Heard::Closed(_) => is_over = true,
        }
    }
}
