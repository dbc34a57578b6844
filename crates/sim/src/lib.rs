//! Deterministic simulation of Greenroom: the real runtime in simulated time, on a disk that crashes, stalls,
//! fills up and fails, with clients that come, go and lose patience. Nothing in the product depends on it.
//!
//! A seed is a run, and the same seed gives the same trace, byte for byte. What must hold is checked while a
//! run goes on, by the actors themselves (`actor`) and by a witness of the store (`store`), and when it
//! is over (`check`). [`Plant`]s are bugs put in on purpose: they show that the checkers see something.

mod actor;
mod book;
mod check;
mod clients;
mod disk;
mod env;
mod hands;
mod history;
mod host;
mod net;
mod node;
mod panics;
mod plan;
mod plant;
mod report;
mod rng;
mod software;
mod store;
mod view;
mod wire;
mod world;

pub use plant::Plant;
pub use report::Report;

/// Runs a seed, with a bug planted or without.
pub fn run(seed: u64, plant: Option<Plant>) -> Report {
    world::run(seed, plan::Plan::of(seed), plant)
}

/// What a client is told without any faults, when actors sleep whenever nobody needs them, or never.
pub fn calm(seed: u64, sleepy: bool) -> Report {
    let sleep_timeout = sleepy.then_some(std::time::Duration::ZERO);
    world::run(seed, plan::Plan::calm(seed, sleep_timeout), None)
}
