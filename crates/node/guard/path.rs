//! A hot path: what it is called and how it runs.

use anyhow::Result;

/// Something that the product does very often.
#[derive(Clone, Copy)]
pub(crate) struct Path {
    /// Its name in the baseline.
    pub(crate) name: &'static str,
    /// How often it is gone; counts are divided by it.
    pub(crate) operations: u32,
    /// What one operation is.
    pub(crate) about: &'static str,
    /// Sets up, warms up, and does the operations within [`guard_measured`](crate::measure::guard_measured).
    pub(crate) run: fn(u32) -> Result<()>,
}
