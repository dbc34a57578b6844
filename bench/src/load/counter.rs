//! What an actor's counter has to be.

use anyhow::{Result, bail, ensure};

use crate::action::{Action, Answer};

/// The counter of one actor as the client knows it: nobody else changes it.
#[derive(Debug, Default)]
pub(super) struct Counter {
    value: u64,
}

impl Counter {
    /// Checks the answer to an action, if the server computes one. Replies come in the order of
    /// requests.
    ///
    /// # Errors
    /// An increment is lost, doubled or out of order.
    pub(super) fn check(&mut self, action: Action<'_>, answered: Answer) -> Result<()> {
        match action {
            Action::Increment => self.value += 1,
            Action::Read => {}
            Action::Append(_) | Action::Fill(_) | Action::Publish { .. } | Action::Nap => {
                return Ok(());
            }
        }
        let expected = self.value;
        match answered {
            Answer::Echo => Ok(()),
            Answer::Nothing => bail!("no count after {expected} acknowledged increments"),
            Answer::Number(answered) => {
                ensure!(
                    answered == expected,
                    "the counter is {answered} after {expected} acknowledged increments"
                );
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Counter;
    use crate::action::{Action, Answer};

    #[test]
    fn lost_and_doubled_increments_are_noticed() {
        let mut counter = Counter::default();
        counter.check(Action::Increment, Answer::Number(1)).unwrap();
        counter.check(Action::Increment, Answer::Number(2)).unwrap();
        counter.check(Action::Read, Answer::Number(2)).unwrap();
        assert!(counter.check(Action::Read, Answer::Number(1)).is_err());
        assert!(counter.check(Action::Read, Answer::Nothing).is_err());
        assert!(counter.check(Action::Increment, Answer::Number(4)).is_err());
        counter.check(Action::Increment, Answer::Echo).unwrap();
    }
}
