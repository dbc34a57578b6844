//! The wall clock and the randomness of a node.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicI64, Ordering},
};

use greenroom_core::Env;

use crate::{book::Book, rng::Rng};

/// The time of day at which every run begins, in milliseconds since the Unix epoch.
const BEGINNING_MS: i64 = 1_800_000_000_000;

/// A wall clock that can be made to jump. Clones are the same clock.
#[derive(Clone, Debug)]
pub(crate) struct WallClock {
    book: Book,
    jumped_ms: Arc<AtomicI64>,
}

impl WallClock {
    pub(crate) fn new(book: Book) -> Self {
        Self {
            book,
            jumped_ms: Arc::default(),
        }
    }

    pub(crate) fn now_ms(&self) -> i64 {
        let elapsed = i64::try_from(self.book.elapsed().as_millis()).unwrap_or(i64::MAX / 2);
        BEGINNING_MS + elapsed + self.jumped_ms.load(Ordering::Relaxed)
    }

    /// Moves the wall clock, but not the timers.
    pub(crate) fn jump(&self, ms: i64) {
        self.jumped_ms.fetch_add(ms, Ordering::Relaxed);
    }
}

/// What the runtime of a node may know of the world.
#[derive(Debug)]
pub(crate) struct SimEnv {
    clock: WallClock,
    rng: Mutex<Rng>,
}

impl SimEnv {
    pub(crate) fn new(clock: WallClock, rng: Rng) -> Self {
        Self {
            clock,
            rng: Mutex::new(rng),
        }
    }
}

impl Env for SimEnv {
    fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }

    fn random(&self, bytes: &mut [u8]) {
        self.rng
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .fill(bytes);
    }

    fn offload(&self, work: Box<dyn FnOnce() + Send>) {
        work();
    }
}
