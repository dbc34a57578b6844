//! What has been seen, for `/metrics` and `/health`.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use greenroom_core::Lane;
use greenroom_server::{HostMetrics, MetricsPage};

use super::desk::Desk;

/// Upper bounds of the lag histogram, in seconds.
const BOUNDS: [f64; 12] = [
    0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0,
];
/// The largest lag is that of the last one to two of these.
const WINDOW: Duration = Duration::from_secs(60);

/// Whom a block is counted for. Of bounded number: types and actions of the program. Both are empty if
/// nobody knows.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Counted {
    pub(crate) actor: String,
    pub(crate) action: String,
}

/// See the top of the file.
#[derive(Debug, Default)]
pub(crate) struct Record {
    /// A sync lock, held for lines.
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    counts: [u64; BOUNDS.len()],
    lags: u64,
    lag_sum: Duration,
    largest: Largest,
    blocks: BTreeMap<Counted, (u64, Duration)>,
    /// The blocks that last, one for each thread at most.
    now: BTreeMap<Lane, (Counted, Duration)>,
    /// Where the threads that are there say how large their heaps are.
    desks: BTreeMap<Lane, Arc<Desk>>,
}

/// The largest value of the last one to two windows.
#[derive(Debug, Default)]
struct Largest {
    since: Duration,
    before: Duration,
    now: Duration,
}

impl Record {
    /// A thread is there.
    pub(crate) fn came(&self, lane: Lane, desk: Arc<Desk>) {
        self.seen().desks.insert(lane, desk);
    }

    /// It is gone.
    pub(crate) fn went(&self, lane: Lane) {
        let mut seen = self.seen();
        seen.desks.remove(&lane);
        if let Some((whose, lasted)) = seen.now.remove(&lane) {
            seen.count(whose, lasted);
        }
    }

    /// The loop came by so late.
    pub(crate) fn lag(&self, now: Duration, lag: Duration) {
        let mut seen = self.seen();
        let slot = BOUNDS.iter().position(|&bound| lag.as_secs_f64() <= bound);
        if let Some(slot) = slot {
            seen.counts[slot] += 1;
        }
        seen.lags += 1;
        seen.lag_sum += lag;
        seen.largest.put(now, lag);
    }

    /// A block lasts so long.
    pub(crate) fn blocked(&self, lane: Lane, whose: Counted, lasts: Duration) {
        self.seen().now.insert(lane, (whose, lasts));
    }

    /// A block is over.
    pub(crate) fn unblocked(&self, lane: Lane, whose: Counted, lasted: Duration) {
        let mut seen = self.seen();
        seen.now.remove(&lane);
        seen.count(whose, lasted);
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seen {
    fn count(&mut self, whose: Counted, lasted: Duration) {
        let (count, sum) = self.blocks.entry(whose).or_default();
        *count += 1;
        *sum += lasted;
    }

    /// The longest of the blocks that last.
    fn longest(&self) -> Option<Duration> {
        self.now.values().map(|(_, lasts)| *lasts).max()
    }

    /// The heaps of all threads together: their size and the part in use.
    fn heap(&self) -> Option<(u64, u64)> {
        let heaps = self.desks.values().filter_map(|desk| desk.heap());
        heaps.reduce(|(size, used), (more, of_it)| (size + more, used + of_it))
    }
}

impl Largest {
    fn put(&mut self, now: Duration, value: Duration) {
        let windows = now.saturating_sub(self.since).as_secs() / WINDOW.as_secs();
        if windows > 0 {
            self.before = if windows == 1 {
                self.now
            } else {
                Duration::ZERO
            };
            self.now = Duration::ZERO;
            self.since = now;
        }
        self.now = self.now.max(value);
    }

    fn get(&self) -> Duration {
        self.now.max(self.before)
    }
}

impl HostMetrics for Record {
    fn blocked_for(&self) -> Option<Duration> {
        self.seen().longest()
    }

    fn write(&self, page: &mut MetricsPage) {
        let seen = self.seen();
        page.histogram(
            "greenroom_event_loop_lag_seconds",
            "How late threads of JavaScript come by when they are asked to, each about 20 times a second while actors are awake.",
            &BOUNDS,
            &seen.counts,
            seen.lags,
            seen.lag_sum.as_secs_f64(),
        );
        page.gauge(
            "greenroom_event_loop_lag_max_seconds",
            "The largest of the last one to two minutes.",
        );
        page.sample(&[], seen.largest.get().as_secs_f64());
        page.gauge(
            "greenroom_event_loop_blocked_seconds",
            "How long a thread of JavaScript has been blocked at this moment, the longest of them; 0 if none is.",
        );
        let lasts = seen.longest().unwrap_or_default();
        page.sample(&[], lasts.as_secs_f64());
        // Those that last count already.
        let mut blocks = seen.blocks.clone();
        for (whose, lasts) in seen.now.values() {
            let (count, sum) = blocks.entry(whose.clone()).or_default();
            *count += 1;
            *sum += *lasts;
        }
        page.counter(
            "greenroom_event_loop_blocks_total",
            "Pieces of code that have blocked a thread of JavaScript, by actor type and action or hook; both empty if that is not known.",
        );
        for (Counted { actor, action }, (count, _)) in &blocks {
            page.sample(&[("actor", actor), ("action", action)], *count as f64);
        }
        page.counter(
            "greenroom_event_loop_blocked_seconds_total",
            "How long they have blocked it.",
        );
        for (Counted { actor, action }, (_, sum)) in &blocks {
            page.sample(&[("actor", actor), ("action", action)], sum.as_secs_f64());
        }
        page.gauge(
            "greenroom_js_threads",
            "Threads of JavaScript that run actors at this moment; fewer than `workers` while one that was lost starts again.",
        );
        page.sample(&[], seen.desks.len() as f64);
        if let Some((size, used)) = seen.heap() {
            page.gauge(
                "greenroom_js_heap_bytes",
                "The heaps of all threads of JavaScript, all actors and the program together, a few seconds ago.",
            );
            page.sample(&[("part", "size")], size as f64);
            page.sample(&[("part", "used")], used as f64);
        }
        if let Some(bytes) = crate::memory::allocated() {
            page.gauge(
                "greenroom_native_memory_bytes",
                "What native code of the process has allocated and not freed, the core's and the runtime's; JavaScript's heap is not in it.",
            );
            page.sample(&[], bytes as f64);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    fn page_of(record: &Record) -> String {
        let mut page = MetricsPage::default();
        record.write(&mut page);
        page.into_text()
    }

    fn has(page: &str, line: &str) {
        assert!(page.lines().any(|l| l == line), "{line} is not in\n{page}");
    }

    #[test]
    fn lags_are_counted_in_buckets() {
        let record = Record::default();
        for ms in [1, 3, 300, 90_000] {
            record.lag(secs(1), Duration::from_millis(ms));
        }
        let page = page_of(&record);
        has(
            &page,
            r#"greenroom_event_loop_lag_seconds_bucket{le="0.001"} 1"#,
        );
        has(
            &page,
            r#"greenroom_event_loop_lag_seconds_bucket{le="0.005"} 2"#,
        );
        has(
            &page,
            r#"greenroom_event_loop_lag_seconds_bucket{le="0.5"} 3"#,
        );
        has(
            &page,
            r#"greenroom_event_loop_lag_seconds_bucket{le="60"} 3"#,
        );
        has(
            &page,
            r#"greenroom_event_loop_lag_seconds_bucket{le="+Inf"} 4"#,
        );
        has(&page, "greenroom_event_loop_lag_seconds_count 4");
        has(&page, "greenroom_event_loop_lag_max_seconds 90");
    }

    #[test]
    fn the_largest_lag_is_forgotten_after_two_windows() {
        let record = Record::default();
        record.lag(secs(1), secs(9));
        record.lag(secs(70), secs(1));
        has(&page_of(&record), "greenroom_event_loop_lag_max_seconds 9");
        record.lag(secs(131), secs(2));
        has(&page_of(&record), "greenroom_event_loop_lag_max_seconds 2");
    }

    #[test]
    fn a_block_counts_while_it_lasts_and_once() {
        let record = Record::default();
        let whose = Counted {
            actor: "room".to_owned(),
            action: "spin".to_owned(),
        };
        let lines = [
            r#"greenroom_event_loop_blocks_total{actor="room",action="spin"} 1"#,
            r#"greenroom_event_loop_blocked_seconds_total{actor="room",action="spin"} 3"#,
        ];
        record.blocked(Lane(0), whose.clone(), secs(3));
        assert_eq!(record.blocked_for(), Some(secs(3)));
        let page = page_of(&record);
        lines.iter().for_each(|line| has(&page, line));
        has(&page, "greenroom_event_loop_blocked_seconds 3");
        record.unblocked(Lane(0), whose, secs(3));
        assert_eq!(record.blocked_for(), None);
        let page = page_of(&record);
        lines.iter().for_each(|line| has(&page, line));
        has(&page, "greenroom_event_loop_blocked_seconds 0");
    }

    #[test]
    fn threads_are_blocked_on_their_own() {
        let record = Record::default();
        let whose = |action: &str| Counted {
            actor: "room".to_owned(),
            action: action.to_owned(),
        };
        for lane in 0..2 {
            record.came(Lane(lane), Arc::default());
        }
        record.blocked(Lane(0), whose("spin"), secs(3));
        record.blocked(Lane(1), whose("sort"), secs(5));
        assert_eq!(record.blocked_for(), Some(secs(5)));
        has(&page_of(&record), "greenroom_js_threads 2");
        // It was lost in the midst of it.
        record.went(Lane(1));
        assert_eq!(record.blocked_for(), Some(secs(3)));
        let page = page_of(&record);
        has(&page, "greenroom_js_threads 1");
        has(
            &page,
            r#"greenroom_event_loop_blocked_seconds_total{actor="room",action="sort"} 5"#,
        );
    }
}
