//! The output gate: nothing leaves an actor before the commit that it depends on is durable.
//!
//! Outputs wait in the order in which the actor produced them, each behind the commit of its turn.
//! Commits become durable in order, so releasing is popping from the front. The creation of an actor counts as
//! its commit 0.

use std::collections::VecDeque;

/// Outputs waiting for commits. `T` is whatever leaves.
#[derive(Debug)]
pub(crate) struct OutputGate<T> {
    waiting: VecDeque<(u64, T)>,
    /// The last durable commit. Absent while not even the creation is.
    durable: Option<u64>,
}

impl<T> OutputGate<T> {
    /// A gate in front of an actor whose journal is durable up to commit `durable`.
    pub(crate) fn new(durable: u64) -> Self {
        Self {
            waiting: VecDeque::new(),
            durable: Some(durable),
        }
    }

    /// A gate in front of an actor that is being created. Nothing leaves before that is durable.
    pub(crate) fn of_new() -> Self {
        Self {
            waiting: VecDeque::new(),
            durable: None,
        }
    }

    /// Adds an output that must not be seen before commit `after` is durable. It never overtakes
    /// an earlier one, even when it depends on nothing itself. Returns it when it may leave now.
    pub(crate) fn push(&mut self, after: u64, output: T) -> Option<T> {
        if self.waiting.is_empty() && Some(after) <= self.durable {
            return Some(output);
        }
        self.waiting.push_back((after, output));
        None
    }

    /// Notes that commit `seq`, and with it all before it, is durable.
    pub(crate) fn advance(&mut self, seq: u64) {
        assert!(
            Some(seq) > self.durable,
            "commits become durable in order: {seq} after {:?}",
            self.durable
        );
        self.durable = Some(seq);
    }

    /// Takes the next output that may leave.
    pub(crate) fn pop(&mut self) -> Option<T> {
        let &(after, _) = self.waiting.front()?;
        if Some(after) > self.durable {
            return None;
        }
        self.waiting.pop_front().map(|(_, output)| output)
    }

    /// Whether nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Everything that still waits, in order.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = &T> + '_ {
        self.waiting.iter().map(|(_, output)| output)
    }

    /// Gives back the room that nothing is in.
    pub(crate) fn trim(&mut self) {
        self.waiting.shrink_to_fit();
    }

    /// Gives up everything that still waits.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = T> + '_ {
        self.waiting.drain(..).map(|(_, output)| output)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_leave_in_order_and_not_before_their_commit() {
        let mut gate = OutputGate::new(4);
        assert_eq!(gate.push(4, "free"), Some("free"));
        assert_eq!(gate.push(5, "a"), None);
        assert_eq!(gate.push(0, "behind a"), None);
        assert_eq!(gate.push(6, "b"), None);
        assert_eq!(gate.pop(), None);
        gate.advance(5);
        assert_eq!(gate.pop(), Some("a"));
        assert_eq!(gate.pop(), Some("behind a"));
        assert_eq!(gate.pop(), None);
        assert_eq!(gate.drain().collect::<Vec<_>>(), ["b"]);
        assert!(gate.is_empty());
    }

    #[test]
    fn nothing_leaves_a_new_actor_before_it_is_created() {
        let mut gate = OutputGate::of_new();
        assert_eq!(gate.push(0, "waits for no commit"), None);
        assert_eq!(gate.push(1, "a"), None);
        assert_eq!(gate.pop(), None);
        gate.advance(0);
        assert_eq!(gate.pop(), Some("waits for no commit"));
        assert_eq!(gate.pop(), None);
        gate.advance(1);
        assert_eq!(gate.pop(), Some("a"));
    }

    #[test]
    #[should_panic(expected = "in order")]
    fn durability_never_goes_back() {
        OutputGate::<()>::new(4).advance(4);
    }
}
