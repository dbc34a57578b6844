//! The earliest alarms, in memory.
//!
//! Alarms that were removed leave tombstones in the table until the engine merges it, which may take hours: where alarms
//! passed at the front, and wherever one was moved or cleared. A search of the table steps over all of them, and alarms
//! are looked for whenever one is set. So searches are answered from here. The table is read when too few alarms are
//! left to answer, and only behind those that were here: what is stepped over is paid for by the alarms that went since
//! the last time, not by every search.

use std::{collections::BTreeSet, ops::Bound};

use greenroom_types::ActorId;

use crate::DueAlarm;

/// How many alarms are read at once. The alarm clock asks for a quarter of that.
pub(super) const SIZE: usize = 1024;

/// Time and actor of an alarm, in the order of the table.
type Alarm = (i64, ActorId);

/// A row of the table that was written or removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Set(i64, ActorId),
    Removed(i64, ActorId),
}

/// All alarms of the table up to some place in it. At most twice as many as its size, or as were asked for last.
#[derive(Debug)]
pub(super) struct DueWindow {
    size: usize,
    /// How many were asked for last: the next search will ask for about as many.
    wanted: usize,
    alarms: BTreeSet<Alarm>,
    reach: Reach,
    /// What has changed since the table was last looked at, if a search that reads it is under way.
    meanwhile: Option<Vec<Change>>,
}

/// Up to where a window knows the table. The variants are in the order of how much that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Reach {
    Nothing,
    /// This place included, whether or not an alarm is there.
    Through(Alarm),
    Everything,
}

/// What is to be read from the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    pub(super) after: Bound<Alarm>,
    pub(super) limit: usize,
}

impl DueWindow {
    /// One that knows nothing yet and reads `size` alarms at a time.
    pub(super) fn new(size: usize) -> Self {
        Self {
            size,
            wanted: 0,
            alarms: BTreeSet::new(),
            reach: Reach::Nothing,
            meanwhile: None,
        }
    }

    /// The alarms up to and including `until_ms`, earliest first, at most `limit`. `None` if that takes a reading.
    pub(super) fn find(&mut self, until_ms: i64, limit: usize) -> Option<Vec<DueAlarm>> {
        self.wanted = limit;
        let last = (until_ms, ActorId::from_bytes([0xff; 16]));
        let is_all = self.reach >= Reach::Through(last);
        if !is_all && self.alarms.len() < limit {
            return None;
        }
        let found: Vec<_> = self
            .alarms
            .range(..=last)
            .take(limit)
            .map(|&(due_ms, actor)| DueAlarm { actor, due_ms })
            .collect();
        (is_all || found.len() == limit).then_some(found)
    }

    /// Begins a reading for a search of `limit` alarms. Must be called before the table is looked at. Until the search
    /// ends nothing is forgotten, so that each of its readings gets further than the one before.
    pub(super) fn begin_reading(&mut self, limit: usize) -> Reading {
        self.meanwhile = Some(Vec::new());
        let after = match self.reach {
            Reach::Nothing => Bound::Unbounded,
            Reach::Through(alarm) => Bound::Excluded(alarm),
            Reach::Everything => unreachable!("every search is answered from memory"),
        };
        Reading {
            after,
            limit: limit.max(self.size),
        }
    }

    /// Takes in what the reading that was begun last has found. It may have missed what was written meanwhile, or
    /// have seen it.
    pub(super) fn end_reading(&mut self, reading: Reading, found: &[DueAlarm]) {
        let meanwhile = self.meanwhile.replace(Vec::new()).unwrap_or_default();
        self.reach = match found.last() {
            Some(last) if found.len() == reading.limit => Reach::Through((last.due_ms, last.actor)),
            Some(_) | None => Reach::Everything,
        };
        self.alarms
            .extend(found.iter().map(|alarm| (alarm.due_ms, alarm.actor)));
        for change in meanwhile {
            self.take_in(change);
        }
    }

    /// Ends a search that has found what it looked for, or whose reading failed.
    pub(super) fn end_search(&mut self) {
        self.meanwhile = None;
        self.trim();
    }

    /// Notes what was written. Must be called in the order of the writes, and before they are answered.
    pub(super) fn apply(&mut self, changes: Vec<Change>) {
        for &change in &changes {
            self.take_in(change);
        }
        match &mut self.meanwhile {
            Some(meanwhile) => meanwhile.extend(changes),
            None => self.trim(),
        }
    }

    /// Forgets the latest alarms where there are too many.
    fn trim(&mut self) {
        let kept = self.size.max(self.wanted);
        if self.alarms.len() <= kept.saturating_mul(2) {
            return;
        }
        while self.alarms.len() > kept {
            self.alarms.pop_last();
        }
        if let Some(&last) = self.alarms.last() {
            self.reach = Reach::Through(last);
        }
    }

    fn take_in(&mut self, change: Change) {
        match change {
            Change::Set(due_ms, actor) => {
                if self.reach >= Reach::Through((due_ms, actor)) {
                    self.alarms.insert((due_ms, actor));
                }
            }
            Change::Removed(due_ms, actor) => {
                self.alarms.remove(&(due_ms, actor));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::model::Random;

    fn actor(number: u64) -> ActorId {
        let mut bytes = [0; 16];
        bytes[8..].copy_from_slice(&number.to_be_bytes());
        ActorId::from_bytes(bytes)
    }

    fn read(table: &BTreeSet<Alarm>, reading: Reading) -> Vec<DueAlarm> {
        table
            .range((reading.after, Bound::Unbounded))
            .take(reading.limit)
            .map(|&(due_ms, actor)| DueAlarm { actor, due_ms })
            .collect()
    }

    /// Sets or removes an alarm of few possible ones.
    fn change(table: &mut BTreeSet<Alarm>, random: &mut Random) -> Change {
        let (due_ms, actor) = (random.below(40) as i64 - 20, actor(random.below(3)));
        if random.below(2) == 0 {
            table.insert((due_ms, actor));
            Change::Set(due_ms, actor)
        } else {
            table.remove(&(due_ms, actor));
            Change::Removed(due_ms, actor)
        }
    }

    /// A search in which each reading of the table sees an arbitrary part of what is written meanwhile.
    fn search(
        window: &mut DueWindow,
        table: &mut BTreeSet<Alarm>,
        random: &mut Random,
        until_ms: i64,
        limit: usize,
    ) -> Vec<DueAlarm> {
        loop {
            if let Some(found) = window.find(until_ms, limit) {
                window.end_search();
                return found;
            }
            let reading = window.begin_reading(limit);
            let mut batch = |table: &mut BTreeSet<Alarm>| -> Vec<Change> {
                let count = random.below(4);
                (0..count).map(|_| change(table, random)).collect()
            };
            let before = batch(table);
            window.apply(before);
            // A batch is in the table before the window hears of it.
            let unheard = batch(table);
            let found = read(table, reading);
            if limit.is_multiple_of(2) {
                window.end_reading(reading, &found);
                window.apply(unheard);
            } else {
                window.apply(unheard);
                let after = batch(table);
                window.apply(after);
                window.end_reading(reading, &found);
            }
        }
    }

    #[test]
    fn searches_find_what_the_table_has() {
        for seed in 0..300 {
            let mut random = Random(seed);
            let mut table = BTreeSet::new();
            let mut window = DueWindow::new(1 + random.below(8) as usize);
            for step in 0..300 {
                match random.below(4) {
                    0 => {
                        let until_ms = [random.below(50) as i64 - 25, i64::MAX][step % 2];
                        let limit =
                            [random.below(12) as usize, usize::MAX][random.below(2) as usize];
                        let found = search(&mut window, &mut table, &mut random, until_ms, limit);
                        let expected: Vec<_> = table
                            .iter()
                            .take_while(|(due_ms, _)| *due_ms <= until_ms)
                            .take(limit)
                            .map(|&(due_ms, actor)| DueAlarm { actor, due_ms })
                            .collect();
                        assert_eq!(found, expected, "seed {seed}, step {step}");
                    }
                    1 if window.find(i64::MAX, usize::MAX).is_none() => {
                        window.begin_reading(1);
                        window.apply(vec![change(&mut table, &mut random)]);
                        window.end_search();
                    }
                    _ => {
                        let changes = vec![change(&mut table, &mut random)];
                        window.apply(changes);
                    }
                }
                assert!(
                    window.alarms.len() <= 2 * window.size.max(window.wanted.min(table.len())),
                    "seed {seed}, step {step}"
                );
            }
        }
    }

    #[test]
    fn the_table_is_read_once_for_as_many_alarms_as_the_window_has() {
        const SIZE: i64 = 16;
        let mut table: BTreeSet<_> = (0..1_000).map(|due_ms| (due_ms, actor(0))).collect();
        let mut window = DueWindow::new(SIZE as usize);
        let mut readings = 0;
        for due_ms in 0..1_000 {
            let found = loop {
                if let Some(found) = window.find(i64::MAX, 1) {
                    break found;
                }
                readings += 1;
                let reading = window.begin_reading(1);
                let found = read(&table, reading);
                window.end_reading(reading, &found);
            };
            window.end_search();
            assert_eq!(found.first().map(|alarm| alarm.due_ms), Some(due_ms));
            // One that is set for later and thought better of, as most timeouts are.
            let later = (due_ms + 500, actor(1));
            table.insert(later);
            window.apply(vec![Change::Set(later.0, later.1)]);
            table.remove(&later);
            table.remove(&(due_ms, actor(0)));
            window.apply(vec![
                Change::Removed(later.0, later.1),
                Change::Removed(due_ms, actor(0)),
            ]);
        }
        assert!(readings <= 1_000 / SIZE + 1, "{readings} readings");
    }
}
