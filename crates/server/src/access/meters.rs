//! How often things happen: a bounded table of counters that refill as time passes.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// Parts of the table, each with a lock of its own.
const SHARDS: usize = 16;
/// Most entries of a part. One takes some 32 bytes, so the whole takes 2 MiB at most.
const SHARD_ENTRIES: usize = 4096;
/// How long a part that was swept is left alone.
const SWEEP: Duration = Duration::from_secs(1);

/// Counts by keys. Each key has `burst` turns, one of which comes back every `refill`.
#[derive(Debug)]
pub(super) struct Meters {
    /// A sync lock each, held for one operation on a map.
    shards: [Mutex<Shard>; SHARDS],
    refill: Duration,
    burst: u32,
    /// Most at once.
    at_once: u32,
}

#[derive(Debug)]
struct Shard {
    meters: HashMap<u64, Meter>,
    swept: Instant,
}

/// One key's counter (the generic cell rate algorithm).
#[derive(Debug)]
struct Meter {
    /// When all turns are back.
    full_at: Instant,
    /// How many are under way.
    running: u32,
}

impl Meter {
    /// Whether it is as if it had never been used.
    fn is_fresh(&self, now: Instant) -> bool {
        self.running == 0 && self.full_at <= now
    }
}

/// Why there is no turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoTurn {
    /// All are taken; one comes back after this time.
    TooOften(Duration),
    /// So many are under way already.
    TooManyAtOnce,
}

impl Meters {
    pub(super) fn new(burst: u32, refill: Duration, at_once: u32) -> Self {
        let shard = || Shard {
            meters: HashMap::new(),
            swept: Instant::now(),
        };
        Self {
            shards: std::array::from_fn(|_| Mutex::new(shard())),
            refill,
            burst,
            at_once,
        }
    }

    /// Takes a turn of `key` and leaves it running until [`Meters::end`].
    pub(super) fn begin(&self, key: u64) -> Result<(), NoTurn> {
        let now = Instant::now();
        self.with(key, |shard| {
            shard.make_room(key, now);
            let meter = match shard.meters.entry(key) {
                Entry::Occupied(entry) => entry.into_mut(),
                Entry::Vacant(entry) => entry.insert(Meter {
                    full_at: now,
                    running: 0,
                }),
            };
            if meter.running >= self.at_once {
                return Err(NoTurn::TooManyAtOnce);
            }
            let full_at = meter.full_at.max(now) + self.refill;
            let allowed = now + self.refill * self.burst;
            if full_at > allowed {
                return Err(NoTurn::TooOften(full_at - allowed));
            }
            meter.full_at = full_at;
            meter.running += 1;
            Ok(())
        })
    }

    /// What was begun is over.
    pub(super) fn end(&self, key: u64) {
        self.with(key, |shard| {
            if let Some(meter) = shard.meters.get_mut(&key) {
                meter.running -= 1;
            }
        });
    }

    /// A turn that was ended has not been used after all.
    pub(super) fn take_back(&self, key: u64) {
        self.with(key, |shard| {
            if let Some(meter) = shard.meters.get_mut(&key) {
                meter.full_at -= self.refill;
            }
        });
    }

    fn with<T>(&self, key: u64, work: impl FnOnce(&mut Shard) -> T) -> T {
        let shard = &self.shards[key as usize % SHARDS];
        work(&mut shard.lock().unwrap_or_else(PoisonError::into_inner))
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        let lens = self.shards.iter().map(|shard| shard.lock());
        lens.map(|shard| shard.expect("no test panics with it").meters.len())
            .sum()
    }
}

impl Shard {
    /// Forgets somebody if `key` is new and the table full: whoever is as good as new, or else anybody
    /// who has nothing under way. What is under way is never forgotten; those entries are bounded by
    /// the number of connections.
    fn make_room(&mut self, key: u64, now: Instant) {
        if self.meters.len() < SHARD_ENTRIES || self.meters.contains_key(&key) {
            return;
        }
        if now.duration_since(self.swept) >= SWEEP {
            self.swept = now;
            self.meters.retain(|_, meter| !meter.is_fresh(now));
            if self.meters.len() < SHARD_ENTRIES {
                return;
            }
        }
        let mut idle = self.meters.iter().filter(|(_, meter)| meter.running == 0);
        if let Some(&somebody) = idle.next().map(|(key, _)| key) {
            self.meters.remove(&somebody);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn turns_come_back_one_by_one() {
        let meters = Meters::new(3, Duration::from_secs(2), 100);
        let take = |key| meters.begin(key).inspect(|()| meters.end(key));
        for _ in 0..3 {
            assert_eq!(take(1), Ok(()));
        }
        assert_eq!(take(1), Err(NoTurn::TooOften(Duration::from_secs(2))));
        assert_eq!(take(2), Ok(()), "others are not concerned");
        tokio::time::advance(Duration::from_millis(1500)).await;
        assert_eq!(take(1), Err(NoTurn::TooOften(Duration::from_millis(500))));
        tokio::time::advance(Duration::from_millis(500)).await;
        assert_eq!(take(1), Ok(()));
        assert!(take(1).is_err());
        tokio::time::advance(Duration::from_secs(60)).await;
        for _ in 0..3 {
            assert_eq!(take(1), Ok(()), "no more than the burst is saved up");
        }
        assert!(take(1).is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_under_way_counts_until_it_is_over() {
        let meters = Meters::new(1000, Duration::from_millis(1), 2);
        assert_eq!((meters.begin(1), meters.begin(1)), (Ok(()), Ok(())));
        assert_eq!(meters.begin(1), Err(NoTurn::TooManyAtOnce));
        meters.end(1);
        assert_eq!(meters.begin(1), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn the_table_is_bounded_and_keeps_what_is_under_way() {
        let most = SHARDS * SHARD_ENTRIES;
        let meters = Meters::new(2, Duration::from_secs(60), 1);
        assert_eq!(meters.begin(0), Ok(()));
        for key in 1..3 * most as u64 {
            assert_eq!(meters.begin(key), Ok(()));
            meters.end(key);
        }
        assert_eq!(meters.len(), most);
        assert_eq!(meters.begin(0), Err(NoTurn::TooManyAtOnce));
        meters.end(0);
        tokio::time::advance(Duration::from_secs(3600)).await;
        for key in 0..SHARDS as u64 {
            assert_eq!(meters.begin(most as u64 * 4 + key), Ok(()));
        }
        assert_eq!(
            meters.len(),
            SHARDS,
            "those that were as good as new are gone"
        );
    }
}
