//! Tests of the contract, and a store whose faults a test controls.
//!
//! - [`store_suite!`](crate::store_suite) runs every case of [`suite`] against an engine.
//! - [`model`] checks random programs against a model, with restarts in between.
//! - [`FaultStore`] holds syncs back, fails them, or loses what was not synced.

mod fault;
pub mod model;
pub mod suite;

use std::future::Future;

use bytes::Bytes;
use greenroom_types::{ActorId, ActorKey, ActorName, ShardId};

pub use self::fault::FaultStore;
use crate::{Commit, Epoch, NewActor};

/// Runs a future to its end on a fresh runtime of one thread (and threads for blocking work).
///
/// # Panics
/// When the runtime cannot be built, or the future panics.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime
        .expect("a runtime without drivers needs nothing from the system")
        .block_on(future)
}

/// An actor to create, of type `name` with the key `parts`. Its id is made of `number`, so equal
/// numbers give equal ids.
///
/// # Panics
/// When name or key are over their limits.
pub fn new_actor(number: u64, name: &str, parts: &[&str]) -> NewActor {
    let name = ActorName::new(name).expect("a test's name is valid");
    let key = actor_key(parts);
    let mut random = [0; 13];
    random[5..].copy_from_slice(&number.to_be_bytes());
    let id = ActorId::new(ShardId::new(number as u16), random);
    NewActor {
        id,
        name,
        key,
        created_at_ms: number as i64,
        input: None,
    }
}

/// The key with these parts.
///
/// # Panics
/// When it is over its limits.
pub fn actor_key(parts: &[&str]) -> ActorKey {
    ActorKey::new(parts.iter().map(|part| (*part).to_owned()).collect())
        .expect("a test's key is valid")
}

/// A commit that changes neither alarm nor existence.
pub fn commit(actor: ActorId, epoch: Epoch, seq: u64, body: impl Into<Bytes>) -> Commit {
    Commit {
        actor,
        epoch,
        seq,
        body: body.into(),
        alarm: None,
        destroy: false,
    }
}
