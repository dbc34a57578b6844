//! The key-value pairs of an actor: ordered bytes to bytes.
//!
//! The pairs are part of the actor's journal as its state is. While the actor is awake the runtime
//! keeps their fold here, answers reads from it, and adds every write to the commit of the turn that
//! it came in. The host sees what it wrote before, committed or not, because it asks in the order in
//! which its code ran.
//!
//! All of it is in memory, so the sum of all keys and values is limited
//! ([`ActorOptions::max_kv_size`](crate::ActorOptions::max_kv_size)).
//!
//! # Stored form
//!
//! A sequence of items of CBOR, one after the other, each an array of an opcode and its fields:
//!
//! | item | effect |
//! |---|---|
//! | `[0, key bytes, value bytes]` | put the pair, replacing the one of that key |
//! | `[1, key bytes]` | delete the pair of that key; nothing happens if there is none |
//! | `[2, start bytes, end bytes]` | delete all pairs from `start` up to, but without, `end` |
//!
//! In a snapshot there are only items of the first kind, keys rising.

use std::{
    collections::BTreeMap,
    ops::Bound::{Excluded, Included, Unbounded},
};

use bytes::Bytes;
use greenroom_types::cbor::{self, CborError, CborProblem, Reader};

const PUT: u64 = 0;
const DELETE: u64 = 1;
const DELETE_RANGE: u64 = 2;

/// What a host wants of its actor's pairs. Requests of a turn are run in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KvRequest {
    /// Put these pairs, all or none.
    Put {
        /// Of pairs with the same key the last counts.
        pairs: Vec<(Bytes, Bytes)>,
        /// Answer with [`KvResult::Put`], or refuse with [`KvResult::Full`] what makes the pairs
        /// outgrow their limit. Without a token the host knows that they do not.
        token: Option<u32>,
    },
    /// Delete the pairs of these keys.
    Delete(Vec<Bytes>),
    /// Delete all pairs from `start` up to, but without, `end`.
    DeleteRange {
        /// The first key.
        start: Bytes,
        /// The key to stop before.
        end: Bytes,
    },
    /// Read, and answer under `token`.
    Read {
        /// To answer by.
        token: u32,
        /// What to read.
        query: KvQuery,
    },
}

/// What to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KvQuery {
    /// The values of these keys: [`KvResult::Values`].
    Get(Vec<Bytes>),
    /// The pairs of a range: [`KvResult::Pairs`].
    List(KvRange),
}

/// The pairs from `start` up to, but without, `end`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KvRange {
    /// The first key.
    pub start: Bytes,
    /// The key to stop before; without it the range has no end.
    pub end: Option<Bytes>,
    /// From the last key down instead of from the first up.
    pub reverse: bool,
    /// So many pairs at most.
    pub limit: usize,
}

/// The answer to a [`KvRequest`] with a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KvAnswer {
    /// The request's.
    pub token: u32,
    /// What came of it.
    pub result: KvResult,
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KvResult {
    /// The value of each key, in the order of the question.
    Values(Vec<Option<Bytes>>),
    /// Pairs in the order of the range.
    Pairs(Vec<(Bytes, Bytes)>),
    /// The pairs were put.
    Put {
        /// The size of all pairs after that, in bytes.
        size: usize,
    },
    /// The pairs were not put: there would be too many bytes.
    Full {
        /// The size of all pairs as it stays, in bytes.
        size: usize,
    },
}

/// All pairs of one actor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kv {
    pairs: BTreeMap<Bytes, Bytes>,
    size: usize,
}

impl Kv {
    /// The bytes of all keys and values.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Whether there are no pairs.
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// The value of a key.
    pub fn get(&self, key: &[u8]) -> Option<&Bytes> {
        self.pairs.get(key)
    }

    /// The pairs of a range.
    pub fn list(&self, range: &KvRange) -> Vec<(Bytes, Bytes)> {
        let start = Included(&range.start[..]);
        let end = match &range.end {
            // An empty range, which a map would not take.
            Some(end) if *end <= range.start => return Vec::new(),
            Some(end) => Excluded(&end[..]),
            None => Unbounded,
        };
        let pairs = self
            .pairs
            .range::<[u8], _>((start, end))
            .map(|(key, value)| (key.clone(), value.clone()));
        if range.reverse {
            pairs.rev().take(range.limit).collect()
        } else {
            pairs.take(range.limit).collect()
        }
    }

    /// The size that there would be with these pairs put.
    pub fn size_with(&self, pairs: &[(Bytes, Bytes)]) -> usize {
        let last: BTreeMap<_, _> = pairs.iter().map(|(key, value)| (key, value)).collect();
        last.into_iter().fold(self.size, |size, (key, value)| {
            let replaced = self.pairs.get(key).map(|old| key.len() + old.len());
            size + key.len() + value.len() - replaced.unwrap_or(0)
        })
    }

    /// Puts a pair. Both stay as they are, so they should not be parts of something larger.
    pub fn put(&mut self, key: Bytes, value: Bytes) {
        self.size += value.len();
        let key_len = key.len();
        match self.pairs.insert(key, value) {
            Some(old) => self.size -= old.len(),
            None => self.size += key_len,
        }
    }

    /// Deletes a pair, if it is there.
    pub fn delete(&mut self, key: &[u8]) {
        if let Some(old) = self.pairs.remove(key) {
            self.size -= key.len() + old.len();
        }
    }

    /// Deletes the pairs from `start` up to, but without, `end`.
    pub fn delete_range(&mut self, start: &[u8], end: &[u8]) {
        if start >= end {
            return;
        }
        let range = self
            .pairs
            .range::<[u8], _>((Included(start), Excluded(end)));
        let keys: Vec<Bytes> = range.map(|(key, _)| key.clone()).collect();
        for key in keys {
            self.delete(&key);
        }
    }

    /// Applies a sequence of changes in stored form. Keys and values stay parts of `changes`.
    ///
    /// # Errors
    /// [`CborError`] when it is malformed; some changes may have been applied.
    pub fn apply_stored(&mut self, changes: &Bytes) -> Result<(), CborError> {
        let mut reader = Reader::new(changes);
        while !reader.is_empty() {
            let at = reader.position();
            let wrong = || CborError::new(at, CborProblem::Expected("a change of a pair"));
            let mut fields = reader.array()?;
            let count = fields.left();
            let mut more = |reader: &mut Reader<'_>| fields.more(reader);
            if !more(&mut reader)? {
                return Err(wrong());
            }
            let opcode = reader.uint()?;
            let mut bytes = |reader: &mut Reader<'_>| {
                if !more(reader)? {
                    return Err(wrong());
                }
                reader.bytes().map(|bytes| changes.slice_ref(bytes))
            };
            match (opcode, count) {
                (PUT, Some(3)) => {
                    let (key, value) = (bytes(&mut reader)?, bytes(&mut reader)?);
                    self.put(key, value);
                }
                (DELETE, Some(2)) => self.delete(&bytes(&mut reader)?),
                (DELETE_RANGE, Some(3)) => {
                    let (start, end) = (bytes(&mut reader)?, bytes(&mut reader)?);
                    self.delete_range(&start, &end);
                }
                _ => return Err(wrong()),
            }
        }
        Ok(())
    }

    /// The same pairs, each in memory of its own: those of a fold are parts of the bodies that they
    /// were read from, and would keep all of those alive.
    pub fn detached(self) -> Self {
        let own = |(key, value): (Bytes, Bytes)| {
            (Bytes::copy_from_slice(&key), Bytes::copy_from_slice(&value))
        };
        Self {
            pairs: self.pairs.into_iter().map(own).collect(),
            size: self.size,
        }
    }

    /// All pairs in stored form.
    pub fn encode(&self) -> Vec<u8> {
        // Heads take up to 5 bytes each, apart from the two that are one byte long.
        let mut out = Vec::with_capacity(self.size + 12 * self.pairs.len());
        for (key, value) in &self.pairs {
            encode_put(&mut out, key, value);
        }
        out
    }
}

/// Appends a put in stored form.
pub(crate) fn encode_put(out: &mut Vec<u8>, key: &[u8], value: &[u8]) {
    cbor::put_array(out, 3);
    cbor::put_uint(out, PUT);
    cbor::put_bytes(out, key);
    cbor::put_bytes(out, value);
}

/// Appends a delete in stored form.
pub(crate) fn encode_delete(out: &mut Vec<u8>, key: &[u8]) {
    cbor::put_array(out, 2);
    cbor::put_uint(out, DELETE);
    cbor::put_bytes(out, key);
}

/// Appends a delete of a range in stored form.
pub(crate) fn encode_delete_range(out: &mut Vec<u8>, start: &[u8], end: &[u8]) {
    cbor::put_array(out, 3);
    cbor::put_uint(out, DELETE_RANGE);
    cbor::put_bytes(out, start);
    cbor::put_bytes(out, end);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: &str) -> Bytes {
        Bytes::copy_from_slice(text.as_bytes())
    }

    fn kv(pairs: &[(&str, &str)]) -> Kv {
        let mut kv = Kv::default();
        for (key, value) in pairs {
            kv.put(bytes(key), bytes(value));
        }
        kv
    }

    fn range(start: &str, end: Option<&str>) -> KvRange {
        KvRange {
            start: bytes(start),
            end: end.map(bytes),
            reverse: false,
            limit: 100,
        }
    }

    fn keys(kv: &Kv, range: &KvRange) -> Vec<String> {
        let text = |(key, _): (Bytes, Bytes)| String::from_utf8(key.to_vec()).unwrap();
        kv.list(range).into_iter().map(text).collect()
    }

    #[test]
    fn ranges_are_ordered_by_bytes_and_leave_their_end_out() {
        let kv = kv(&[("b", ""), ("a", ""), ("aa", ""), ("c", ""), ("", "")]);
        assert_eq!(keys(&kv, &range("", None)), ["", "a", "aa", "b", "c"]);
        assert_eq!(keys(&kv, &range("a", Some("b"))), ["a", "aa"]);
        assert_eq!(keys(&kv, &range("b", Some("a"))), [""; 0]);
        assert_eq!(keys(&kv, &range("b", Some("b"))), [""; 0]);
        let last_two = KvRange {
            reverse: true,
            limit: 2,
            ..range("a", None)
        };
        assert_eq!(keys(&kv, &last_two), ["c", "b"]);
    }

    #[test]
    fn the_size_counts_every_key_and_value_once() {
        let mut kv = kv(&[("a", "123"), ("bc", "4"), ("a", "12")]);
        assert_eq!(kv.size(), 1 + 2 + 2 + 1);
        let more = [
            (bytes("a"), bytes("1")),
            (bytes("new"), bytes("ignored")),
            (bytes("new"), bytes("x")),
        ];
        let expected = kv.size_with(&more);
        for (key, value) in more {
            kv.put(key, value);
        }
        assert_eq!((kv.size(), expected), (9, 9));
        kv.delete(b"bc");
        kv.delete(b"bc");
        kv.delete_range(b"b", b"a");
        assert_eq!(kv.size(), 6);
        kv.delete_range(b"", b"z");
        assert_eq!((kv.size(), kv.is_empty()), (0, true));
    }

    #[test]
    fn what_is_stored_folds_to_the_same() {
        let mut stored = Vec::new();
        encode_put(&mut stored, b"a", b"1");
        encode_put(&mut stored, b"b", b"");
        encode_put(&mut stored, b"c", &[0xff; 300]);
        encode_put(&mut stored, b"a", b"2");
        encode_delete(&mut stored, b"b");
        encode_delete(&mut stored, b"b");
        encode_put(&mut stored, b"d", b"4");
        encode_delete_range(&mut stored, b"d", b"e");
        let mut folded = Kv::default();
        folded.apply_stored(&stored.into()).unwrap();
        assert_eq!(folded.size(), 2 + 301);
        let mut from_snapshot = Kv::default();
        from_snapshot.apply_stored(&folded.encode().into()).unwrap();
        assert_eq!(from_snapshot.clone().detached(), folded);
        assert_eq!(from_snapshot.get(b"a"), Some(&bytes("2")));
    }

    #[test]
    fn damage_is_an_error() {
        for damaged in [
            &[0x00][..],
            &[0x80],
            &[0x83, 0x00, 0x41, b'a'],
            &[0x82, 0x00, 0x41, b'a'],
            &[0x82, 0x01, 0x61, b'a'],
            &[0x83, 0x01, 0x40, 0x40],
            &[0x82, 0x03, 0x40],
            &[0x9f, 0x01, 0x40, 0xff],
        ] {
            let stored = Bytes::copy_from_slice(damaged);
            assert!(Kv::default().apply_stored(&stored).is_err(), "{damaged:x?}");
        }
    }
}
