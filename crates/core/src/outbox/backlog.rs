//! What waits for one client.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    task::{Context, Poll, Waker},
};

use super::{ClientMessage, CloseReason, OutboxClosed, broadcast::Topic, weight::weight};

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
    /// What waits and what is being written.
    bytes: usize,
    /// Wakes whoever waits for messages.
    reader: Option<Waker>,
    end: End,
}

#[derive(Debug)]
struct Waiting {
    message: ClientMessage,
    topic: Option<Arc<Topic>>,
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
        topic: Option<Arc<Topic>>,
        limit: usize,
    ) -> Result<Wake, OutboxClosed> {
        match self.end {
            End::Open => {}
            End::TooSlow => return Err(OutboxClosed::TooSlow),
            End::Sender | End::Reader => return Err(OutboxClosed::Gone),
        }
        if let Some(number) = topic.as_ref().and_then(|topic| self.latest.remove(topic)) {
            self.make_hole(number);
        }
        let weight = weight(&message);
        // A message that is larger than the limit all by itself says nothing about how fast the client reads.
        let is_alone = self.waiting.len() == self.holes;
        if !is_alone && self.bytes + weight > limit {
            self.give_up();
            self.wake().wake();
            return Err(OutboxClosed::TooSlow);
        }
        if let Some(topic) = &topic {
            let number = self.first + self.waiting.len() as u64;
            self.latest.insert(Arc::clone(topic), number);
        }
        self.bytes += weight;
        self.waiting.push_back(Some(Waiting { message, topic }));
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
            topic: None,
        }));
    }

    /// Forgets what waits. What is being written still counts.
    fn clear(&mut self) -> VecDeque<Option<Waiting>> {
        let waiting = std::mem::take(&mut self.waiting);
        let weights = waiting.iter().flatten().map(|place| weight(&place.message));
        self.bytes -= weights.sum::<usize>();
        self.latest.clear();
        self.holes = 0;
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
                Some(Waiting { message, topic }) => {
                    if let Some(topic) = topic {
                        self.latest.remove(&topic);
                    }
                    return Some(message);
                }
            }
        }
    }

    fn make_hole(&mut self, number: u64) {
        let index = usize::try_from(number - self.first).expect("an index into memory");
        let place = self.waiting[index].take().expect("what is latest waits");
        self.bytes -= weight(&place.message);
        self.holes += 1;
        if self.holes > FEW_HOLES && self.holes * 2 > self.waiting.len() {
            self.close_up();
        }
    }

    fn close_up(&mut self) {
        self.waiting.retain(Option::is_some);
        self.holes = 0;
        for (number, place) in (self.first..).zip(self.waiting.iter().flatten()) {
            if let Some(topic) = &place.topic {
                self.latest.insert(Arc::clone(topic), number);
            }
        }
    }
}

#[cfg(test)]
mod tests;
