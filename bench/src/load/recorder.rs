//! Counts replies and times, first to warm up, then for the figures.

use std::{
    cell::{OnceCell, RefCell},
    time::{Duration, Instant},
};

use anyhow::{Context, Result};

use super::used::Used;
use crate::disk::Written;

/// Replies that a window should have: those of slow systems come in bursts, and where a burst is cut
/// apart the work for its other replies counts as well.
const ENOUGH: usize = 200;
/// How much longer a window may last for them: so many times as long, and at most so long.
const LONGER: u32 = 3;
const MOST_LONGER: Duration = Duration::from_secs(10);

/// How long to work. Whichever of time and count comes first ends it; few replies make it longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    /// Time before anything counts.
    pub(crate) warm_up: Duration,
    /// Time that counts.
    pub(crate) measured: Duration,
    /// The most operations that count.
    pub(crate) max_operations: usize,
}

impl Window {
    /// Whether as much has come as should, after this time.
    fn is_over(&self, elapsed: Duration, replies: usize) -> bool {
        let longest = self.measured + (self.measured * LONGER).min(MOST_LONGER);
        replies >= self.max_operations
            || elapsed >= longest
            || (elapsed >= self.measured && replies >= ENOUGH)
    }
}

/// What one round found.
#[derive(Clone, Debug)]
pub(crate) struct Measurement {
    /// Time from the first to the last operation that counted.
    pub(crate) elapsed: Duration,
    /// The server's CPU time meanwhile, user and system.
    pub(crate) cpu: Duration,
    /// CPU time that anything but the server and this program used meanwhile: the noise.
    pub(crate) others: Duration,
    /// What the server wrote meanwhile.
    pub(crate) written: Written,
    /// From request to reply, for each operation that counted, in ascending order.
    pub(crate) latencies: Vec<Duration>,
}

/// Shared by the connections of one load generator, on one thread.
pub(super) struct Recorder {
    pid: u32,
    window: Window,
    /// When the first reply came: what it takes to prepare is not warming up.
    began: OnceCell<Instant>,
    state: RefCell<State>,
}

enum State {
    WarmUp,
    Measuring {
        since: Instant,
        before: Used,
        latencies: Vec<Duration>,
    },
    Done(Measurement),
}

impl Recorder {
    pub(super) fn new(pid: u32, window: Window) -> Self {
        Self {
            pid,
            window,
            began: OnceCell::new(),
            state: RefCell::new(State::WarmUp),
        }
    }

    /// Takes note of a reply to a request that was sent at `sent`. Says whether to go on.
    ///
    /// # Errors
    /// The server's CPU time cannot be read.
    pub(super) fn reply(&self, sent: Instant) -> Result<bool> {
        let now = Instant::now();
        let began = *self.began.get_or_init(|| now);
        let state = &mut *self.state.borrow_mut();
        match state {
            State::WarmUp if now - began < self.window.warm_up => Ok(true),
            State::WarmUp => {
                *state = State::Measuring {
                    before: Used::until_now(self.pid)?,
                    since: Instant::now(),
                    latencies: Vec::with_capacity(self.window.max_operations.min(1 << 20)),
                };
                Ok(true)
            }
            State::Measuring {
                since,
                before,
                latencies,
            } => {
                // Also of a request from before: the server works on as many after the window's end
                // as it did before its start, and its CPU time is that of all replies within.
                latencies.push(now - sent);
                let elapsed = now - *since;
                let is_over = self.window.is_over(elapsed, latencies.len());
                if is_over {
                    let used = Used::until_now(self.pid)?.since(*before);
                    let mut latencies = std::mem::take(latencies);
                    latencies.sort_unstable();
                    *state = State::Done(Measurement {
                        elapsed,
                        cpu: used.server,
                        others: used.by_others(),
                        written: used.written,
                        latencies,
                    });
                }
                Ok(!is_over)
            }
            State::Done(_) => Ok(false),
        }
    }

    /// The result.
    ///
    /// # Errors
    /// The window has not ended.
    pub(super) fn finish(self) -> Result<Measurement> {
        match self.state.into_inner() {
            State::Done(measurement) => Some(measurement),
            State::WarmUp | State::Measuring { .. } => None,
        }
        .context("the connections ended before the measurement did")
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{ENOUGH, Recorder, Window};

    fn recorder(max_operations: usize) -> Recorder {
        let window = Window {
            warm_up: Duration::ZERO,
            measured: Duration::from_secs(60),
            max_operations,
        };
        Recorder::new(std::process::id(), window)
    }

    #[test]
    fn all_replies_of_the_window_count_and_their_number_ends_it() {
        let recorder = recorder(2);
        let before = Instant::now();
        assert!(recorder.reply(before).unwrap(), "opens the window");
        assert!(recorder.reply(before).unwrap(), "was sent before it");
        assert!(!recorder.reply(Instant::now()).unwrap(), "ends it");
        assert!(!recorder.reply(Instant::now()).unwrap(), "comes too late");
        assert_eq!(recorder.finish().unwrap().latencies.len(), 2);
    }

    #[test]
    fn few_replies_make_a_window_longer_within_bounds() {
        let seconds = Duration::from_secs;
        let window = |measured| Window {
            warm_up: Duration::ZERO,
            measured: seconds(measured),
            max_operations: 1000,
        };
        assert!(window(2).is_over(seconds(2), ENOUGH));
        assert!(!window(2).is_over(seconds(1), ENOUGH));
        assert!(window(2).is_over(seconds(1), 1000));
        assert!(!window(2).is_over(seconds(7), ENOUGH - 1));
        assert!(window(2).is_over(seconds(8), 1));
        assert!(!window(60).is_over(seconds(69), 1) && window(60).is_over(seconds(70), 1));
    }

    #[test]
    fn a_window_that_did_not_end_has_no_result() {
        let recorder = recorder(2);
        assert!(recorder.reply(Instant::now()).unwrap());
        assert!(recorder.finish().is_err());
    }
}
