//! Where to start looking for alarms.

/// A lower bound of all stored alarms.
///
/// Passed alarms leave tombstones at the front of the table, and a search from its beginning steps
/// over all of them, more with every alarm that passes. So searches start here. The bound is kept
/// in memory only; after a restart the first search finds it again.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct DueFloor {
    /// No alarm is stored before this time, in milliseconds since the Unix epoch.
    floor_ms: Option<i64>,
    /// Counts the batches that set alarms.
    generation: u64,
}

impl DueFloor {
    /// The time to start from.
    pub(super) fn start_ms(&self) -> i64 {
        self.floor_ms.unwrap_or(i64::MIN)
    }

    /// Notes that an alarm was stored. Must be called before the write is answered.
    pub(super) fn lower(&mut self, due_ms: i64) {
        self.generation += 1;
        self.floor_ms = self.floor_ms.map(|floor| floor.min(due_ms));
    }

    /// Notes that a search which began when the floor was `seen` found nothing before `first_ms`.
    /// Ignored when alarms were set since, for the search may have missed them.
    pub(super) fn raise(&mut self, seen: Self, first_ms: i64) {
        if self.generation == seen.generation {
            self.floor_ms = Some(self.start_ms().max(first_ms));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_that_may_have_missed_an_alarm_does_not_raise_the_floor() {
        let mut floor = DueFloor::default();
        let seen = floor;
        floor.raise(seen, 100);
        assert_eq!(floor.start_ms(), 100);
        let seen = floor;
        floor.lower(50);
        floor.raise(seen, 100);
        assert_eq!(floor.start_ms(), 50);
        let seen = floor;
        floor.raise(seen, 80);
        assert_eq!(floor.start_ms(), 80);
    }
}
