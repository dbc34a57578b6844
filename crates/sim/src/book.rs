//! What was seen in one run: every operation with its beginning and end, what every connection heard, what
//! the actors themselves noticed, and a line for each in the order in which it happened.
//!
//! The order is total, because everything runs on one thread. A lock because parts of the product want
//! their parts to be `Sync`; it is held for a few lines at a time.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use greenroom_types::ActorId;

use crate::{
    history::{Conn, Heard, Kind, Op, Outcome},
    view::View,
};

/// See the top of the file. Clones share the contents.
#[derive(Clone, Debug, Default)]
pub(crate) struct Book(Arc<Mutex<Pages>>);

/// Everything that was written down.
#[derive(Debug, Default)]
pub(crate) struct Pages {
    /// The trace.
    pub(crate) lines: Vec<String>,
    /// What must not be, as the parts have noticed it themselves.
    pub(crate) violations: Vec<String>,
    pub(crate) ops: Vec<Op>,
    pub(crate) conns: Vec<Conn>,
    /// When alarms are due at the earliest, by their entry.
    pub(crate) due_ms: BTreeMap<String, i64>,
    /// The last log of actors that were told to end for ever.
    pub(crate) ends: BTreeMap<ActorId, Vec<String>>,
    /// The newest claim of each actor that was loaded.
    pub(crate) claims: BTreeMap<ActorId, u64>,
    /// What actors were that went to sleep in good order and have not woken since.
    pub(crate) asleep: BTreeMap<ActorId, View>,
    /// Alarms whose cancelling was acknowledged.
    pub(crate) cancelled: BTreeSet<String>,
    /// The newest life of each actor.
    pub(crate) lives: BTreeMap<ActorId, u64>,
    /// The machines whose clients have had their last answers.
    pub(crate) finished: BTreeSet<String>,
    /// How often each fault has happened.
    pub(crate) faults: BTreeMap<&'static str, u64>,
    /// Callers that have done all that they wanted.
    pub(crate) retired: u64,
    /// Events and messages looked at, for the report.
    pub(crate) checked: u64,
    entries: u64,
    moment: u64,
    elapsed: Duration,
    /// Whether a machine runs at this moment, and its clock can be asked.
    is_inside: bool,
}

impl Book {
    pub(crate) fn pages(&self) -> MutexGuard<'_, Pages> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Time since the run began, for what happens outside of any machine, also while one is torn down:
    /// there its clock would go by that of the real world.
    pub(crate) fn set_elapsed(&self, elapsed: Duration, is_inside: bool) {
        let mut pages = self.pages();
        (pages.elapsed, pages.is_inside) = (elapsed, is_inside);
    }

    /// Time since the run began.
    pub(crate) fn elapsed(&self) -> Duration {
        let (outside, is_inside) = {
            let pages = self.pages();
            (pages.elapsed, pages.is_inside)
        };
        let inside = is_inside.then(turmoil::sim_elapsed).flatten();
        inside.unwrap_or(outside)
    }

    /// Adds a line to the trace.
    pub(crate) fn note(&self, line: impl AsRef<str>) {
        let now = self.elapsed();
        let mut text = String::new();
        let (ms, us) = (now.as_millis(), now.as_micros() % 1000);
        let _ = write!(text, "{ms:>6}.{us:03} {}", line.as_ref());
        self.pages().lines.push(text);
    }

    /// Something that must not be.
    pub(crate) fn violation(&self, what: impl AsRef<str>) {
        let what = what.as_ref();
        self.note(format!("VIOLATION {what}"));
        self.pages().violations.push(what.to_owned());
    }

    /// Counts a fault.
    pub(crate) fn fault(&self, name: &'static str, details: impl AsRef<str>) {
        self.note(format!("fault {name} {}", details.as_ref()));
        *self.pages().faults.entry(name).or_default() += 1;
    }

    /// A name for something that an actor is to remember, used once.
    pub(crate) fn new_entry(&self, letter: char) -> String {
        let mut pages = self.pages();
        pages.entries += 1;
        format!("{letter}{}", pages.entries)
    }

    /// An operation begins. It counts as lost unless it is [ended](Pending::end).
    pub(crate) fn begin(&self, client: &str, key: &str, kind: Kind) -> Pending {
        let op = {
            let mut pages = self.pages();
            let invoked = pages.tick();
            pages.ops.push(Op {
                client: client.to_owned(),
                key: key.to_owned(),
                kind: kind.clone(),
                invoked,
                returned: None,
                outcome: Outcome::Open,
            });
            pages.ops.len() - 1
        };
        self.note(format!("{client} calls {key} {kind:?}"));
        Pending {
            book: self.clone(),
            op,
            is_over: false,
        }
    }

    /// A connection begins. What it hears is told under the number that this gives.
    pub(crate) fn connect(&self, client: &str, key: &str, before: Option<usize>) -> usize {
        let conn = {
            let mut pages = self.pages();
            pages.conns.push(Conn {
                client: client.to_owned(),
                key: key.to_owned(),
                actor: None,
                before,
                heard: Vec::new(),
            });
            pages.conns.len() - 1
        };
        let back = before.map_or(String::new(), |before| {
            format!(" and goes on with c{before}")
        });
        self.note(format!("{client} connects to {key} as c{conn}{back}"));
        conn
    }

    /// A connection sends or hears something.
    pub(crate) fn hear(&self, conn: usize, heard: Heard) {
        self.note(format!("c{conn} {heard:?}"));
        let mut pages = self.pages();
        pages.checked += 1;
        if let Heard::Init(actor) = heard {
            pages.conns[conn].actor = Some(actor);
        }
        pages.conns[conn].heard.push(heard);
    }

    /// A life of an actor begins.
    pub(crate) fn life(&self, node: &str, actor: ActorId, generation: u64) {
        self.note(format!("{node} {actor} starts life {generation}"));
        let before = self.pages().lives.insert(actor, generation);
        if before.is_some_and(|before| before >= generation) {
            self.violation(format!(
                "one writer: actor {actor} starts life {generation} after life {before:?}"
            ));
        }
    }
}

impl Pages {
    fn tick(&mut self) -> u64 {
        self.moment += 1;
        self.moment
    }
}

/// An operation under way.
#[derive(Debug)]
pub(crate) struct Pending {
    book: Book,
    op: usize,
    is_over: bool,
}

impl Pending {
    /// The operation has come to this.
    pub(crate) fn end(mut self, outcome: Outcome) {
        self.finish(outcome);
    }

    fn finish(&mut self, outcome: Outcome) {
        self.is_over = true;
        let line = {
            let mut pages = self.book.pages();
            let returned = pages.tick();
            let op = &mut pages.ops[self.op];
            op.returned = Some(returned);
            op.outcome = outcome;
            let taken_back = match (&op.kind, &op.outcome) {
                (Kind::Cancel(alarm), Outcome::Done(_, view)) if view.word != "no" => {
                    Some(alarm.clone())
                }
                _ => None,
            };
            let line = format!(
                "{} got {} {:?}: {:?}",
                op.client, op.key, op.kind, op.outcome
            );
            pages.cancelled.extend(taken_back);
            line
        };
        self.book.note(line);
    }
}

impl Drop for Pending {
    /// Whoever has asked is gone.
    fn drop(&mut self) {
        if !self.is_over {
            self.finish(Outcome::Unknown("gone".to_owned()));
        }
    }
}
