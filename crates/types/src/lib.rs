//! The words that every part of Greenroom shares: ids, names, keys, limits, errors, and the
//! client protocol with its codecs.
//!
//! This crate does no I/O and knows no runtime. Everything that enters the system from outside is
//! checked once, here, and then travels as a type that cannot be wrong.

pub mod cbor;
mod error;
mod event;
pub mod gateway;
mod id;
mod id_hash;
mod key;
pub mod limits;
mod name;
pub mod once;
mod percent;
pub mod protocol;
mod sparse;
pub mod value;

pub use error::ActorError;
pub use event::EventFrame;
pub use id::{ActorId, InvalidActorId, SHARDS, ShardId};
pub use id_hash::{IdHash, IdHasher, SeededHash};
pub use key::{ActorKey, InvalidKey};
pub use name::{ActorName, InvalidName};
pub use sparse::shrink_sparse;
