//! What a run came to.

use std::{collections::BTreeMap, fmt};

use crate::{book::Book, history::Outcome};

/// What a run came to.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Which run.
    pub seed: u64,
    /// Everything that happened, in order.
    pub trace: Vec<String>,
    /// What must not be and was.
    pub violations: Vec<String>,
    /// Operations of clients, and how many of them have happened for certain.
    pub operations: u64,
    /// Operations that have happened for certain.
    pub acknowledged: u64,
    /// What clients have asked for and been told, in the order in which they have asked.
    pub answers: Vec<String>,
    /// Messages that connections heard.
    pub heard: u64,
    /// How often each fault has happened.
    pub faults: BTreeMap<&'static str, u64>,
}

impl Report {
    pub(crate) fn of(seed: u64, book: &Book) -> Self {
        let pages = book.pages();
        let done = |op: &&crate::history::Op| matches!(op.outcome, Outcome::Done(..));
        Self {
            seed,
            trace: pages.lines.clone(),
            violations: pages.violations.clone(),
            operations: pages.ops.len() as u64,
            acknowledged: pages.ops.iter().filter(done).count() as u64,
            answers: pages.ops.iter().map(|op| op.in_words()).collect(),
            heard: pages.checked,
            faults: pages.faults.clone(),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "seed {}: {} operations, {} acknowledged, {} messages heard, {} faults, {} violations",
            self.seed,
            self.operations,
            self.acknowledged,
            self.heard,
            self.faults.values().sum::<u64>(),
            self.violations.len()
        )
    }
}
