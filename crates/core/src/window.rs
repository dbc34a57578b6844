//! The recent events of an actor, for clients that missed some of them.
//!
//! An actor with [`ActorOptions::resume`](crate::ActorOptions::resume) numbers its events, broadcasts and those to one
//! connection alike, from 1 and without gaps, and keeps the newest of them: as many as [`WindowLimits`] allows. Of
//! what is too old it forgets all but how far each name, and each session, is gone; so a client is told that it has
//! missed something only if it has.
//!
//! # Stored form
//!
//! A sequence of items of CBOR, one after the other:
//!
//! | item | meaning |
//! |---|---|
//! | `[at uint, name text, args bytes]` | the next event, to all subscribers; `at` is in milliseconds since the Unix epoch |
//! | `[at uint, name text, args bytes, session bytes]` | the next event, to one session |
//! | `number uint` | the events up to this one are forgotten |
//! | `null` | from here on events are not kept, nor counted: all are forgotten, and one number with them |
//! | `[forgotten uint, others uint, [[name text, number uint], ...], [[session bytes, number uint], ...], 0]` | begin: there are no events but those that follow, `forgotten` was the number before the first of them, and of each name and session this was the last one that is gone; of all others `others` |
//!
//! A snapshot begins with the last kind.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use bytes::Bytes;
use greenroom_types::{
    EventFrame,
    cbor::{self, CborError, CborProblem, Major, Reader},
    limits,
};

use crate::session::Session;

/// What an event counts beside its name and arguments, in bytes.
const OVERHEAD: usize = 64;
/// Names and sessions that are remembered one by one after their events are gone.
const REMEMBERED: usize = 1024;

/// How much an actor keeps of its events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowLimits {
    /// So many events.
    pub max_events: usize,
    /// So many bytes, in names and arguments and 64 for each event.
    pub max_bytes: usize,
    /// Events that are not older than this.
    pub max_age: Duration,
}

impl Default for WindowLimits {
    fn default() -> Self {
        Self {
            max_events: limits::WINDOW_EVENTS,
            max_bytes: limits::WINDOW_BYTES,
            max_age: limits::WINDOW_AGE,
        }
    }
}

/// One event that is kept.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// When it happened, in milliseconds since the Unix epoch. Never before the event before it.
    pub at_ms: i64,
    /// Whose it is; absent for a broadcast.
    pub to: Option<Session>,
    /// The event, with its number.
    pub frame: EventFrame,
}

impl Recorded {
    fn weight(&self) -> usize {
        OVERHEAD + self.frame.name().len() + self.frame.args().len()
    }

    fn encode(&self, out: &mut Vec<u8>) {
        cbor::put_array(out, if self.to.is_some() { 4 } else { 3 });
        cbor::put_uint(out, self.at_ms.unsigned_abs());
        cbor::put_text(out, self.frame.name());
        cbor::put_bytes(out, self.frame.args());
        if let Some(session) = self.to {
            cbor::put_bytes(out, session.as_bytes());
        }
    }
}

impl PartialEq for Recorded {
    fn eq(&self, other: &Self) -> bool {
        let parts = |event: &Self| (event.at_ms, event.to, event.frame.number());
        parts(self) == parts(other)
            && self.frame.name() == other.frame.name()
            && self.frame.args() == other.frame.args()
    }
}

impl Eq for Recorded {}

/// The recent events of one actor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Window {
    kept: VecDeque<Recorded>,
    bytes: usize,
    /// The number of the newest event; 0 before the first.
    last: u64,
    /// Whether events are not kept any more.
    closed: bool,
    forgotten: Forgotten,
}

impl Window {
    /// The number of the newest event; 0 before the first.
    pub fn last(&self) -> u64 {
        self.last
    }

    /// The number of the newest event that is forgotten; 0 if none is.
    pub fn floor(&self) -> u64 {
        self.last - self.kept.len() as u64
    }

    /// Whether events were not kept for a while, and are not since.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// How many events there are.
    pub fn len(&self) -> usize {
        self.kept.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// Adds an event, which gets the next number.
    pub fn record(
        &mut self,
        now_ms: i64,
        to: Option<Session>,
        name: String,
        args: Bytes,
    ) -> &Recorded {
        let before_ms = self.kept.back().map_or(0, |event| event.at_ms);
        self.last += 1;
        self.closed = false;
        let event = Recorded {
            at_ms: now_ms.max(before_ms),
            to,
            frame: EventFrame::numbered(self.last, name, args),
        };
        self.bytes += event.weight();
        self.kept.push_back(event);
        &self.kept[self.kept.len() - 1]
    }

    /// Forgets what exceeds the limits. `true` if that is anything.
    pub fn prune(&mut self, limits: &WindowLimits, now_ms: i64) -> bool {
        let max_age_ms = i64::try_from(limits.max_age.as_millis()).unwrap_or(i64::MAX);
        let floor = self.floor();
        while let Some(oldest) = self.kept.front()
            && (self.kept.len() > limits.max_events
                || self.bytes > limits.max_bytes
                || oldest.at_ms < now_ms.saturating_sub(max_age_ms))
        {
            self.forget_oldest();
        }
        self.floor() != floor
    }

    fn forget_oldest(&mut self) {
        let number = self.floor() + 1;
        if let Some(event) = self.kept.pop_front() {
            self.bytes -= event.weight();
            let key = match event.to {
                Some(session) => Key::Session(*session.as_bytes()),
                None => Key::Name(event.frame.name().to_owned()),
            };
            self.forgotten.note(key, number);
        }
    }

    /// From here on events are neither kept nor counted: all are forgotten, with one that never was, so that nobody
    /// who comes back later takes them for all that there were.
    pub fn close(&mut self) {
        self.last += 1;
        self.kept.clear();
        self.bytes = 0;
        self.closed = true;
        self.forgotten = Forgotten {
            others: self.last,
            ..Forgotten::default()
        };
    }

    /// Events are kept again.
    pub(crate) fn reopen(&mut self) {
        self.closed = false;
    }

    /// Whether nothing is gone that came after `last` and was for `session`, or for all who had subscribed to one of
    /// `subscriptions`: names, and the last number before each began.
    pub fn reaches<'a>(
        &self,
        last: u64,
        session: Session,
        mut subscriptions: impl Iterator<Item = (&'a str, u64)>,
    ) -> bool {
        let gone = |key| self.forgotten.last_of(&key);
        last >= self.floor()
            || gone(Key::Session(*session.as_bytes())) <= last
                && subscriptions
                    .all(|(name, after)| gone(Key::Name(name.to_owned())) <= last.max(after))
    }

    /// The events after `last`.
    pub fn after(&self, last: u64) -> impl Iterator<Item = &Recorded> + '_ {
        let skipped = usize::try_from(last.saturating_sub(self.floor())).unwrap_or(usize::MAX);
        self.kept.iter().skip(skipped)
    }

    /// Appends the newest event in its stored form.
    pub(crate) fn encode_newest(&self, out: &mut Vec<u8>) {
        if let Some(event) = self.kept.back() {
            event.encode(out);
        }
    }

    /// Appends, in stored form, how far events are forgotten.
    pub(crate) fn encode_floor(&self, out: &mut Vec<u8>) {
        cbor::put_uint(out, self.floor());
    }

    /// Appends, in stored form, that events are not kept from here on.
    pub(crate) fn encode_close(out: &mut Vec<u8>) {
        cbor::put_null(out);
    }

    /// Everything in stored form.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let Forgotten { by_key, others, .. } = &self.forgotten;
        cbor::put_array(&mut out, 5);
        cbor::put_uint(&mut out, self.floor());
        cbor::put_uint(&mut out, *others);
        let names = by_key.iter().filter_map(|(key, number)| match key {
            Key::Name(name) => Some((name, *number)),
            Key::Session(_) => None,
        });
        cbor::put_array(&mut out, names.clone().count());
        for (name, number) in names {
            cbor::put_array(&mut out, 2);
            cbor::put_text(&mut out, name);
            cbor::put_uint(&mut out, number);
        }
        let sessions = by_key.iter().filter_map(|(key, number)| match key {
            Key::Session(session) => Some((session, *number)),
            Key::Name(_) => None,
        });
        cbor::put_array(&mut out, sessions.clone().count());
        for (session, number) in sessions {
            cbor::put_array(&mut out, 2);
            cbor::put_bytes(&mut out, session);
            cbor::put_uint(&mut out, number);
        }
        cbor::put_uint(&mut out, u64::from(self.closed));
        for event in &self.kept {
            event.encode(&mut out);
        }
        out
    }

    /// Applies a sequence of items in stored form.
    ///
    /// # Errors
    /// [`CborError`] when it is malformed; some of it may have been applied.
    pub fn apply_stored(&mut self, items: &[u8]) -> Result<(), CborError> {
        let mut reader = Reader::new(items);
        while !reader.rest().is_empty() {
            let at = reader.position();
            let head = reader.peek()?;
            match head.major {
                Major::Uint => {
                    let floor = reader.uint()?;
                    if floor > self.last {
                        return Err(expected(at, "the number of an event"));
                    }
                    while self.floor() < floor {
                        self.forget_oldest();
                    }
                }
                Major::Array => match reader.array()?.left() {
                    Some(3) => self.apply_event(&mut reader, false)?,
                    Some(4) => self.apply_event(&mut reader, true)?,
                    Some(5) => *self = read_beginning(&mut reader)?,
                    Some(_) | None => return Err(expected(at, "an event or a beginning")),
                },
                _ => {
                    if reader.item()? != [NULL] {
                        return Err(expected(at, "an event, a number or null"));
                    }
                    if self.last == u64::MAX {
                        return Err(expected(at, "nothing after the last number"));
                    }
                    self.close();
                }
            }
        }
        Ok(())
    }

    fn apply_event(&mut self, reader: &mut Reader<'_>, to_one: bool) -> Result<(), CborError> {
        let at = reader.position();
        let at_ms = reader.uint()?;
        let at_ms = i64::try_from(at_ms).map_err(|_| expected(at, "a time"))?;
        let name = reader.text()?.to_owned();
        let args = Bytes::copy_from_slice(reader.bytes()?);
        let to = match to_one {
            true => Some(Session::from_bytes(read_session(reader)?)),
            false => None,
        };
        if self.last == u64::MAX {
            return Err(expected(at, "nothing after the last number"));
        }
        self.record(at_ms, to, name, args);
        Ok(())
    }
}

const NULL: u8 = 0xf6;

fn read_beginning(reader: &mut Reader<'_>) -> Result<Window, CborError> {
    let last = reader.uint()?;
    let mut forgotten = Forgotten {
        others: reader.uint()?,
        ..Forgotten::default()
    };
    let mut names = reader.array()?;
    while names.more(reader)? {
        pair(reader)?;
        let name = reader.text()?.to_owned();
        forgotten.note(Key::Name(name), reader.uint()?);
    }
    let mut sessions = reader.array()?;
    while sessions.more(reader)? {
        pair(reader)?;
        let session = read_session(reader)?;
        forgotten.note(Key::Session(session), reader.uint()?);
    }
    let closed = reader.uint()? != 0;
    Ok(Window {
        last,
        closed,
        forgotten,
        ..Window::default()
    })
}

fn pair(reader: &mut Reader<'_>) -> Result<(), CborError> {
    let at = reader.position();
    match reader.array()?.left() {
        Some(2) => Ok(()),
        Some(_) | None => Err(expected(at, "a pair")),
    }
}

fn read_session(reader: &mut Reader<'_>) -> Result<[u8; 16], CborError> {
    let at = reader.position();
    let session = reader.bytes()?.try_into();
    session.map_err(|_| expected(at, "a session of 16 bytes"))
}

fn expected(at: usize, what: &'static str) -> CborError {
    CborError::new(at, CborProblem::Expected(what))
}

/// Whom an event was for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Name(String),
    Session([u8; 16]),
}

/// How far events are gone. What was forgotten longest ago is remembered only together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Forgotten {
    by_key: BTreeMap<Key, u64>,
    /// The same by their numbers, of which each is of one event.
    by_number: BTreeMap<u64, Key>,
    /// The highest number of those that are not in the maps.
    others: u64,
}

impl Forgotten {
    fn last_of(&self, key: &Key) -> u64 {
        self.by_key.get(key).copied().unwrap_or(self.others)
    }

    fn note(&mut self, key: Key, number: u64) {
        if let Some(before) = self.by_key.insert(key.clone(), number) {
            self.by_number.remove(&before);
        }
        self.by_number.insert(number, key);
        if self.by_key.len() > REMEMBERED
            && let Some((oldest, key)) = self.by_number.pop_first()
        {
            self.by_key.remove(&key);
            self.others = self.others.max(oldest);
        }
    }
}

#[cfg(test)]
mod tests;
