//! One suite of checks or tests: a command whose success and counts are reported.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::process;
use crate::tally::Tally;

/// How long a suite may take: several times what the longest needs on two cores, builds included.
const LIMIT: Duration = Duration::from_secs(15 * 60);

/// How long a suite that took too long may take to end what it started.
const GRACE: Duration = Duration::from_secs(10);

/// What to run, under which name.
pub(crate) struct Suite {
    /// `<group>:<rest>` or a single word; how it is chosen on the command line and named in the summary.
    pub(crate) name: String,
    /// What is run; it succeeds if and only if the suite does.
    pub(crate) command: Command,
}

/// How a suite ended.
pub(crate) struct Outcome {
    /// The suite's name.
    pub(crate) name: String,
    /// Its tests; a suite that counts none is one test. A suite that did not succeed has at least one failure.
    pub(crate) tally: Tally,
    /// How long it took.
    pub(crate) took: Duration,
}

impl Outcome {
    /// One line of the summary.
    pub(crate) fn line(&self) -> String {
        let verdict = if self.tally.failed == 0 {
            "ok"
        } else {
            "FAILED"
        };
        let Tally { passed, failed } = self.tally;
        let seconds = self.took.as_secs_f64();
        format!(
            "{verdict:<7}{:<24}{passed:>5} passed{failed:>4} failed{seconds:>8.1} s",
            self.name
        )
    }
}

impl Suite {
    /// A suite of that name.
    pub(crate) fn new(name: impl Into<String>, command: Command) -> Self {
        Self {
            name: name.into(),
            command,
        }
    }

    /// Whether the suite is meant by `choice`: its name, or the group that its name starts with.
    pub(crate) fn is_meant_by(&self, choice: &str) -> bool {
        self.name
            .strip_prefix(choice)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
    }

    /// The outcome of a suite that could not be run: one failure.
    pub(crate) fn not_run(self) -> Outcome {
        Outcome {
            name: self.name,
            tally: Tally {
                passed: 0,
                failed: 1,
            },
            took: Duration::ZERO,
        }
    }

    /// Runs it, passing its output through. A command that cannot be started, or does not end, is a failure.
    pub(crate) fn run(self) -> Outcome {
        self.run_within(LIMIT)
    }

    fn run_within(self, limit: Duration) -> Outcome {
        eprintln!("\n=== {}: {}", self.name, process::describe(&self.command));
        let start = Instant::now();
        let (mut tally, succeeded) = run_and_count(self.command, limit).unwrap_or_else(|error| {
            eprintln!("error: {error:#}");
            (Tally::default(), false)
        });
        if !succeeded && tally.failed == 0 {
            tally.failed = 1;
        } else if succeeded && tally == Tally::default() {
            tally.passed = 1;
        }
        Outcome {
            name: self.name,
            tally,
            took: start.elapsed(),
        }
    }
}

/// Runs the command to its end; returns the tests that its output counts, and whether it succeeded.
///
/// After the limit it is told to end; what it started is not waited for.
fn run_and_count(mut command: Command, limit: Duration) -> Result<(Tally, bool)> {
    let name = process::describe(&command);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command
        .spawn()
        .with_context(|| format!("cannot start `{name}`"))?;
    let stdout = child.stdout.take().expect("standard output is piped");
    let stderr = child.stderr.take().expect("standard error is piped");
    let (counted, counts) = mpsc::channel();
    let counted_errors = counted.clone();
    thread::spawn(move || counted.send(pass_through(stdout, std::io::stdout())));
    thread::spawn(move || counted_errors.send(pass_through(stderr, std::io::stderr())));
    let deadline = Instant::now() + limit;
    let mut tally = Tally::default();
    for _ in 0..2 {
        let left = deadline.saturating_duration_since(Instant::now());
        let Ok(count) = counts.recv_timeout(left) else {
            end(&mut child, &counts)?;
            bail!("`{name}` did not end within {} s", limit.as_secs());
        };
        tally.add(count?);
    }
    let status = child
        .wait()
        .with_context(|| format!("cannot wait for `{name}`"))?;
    if !status.success() {
        eprintln!("`{name}` failed ({status})");
    }
    Ok((tally, status.success()))
}

/// Asks a program to end, so that it can end what it started, then ends it.
fn end(child: &mut Child, outputs: &Receiver<Result<Tally>>) -> Result<()> {
    let mut ask = process::command("kill");
    ask.arg(child.id().to_string());
    if cfg!(unix) && process::succeeds(ask) {
        // Its outputs close when it and what it started are gone.
        while outputs.recv_timeout(GRACE).is_ok() {}
    }
    child.kill().context("cannot end a program")?;
    child.wait().context("cannot wait for a program")?;
    Ok(())
}

/// Copies line by line and counts what the lines say.
fn pass_through(from: impl Read, mut to: impl Write) -> Result<Tally> {
    let mut tally = Tally::default();
    let mut from = BufReader::new(from);
    let mut line = Vec::new();
    while from.read_until(b'\n', &mut line)? > 0 {
        to.write_all(&line)?;
        tally.read_line(&String::from_utf8_lossy(&line));
        line.clear();
    }
    to.flush()?;
    Ok(tally)
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::time::Duration;

    use super::Suite;
    use crate::tally::Tally;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    fn check(script: &str, passed: u64, failed: u64) {
        let outcome = Suite::new("x", shell(script)).run();
        assert_eq!(outcome.tally, Tally { passed, failed }, "{script}");
    }

    #[test]
    #[cfg(unix)]
    fn the_exit_code_decides_and_the_output_counts() {
        check("echo '# pass 3'; echo ' 2 pass' >&2", 5, 0);
        check("echo '# pass 3'; echo '# fail 1'; exit 1", 3, 1);
        check("exit 0", 1, 0);
        check("echo '# pass 3'; exit 1", 3, 1);
        check("kill -9 $$", 0, 1);
    }

    #[test]
    #[cfg(unix)]
    fn a_suite_that_does_not_end_is_ended_and_has_failed() {
        let endless = Suite::new("x", shell("echo '# pass 3'; exec sleep 600"));
        let outcome = endless.run_within(Duration::from_millis(50));
        assert_eq!(
            outcome.tally,
            Tally {
                passed: 0,
                failed: 1
            }
        );
        assert!(outcome.took < Duration::from_secs(60), "{:?}", outcome.took);
    }

    #[test]
    fn a_missing_program_is_a_failure() {
        let outcome = Suite::new("x", Command::new("there-is-no-such-program")).run();
        assert_eq!(
            outcome.tally,
            Tally {
                passed: 0,
                failed: 1
            }
        );
    }

    #[test]
    fn a_suite_is_chosen_by_name_or_group() {
        let suite = Suite::new("e2e:kill", Command::new("x"));
        assert!(suite.is_meant_by("e2e") && suite.is_meant_by("e2e:kill"));
        assert!(
            !suite.is_meant_by("e2") && !suite.is_meant_by("kill") && !suite.is_meant_by("e2e:k")
        );
    }
}
