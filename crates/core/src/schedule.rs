//! What an actor wants to be told, and when.
//!
//! An alarm is a name, a time, and a body that only the host understands: which action to call, or
//! how a cron expression goes on. The runtime keeps alarms, tells the host when one is due, and
//! tells it again after a crash unless the host has replaced or removed the alarm in a commit of
//! its own. So the effect of an alarm and its removal are one commit, and an alarm is told at least
//! once.
//!
//! # Stored form
//!
//! A sequence of items of CBOR, one after the other. In a commit each is a change:
//!
//! | item | effect |
//! |---|---|
//! | `[id text, due int, attempt uint, body bytes]` | set the alarm `id`, replacing the one of that name |
//! | `id text` | remove it; nothing happens if it is not there |
//!
//! In a snapshot there are only items of the first kind. `due` is in milliseconds since the Unix
//! epoch.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use greenroom_types::cbor::{self, CborError, CborProblem, Major, Reader};

/// One alarm of an actor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alarm {
    /// Its name, unique within the actor.
    pub id: String,
    /// When to tell it, in milliseconds since the Unix epoch.
    pub due_ms: i64,
    /// How often it has failed so far, as the host counts.
    pub attempt: u32,
    /// What only the host understands.
    pub body: Bytes,
}

/// A change of an actor's alarms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AlarmUpdate {
    /// Set an alarm, replacing the one of the same name.
    Set(Alarm),
    /// Remove the alarm of this name.
    Remove(String),
}

impl AlarmUpdate {
    /// Appends the update in its stored form.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        match self {
            AlarmUpdate::Set(alarm) => alarm.encode(out),
            AlarmUpdate::Remove(id) => cbor::put_text(out, id),
        }
    }
}

impl Alarm {
    fn encode(&self, out: &mut Vec<u8>) {
        cbor::put_array(out, 4);
        cbor::put_text(out, &self.id);
        cbor::put_int(out, self.due_ms);
        cbor::put_uint(out, u64::from(self.attempt));
        cbor::put_bytes(out, &self.body);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        let mut fields = reader.array()?;
        let wrong = |reader: &Reader<'_>| {
            CborError::new(
                reader.position(),
                CborProblem::Expected("an alarm of four fields"),
            )
        };
        let mut field = |reader: &mut Reader<'_>, expected: bool| {
            let more = fields.more(reader)?;
            if more == expected {
                Ok(())
            } else {
                Err(wrong(reader))
            }
        };
        field(reader, true)?;
        let id = reader.text()?.to_owned();
        field(reader, true)?;
        let due_ms = reader.int()?;
        field(reader, true)?;
        let attempt = u32::try_from(reader.uint()?).map_err(|_| wrong(reader))?;
        field(reader, true)?;
        let body = Bytes::copy_from_slice(reader.bytes()?);
        field(reader, false)?;
        Ok(Self {
            id,
            due_ms,
            attempt,
            body,
        })
    }
}

/// All alarms of one actor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    alarms: BTreeMap<String, Alarm>,
    by_due: BTreeSet<(i64, String)>,
}

impl Schedule {
    /// Applies one update.
    pub fn apply(&mut self, update: AlarmUpdate) {
        match update {
            AlarmUpdate::Set(alarm) => {
                self.remove(&alarm.id);
                self.by_due.insert((alarm.due_ms, alarm.id.clone()));
                self.alarms.insert(alarm.id.clone(), alarm);
            }
            AlarmUpdate::Remove(id) => self.remove(&id),
        }
    }

    fn remove(&mut self, id: &str) {
        if let Some(alarm) = self.alarms.remove(id) {
            self.by_due.remove(&(alarm.due_ms, alarm.id));
        }
    }

    /// Applies a sequence of updates in stored form.
    ///
    /// # Errors
    /// [`CborError`] when it is malformed; some updates may have been applied.
    pub fn apply_stored(&mut self, updates: &[u8]) -> Result<(), CborError> {
        let mut reader = Reader::new(updates);
        while !reader.rest().is_empty() {
            let update = if reader.peek()?.major == Major::Text {
                AlarmUpdate::Remove(reader.text()?.to_owned())
            } else {
                AlarmUpdate::Set(Alarm::decode(&mut reader)?)
            };
            self.apply(update);
        }
        Ok(())
    }

    /// All alarms in stored form.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for alarm in self.alarms.values() {
            alarm.encode(&mut out);
        }
        out
    }

    /// The alarm of this name.
    pub fn get(&self, id: &str) -> Option<&Alarm> {
        self.alarms.get(id)
    }

    /// All alarms, in the order of their times.
    pub fn iter(&self) -> impl Iterator<Item = &Alarm> {
        self.by_due.iter().filter_map(|(_, id)| self.alarms.get(id))
    }

    /// When the earliest alarm is due.
    pub fn earliest_ms(&self) -> Option<i64> {
        self.by_due.first().map(|&(due_ms, _)| due_ms)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.alarms.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alarm(id: &str, due_ms: i64) -> Alarm {
        Alarm {
            id: id.to_owned(),
            due_ms,
            attempt: 2,
            body: Bytes::from_static(b"body"),
        }
    }

    fn ids(schedule: &Schedule) -> Vec<&str> {
        schedule.iter().map(|alarm| alarm.id.as_str()).collect()
    }

    #[test]
    fn alarms_are_told_in_the_order_of_their_times() {
        let mut schedule = Schedule::default();
        for (id, due_ms) in [("late", 30), ("early", -5), ("middle", 7)] {
            schedule.apply(AlarmUpdate::Set(alarm(id, due_ms)));
        }
        assert_eq!(
            (schedule.earliest_ms(), ids(&schedule)),
            (Some(-5), vec!["early", "middle", "late"])
        );
        schedule.apply(AlarmUpdate::Set(alarm("early", 40)));
        schedule.apply(AlarmUpdate::Remove("middle".to_owned()));
        schedule.apply(AlarmUpdate::Remove("middle".to_owned()));
        assert_eq!(
            (schedule.earliest_ms(), ids(&schedule)),
            (Some(30), vec!["late", "early"])
        );
    }

    #[test]
    fn what_is_stored_folds_to_the_same() {
        let updates = [
            AlarmUpdate::Set(alarm("a", i64::MIN)),
            AlarmUpdate::Set(alarm("b", i64::MAX)),
            AlarmUpdate::Remove("a".to_owned()),
            AlarmUpdate::Set(alarm("", 0)),
        ];
        let mut stored = Vec::new();
        let mut expected = Schedule::default();
        for update in updates {
            update.encode(&mut stored);
            expected.apply(update);
        }
        let mut folded = Schedule::default();
        folded.apply_stored(&stored).unwrap();
        assert_eq!(folded, expected);
        let mut from_snapshot = Schedule::default();
        from_snapshot.apply_stored(&expected.encode()).unwrap();
        assert_eq!(from_snapshot, expected);
    }

    #[test]
    fn damage_is_an_error() {
        for damaged in [
            &[0x84, 0x61, b'a'][..],
            &[0x83, 0x60, 0x00, 0x00],
            &[0x01],
            &[0x61],
        ] {
            assert!(
                Schedule::default().apply_stored(damaged).is_err(),
                "{damaged:x?}"
            );
        }
    }
}
