//! Where an actor's task gets its work from: messages of clients in a bounded queue, and control, which never waits
//! behind them.
//!
//! One lock around both, because there is one of it for each actor that is awake: a queue that is empty may have no
//! memory at all, and the task waits at one place. The lock is a sync one, held for one operation on the queues;
//! whatever is dropped or woken is so after it.

use std::{
    collections::VecDeque,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker, ready},
};

use tokio::{
    sync::{Semaphore, TryAcquireError},
    task::coop,
};

/// The sending end: whoever has it may put something in. `M` waits in the bounded queue, `C` beside it.
#[derive(Debug)]
pub(crate) struct Inbox<M, C> {
    queues: Mutex<Queues<M, C>>,
    /// A permit for each free place among the messages.
    room: Semaphore,
}

#[derive(Debug)]
struct Queues<M, C> {
    messages: VecDeque<M>,
    control: VecDeque<C>,
    reader: Option<Waker>,
    /// Whether the reader is to be woken for a message, too.
    takes_messages: bool,
    /// Whether messages are refused.
    closed: bool,
    /// Whether there is no reader any more.
    ended: bool,
}

/// A message that was not taken.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unsent<M> {
    /// The queue is full.
    Full(M),
    /// The reader takes no messages any more.
    Closed(M),
}

/// A message that waits for room.
type Waiting<'a, M> = Pin<Box<dyn Future<Output = Result<(), M>> + Send + 'a>>;

/// What [`Inbox::send`] gives. Whoever may send has room for this all the time, so what few ever need is boxed.
#[must_use]
pub(crate) struct Sending<'a, M, C> {
    inbox: &'a Inbox<M, C>,
    /// There until it is tried for the first time.
    message: Option<M>,
    waiting: Option<Waiting<'a, M>>,
}

impl<M: Send + Unpin, C: Send> Future for Sending<'_, M, C> {
    type Output = Result<(), M>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(waiting) = &mut self.waiting {
            return waiting.as_mut().poll(cx);
        }
        // A way that never waits would hold up the other tasks on its thread.
        ready!(coop::poll_proceed(cx)).made_progress();
        let message = self.message.take();
        let message = message.expect("it is not polled after its end");
        match self.inbox.try_send(message) {
            Ok(()) => Poll::Ready(Ok(())),
            Err(Unsent::Closed(message)) => Poll::Ready(Err(message)),
            Err(Unsent::Full(message)) => {
                let inbox = self.inbox;
                let waiting = self.waiting.insert(Box::pin(inbox.wait(message)));
                waiting.as_mut().poll(cx)
            }
        }
    }
}

/// What a reader gets.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Mail<M, C> {
    Message(M),
    Control(C),
}

/// The receiving end. When it is dropped, the inbox is closed, and what is in it is dropped.
#[derive(Debug)]
pub(crate) struct InboxReader<M, C> {
    inbox: Arc<Inbox<M, C>>,
}

/// An inbox for `limit` messages and its reader.
pub(crate) fn inbox<M, C>(limit: usize) -> (Arc<Inbox<M, C>>, InboxReader<M, C>) {
    let inbox = Arc::new(Inbox {
        queues: Mutex::new(Queues {
            messages: VecDeque::new(),
            control: VecDeque::new(),
            reader: None,
            takes_messages: false,
            closed: false,
            ended: false,
        }),
        room: Semaphore::new(limit),
    });
    let reader = InboxReader {
        inbox: Arc::clone(&inbox),
    };
    (inbox, reader)
}

impl<M, C> Inbox<M, C> {
    fn lock(&self) -> MutexGuard<'_, Queues<M, C>> {
        // Nothing in here can panic halfway through a change.
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts in a message without waiting.
    ///
    /// # Errors
    /// When there is no room, or those who have waited for it come first; when messages are refused.
    pub(crate) fn try_send(&self, message: M) -> Result<(), Unsent<M>> {
        match self.room.try_acquire() {
            Ok(place) => place.forget(),
            Err(TryAcquireError::NoPermits) => return Err(Unsent::Full(message)),
            Err(TryAcquireError::Closed) => return Err(Unsent::Closed(message)),
        }
        self.put(message).map_err(Unsent::Closed)
    }

    /// Puts in a message once there is room for it. Those who wait get it in the order in which they came.
    ///
    /// # Errors
    /// The message, when messages are refused.
    ///
    /// # Cancel safety
    /// A message whose future is dropped is not put in, and holds up nobody.
    pub(crate) fn send(&self, message: M) -> Sending<'_, M, C> {
        Sending {
            inbox: self,
            message: Some(message),
            waiting: None,
        }
    }

    /// Waits for room.
    async fn wait(&self, message: M) -> Result<(), M> {
        match self.room.acquire().await {
            Ok(place) => place.forget(),
            Err(_) => return Err(message),
        }
        self.put(message)
    }

    /// Puts in a message whose place is taken.
    fn put(&self, message: M) -> Result<(), M> {
        let mut queues = self.lock();
        if queues.closed {
            return Err(message);
        }
        queues.messages.push_back(message);
        let reader = match queues.takes_messages {
            true => queues.reader.take(),
            false => None,
        };
        drop(queues);
        if let Some(reader) = reader {
            reader.wake();
        }
        Ok(())
    }

    /// Puts in a word of control. Without a reader it is dropped: a task that has ended needs none.
    pub(crate) fn tell(&self, control: C) {
        let mut queues = self.lock();
        if queues.ended {
            drop(queues);
            return drop(control);
        }
        queues.control.push_back(control);
        let reader = queues.reader.take();
        drop(queues);
        if let Some(reader) = reader {
            reader.wake();
        }
    }
}

impl<M, C> InboxReader<M, C> {
    /// The next thing, control first; messages only with `takes_messages`. It never ends.
    pub(crate) fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        takes_messages: bool,
    ) -> Poll<Mail<M, C>> {
        // One task with an inbox that is never empty is not to hold up the others on its thread.
        let turn = ready!(coop::poll_proceed(cx));
        let mut queues = self.inbox.lock();
        if let Some(control) = queues.control.pop_front() {
            turn.made_progress();
            return Poll::Ready(Mail::Control(control));
        }
        if takes_messages && let Some(message) = queues.messages.pop_front() {
            drop(queues);
            self.inbox.room.add_permits(1);
            turn.made_progress();
            return Poll::Ready(Mail::Message(message));
        }
        queues.takes_messages = takes_messages;
        match &mut queues.reader {
            Some(reader) => reader.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
        Poll::Pending
    }

    /// The next message, if there is one.
    pub(crate) fn try_take(&mut self) -> Option<M> {
        let message = self.inbox.lock().messages.pop_front()?;
        self.inbox.room.add_permits(1);
        Some(message)
    }

    /// Whether no message waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.inbox.lock().messages.is_empty()
    }

    /// Refuses messages from now on. What is there can still be taken.
    pub(crate) fn close(&mut self) {
        self.inbox.lock().closed = true;
        self.inbox.room.close();
    }

    /// Gives back the memory that nothing waits in.
    pub(crate) fn trim(&mut self) {
        let mut queues = self.inbox.lock();
        queues.messages.shrink_to_fit();
        queues.control.shrink_to_fit();
    }
}

impl<M, C> Drop for InboxReader<M, C> {
    fn drop(&mut self) {
        self.close();
        let mut queues = self.inbox.lock();
        queues.ended = true;
        let left = (
            std::mem::take(&mut queues.messages),
            std::mem::take(&mut queues.control),
            queues.reader.take(),
        );
        drop(queues);
        drop(left);
    }
}

#[cfg(test)]
mod tests;
