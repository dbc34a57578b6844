//! What waits for one client.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    task::{Context, Poll, Waker},
};

use super::{
    ClientMessage, CloseReason, OutboxClosed, Resync, ResyncReason,
    broadcast::{Kind, Topic},
    weight::weight,
};

/// Room for this many messages is kept while nothing waits.
const KEPT: usize = 16;
/// Fewer places than this are not worth closing up.
const FEW_HOLES: usize = 32;

/// Messages in order, and how much they weigh.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    /// Holes are where a message was that a newer one has replaced.
    waiting: VecDeque<Option<Waiting>>,
    holes: usize,
    /// The number of the first place.
    first: u64,
    /// Where the message about a topic waits. There is never more than one.
    latest: BTreeMap<Arc<Topic>, u64>,
    /// Nothing before this place can be left out.
    oldest_optional: u64,
    /// The place that tells of what was left out, if it waits.
    gap: Option<u64>,
    /// What waits and what is being written.
    bytes: usize,
    /// Wakes whoever waits for messages.
    reader: Option<Waker>,
    end: End,
}

#[derive(Debug)]
struct Waiting {
    message: ClientMessage,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum End {
    #[default]
    Open,
    /// Nothing comes any more.
    Sender,
    /// Nothing comes any more, because too much waited.
    TooSlow,
    /// Nobody takes anything any more.
    Reader,
}

/// Somebody to wake when the lock is free again.
#[must_use]
pub(super) struct Wake(Option<Waker>);

impl Wake {
    pub(super) fn wake(self) {
        if let Some(waker) = self.0 {
            waker.wake();
        }
    }
}

impl Backlog {
    /// Bytes that wait or are being written.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Adds a message behind all others. One about the same topic gives way to it.
    ///
    /// # Errors
    /// When the reader is gone, or too much waits.
    pub(super) fn push(
        &mut self,
        message: ClientMessage,
        kind: Kind,
        limit: usize,
    ) -> Result<Wake, OutboxClosed> {
        match self.end {
            End::Open => {}
            End::TooSlow => return Err(OutboxClosed::TooSlow),
            End::Sender | End::Reader => return Err(OutboxClosed::Gone),
        }
        if let Kind::About(topic) = &kind
            && let Some(number) = self.latest.remove(topic)
        {
            self.make_hole(number);
        }
        let weight = weight(&message);
        // A message that is larger than the limit all by itself says nothing about how fast the client reads.
        while self.waiting.len() > self.holes && self.bytes + weight > limit {
            if !self.leave_out() {
                self.give_up();
                self.wake().wake();
                return Err(OutboxClosed::TooSlow);
            }
        }
        if let Kind::About(topic) = &kind {
            let number = self.first + self.waiting.len() as u64;
            self.latest.insert(Arc::clone(topic), number);
        }
        self.bytes += weight;
        // Most have one message at a time, and room for four would be most of what an idle one takes.
        if self.waiting.capacity() == 0 {
            self.waiting.reserve_exact(1);
        }
        self.waiting.push_back(Some(Waiting { message, kind }));
        Ok(self.wake())
    }

    /// Waits until there are messages, and moves some to `into`: at most `count`, and none after `bytes`
    /// are reached. Gives the weight of what was moved; `None` means that nothing will ever come again.
    pub(super) fn poll_take(
        &mut self,
        cx: &mut Context<'_>,
        into: &mut Vec<ClientMessage>,
        count: usize,
        bytes: usize,
    ) -> Poll<Option<usize>> {
        let (mut taken, before) = (0, into.len());
        if into.capacity() == 0 {
            // As with those that wait.
            into.reserve_exact(self.waiting.len().min(count));
        }
        while into.len() - before < count
            && taken < bytes
            && let Some(message) = self.pop()
        {
            taken += weight(&message);
            into.push(message);
        }
        if into.len() > before {
            return Poll::Ready(Some(taken));
        }
        if self.end != End::Open {
            return Poll::Ready(None);
        }
        if !self
            .reader
            .as_ref()
            .is_some_and(|waker| waker.will_wake(cx.waker()))
        {
            self.reader = Some(cx.waker().clone());
        }
        Poll::Pending
    }

    /// So much of what was taken is written.
    pub(super) fn written(&mut self, bytes: usize) {
        self.bytes -= bytes;
    }

    /// Nothing comes any more.
    pub(super) fn end_by_sender(&mut self) -> Wake {
        if self.end == End::Open {
            self.end = End::Sender;
        }
        self.wake()
    }

    /// Nobody takes anything any more. Gives what waited, to be dropped without the lock.
    pub(super) fn end_by_reader(&mut self) -> impl Sized + use<> {
        self.end = End::Reader;
        self.clear()
    }

    fn give_up(&mut self) {
        drop(self.clear());
        self.end = End::TooSlow;
        let message = ClientMessage::Close(CloseReason::TooSlow);
        self.bytes += weight(&message);
        self.waiting.push_back(Some(Waiting {
            message,
            kind: Kind::Whole,
        }));
    }

    /// Leaves the oldest message out that may be, and says so where the first one was. `false` if there is none.
    /// Who is told and looks for itself sees what all of them told of, as they were told before it asked.
    fn leave_out(&mut self) -> bool {
        let end = self.first + self.waiting.len() as u64;
        self.oldest_optional = self.oldest_optional.max(self.first);
        while self.oldest_optional < end {
            let number = self.oldest_optional;
            self.oldest_optional += 1;
            let place = self.place(number);
            if place
                .as_ref()
                .is_some_and(|place| matches!(place.kind, Kind::Optional))
            {
                let left_out = place.take().expect("it was looked at");
                self.bytes -= weight(&left_out.message);
                self.tell_of_gap(number, &left_out.message);
                return true;
            }
        }
        false
    }

    /// Something was left out here.
    fn tell_of_gap(&mut self, number: u64, left_out: &ClientMessage) {
        let event = match left_out {
            ClientMessage::Event(event) => event.number().unwrap_or_default(),
            _ => unreachable!("only events are optional"),
        };
        let told = self.gap.filter(|&gap| gap >= self.first);
        let resync = told.and_then(|gap| match self.place(gap) {
            Some(Waiting {
                message: ClientMessage::Resync(resync),
                ..
            }) => Some(resync),
            _ => None,
        });
        if let Some(resync) = resync {
            resync.to = event;
            self.holes += 1;
            return self.close_up_if_worth_it();
        }
        let message = ClientMessage::Resync(Resync {
            from: event.saturating_sub(1),
            to: event,
            reason: ResyncReason::Slow,
        });
        self.bytes += weight(&message);
        *self.place(number) = Some(Waiting {
            message,
            kind: Kind::Whole,
        });
        self.gap = Some(number);
    }

    fn place(&mut self, number: u64) -> &mut Option<Waiting> {
        let index = usize::try_from(number - self.first).expect("an index into memory");
        &mut self.waiting[index]
    }

    /// Forgets what waits. What is being written still counts.
    fn clear(&mut self) -> VecDeque<Option<Waiting>> {
        let waiting = std::mem::take(&mut self.waiting);
        let weights = waiting.iter().flatten().map(|place| weight(&place.message));
        self.bytes -= weights.sum::<usize>();
        self.latest.clear();
        self.holes = 0;
        self.gap = None;
        waiting
    }

    fn wake(&mut self) -> Wake {
        Wake(self.reader.take())
    }

    fn pop(&mut self) -> Option<ClientMessage> {
        loop {
            let Some(place) = self.waiting.pop_front() else {
                if self.waiting.capacity() > KEPT {
                    self.waiting = VecDeque::new();
                }
                return None;
            };
            self.first += 1;
            match place {
                None => self.holes -= 1,
                Some(Waiting { message, kind }) => {
                    if let Kind::About(topic) = kind {
                        self.latest.remove(&topic);
                    }
                    return Some(message);
                }
            }
        }
    }

    fn make_hole(&mut self, number: u64) {
        let place = self.place(number).take().expect("what is latest waits");
        self.bytes -= weight(&place.message);
        self.holes += 1;
        self.close_up_if_worth_it();
    }

    fn close_up_if_worth_it(&mut self) {
        if self.holes > FEW_HOLES && self.holes * 2 > self.waiting.len() {
            self.close_up();
        }
    }

    fn close_up(&mut self) {
        self.waiting.retain(Option::is_some);
        self.holes = 0;
        self.oldest_optional = self.first;
        for (number, place) in (self.first..).zip(self.waiting.iter().flatten()) {
            if let Kind::About(topic) = &place.kind {
                self.latest.insert(Arc::clone(topic), number);
            }
            if let ClientMessage::Resync(Resync {
                reason: ResyncReason::Slow,
                ..
            }) = &place.message
            {
                self.gap = Some(number);
            }
        }
    }
}

#[cfg(test)]
mod tests;
