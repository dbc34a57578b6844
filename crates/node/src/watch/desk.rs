//! What JavaScript's thread is at: a few words of memory that it writes and that others read at any time,
//! also while it does not come back.
//!
//! | word | written by | what |
//! |---|---|---|
//! | 0 | JavaScript | counts the pieces of work that it has begun; last of all, when one begins |
//! | 1 | JavaScript | stage: 0 outside of our code, 1 in a piece of work, 2 in what a batch of them has set off |
//! | 2 | here | 1 from the moment at which it is found blocked |
//! | 3, 4 | JavaScript | instance and label of the call that comes to its end first after that; then word 2 is 0 |
//! | 5 | here | 1: the size of the heap is wanted |
//! | 6, 7 | JavaScript | the size of the heap and its part in use, in KiB; then word 5 is 0 |
//! | 8 + 2·(n mod 8), and the next | JavaScript | instance and label of piece `n` |
//!
//! A piece of work is what begins with one event for one instance. A label is a number for an action or a
//! hook, see [`Labels`](super::labels::Labels).

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering::Relaxed},
};

use greenroom_core::Instance;
use napi::bindgen_prelude::Uint32Array;

const SEQ: usize = 0;
const STAGE: usize = 1;
const ALARM: usize = 2;
const ENDED: usize = 3;
const HEAP_WANTED: usize = 5;
const HEAP: usize = 6;
const RECENT: usize = 8;
const RECENT_LEN: u32 = 8;
const WORDS: usize = RECENT + 2 * RECENT_LEN as usize;

/// A piece of work: whose, and what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) instance: Instance,
    pub(crate) label: u32,
}

/// Where JavaScript's thread is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// In code that we have not called: timers, promises and listeners of the program.
    Outside,
    /// In a piece of work.
    Within,
    /// In what a batch of pieces has set off: the continuations of their promises.
    After,
}

/// See the top of the file.
#[derive(Debug, Default)]
pub(crate) struct Desk([AtomicU32; WORDS]);

impl Desk {
    /// The same memory for JavaScript, which keeps it alive.
    pub(crate) fn share(self: &Arc<Self>) -> Uint32Array {
        let kept = Arc::clone(self);
        let words = self.0.as_ptr().cast::<u32>().cast_mut();
        #[expect(unsafe_code, reason = "memory that two languages share")]
        // SAFETY: the words are as many as said, live for as long as `kept`, which goes with the array,
        // and may be written through a shared reference because they are atomics, which have the layout
        // of plain integers. They are handed out once per desk (`NativeRegistry::desk`).
        unsafe {
            Uint32Array::with_external_data(words, WORDS, move |_, _| drop(kept))
        }
    }

    /// How many pieces of work have begun.
    pub(crate) fn seq(&self) -> u32 {
        self.0[SEQ].load(Relaxed)
    }

    pub(crate) fn stage(&self) -> Stage {
        match self.0[STAGE].load(Relaxed) {
            1 => Stage::Within,
            2 => Stage::After,
            _ => Stage::Outside,
        }
    }

    /// The piece with this number, if it is not too long ago.
    pub(crate) fn piece(&self, seq: u32) -> Piece {
        self.pair(RECENT + 2 * (seq % RECENT_LEN) as usize)
    }

    /// The pieces that have begun after the one with this number, newest first: at most eight.
    pub(crate) fn pieces_since(&self, seq: u32) -> Vec<Piece> {
        let newest = self.seq();
        let count = newest.wrapping_sub(seq).min(RECENT_LEN);
        (0..count)
            .map(|back| self.piece(newest.wrapping_sub(back)))
            .collect()
    }

    /// From here on the call that comes to its end first is noted.
    pub(crate) fn raise_alarm(&self) {
        self.0[ENDED].store(0, Relaxed);
        self.0[ALARM].store(1, Relaxed);
    }

    /// The call that was noted since the alarm.
    pub(crate) fn end_alarm(&self) -> Option<Piece> {
        self.0[ALARM].store(0, Relaxed);
        let piece = self.pair(ENDED);
        (piece.instance.0 != 0).then_some(piece)
    }

    /// Asks for the size of the heap.
    pub(crate) fn want_heap(&self) {
        self.0[HEAP_WANTED].store(1, Relaxed);
    }

    /// The size of the heap and its part in use when JavaScript last came by, in bytes.
    pub(crate) fn heap(&self) -> Option<(u64, u64)> {
        let bytes = |at: usize| u64::from(self.0[at].load(Relaxed)) * 1024;
        (bytes(HEAP) > 0).then(|| (bytes(HEAP), bytes(HEAP + 1)))
    }

    fn pair(&self, at: usize) -> Piece {
        Piece {
            instance: Instance(self.0[at].load(Relaxed)),
            label: self.0[at + 1].load(Relaxed),
        }
    }

    /// What JavaScript does when a piece of work begins.
    #[cfg(test)]
    pub(crate) fn enter(&self, instance: u32, label: u32) {
        let seq = self.seq().wrapping_add(1);
        let at = RECENT + 2 * (seq % RECENT_LEN) as usize;
        self.0[at].store(instance, Relaxed);
        self.0[at + 1].store(label, Relaxed);
        self.0[STAGE].store(1, Relaxed);
        self.0[SEQ].store(seq, Relaxed);
    }

    /// What JavaScript does when a batch is through (2), or when it comes by without one (0).
    #[cfg(test)]
    pub(crate) fn set_stage(&self, stage: u32) {
        self.0[STAGE].store(stage, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(instance: u32, label: u32) -> Piece {
        Piece {
            instance: Instance(instance),
            label,
        }
    }

    #[test]
    fn the_newest_pieces_are_known() {
        let desk = Desk::default();
        for n in 1..=20 {
            desk.enter(n, 100 + n);
        }
        assert_eq!((desk.seq(), desk.stage()), (20, Stage::Within));
        assert_eq!(desk.piece(20), piece(20, 120));
        assert_eq!(
            desk.pieces_since(17),
            [piece(20, 120), piece(19, 119), piece(18, 118)]
        );
        assert_eq!(desk.pieces_since(0).len(), 8);
        assert!(desk.pieces_since(20).is_empty());
    }

    #[test]
    fn an_alarm_tells_who_ended_first() {
        let desk = Desk::default();
        desk.raise_alarm();
        assert_eq!(desk.end_alarm(), None);
        desk.raise_alarm();
        desk.0[ENDED].store(7, Relaxed);
        desk.0[ENDED + 1].store(70, Relaxed);
        assert_eq!(desk.end_alarm(), Some(piece(7, 70)));
    }
}
