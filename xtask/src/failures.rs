//! Which tests failed, and why: read from what test runners print, and told where a cut log still shows it.

use std::collections::VecDeque;

/// How many lines of its error a failed test is told with, at most.
const DETAILS: usize = 15;

/// How many lines all failed tests together take, at most.
const LINES: usize = 30;

/// How many characters of a line are told.
const WIDTH: usize = 200;

/// One failed test.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Failure {
    /// What its runner calls it.
    pub(crate) name: String,
    /// File and line, where its runner says that; else empty.
    pub(crate) place: String,
    /// The first lines of its error.
    pub(crate) details: Vec<String>,
}

/// The failed tests in one stream of output.
#[derive(Default)]
pub(crate) struct Failures {
    found: Vec<Failure>,
    open: Option<Open>,
    recent: VecDeque<String>,
}

/// A failed test whose error is still to be read, by the format that it is printed in.
enum Open {
    /// Node.js: a block of YAML, indented by that much.
    Tap(Failure, usize),
    /// nextest and cargo: what the test printed.
    Rust(Failure),
    /// Bun prints the error first; a timeout is remarked after it.
    Bun(Failure),
}

impl Failures {
    /// Takes in one line of output.
    pub(crate) fn read_line(&mut self, line: &str) {
        let line = line.trim_end();
        match self.open.take() {
            Some(Open::Tap(failure, indent)) => self.read_tap(failure, indent, line),
            Some(Open::Rust(failure)) => self.read_rust(failure, line),
            Some(Open::Bun(mut failure)) => match line.strip_prefix("  ^ ") {
                Some(remark) => {
                    failure.add(remark);
                    self.close(failure);
                }
                None => {
                    self.close(failure);
                    self.look_for_failure(line);
                }
            },
            None => self.look_for_failure(line),
        }
        if !line.trim().is_empty() {
            self.recent.push_back(line.to_owned());
        }
        if self.recent.len() > DETAILS {
            self.recent.pop_front();
        }
    }

    /// The failed tests, each once, and the last lines of the output.
    pub(crate) fn finish(mut self) -> (Vec<Failure>, Vec<String>) {
        if let Some(Open::Tap(failure, _) | Open::Rust(failure) | Open::Bun(failure)) =
            self.open.take()
        {
            self.close(failure);
        }
        (self.found, self.recent.into())
    }

    fn look_for_failure(&mut self, line: &str) {
        let text = line.trim_start();
        if let Some(result) = text.strip_prefix("not ok ") {
            let name = result.split_once(" - ").map_or(result, |(_, name)| name);
            if !name.contains(" # TODO") && !name.contains(" # SKIP") {
                let indent = line.len() - text.len() + 2;
                self.open = Some(Open::Tap(Failure::new(name), indent));
            }
        } else if let Some(name) = nextest_failure(text).or_else(|| cargo_failure(line)) {
            self.open = Some(Open::Rust(Failure::new(name)));
        } else if let Some(name) = line.strip_prefix("(fail) ") {
            let mut failure = Failure::new(name);
            let error = self.recent.iter().position(|line| line.contains("error: "));
            let error = self.recent.iter().skip(error.unwrap_or(usize::MAX));
            error.for_each(|line| failure.add(line));
            self.recent.clear();
            self.open = Some(Open::Bun(failure));
        } else if line.starts_with("(pass) ") {
            self.recent.clear();
        }
    }

    fn read_tap(&mut self, mut failure: Failure, indent: usize, line: &str) {
        let Some(line) = line.get(indent..).filter(|_| is_blank(&line[..indent])) else {
            if line.trim().is_empty() {
                self.open = Some(Open::Tap(failure, indent));
            } else {
                self.close(failure);
                self.look_for_failure(line);
            }
            return;
        };
        match line.split_once(": ").unwrap_or((line, "")) {
            ("...", _) => return self.close(failure),
            // The failed tests inside it are told themselves.
            ("failureType", "'subtestsFailed'") => return,
            ("location", place) => failure.place = place.trim_matches('\'').to_owned(),
            ("---" | "duration_ms" | "type" | "failureType", _) => {}
            _ => failure.add(line),
        }
        self.open = Some(Open::Tap(failure, indent));
    }

    fn read_rust(&mut self, mut failure: Failure, line: &str) {
        let text = line.trim_start();
        if is_nextest_status(text)
            || text.starts_with("stack backtrace:")
            || line.starts_with("────")
            || line.starts_with("failures:")
            || cargo_failure(line).is_some()
        {
            self.close(failure);
            return self.look_for_failure(line);
        }
        if text.starts_with("stderr ──") {
            // Here is the error; what came before it is the harness's talk.
            failure.details.clear();
        } else if !text.starts_with("stdout ──") {
            failure.add(line);
        }
        self.open = Some(Open::Rust(failure));
    }

    /// nextest names each failed test again at the end.
    fn close(&mut self, failure: Failure) {
        let known = |other: &Failure| other.name == failure.name && other.place == failure.place;
        if !self.found.iter().any(known) {
            self.found.push(failure);
        }
    }
}

impl Failure {
    /// A failed test of that name.
    pub(crate) fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ..Self::default()
        }
    }

    /// A suite that failed while no test of it is known to have, with what is known.
    pub(crate) fn of_suite(details: Vec<String>) -> Self {
        Self {
            name: "the suite itself".to_owned(),
            details,
            ..Self::default()
        }
    }

    /// Adds a line to the details where there is room; blank lines say nothing.
    fn add(&mut self, line: &str) {
        if self.details.len() < DETAILS && !line.trim().is_empty() {
            self.details.push(line.to_owned());
        }
    }
}

/// What to print about failed tests, each with the name of its suite: all names, and as much of the errors as there
/// is room for, so that the last lines of a log are enough.
pub(crate) fn describe(failures: &[(&str, &Failure)]) -> Vec<String> {
    let told = failures.len().min(LINES);
    let room = (LINES - told).checked_div(told).unwrap_or(0).min(DETAILS);
    let mut lines = Vec::new();
    for (suite, failure) in &failures[..told] {
        let place = match failure.place.as_str() {
            "" => String::new(),
            place => format!(" ({place})"),
        };
        lines.push(format!("failed: {suite}: {}{place}", failure.name));
        let details = failure.details.iter().take(room);
        lines.extend(details.map(|line| format!("    {line}")));
    }
    if told < failures.len() {
        lines.push(format!("and {} more", failures.len() - told));
    }
    for line in &mut lines {
        *line = line.chars().take(WIDTH).collect();
    }
    lines
}

fn is_blank(text: &str) -> bool {
    text.bytes().all(|byte| byte == b' ')
}

/// nextest: `FAIL [   0.005s] (3/4) crate module::test`, also `TIMEOUT`, `SIGABRT` and the like.
fn nextest_failure(text: &str) -> Option<&str> {
    let (status, rest) = text.split_once(" [")?;
    if !matches!(status, "FAIL" | "TIMEOUT" | "ABORT") && !status.starts_with("SIG") {
        return None;
    }
    let (_, name) = rest.split_once("s] ")?;
    match name.trim_start().strip_prefix('(') {
        Some(numbered) => Some(numbered.split_once(") ")?.1),
        None => Some(name),
    }
}

/// Any line of nextest about one test: `PASS [   0.010s] (1/4) crate test`.
fn is_nextest_status(text: &str) -> bool {
    text.split_once(" [").is_some_and(|(status, rest)| {
        status.bytes().all(|byte| byte.is_ascii_uppercase()) && rest.contains("s] ")
    })
}

/// cargo: `---- module::test stdout ----`.
fn cargo_failure(line: &str) -> Option<&str> {
    line.strip_prefix("---- ")?.strip_suffix(" stdout ----")
}

#[cfg(test)]
mod tests;
