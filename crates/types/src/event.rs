//! A broadcast, encoded at most once per encoding and shared by all who get it.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;

/// One event on its way to many connections. Cloning shares the encoded frames.
#[derive(Clone, Debug)]
pub struct EventFrame(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    name: String,
    args: Bytes,
    encoded: [OnceLock<Bytes>; EventFrame::SLOTS],
}

impl EventFrame {
    /// How many different encodings of one event can be remembered.
    pub const SLOTS: usize = 6;

    /// An event `name` with its arguments as one CBOR array in compat form.
    pub fn new(name: String, args: Bytes) -> Self {
        Self(Arc::new(Inner {
            name,
            args,
            encoded: Default::default(),
        }))
    }

    /// The event's name.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The arguments: one CBOR array in compat form.
    pub fn args(&self) -> &Bytes {
        &self.0.args
    }

    /// The same event in memory of its own, and shared with nobody: the arguments may be a part of a buffer
    /// that is much larger, which lives for as long as they do.
    #[must_use]
    pub fn detached(&self) -> Self {
        Self::new(self.0.name.clone(), Bytes::copy_from_slice(&self.0.args))
    }

    /// The frame in `slot`, made by `encode` for the first who asks.
    ///
    /// # Panics
    /// When `slot` is not below [`EventFrame::SLOTS`].
    pub fn encoded(&self, slot: usize, encode: impl FnOnce(&str, &Bytes) -> Bytes) -> Bytes {
        self.0.encoded[slot]
            .get_or_init(|| encode(&self.0.name, &self.0.args))
            .clone()
    }
}
