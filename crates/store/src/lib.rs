//! Storage: one contract, [`Store`], and its engines.
//!
//! A store keeps, for every actor, a record of who it is and one ordered journal of commits with
//! an optional snapshot of its beginning. It does not know what the journal says: bodies are
//! opaque. What it promises is in the documentation of [`Store`], and `testing::suite` checks it
//! against every engine.

mod contract;
mod error;

pub use contract::{
    ActorRecord, AlarmChange, Commit, Created, DueAlarm, Epoch, Image, ListPage, ListQuery, NewActor, Snapshot, Store,
    StoreFuture, TailEntry,
};
pub use error::{OpenError, StoreError};
