//! Finding calls by what they are known by.

use std::collections::BTreeMap;

use greenroom_types::once::{CallerId, OnceId};

/// Something about each of some calls. Few callers make many calls: it is found by who calls first, so that no more than
/// one id is compared, and then by number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OnceIndex<V> {
    callers: BTreeMap<CallerId, Numbers<V>>,
    keys: BTreeMap<Box<str>, V>,
}

/// The calls of a caller. It is there for as long as there is one.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Numbers<V> {
    /// The first number that the caller may still ask for.
    first: u64,
    calls: BTreeMap<u64, V>,
}

impl<V> Default for OnceIndex<V> {
    fn default() -> Self {
        Self {
            callers: BTreeMap::new(),
            keys: BTreeMap::new(),
        }
    }
}

impl<V> OnceIndex<V> {
    /// What is known of a call.
    pub(crate) fn get(&self, id: &OnceId) -> Option<&V> {
        match id {
            OnceId::Numbered { caller, number } => self.callers.get(caller)?.calls.get(number),
            OnceId::Key(key) => self.keys.get(key),
        }
    }

    /// Notes something of a call, instead of what was known before.
    pub(crate) fn insert(&mut self, id: &OnceId, value: V) {
        match id {
            OnceId::Numbered { caller, number } => {
                let new = || Numbers {
                    first: 0,
                    calls: BTreeMap::new(),
                };
                let numbers = self.callers.entry(*caller).or_insert_with(new);
                numbers.calls.insert(*number, value);
            }
            OnceId::Key(key) => {
                self.keys.insert(key.clone(), value);
            }
        }
    }

    /// Forgets a call.
    pub(crate) fn remove(&mut self, id: &OnceId) -> Option<V> {
        match id {
            OnceId::Numbered { caller, number } => {
                let numbers = self.callers.get_mut(caller)?;
                let removed = numbers.calls.remove(number);
                if numbers.calls.is_empty() {
                    self.callers.remove(caller);
                }
                removed
            }
            OnceId::Key(key) => self.keys.remove(key),
        }
    }

    /// Forgets all calls.
    pub(crate) fn clear(&mut self) {
        self.callers.clear();
        self.keys.clear();
    }

    /// How many calls there are.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        let numbered: usize = self.callers.values().map(|n| n.calls.len()).sum();
        numbered + self.keys.len()
    }

    /// The first number that the caller of a call may still ask for, as far as is known.
    pub(crate) fn first_of(&self, id: &OnceId) -> u64 {
        match id {
            OnceId::Numbered { caller, .. } => self.callers.get(caller).map_or(0, |n| n.first),
            OnceId::Key(_) => 0,
        }
    }

    /// A caller does not ask for lower numbers than `first` any more. Forgets those, and gives what was known of each
    /// to `forgotten`. What it has said before stays said.
    pub(crate) fn raise_first(
        &mut self,
        caller: CallerId,
        first: u64,
        mut forgotten: impl FnMut(V),
    ) {
        let Some(numbers) = self.callers.get_mut(&caller) else {
            return;
        };
        if first <= numbers.first {
            return;
        }
        numbers.first = first;
        while let Some(call) = numbers.calls.first_entry()
            && *call.key() < first
        {
            forgotten(call.remove());
        }
        if numbers.calls.is_empty() {
            self.callers.remove(&caller);
        }
    }
}
