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
    encoded: Slots,
    /// There for an event that its actor keeps: its number, and the frames that tell it.
    numbered: Option<Box<(u64, Slots)>>,
}

type Slots = [OnceLock<Bytes>; EventFrame::SLOTS];

impl EventFrame {
    /// How many different encodings of one event can be remembered, with its number and without.
    pub const SLOTS: usize = 6;

    /// An event `name` with its arguments as one CBOR array in compat form.
    pub fn new(name: String, args: Bytes) -> Self {
        Self(Arc::new(Inner {
            name,
            args,
            encoded: Slots::default(),
            numbered: None,
        }))
    }

    /// The same for an event that its actor keeps under `number`. The arguments have to be in memory of their own.
    pub fn numbered(number: u64, name: String, args: Bytes) -> Self {
        Self(Arc::new(Inner {
            name,
            args,
            encoded: Slots::default(),
            numbered: Some(Box::new((number, Slots::default()))),
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

    /// The event's number, if its actor keeps it.
    pub fn number(&self) -> Option<u64> {
        self.0.numbered.as_ref().map(|numbered| numbered.0)
    }

    /// The same event in memory of its own, and, unless it is kept, shared with nobody: the arguments may be a part of a buffer
    /// that is much larger, which lives for as long as they do.
    #[must_use]
    pub fn detached(&self) -> Self {
        // What is kept has memory of its own already.
        if self.0.numbered.is_some() {
            return self.clone();
        }
        Self::new(self.0.name.clone(), Bytes::copy_from_slice(&self.0.args))
    }

    /// The frame in `slot`, made by `encode` for the first who asks. Frames with the event's number are apart
    /// from those without: `encode` is given it if `tells_number`, and there is one.
    ///
    /// # Panics
    /// When `slot` is not below [`EventFrame::SLOTS`].
    pub fn encoded(
        &self,
        slot: usize,
        tells_number: bool,
        encode: impl FnOnce(&str, &Bytes, Option<u64>) -> Bytes,
    ) -> Bytes {
        let inner = &*self.0;
        let (number, slots) = match &inner.numbered {
            Some(numbered) if tells_number => (Some(numbered.0), &numbered.1),
            Some(_) | None => (None, &inner.encoded),
        };
        slots[slot]
            .get_or_init(|| encode(&inner.name, &inner.args, number))
            .clone()
    }
}
