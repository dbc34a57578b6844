//! What an actor's counter, or the length of its list, has to be.

use std::collections::BTreeSet;

use anyhow::{Result, bail, ensure};

use crate::action::{Action, Answer, HASH};

/// The counter of one actor, or the length of its list, as the client knows it: nobody else changes
/// it. One of them counts both kinds of changes, so that each needs its own.
#[derive(Debug, Default)]
pub(super) struct Counter {
    /// What it is after the acknowledged changes.
    value: u64,
    /// Where replies may overtake each other: values that came before a smaller one did.
    early: Option<BTreeSet<u64>>,
}

impl Counter {
    /// The counter of an actor whose replies come in the order of requests, or in any order.
    pub(super) fn new(in_order: bool) -> Self {
        Self::starting_at(0, in_order)
    }

    /// The same for one that is not new.
    pub(super) fn starting_at(value: u64, in_order: bool) -> Self {
        Self {
            value,
            early: (!in_order).then(BTreeSet::new),
        }
    }

    /// What it is by now, if all replies that were awaited have come.
    pub(super) fn value(&self) -> u64 {
        self.value
    }

    /// Checks the answer to an action, if the server computes one. A read is checked against the
    /// increments that were acknowledged before, so that nothing else may be in flight.
    ///
    /// # Errors
    /// A change is lost, doubled or, where replies come in order, out of order.
    pub(super) fn check(&mut self, action: Action<'_>, answered: Answer) -> Result<()> {
        match action {
            Action::Increment | Action::Append(_) => self.value += 1,
            Action::Read => {}
            Action::Compute => {
                let expected = Answer::Number(HASH.into());
                ensure!(answered == expected, "{answered:?} instead of {expected:?}");
                return Ok(());
            }
            Action::Fill(_) | Action::Publish { .. } | Action::Nap | Action::Wakes => return Ok(()),
        }
        let expected = self.value;
        let answered = match answered {
            Answer::Echo => return Ok(()),
            Answer::Nothing => bail!("no count after what makes it {expected}"),
            Answer::Number(number) => number,
        };
        match (&mut self.early, action) {
            (Some(early), Action::Increment | Action::Append(_)) => {
                // `value` counts replies. Of as many first values, those that are missing are
                // exactly as many as came early.
                let all_before = expected - 1 - early.len() as u64;
                ensure!(
                    answered > all_before && early.insert(answered),
                    "the count is {answered} a second time"
                );
                let mut next = all_before + 1;
                while early.remove(&next) {
                    next += 1;
                }
                Ok(())
            }
            (early, _) => {
                let missing = early.as_ref().is_some_and(|early| !early.is_empty());
                ensure!(!missing, "a count was never answered before {early:?}");
                ensure!(
                    answered == expected,
                    "the count is {answered} after what makes it {expected}"
                );
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Counter;
    use crate::action::{Action, Answer, HASH};

    #[test]
    fn lost_and_doubled_increments_are_noticed() {
        let mut counter = Counter::new(true);
        counter.check(Action::Increment, Answer::Number(1)).unwrap();
        counter.check(Action::Increment, Answer::Number(2)).unwrap();
        counter.check(Action::Read, Answer::Number(2)).unwrap();
        assert!(counter.check(Action::Read, Answer::Number(1)).is_err());
        assert!(counter.check(Action::Read, Answer::Nothing).is_err());
        assert!(counter.check(Action::Increment, Answer::Number(4)).is_err());
        counter.check(Action::Increment, Answer::Echo).unwrap();
    }

    #[test]
    fn what_was_computed_wrong_is_noticed() {
        let mut counter = Counter::new(true);
        let right = Answer::Number(HASH.into());
        counter.check(Action::Compute, right).unwrap();
        let wrong = Answer::Number(u64::from(HASH) + 1);
        assert!(counter.check(Action::Compute, wrong).is_err());
        counter.check(Action::Increment, Answer::Number(1)).unwrap();
    }

    #[test]
    fn replies_may_overtake_each_other_where_they_are_allowed_to() {
        let check = |answers: &[u64], read: u64| {
            let mut counter = Counter::new(false);
            answers
                .iter()
                .try_for_each(|answer| counter.check(Action::Increment, Answer::Number(*answer)))?;
            counter.check(Action::Read, Answer::Number(read))
        };
        check(&[1, 3, 2, 6, 5, 4, 7], 7).unwrap();
        check(&[4, 3, 2, 1], 4).unwrap();
        assert!(check(&[1, 3, 3], 3).is_err(), "doubled ahead");
        assert!(check(&[2, 1, 1], 3).is_err(), "doubled behind");
        assert!(check(&[1, 2, 4], 4).is_err(), "an increment too many");
        assert!(check(&[1, 2, 4], 3).is_err(), "a count skipped");
        assert!(check(&[3, 1, 2], 2).is_err(), "an increment lost");
    }

    #[test]
    fn a_list_that_had_something_in_it_grows_by_one_with_each_reply() {
        let grows = |in_order, lengths: &[u64]| {
            let mut length = Counter::starting_at(100, in_order);
            let append = Action::Append("a line");
            lengths
                .iter()
                .try_for_each(|answer| length.check(append, Answer::Number(*answer)))?;
            length.check(Action::Read, Answer::Number(length.value()))
        };
        grows(true, &[101, 102, 103]).unwrap();
        grows(false, &[102, 103, 101]).unwrap();
        assert!(grows(true, &[102, 101]).is_err(), "out of order");
        assert!(grows(false, &[102, 102, 101]).is_err(), "doubled");
        assert!(grows(false, &[101, 103]).is_err(), "a length skipped");
        assert!(grows(false, &[1, 2]).is_err(), "what was there is gone");
    }
}
