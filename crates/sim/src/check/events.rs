//! What each connection hears: events in order and without a gap while it is subscribed, none when it is not,
//! and nothing that has not happened. Whoever comes back hears what it missed as if it had never been away, or is
//! told that nobody can tell it.

use super::Final;
use greenroom_types::ActorId;

use crate::{
    book::Pages,
    history::{Conn, Heard},
};

/// Everything that does not hold. With two nodes on a store (`split`), one does not hear what happens on the
/// other. Of its events an actor keeps so many (`kept`).
pub(super) fn check(pages: &Pages, end: &Final, split: bool, kept: Option<usize>) -> Vec<String> {
    let mut found = Vec::new();
    let mut ends: Vec<Ear> = Vec::new();
    for (number, conn) in pages.conns.iter().enumerate() {
        let log = conn.actor.and_then(|actor| {
            let log = end.actors.get(&actor).map(|kept| kept.log.as_slice());
            log.or_else(|| pages.ends.get(&actor).map(Vec::as_slice))
        });
        let mut ear = match conn.before {
            Some(before) => ends[before].after(conn),
            None => Ear {
                actor: conn.actor,
                ..Ear::default()
            },
        };
        let rules = Rules { log, split, kept };
        for heard in &conn.heard {
            if let Some(what) = ear.hear(heard, &rules) {
                found.push(format!(
                    "events: c{number} of {} to {}: {what}: {heard:?}",
                    conn.client, conn.key
                ));
            }
        }
        ends.push(ear);
    }
    found
}

/// What decides about right and wrong.
struct Rules<'a> {
    /// What has happened to the actor.
    log: Option<&'a [String]>,
    split: bool,
    kept: Option<usize>,
}

/// Whether a connection hears events, as far as its client can know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Hearing {
    #[default]
    No,
    /// It has asked for a change that is not confirmed.
    Perhaps,
    Yes,
}

/// What a client knows while it listens.
#[derive(Clone, Copy, Debug, Default)]
struct Ear {
    /// The actor that let it in last.
    actor: Option<ActorId>,
    hearing: Hearing,
    /// What it has asked for, and the action whose answer confirms it.
    asked: Option<(u64, bool)>,
    /// The position of the last event, or of the answer since which all are heard.
    last: Option<usize>,
    has_begun: bool,
    is_over: bool,
    /// It was with another actor before, so it has missed what nobody can tell it.
    is_elsewhere: bool,
    /// It has yet to be told so.
    may_skip: bool,
}

impl Ear {
    /// On the connection that goes on after this one.
    fn after(self, conn: &Conn) -> Self {
        let actor = conn.actor.or(self.actor);
        let is_elsewhere = self.is_elsewhere || actor != self.actor;
        Self {
            actor,
            // What was not confirmed never will be.
            hearing: match self.asked {
                Some(_) => Hearing::Perhaps,
                None => self.hearing,
            },
            asked: None,
            last: self.last.filter(|_| !is_elsewhere),
            has_begun: false,
            is_over: false,
            is_elsewhere,
            may_skip: is_elsewhere,
        }
    }

    /// What is wrong with that, if anything is.
    fn hear(&mut self, heard: &Heard, rules: &Rules<'_>) -> Option<String> {
        let hears_all = self.hearing == Hearing::Yes && !rules.split;
        let wrong = |what: &str| Some(what.to_owned());
        if self.is_over && !matches!(heard, Heard::Closed(_)) {
            return wrong("something after the close");
        }
        match heard {
            Heard::Init(_) => {
                if std::mem::replace(&mut self.has_begun, true) {
                    return wrong("it is let in twice");
                }
            }
            Heard::Asked { on, id } => {
                self.asked = Some((*id, *on));
                self.hearing = Hearing::Perhaps;
                self.is_elsewhere = false;
            }
            Heard::Back { on, id } => {
                if self.hearing == Hearing::Perhaps {
                    self.asked = Some((*id, *on));
                    self.last = None;
                }
            }
            Heard::Answer(id, view) => return self.answer(*id, view.log.len, hears_all),
            Heard::Failed(id, _) => {
                // An answer that is lost confirms nothing, but what was asked has happened before.
                if self.asked.is_some_and(|(behind, _)| behind == *id) {
                    self.hearing = Hearing::Perhaps;
                    self.asked = None;
                    self.last = None;
                }
            }
            Heard::Event(news) => {
                if self.hearing == Hearing::No {
                    return wrong("an event that it has not subscribed to");
                }
                if self.is_elsewhere && hears_all {
                    return wrong("another actor's event, and not a word about that");
                }
                let last = self.last.replace(news.log.len);
                if hears_all && last.is_some_and(|last| last + 1 != news.log.len) {
                    return Some(format!("not what follows {last:?}"));
                }
                if let Some(log) = rules.log
                    && (!news.log.begins(log) || log.get(news.log.len - 1) != Some(&news.entry))
                {
                    return wrong("it has not happened");
                }
            }
            Heard::Resync(from, to) => return self.skip(*from, *to, rules),
            Heard::Closed(_) => self.is_over = true,
        }
        None
    }

    fn answer(&mut self, id: u64, len: usize, hears_all: bool) -> Option<String> {
        if self.asked.is_some_and(|(behind, _)| behind == id) {
            let on = self.asked.take().is_some_and(|(_, on)| on);
            self.hearing = if on { Hearing::Yes } else { Hearing::No };
            self.last = on.then_some(len);
            return None;
        }
        let last = self.last;
        if hears_all {
            self.last = Some(len);
            if last.is_some_and(|last| last != len) {
                return Some(format!("events up to {last:?} came before the answer"));
            }
        }
        None
    }

    fn skip(&mut self, from: u64, to: u64, rules: &Rules<'_>) -> Option<String> {
        self.last = None;
        self.is_elsewhere = false;
        let is_needed = rules.split
            || std::mem::take(&mut self.may_skip)
            || rules.kept.is_some_and(|kept| kept < 1_000 && from < to);
        (!is_needed).then(|| "nothing was missed that is not kept".to_owned())
    }
}
