//! The alarms of an awake actor: which are set, and which are being told right now.

use std::collections::HashMap;

use crate::{Alarm, AlarmUpdate, schedule::Schedule};

/// How long an alarm waits that the host has answered without replacing or removing it.
const LEFT_ALONE_MS: i64 = 1_000;

/// See the top of the file.
#[derive(Debug, Default)]
pub(crate) struct Alarms {
    schedule: Schedule,
    /// Alarms that are not to be told before a time, or not at all while the host has them.
    held: HashMap<String, Option<i64>>,
}

impl Alarms {
    pub(crate) fn new(schedule: Schedule) -> Self {
        Self {
            schedule,
            held: HashMap::new(),
        }
    }

    /// All alarms, earliest first.
    pub(crate) fn list(&self) -> Vec<Alarm> {
        self.schedule.iter().cloned().collect()
    }

    /// Notes changes. One that is replaced while the host has it is told again when that is answered.
    pub(crate) fn update(&mut self, updates: &[AlarmUpdate]) {
        for update in updates {
            let (AlarmUpdate::Set(Alarm { id, .. }) | AlarmUpdate::Remove(id)) = update;
            if self.held.get(id).is_some_and(Option::is_some) {
                self.held.remove(id);
            }
            self.schedule.apply(update.clone());
        }
    }

    /// When the store has to wake the actor.
    pub(crate) fn earliest_ms(&self) -> Option<i64> {
        self.schedule.earliest_ms()
    }

    /// When the next alarm can be told.
    pub(crate) fn next_ms(&self) -> Option<i64> {
        let times = self
            .schedule
            .iter()
            .filter_map(|alarm| match self.held.get(&alarm.id) {
                None => Some(alarm.due_ms),
                Some(Some(until_ms)) => Some(alarm.due_ms.max(*until_ms)),
                Some(None) => None,
            });
        // Ordered by due time, so the first that nothing holds back ends the search.
        if self.held.is_empty() {
            self.schedule.earliest_ms()
        } else {
            times.min()
        }
    }

    /// Takes an alarm to tell, the earliest first. It is not taken again until it was [`told`](Self::told).
    pub(crate) fn take_due(&mut self, now_ms: i64) -> Option<Alarm> {
        let free = |alarm: &&Alarm| match self.held.get(&alarm.id) {
            None => true,
            Some(until_ms) => until_ms.is_some_and(|until_ms| until_ms <= now_ms),
        };
        let due = self
            .schedule
            .iter()
            .take_while(|alarm| alarm.due_ms <= now_ms);
        let alarm = due.into_iter().find(free)?.clone();
        self.held.insert(alarm.id.clone(), None);
        Some(alarm)
    }

    /// The host has answered. What it left as it was waits a little, so that a host that cannot
    /// complete it is not asked without a pause.
    pub(crate) fn told(&mut self, id: &str, now_ms: i64) {
        self.held.remove(id);
        if self
            .schedule
            .get(id)
            .is_some_and(|alarm| alarm.due_ms <= now_ms)
        {
            self.held
                .insert(id.to_owned(), Some(now_ms + LEFT_ALONE_MS));
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn set(id: &str, due_ms: i64) -> AlarmUpdate {
        AlarmUpdate::Set(Alarm {
            id: id.to_owned(),
            due_ms,
            attempt: 0,
            body: Bytes::new(),
        })
    }

    #[test]
    fn an_alarm_is_told_once_at_a_time() {
        let mut alarms = Alarms::default();
        alarms.update(&[set("b", 20), set("a", 10)]);
        assert_eq!(alarms.take_due(9), None);
        assert_eq!(alarms.take_due(25).unwrap().id, "a");
        assert_eq!(alarms.take_due(25).unwrap().id, "b");
        assert_eq!((alarms.take_due(25), alarms.next_ms()), (None, None));
        alarms.update(&[AlarmUpdate::Remove("a".to_owned()), set("b", 40)]);
        alarms.told("a", 26);
        alarms.told("b", 26);
        assert_eq!(
            (alarms.next_ms(), alarms.earliest_ms()),
            (Some(40), Some(40))
        );
    }

    #[test]
    fn one_that_was_left_alone_comes_again_after_a_pause() {
        let mut alarms = Alarms::default();
        alarms.update(&[set("a", 10)]);
        alarms.take_due(10).unwrap();
        alarms.told("a", 11);
        assert_eq!((alarms.take_due(500), alarms.next_ms()), (None, Some(1011)));
        assert_eq!(alarms.take_due(1011).unwrap().id, "a");
    }
}
