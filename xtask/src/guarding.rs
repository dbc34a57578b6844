//! The regression guard: instructions of the hot paths, counted and compared with a baseline.
//!
//! The program that goes the paths is `crates/node/guard`. Callgrind counts what it does; unlike times, such counts are
//! the same on a loaded machine, so a comparison can fail a test run.

mod baseline;
mod comparison;
mod count;
mod options;

pub(crate) use baseline::{Baseline, platform};
pub(crate) use comparison::compare;
pub(crate) use count::{build, count, paths};
pub(crate) use options::{HELP, Plan, parse};
