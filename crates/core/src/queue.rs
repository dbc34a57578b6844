//! The messages that wait in an actor's queues.
//!
//! A message is a number and a body that only the host understands: which queue it is in, what was
//! said, and when. The runtime keeps messages for as long as no commit has removed them, and hands
//! all of them to the host when the actor wakes. A message is removed by the turn that finished it,
//! so the effect of a message and its removal are one commit.
//!
//! # Stored form
//!
//! A sequence of items of CBOR, one after the other. In a commit each is a change:
//!
//! | item | effect |
//! |---|---|
//! | `[id uint, body bytes]` | put the message `id`, replacing the one of that number |
//! | `id uint` | remove it; nothing happens if it is not there |
//!
//! Either way `id` is used from then on. In a snapshot there are the messages in the order of their
//! numbers, and at the end the removal of the highest number ever used, if that message is gone: no
//! number is used twice.

use std::collections::BTreeMap;

use bytes::Bytes;
use greenroom_types::cbor::{self, CborError, CborProblem, Major, Reader};

/// One message of an actor's queues.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueMessage {
    /// Its number, unique for as long as the actor exists. Messages are in the order of their numbers.
    pub id: u64,
    /// What only the host understands.
    pub body: Bytes,
}

/// A change of an actor's queues.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QueueUpdate {
    /// Put a message, replacing the one of the same number.
    Put(QueueMessage),
    /// Remove the message of this number, which counts as used even if it was never put.
    Remove(u64),
}

impl QueueUpdate {
    /// Appends the update in its stored form.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        match self {
            QueueUpdate::Put(message) => encode_message(out, message.id, &message.body),
            QueueUpdate::Remove(id) => cbor::put_uint(out, *id),
        }
    }
}

fn encode_message(out: &mut Vec<u8>, id: u64, body: &[u8]) {
    cbor::put_array(out, 2);
    cbor::put_uint(out, id);
    cbor::put_bytes(out, body);
}

fn decode_message(reader: &mut Reader<'_>) -> Result<QueueMessage, CborError> {
    let at = reader.position();
    if reader.array()?.left() != Some(2) {
        let expected = CborProblem::Expected("a message of two fields");
        return Err(CborError::new(at, expected));
    }
    Ok(QueueMessage {
        id: reader.uint()?,
        body: Bytes::copy_from_slice(reader.bytes()?),
    })
}

/// All messages of one actor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Queue {
    messages: BTreeMap<u64, Bytes>,
    last: u64,
}

impl Queue {
    /// Applies one update.
    pub fn apply(&mut self, update: QueueUpdate) {
        match update {
            QueueUpdate::Put(QueueMessage { id, body }) => {
                self.last = self.last.max(id);
                self.messages.insert(id, body);
            }
            QueueUpdate::Remove(id) => {
                self.last = self.last.max(id);
                self.messages.remove(&id);
            }
        }
    }

    /// Applies a sequence of updates in stored form.
    ///
    /// # Errors
    /// [`CborError`] when it is malformed; some updates may have been applied.
    pub fn apply_stored(&mut self, updates: &[u8]) -> Result<(), CborError> {
        let mut reader = Reader::new(updates);
        while !reader.rest().is_empty() {
            let update = if reader.peek()?.major == Major::Uint {
                QueueUpdate::Remove(reader.uint()?)
            } else {
                QueueUpdate::Put(decode_message(&mut reader)?)
            };
            self.apply(update);
        }
        Ok(())
    }

    /// Everything in stored form.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for (&id, body) in &self.messages {
            encode_message(&mut out, id, body);
        }
        if self.last > 0 && !self.messages.contains_key(&self.last) {
            QueueUpdate::Remove(self.last).encode(&mut out);
        }
        out
    }

    /// The messages, in order.
    pub fn into_messages(self) -> Vec<QueueMessage> {
        self.messages
            .into_iter()
            .map(|(id, body)| QueueMessage { id, body })
            .collect()
    }

    /// The highest number ever used; 0 before the first.
    pub fn last(&self) -> u64 {
        self.last
    }

    /// How many messages there are.
    pub fn len(&self) -> usize {
        self.messages.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(id: u64, body: &'static [u8]) -> QueueUpdate {
        QueueUpdate::Put(QueueMessage {
            id,
            body: Bytes::from_static(body),
        })
    }

    fn folded(updates: &[QueueUpdate]) -> Queue {
        let mut stored = Vec::new();
        for update in updates {
            update.encode(&mut stored);
        }
        let mut queue = Queue::default();
        queue.apply_stored(&stored).unwrap();
        queue
    }

    #[test]
    fn what_is_stored_folds_to_the_same() {
        let updates = [
            put(1, b"a"),
            put(2, b""),
            QueueUpdate::Remove(1),
            put(u64::MAX, b"z"),
        ];
        let mut expected = Queue::default();
        for update in &updates {
            expected.apply(update.clone());
        }
        assert_eq!(folded(&updates), expected);
        let ids: Vec<_> = expected
            .clone()
            .into_messages()
            .iter()
            .map(|m| m.id)
            .collect();
        assert_eq!(ids, [2, u64::MAX]);
    }

    #[test]
    fn a_snapshot_remembers_which_numbers_were_used() {
        for updates in [
            vec![],
            vec![put(1, b"a"), put(2, b"b")],
            vec![put(1, b"a"), put(2, b"b"), QueueUpdate::Remove(2)],
            vec![QueueUpdate::Remove(7)],
        ] {
            let queue = folded(&updates);
            let mut from_snapshot = Queue::default();
            from_snapshot.apply_stored(&queue.encode()).unwrap();
            assert_eq!(from_snapshot, queue, "{updates:?}");
        }
        assert_eq!(folded(&[QueueUpdate::Remove(7)]).last(), 7);
    }

    #[test]
    fn damage_is_an_error() {
        for damaged in [
            &[0x82, 0x01][..],
            &[0x83, 0x01, 0x40, 0x00],
            &[0x82, 0x40, 0x40],
            &[0x9f, 0x01, 0x40, 0xff],
            &[0x61, b'a'],
            &[0x19],
        ] {
            assert!(
                Queue::default().apply_stored(damaged).is_err(),
                "{damaged:x?}"
            );
        }
    }
}
