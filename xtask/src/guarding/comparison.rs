//! What counts say beside a baseline.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::Baseline;

/// Growth that fails, in percent of the baseline; a path that is cheaper by as much gets a remark.
const BOUND: u64 = 10;

/// The counts beside the baseline, one row for each path.
#[derive(Debug)]
pub(crate) struct Comparison {
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    path: String,
    kept: Option<u64>,
    now: Option<u64>,
    verdict: Verdict,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Same,
    Grown,
    Cheaper,
    /// It is not in the baseline.
    New,
    /// It is in the baseline only.
    Gone,
}

impl Verdict {
    fn of(kept: Option<u64>, now: Option<u64>) -> Self {
        match (kept, now) {
            (None, _) => Self::New,
            (_, None) => Self::Gone,
            // In whole numbers: exactly the bound is within it.
            (Some(kept), Some(now)) if now * 100 > kept * (100 + BOUND) => Self::Grown,
            (Some(kept), Some(now)) if now * 100 < kept * (100 - BOUND) => Self::Cheaper,
            (Some(_), Some(_)) => Self::Same,
        }
    }

    fn fails(self) -> bool {
        match self {
            Self::Same | Self::Cheaper => false,
            Self::Grown | Self::New | Self::Gone => true,
        }
    }

    fn remark(self) -> &'static str {
        match self {
            Self::Same => "",
            Self::Grown => "FAILED: grown by over 10 %; make it cheaper, or say why and --accept",
            Self::Cheaper => "cheaper by over 10 %; --accept keeps it so",
            Self::New => "FAILED: not in the baseline; --accept adds it",
            Self::Gone => "FAILED: in the baseline only; --accept removes it",
        }
    }
}

/// Compares counts with a baseline. With `whole`, the counts are those of all paths that there are.
pub(crate) fn compare(
    baseline: &Baseline,
    counts: &BTreeMap<String, u64>,
    whole: bool,
) -> Comparison {
    let mut paths: BTreeSet<&String> = counts.keys().collect();
    if whole {
        paths.extend(baseline.0.keys());
    }
    let rows = paths.into_iter().map(|path| {
        let (kept, now) = (baseline.0.get(path).copied(), counts.get(path).copied());
        Row {
            path: path.clone(),
            kept,
            now,
            verdict: Verdict::of(kept, now),
        }
    });
    Comparison {
        rows: rows.collect(),
    }
}

impl Comparison {
    /// How many paths are as they should be, and how many are not.
    pub(crate) fn tally(&self) -> (usize, usize) {
        let failed = self.rows.iter().filter(|row| row.verdict.fails()).count();
        (self.rows.len() - failed, failed)
    }

    /// The same table without a word on what fails: for counts that are wanted.
    pub(crate) fn changes(mut self) -> Self {
        for row in &mut self.rows {
            row.verdict = Verdict::Same;
        }
        self
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            out,
            "{:<20}{:>14}{:>14}{:>9}",
            "instructions for", "baseline", "now", "change"
        )?;
        let count = |count: Option<u64>| count.map_or("-".to_owned(), |count| count.to_string());
        for row in &self.rows {
            let change = match (row.kept, row.now) {
                (Some(kept), Some(now)) => format!("{:+.1} %", growth(kept, now)),
                _ => "-".to_owned(),
            };
            let line = format!(
                "{:<20}{:>14}{:>14}{change:>9}  {}",
                row.path,
                count(row.kept),
                count(row.now),
                row.verdict.remark()
            );
            writeln!(out, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// In percent of what was.
fn growth(kept: u64, now: u64) -> f64 {
    (now as f64 / kept as f64 - 1.0) * 100.0
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{Baseline, compare};

    fn counts(list: &[(&str, u64)]) -> BTreeMap<String, u64> {
        let owned = list.iter().map(|&(path, count)| (path.to_owned(), count));
        owned.collect()
    }

    /// What a single path whose baseline is 1,000 comes to.
    fn one(now: u64) -> (bool, String) {
        let baseline = Baseline(counts(&[("a", 1_000)]));
        let comparison = compare(&baseline, &counts(&[("a", now)]), true);
        (comparison.tally() == (1, 0), comparison.to_string())
    }

    #[test]
    fn only_growth_above_ten_percent_fails() {
        for (now, passes, says) in [
            (1_000, true, "+0.0 %"),
            (1_100, true, "+10.0 %"),
            (1_101, false, "FAILED: grown"),
            (5_000, false, "+400.0 %"),
            (900, true, "-10.0 %"),
            (899, true, "cheaper"),
        ] {
            let (passed, table) = one(now);
            assert_eq!(passed, passes, "{table}");
            assert!(table.contains(says), "{says}: {table}");
        }
    }

    #[test]
    fn a_path_without_a_baseline_fails_and_so_does_a_baseline_without_a_path() {
        let baseline = Baseline(counts(&[("a", 1_000), ("gone", 5)]));
        let comparison = compare(&baseline, &counts(&[("a", 1_000), ("new", 7)]), true);
        assert_eq!(comparison.tally(), (1, 2), "{comparison}");
        let table = comparison.to_string();
        assert!(
            table.contains("adds it") && table.contains("removes it"),
            "{table}"
        );
    }

    #[test]
    fn paths_that_were_not_chosen_are_not_missed() {
        let baseline = Baseline(counts(&[("a", 1_000), ("b", 5)]));
        let comparison = compare(&baseline, &counts(&[("a", 1_000)]), false);
        assert_eq!(comparison.tally(), (1, 0), "{comparison}");
    }
}
