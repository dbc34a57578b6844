//! What crosses between Rust and JavaScript: batches of records.
//!
//! All numbers are little-endian and records follow each other without padding. `str` is a `u32`
//! length and UTF-8, `bytes` a `u32` length and bytes, `opt` the same with [`ABSENT`] as the
//! length of nothing at all. An `error` is `str` group, `str` code, `str` message, `opt` metadata.
//! Both directions and the TypeScript side must change together: a batch lives no longer than one
//! call, so it has no version.

use greenroom_core::Instance;

mod events;
mod turns;

pub(crate) use events::EventWriter;
pub(crate) use turns::{Answer, Handed, Turns};

/// Stands for the registry as a whole where an instance would be.
const REGISTRY: Instance = Instance(0);

/// Stands for "nothing" where a length or a connection would be.
const ABSENT: u32 = u32::MAX;
