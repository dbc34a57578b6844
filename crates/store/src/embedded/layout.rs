//! What the embedded engine writes, byte by byte.
//!
//! Every row's value starts with a CRC-32 of `table tag u8 | key | payload`, little endian, and
//! goes on with the payload. It is checked whenever a row is read, so bytes that ended up in
//! another place or table are noticed as well. All other integers are big endian. Tags and layouts
//! are part of format version 1; tags are never reused.

use bytes::{Buf, Bytes};
use greenroom_types::{ActorId, ActorKey, ActorName};

use crate::{ActorRecord, Snapshot, StoreError};

/// One of the engine's keyspaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Table {
    /// Facts about the store itself. Rewritten at every open.
    ///
    /// Key: `"incarnation"`. Payload: `incarnation u32`, how often the store was opened.
    Meta = 1,
    /// Who an actor is. Written at creation, removed at destruction.
    ///
    /// Key: `id [16]`. Payload: `created_at_ms i64 | name_len u16 | name | key_len u16 | key in
    /// storage form | has_input u8 (0 or 1) | input`.
    Record = 2,
    /// Finds actors by name and key, and lists them in the order of their keys' storage forms.
    /// Lives as long as the record.
    ///
    /// Key: `name | 0x00 | key in storage form` (a name has no control characters).
    /// Payload: `id [16]`.
    Key = 3,
    /// One row per commit, written once, removed by the snapshot that contains it.
    ///
    /// Key: `id [16] | seq u64`. Payload: the commit's body.
    Journal = 4,
    /// The newest snapshot of an actor, if it has one. Large values are kept apart by the engine.
    ///
    /// Key: `id [16]`. Payload: `seq u64 | body`.
    Snapshot = 5,
    /// When an actor wants to be woken. Absent when it does not.
    ///
    /// Key: `id [16]`. Payload: `due_ms i64`.
    Alarm = 6,
    /// All alarms in order of time, in step with [`Table::Alarm`].
    ///
    /// Key: `due_ms i64 with its sign bit flipped | id [16]`. Payload: empty.
    Due = 7,
}

impl Table {
    /// All tables.
    pub(crate) const ALL: [Self; 7] = [
        Self::Meta,
        Self::Record,
        Self::Key,
        Self::Journal,
        Self::Snapshot,
        Self::Alarm,
        Self::Due,
    ];

    /// The name of the keyspace.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Meta => "meta",
            Self::Record => "record",
            Self::Key => "key",
            Self::Journal => "journal",
            Self::Snapshot => "snapshot",
            Self::Alarm => "alarm",
            Self::Due => "due",
        }
    }
}

/// The only key of [`Table::Meta`].
pub(crate) const INCARNATION_KEY: &[u8] = b"incarnation";

const SUM: usize = 4;

fn checksum(table: Table, key: &[u8], parts: &[&[u8]]) -> [u8; SUM] {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&[table as u8]);
    hasher.update(key);
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().to_le_bytes()
}

/// A row's value: the checksum and the payload, given in parts.
pub(crate) fn seal(table: Table, key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let len = parts.iter().map(|part| part.len()).sum::<usize>();
    let mut value = Vec::with_capacity(SUM + len);
    value.extend_from_slice(&checksum(table, key, parts));
    for part in parts {
        value.extend_from_slice(part);
    }
    value
}

/// The payload of a row's value.
///
/// # Errors
/// [`StoreError::Corrupt`] when the checksum does not match.
pub(crate) fn open<'a>(table: Table, key: &[u8], value: &'a [u8]) -> Result<&'a [u8], StoreError> {
    match value.split_at_checked(SUM) {
        Some((sum, payload)) if sum == checksum(table, key, &[payload]) => Ok(payload),
        Some(_) => Err(corrupt(table, key, "its checksum does not match")),
        None => Err(corrupt(table, key, "it is too short")),
    }
}

/// The error for a row that cannot be right.
pub(crate) fn corrupt(table: Table, key: &[u8], what: &str) -> StoreError {
    let place = match actor_in_key(table, key) {
        Some(id) => format!("of actor {id}"),
        None => format!("at {:?}", String::from_utf8_lossy(key)),
    };
    StoreError::Corrupt(format!(
        "the {} row {place} cannot be used: {what}",
        table.name()
    ))
}

fn actor_in_key(table: Table, key: &[u8]) -> Option<ActorId> {
    let bytes = match table {
        Table::Meta | Table::Key => return None,
        Table::Record | Table::Journal | Table::Snapshot | Table::Alarm => key.get(..16)?,
        Table::Due => key.get(8..24)?,
    };
    bytes.try_into().ok().map(ActorId::from_bytes)
}

/// The key of an actor's commit `seq`.
pub(crate) fn journal_key(id: ActorId, seq: u64) -> [u8; 24] {
    let mut key = [0; 24];
    key[..16].copy_from_slice(id.as_bytes());
    key[16..].copy_from_slice(&seq.to_be_bytes());
    key
}

/// The position in a key of [`Table::Journal`].
pub(crate) fn journal_seq(key: &[u8]) -> Result<u64, StoreError> {
    let seq = key.get(16..).and_then(|seq| seq.try_into().ok());
    seq.map(u64::from_be_bytes)
        .ok_or_else(|| corrupt(Table::Journal, key, "its key has the wrong length"))
}

/// The key of an actor in [`Table::Key`].
pub(crate) fn index_key(name: &ActorName, storage_form: &str) -> Vec<u8> {
    [name.as_str().as_bytes(), &[0], storage_form.as_bytes()].concat()
}

/// The key of an alarm in [`Table::Due`].
pub(crate) fn due_key(due_ms: i64, id: ActorId) -> [u8; 24] {
    let mut key = [0; 24];
    key[..8].copy_from_slice(&due_prefix(due_ms));
    key[8..].copy_from_slice(id.as_bytes());
    key
}

/// Where the alarms at `due_ms` begin in [`Table::Due`].
pub(crate) fn due_prefix(due_ms: i64) -> [u8; 8] {
    (due_ms ^ i64::MIN).to_be_bytes()
}

/// Time and actor of a key of [`Table::Due`].
pub(crate) fn parse_due_key(key: &[u8]) -> Result<(i64, ActorId), StoreError> {
    let wrong = || corrupt(Table::Due, key, "its key has the wrong length");
    let (due, id) = key.split_at_checked(8).ok_or_else(wrong)?;
    let due = i64::from_be_bytes(due.try_into().map_err(|_| wrong())?) ^ i64::MIN;
    let id = ActorId::from_bytes(id.try_into().map_err(|_| wrong())?);
    Ok((due, id))
}

/// The payload of [`Table::Record`].
pub(crate) fn record_payload(record: &ActorRecord) -> Vec<u8> {
    let name = record.name.as_str().as_bytes();
    let key = record.key.to_storage();
    let mut out = Vec::new();
    out.extend_from_slice(&record.created_at_ms.to_be_bytes());
    for text in [name, key.as_bytes()] {
        let len =
            u16::try_from(text.len()).expect("names and keys are limited to about a kilobyte");
        out.extend_from_slice(&len.to_be_bytes());
        out.extend_from_slice(text);
    }
    out.push(u8::from(record.input.is_some()));
    out.extend_from_slice(record.input.as_deref().unwrap_or_default());
    out
}

/// Reads [`record_payload`] back.
pub(crate) fn parse_record(id: ActorId, payload: &[u8]) -> Result<ActorRecord, StoreError> {
    let wrong = || corrupt(Table::Record, id.as_bytes(), "its fields make no sense");
    read_record(id, payload).ok_or_else(wrong)
}

fn read_record(id: ActorId, payload: &[u8]) -> Option<ActorRecord> {
    let (created, rest) = payload.split_first_chunk::<8>()?;
    let (name, rest) = read_text(rest)?;
    let (key, rest) = read_text(rest)?;
    let (has_input, input) = rest.split_first()?;
    Some(ActorRecord {
        id,
        name: ActorName::new(name).ok()?,
        key: ActorKey::from_storage(key).ok()?,
        created_at_ms: i64::from_be_bytes(*created),
        input: match has_input {
            0 if input.is_empty() => None,
            1 => Some(Bytes::copy_from_slice(input)),
            _ => return None,
        },
    })
}

fn read_text(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let (len, rest) = bytes.split_first_chunk::<2>()?;
    let (text, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*len)))?;
    Some((str::from_utf8(text).ok()?, rest))
}

/// Reads the payload of [`Table::Key`].
pub(crate) fn parse_id(key: &[u8], payload: &[u8]) -> Result<ActorId, StoreError> {
    let id = payload
        .try_into()
        .map_err(|_| corrupt(Table::Key, key, "it is no actor id"))?;
    Ok(ActorId::from_bytes(id))
}

/// Reads the payload of [`Table::Snapshot`].
pub(crate) fn parse_snapshot(id: ActorId, mut payload: Bytes) -> Result<Snapshot, StoreError> {
    let wrong = || corrupt(Table::Snapshot, id.as_bytes(), "it is too short");
    let seq = payload.try_get_u64().map_err(|_| wrong())?;
    Ok(Snapshot { seq, body: payload })
}

/// Reads the payload of [`Table::Alarm`].
pub(crate) fn parse_alarm(id: ActorId, payload: &[u8]) -> Result<i64, StoreError> {
    let due = payload
        .try_into()
        .map_err(|_| corrupt(Table::Alarm, id.as_bytes(), "it is no time"))?;
    Ok(i64::from_be_bytes(due))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_bit_anywhere_is_noticed() {
        let key = b"some key";
        let value = seal(Table::Journal, key, &[b"pay", b"load"]);
        assert_eq!(open(Table::Journal, key, &value), Ok(&b"payload"[..]));
        for bit in 0..value.len() * 8 {
            let mut damaged = value.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(matches!(
                open(Table::Journal, key, &damaged),
                Err(StoreError::Corrupt(_))
            ));
        }
        assert!(open(Table::Snapshot, key, &value).is_err(), "another table");
        assert!(
            open(Table::Journal, b"some kez", &value).is_err(),
            "another key"
        );
        assert!(open(Table::Journal, key, &value[..3]).is_err(), "too short");
    }

    #[test]
    fn alarms_sort_by_time_across_zero() {
        let id = ActorId::from_bytes([9; 16]);
        let times = [i64::MIN, -5, -1, 0, 1, 1_700_000_000_000, i64::MAX];
        let keys = times.map(|due| due_key(due, id));
        assert!(keys.is_sorted());
        for (due, key) in times.iter().zip(keys) {
            assert_eq!(parse_due_key(&key), Ok((*due, id)));
        }
    }

    #[test]
    fn records_round_trip_and_cut_ones_are_refused() {
        let record = ActorRecord {
            id: ActorId::from_bytes([1; 16]),
            name: ActorName::new("chät").expect("a valid name"),
            key: ActorKey::new(vec!["a/b".into(), String::new()]).expect("a valid key"),
            created_at_ms: -12,
            input: None,
        };
        for input in [None, Some(Bytes::new()), Some(Bytes::from_static(b"\xf6"))] {
            let record = ActorRecord {
                input,
                ..record.clone()
            };
            assert_eq!(
                parse_record(record.id, &record_payload(&record)),
                Ok(record)
            );
        }
        let payload = record_payload(&record);
        for len in 0..payload.len() {
            assert!(
                parse_record(record.id, &payload[..len]).is_err(),
                "{len} bytes"
            );
        }
    }
}
