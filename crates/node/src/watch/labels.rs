//! Names for the numbers by which JavaScript says what it is at.

use std::sync::{PoisonError, RwLock};

/// The names by number. Few: a program has so many actions and hooks.
#[derive(Debug, Default)]
pub(crate) struct Labels(RwLock<Vec<String>>);

impl Labels {
    /// Takes all names that there are.
    pub(crate) fn learn(&self, names: Vec<String>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = names;
    }

    /// The name of a number.
    pub(crate) fn name(&self, label: u32) -> String {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let name = usize::try_from(label).ok().and_then(|at| known.get(at));
        name.cloned().unwrap_or_default()
    }
}
