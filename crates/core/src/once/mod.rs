//! The answers that an actor keeps of calls that run once, so that a call that is made again is
//! answered and not run.
//!
//! An answer is kept by the commit that has the effects of the turn which gave it, so a crash loses
//! both or neither. A call of several turns is kept as *begun* by the first commit that it may have a
//! part in; if the actor is lost after that, nobody can say what is missing, and the call is neither
//! answered nor run again. Turns that change nothing need no commit; their answers are kept in memory
//! only, by a window of their own.
//!
//! A window is bounded by count, bytes and age, and forgets in this order:
//!
//! 1. what a caller does not wait for any more: each call says the first number that its caller still
//!    waits for. What is below that is never asked for again, except by requests that were under way
//!    for long, and those are refused;
//! 2. the oldest, whoever called. From then on a call that is made again is refused if it was made
//!    for the first time before the last one that was forgotten: it may have run.
//!
//! # Stored form
//!
//! A sequence of arrays of CBOR, in a commit the changes in order, in a snapshot what they come to:
//!
//! | items | meaning |
//! |---|---|
//! | `[below uint, until uint]` | all records with lower places are forgotten; the last of them is of the time `until` |
//! | `[place uint, caller, number uint, first uint, time uint, digest uint, answer]` | a record, instead of an earlier one of the same call |
//!
//! Places count up. A caller is its id as bytes, or a key of the user's as text, whose number is 0. Times
//! are milliseconds since the Unix epoch. The answer is `null` while the call has only begun, `false` if it
//! was too large to be kept, the value as bytes, or `[group, code, message, metadata bytes or null]`.

mod index;
mod records;
mod stored;

use bytes::Bytes;
use greenroom_types::{
    ActorError,
    once::{OnceCall, OnceId},
};

pub(crate) use self::index::OnceIndex;
use self::records::Records;
use crate::CallRecordLimits;

/// What became of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It has begun, and may have changed something.
    Begun,
    /// It was answered by more bytes than a window may have.
    TooLarge,
    /// It was answered.
    Given(Result<Bytes, ActorError>),
}

impl Answer {
    /// About how many bytes it has.
    fn len(&self) -> usize {
        match self {
            Self::Begun | Self::TooLarge => 0,
            Self::Given(Ok(value)) => value.len(),
            Self::Given(Err(error)) => {
                let metadata = error.metadata.as_ref().map_or(0, Bytes::len);
                error.group.len() + error.code.len() + error.message.len() + metadata
            }
        }
    }
}

/// One call of a window.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Record {
    id: OnceId,
    time_ms: i64,
    digest: u64,
    answer: Answer,
}

/// What a record costs besides its answer and its key, in bytes of memory.
const RECORD: usize = 160;

impl Record {
    fn cost(&self) -> usize {
        let key = match &self.id {
            OnceId::Numbered { .. } => 0,
            OnceId::Key(key) => key.len(),
        };
        RECORD + key + self.answer.len()
    }
}

/// A window of calls. See the top of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallWindow {
    records: Records,
    /// Where the records are. What a caller has said stays known for as long as there is a record of it.
    places: OnceIndex<u64>,
    next: u64,
    size: usize,
    /// The time of the last record that was forgotten though its caller may ask for it.
    forgotten_until_ms: Option<i64>,
}

impl CallWindow {
    /// Gives back the room that a burst of calls has left empty.
    pub(crate) fn trim(&mut self) {
        self.records.trim();
    }

    /// Whether nothing was ever kept in it.
    pub(crate) fn is_pristine(&self) -> bool {
        self.next == 0 && self.is_empty() && self.forgotten_until_ms.is_none()
    }

    /// What became of a call; `None` if that is not known here.
    pub(crate) fn find(&self, id: &OnceId) -> Option<(u64, &Answer)> {
        let record = self.records.get(*self.places.get(id)?)?;
        Some((record.digest, &record.answer))
    }

    /// Whether its caller has said that it does not wait for this call any more.
    pub(crate) fn is_over(&self, id: &OnceId) -> bool {
        match id {
            OnceId::Numbered { number, .. } => *number < self.places.first_of(id),
            OnceId::Key(_) => false,
        }
    }

    /// Whether a call that was made for the first time then may have been forgotten.
    pub(crate) fn may_have_forgotten(&self, made_ms: i64) -> bool {
        self.forgotten_until_ms
            .is_some_and(|until_ms| made_ms <= until_ms)
    }

    /// Keeps what became of a call, forgets what has to go, and appends both in stored form to `out`
    /// if that is given.
    pub(crate) fn keep(
        &mut self,
        call: &OnceCall,
        digest: u64,
        answer: Answer,
        now_ms: i64,
        limits: &CallRecordLimits,
        out: Option<&mut Vec<u8>>,
    ) {
        let answer = match answer {
            Answer::Given(_) if answer.len() + RECORD > limits.size => Answer::TooLarge,
            answer => answer,
        };
        let record = Record {
            id: call.id.clone(),
            time_ms: now_ms.max(0),
            digest,
            answer,
        };
        let place = self.next;
        let mut nowhere = Vec::new();
        let is_stored = out.is_some();
        let out = out.unwrap_or(&mut nowhere);
        if is_stored {
            stored::put_record(out, place, &record, call.first);
        }
        self.insert(place, record, call.first);
        if self.forget(now_ms, limits) && is_stored {
            self.put_forgotten(out);
        }
    }

    /// How many records there are.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The lowest place that there is.
    fn oldest(&self) -> u64 {
        self.records.first().map_or(self.next, |(place, _)| place)
    }

    fn insert(&mut self, place: u64, record: Record, first: u64) {
        // What the caller has said before stays said, though the record that it came with may go.
        let first = first.max(self.places.first_of(&record.id));
        if let Some(&before) = self.places.get(&record.id) {
            self.remove(before);
        }
        self.next = self.next.max(place.saturating_add(1));
        self.size += record.cost();
        self.places.insert(&record.id, place);
        let caller = match record.id {
            OnceId::Numbered { caller, .. } => Some(caller),
            OnceId::Key(_) => None,
        };
        self.records.insert(place, record);
        if let Some(caller) = caller {
            self.places.raise_first(caller, first, |over| {
                let record = self.records.remove(over);
                self.size -= record.map_or(0, |record| record.cost());
            });
        }
    }

    /// Forgets the oldest until the rest is within `limits`. Says whether there was any.
    fn forget(&mut self, now_ms: i64, limits: &CallRecordLimits) -> bool {
        let age_ms = i64::try_from(limits.age.as_millis()).unwrap_or(i64::MAX);
        let oldest_ms = now_ms.saturating_sub(age_ms);
        let mut forgotten = false;
        while let Some((place, record)) = self.records.first()
            && (self.records.len() > limits.count
                || self.size > limits.size
                || record.time_ms < oldest_ms)
        {
            self.forgotten_until_ms = self.forgotten_until_ms.max(Some(record.time_ms));
            self.remove(place);
            forgotten = true;
        }
        forgotten
    }

    fn remove(&mut self, place: u64) {
        let Some(record) = self.records.remove(place) else {
            return;
        };
        self.size -= record.cost();
        self.places.remove(&record.id);
    }
}

#[cfg(test)]
mod tests;
