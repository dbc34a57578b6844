//! One suite of checks or tests: a command whose success and counts are reported.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::failures::{Failure, Failures};
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
    /// The tests of it that failed, as far as its output names them; never empty when it failed.
    pub(crate) failures: Vec<Failure>,
    /// How long it took.
    pub(crate) took: Duration,
}

/// What has been read from one stream of a suite's output.
#[derive(Default)]
struct Reading {
    tally: Tally,
    failures: Failures,
}

/// A reading that goes on.
type Shared = Arc<Mutex<Reading>>;

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

    /// The outcome of a suite that could not be run, for that reason: one failure.
    pub(crate) fn not_run(self, reason: &str) -> Outcome {
        Outcome {
            tally: Tally {
                passed: 0,
                failed: 1,
            },
            failures: vec![Failure::of_suite(vec![reason.to_owned()])],
            name: self.name,
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
        let readings = [Shared::default(), Shared::default()];
        let ended = run_and_read(self.command, limit, &readings);
        let mut tally = Tally::default();
        let mut failures = Vec::new();
        let mut last_lines = Vec::new();
        for reading in readings {
            let reading = std::mem::take(&mut *lock(&reading));
            tally.add(reading.tally);
            let (failed, recent) = reading.failures.finish();
            failures.extend(failed);
            // Errors are read last; a tool that prints none there says them on standard output.
            if !recent.is_empty() {
                last_lines = recent;
            }
        }
        let succeeded = matches!(ended, Ok(true));
        if let Err(error) = ended {
            eprintln!("error: {error:#}");
            failures.push(Failure::of_suite(vec![format!("{error:#}")]));
        } else if !succeeded && failures.is_empty() {
            failures.push(Failure::of_suite(last_lines));
        }
        if !succeeded && tally.failed == 0 {
            tally.failed = 1;
        } else if succeeded && tally == Tally::default() {
            tally.passed = 1;
        }
        Outcome {
            name: self.name,
            tally,
            failures,
            took: start.elapsed(),
        }
    }
}

/// Runs the command to its end, reading standard output and standard error; returns whether it succeeded.
///
/// After the limit it is told to end; what it started is not waited for.
fn run_and_read(mut command: Command, limit: Duration, readings: &[Shared; 2]) -> Result<bool> {
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
    let [of_stdout, of_stderr] = readings.clone();
    let (closed, closes) = mpsc::channel();
    let closed_too = closed.clone();
    thread::spawn(move || closed.send(pass_through(stdout, std::io::stdout(), &of_stdout)));
    thread::spawn(move || closed_too.send(pass_through(stderr, std::io::stderr(), &of_stderr)));
    let deadline = Instant::now() + limit;
    for _ in 0..2 {
        let left = deadline.saturating_duration_since(Instant::now());
        let Ok(close) = closes.recv_timeout(left) else {
            end(&mut child, &closes)?;
            bail!("`{name}` did not end within {} s", limit.as_secs());
        };
        close?;
    }
    let status = child
        .wait()
        .with_context(|| format!("cannot wait for `{name}`"))?;
    if !status.success() {
        eprintln!("`{name}` failed ({status})");
    }
    Ok(status.success())
}

/// Asks a program to end, so that it can end what it started, then ends it.
fn end(child: &mut Child, outputs: &Receiver<Result<()>>) -> Result<()> {
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

/// Copies line by line and reads what the lines say.
fn pass_through(from: impl Read, mut to: impl Write, reading: &Mutex<Reading>) -> Result<()> {
    let mut from = BufReader::new(from);
    let mut line = Vec::new();
    while from.read_until(b'\n', &mut line)? > 0 {
        to.write_all(&line)?;
        let text = String::from_utf8_lossy(&line);
        let mut reading = lock(reading);
        reading.tally.read_line(&text);
        reading.failures.read_line(&text);
        drop(reading);
        line.clear();
    }
    to.flush()?;
    Ok(())
}

fn lock(reading: &Mutex<Reading>) -> MutexGuard<'_, Reading> {
    reading.lock().unwrap_or_else(PoisonError::into_inner)
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
        assert_eq!(outcome.tally.failed, 1);
        let [failure] = &outcome.failures[..] else {
            panic!("{:?}", outcome.failures)
        };
        assert!(failure.details[0].contains("did not end"), "{failure:?}");
        assert!(outcome.took < Duration::from_secs(60), "{:?}", outcome.took);
    }

    #[test]
    #[cfg(unix)]
    fn failed_tests_are_named_or_else_the_last_lines_are_told() {
        let failures = |script: &str| Suite::new("x", shell(script)).run().failures;
        assert_eq!(failures("echo 'ok 1 - a'; echo talk >&2"), []);
        let named = failures("echo 'not ok 1 - a'; echo '(fail) b' >&2; exit 1");
        let names: Vec<&str> = named.iter().map(|failure| &*failure.name).collect();
        assert_eq!(names, ["a", "b"]);
        let unnamed = failures("echo 'cannot format'; exit 1");
        assert_eq!(unnamed[0].details, ["cannot format"]);
        let unnamed = failures("echo 'at work'; echo 'cannot start' >&2; exit 1");
        assert_eq!(unnamed[0].details, ["cannot start"]);
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
