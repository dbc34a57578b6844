//! What an actor's counter has to be.

use anyhow::{Result, ensure};

use crate::workload::Operation;

/// The counter of one actor as the client knows it: nobody else changes it.
#[derive(Debug, Default)]
pub(super) struct Counter {
    value: u64,
}

impl Counter {
    /// Checks the value in the reply to an operation, if the server keeps one. Replies come in the
    /// order of requests.
    ///
    /// # Errors
    /// An increment is lost, doubled or out of order.
    pub(super) fn check(&mut self, operation: Operation, answered: Option<u64>) -> Result<()> {
        match operation {
            Operation::Increment => self.value += 1,
            Operation::Read => {}
        }
        if let Some(answered) = answered {
            let expected = self.value;
            ensure!(
                answered == expected,
                "the counter is {answered} after {expected} acknowledged increments"
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Counter;
    use crate::workload::Operation;

    #[test]
    fn lost_and_doubled_increments_are_noticed() {
        let mut counter = Counter::default();
        counter.check(Operation::Increment, Some(1)).unwrap();
        counter.check(Operation::Increment, Some(2)).unwrap();
        counter.check(Operation::Read, Some(2)).unwrap();
        assert!(counter.check(Operation::Read, Some(1)).is_err());
        assert!(counter.check(Operation::Increment, Some(4)).is_err());
        counter.check(Operation::Increment, None).unwrap();
    }
}
