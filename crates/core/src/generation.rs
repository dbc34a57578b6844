//! The number of an actor's life, for those who talk about the actor.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// Which of its lives an actor is in. Costs next to nothing to keep and to read, and follows the
/// actor from life to life for as long as it has a task.
#[derive(Clone, Debug, Default)]
pub struct Generation(Arc<AtomicU64>);

impl Generation {
    /// The number of the life: higher is later. 0 if that is not known, because the actor was not
    /// awake yet.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn set(&self, generation: u64) {
        self.0.store(generation, Ordering::Relaxed);
    }
}
