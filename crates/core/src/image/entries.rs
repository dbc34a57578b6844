//! Keyed entries that keep the order in which they were added.

use std::collections::BTreeMap;

use bytes::Bytes;

/// Up to this many slots are searched one by one, which beats an index in both time and space.
const SEARCHED: usize = 16;

/// A map from encoded keys to values, in the order of insertion. Lookup, insertion and removal
/// take O(log n), removal amortised.
#[derive(Clone, Debug)]
pub(super) struct Entries<V> {
    /// In order of insertion. Removal leaves a gap; gaps are closed before they outnumber entries.
    slots: Vec<Option<(Bytes, V)>>,
    live: usize,
    /// Where a key is in `slots`. Absent while there are few. Ordered rather than hashed: it needs
    /// no randomness to withstand chosen keys.
    index: Option<BTreeMap<Bytes, usize>>,
}

impl<V> Entries<V> {
    pub(super) fn new() -> Self {
        Self {
            slots: Vec::new(),
            live: 0,
            index: None,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.live
    }

    pub(super) fn get_mut(&mut self, key: &[u8]) -> Option<&mut V> {
        let position = self.position(key)?;
        self.slots[position].as_mut().map(|(_, value)| value)
    }

    /// Puts `value` where `key` is, or at the end. Tells whether the key is new.
    pub(super) fn set(&mut self, key: Bytes, value: V) -> bool {
        if let Some(existing) = self.get_mut(&key) {
            *existing = value;
            return false;
        }
        if let Some(index) = &mut self.index {
            index.insert(key.clone(), self.slots.len());
        }
        self.slots.push(Some((key, value)));
        self.live += 1;
        if self.index.is_none() && self.slots.len() > SEARCHED {
            self.compact();
        }
        true
    }

    /// Removes `key`, if it is there.
    pub(super) fn remove(&mut self, key: &[u8]) {
        let Some(position) = self.position(key) else {
            return;
        };
        self.slots[position] = None;
        self.live -= 1;
        if let Some(index) = &mut self.index {
            index.remove(key);
        }
        if self.slots.len() > 2 * self.live + SEARCHED {
            self.compact();
        }
    }

    pub(super) fn clear(&mut self) {
        *self = Self::new();
    }

    /// The entries in order of insertion.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Bytes, &V)> {
        self.slots.iter().flatten().map(|(key, value)| (key, value))
    }

    fn position(&self, key: &[u8]) -> Option<usize> {
        match &self.index {
            Some(index) => index.get(key).copied(),
            None => self
                .slots
                .iter()
                .position(|slot| slot.as_ref().is_some_and(|(own, _)| own == key)),
        }
    }

    /// Closes the gaps, and makes or drops the index as befits the size.
    fn compact(&mut self) {
        self.slots.retain(Option::is_some);
        let keys = self.slots.iter().flatten().map(|(key, _)| key.clone());
        self.index = (self.slots.len() > SEARCHED).then(|| {
            keys.enumerate()
                .map(|(position, key)| (key, position))
                .collect()
        });
    }
}
