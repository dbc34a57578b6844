//! Counting passed and failed tests in what test runners print.

/// How many tests passed and failed.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Tests that passed.
    pub(crate) passed: u64,
    /// Tests that failed.
    pub(crate) failed: u64,
}

impl Tally {
    /// Adds what one line of output says. Lines that are no summary count nothing.
    pub(crate) fn read_line(&mut self, line: &str) {
        // An indented one is what nextest shows of a failed test, which its own summary counts.
        if let Some(summary) = line.strip_prefix("test result: ") {
            return self.read_words(summary);
        }
        let line = line.trim();
        if line.starts_with("Summary [") && line.contains("run:") {
            self.read_words(line);
        } else if let Some((what, count)) = node_summary(line) {
            self.count(what, count);
        } else if let Some((what, count)) = bun_summary(line) {
            self.count(what, count);
        }
    }

    /// Adds another count to this one.
    pub(crate) fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }

    /// cargo and nextest: `12 passed`, `1 failed`, `1 timed out` among other words.
    fn read_words(&mut self, summary: &str) {
        let words: Vec<&str> = summary
            .split([' ', ',', ';', '.'])
            .filter(|word| !word.is_empty())
            .collect();
        for pair in words.windows(2) {
            if let [number, what] = pair
                && let Ok(count) = number.parse()
            {
                self.count(what, count);
            }
        }
    }

    fn count(&mut self, what: &str, count: u64) {
        match what {
            "passed" | "pass" => self.passed += count,
            "failed" | "fail" | "cancelled" | "timed" => self.failed += count,
            _ => {}
        }
    }
}

/// Node.js: `# pass 12` (TAP) or `ℹ pass 12`.
fn node_summary(line: &str) -> Option<(&str, u64)> {
    let (what, count) = line
        .strip_prefix(['#', 'ℹ'])?
        .trim_start()
        .split_once(' ')?;
    Some((what, count.parse().ok()?))
}

/// Bun: `12 pass`, a line of its own.
fn bun_summary(line: &str) -> Option<(&str, u64)> {
    let (count, what) = line.split_once(' ')?;
    matches!(what, "pass" | "fail").then_some(())?;
    Some((what, count.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::Tally;

    fn check(output: &str, passed: u64, failed: u64) {
        let mut tally = Tally::default();
        output.lines().for_each(|line| tally.read_line(line));
        assert_eq!(tally, Tally { passed, failed }, "{output}");
    }

    #[test]
    fn summaries_of_each_runner_are_understood() {
        check(
            "test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s",
            5,
            0,
        );
        check(
            "test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured",
            3,
            2,
        );
        check(
            "     Summary [   0.004s] 12 tests run: 12 passed, 0 skipped",
            12,
            0,
        );
        check(
            "     Summary [   0.4s] 9 tests run: 6 passed (1 slow), 2 failed, 1 timed out, 3 skipped",
            6,
            3,
        );
        check(
            "# tests 7\n# pass 4\n# fail 2\n# cancelled 1\n# skipped 0",
            4,
            3,
        );
        check("ℹ tests 4\nℹ pass 4\nℹ fail 0", 4, 0);
        check(" 3 pass\n 1 fail\nRan 4 tests across 1 file.", 3, 1);
    }

    #[test]
    fn other_lines_count_nothing() {
        check(
            "PASS [   0.004s] xtask tally::tests::x\nok 1 - 5 passed\n    test result: FAILED. 0 passed; 1 failed\n# Subtest: 3 fail\n12 passengers",
            0,
            0,
        );
    }
}
