//! Storage: one contract, [`Store`], and its engines.
//!
//! A store keeps, for every actor, a record of who it is and one ordered journal of commits with
//! an optional snapshot of its beginning. It does not know what the journal says: bodies are
//! opaque. What it promises is in the documentation of [`Store`], and `testing::suite` checks it
//! against every engine.
//!
//! - [`EmbeddedStore`] keeps actors in a directory of one process.
//! - [`MemoryStore`] keeps them in memory, for tests.
//! - `testing` (a feature) has the contract's suite and a store whose faults a test controls.

mod claims;
mod contract;
mod embedded;
mod error;
mod memory;
mod request;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use contract::{
    ActorRecord, AlarmChange, Birth, Commit, Created, DueAlarm, Epoch, Image, ListPage, ListQuery,
    NewActor, Snapshot, Store, StoreFuture, StoreMemory, TailEntry,
};
pub use embedded::{EmbeddedConfig, EmbeddedStore};
pub use error::{OpenError, StoreError};
pub use memory::MemoryStore;
