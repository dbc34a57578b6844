//! Whose calls come over which connection.

use greenroom_types::once::OnceCall;
use tokio::time::Instant;

use super::Conns;
use crate::{
    ConnKey,
    actor::{message::OnceWord, once::ConnCaller},
};

impl Conns {
    /// Notes what a client says of its calls that run once. Gives the connection that its client has left behind,
    /// if there is one: a client opens a connection when the one before is over for it, though that may not have
    /// shown yet. What is still on its way from there was asked before what comes over the other one.
    pub(crate) fn tell_once(&mut self, key: ConnKey, word: OnceWord) -> Option<ConnKey> {
        let conn = self.open.get_mut(&key)?;
        let before = conn.calls.take().map(|calls| *calls);
        let told = ConnCaller::told(before, word, Instant::now());
        conn.calls = told.map(Box::new);
        let (said, is) = (before.map(|calls| calls.caller()), told?.caller());
        if said == Some(is) {
            return None;
        }
        if let Some(said) = said
            && self.callers.get(&said) == Some(&key)
        {
            self.callers.remove(&said);
        }
        let other = self.callers.get(&is).copied();
        let left = || {
            let mut left = self.left_callers.iter().rev();
            left.find(|(of, _)| *of == is).map(|&(_, key)| key)
        };
        // It may be the one behind that is heard of later, even when the other has ended, too.
        if other
            .or_else(left)
            .is_some_and(|newest| is_newer(newest, key))
        {
            return Some(key);
        }
        self.callers.insert(is, key);
        other
    }

    /// What an action is known by that is to run once.
    pub(crate) fn once_call(
        &self,
        key: ConnKey,
        id: u64,
        user_key: Option<Box<str>>,
    ) -> Option<OnceCall> {
        let calls = self.open.get(&key)?.calls.as_deref();
        ConnCaller::call(calls, id, user_key)
    }
}

/// Whether `a` was opened after `b`. Keys count up, and begin again when there are no more.
fn is_newer(a: ConnKey, b: ConnKey) -> bool {
    a != b && a.0.wrapping_sub(b.0) < u32::MAX / 2
}
