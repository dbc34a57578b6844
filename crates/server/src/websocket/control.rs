//! What the read side of a WebSocket asks the write side to send.
//!
//! Both sides are of one task, and few connections ever have such a frame: so the queue is a part of the task, and has
//! memory of its own only while something waits. A channel would take as much as the rest of an idle connection.

use std::{
    collections::VecDeque,
    future::poll_fn,
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;

use super::close::Close;

/// Frames that may wait for the write side before the read side pauses.
const LIMIT: usize = 8;

/// A frame that the read side asks for.
#[derive(Debug)]
pub(super) enum Control {
    /// Ask for a sign of life.
    Ping,
    /// Answer a ping.
    Pong(Bytes),
    /// Say goodbye; nothing follows.
    Close(Close),
}

/// Frames on their way from one side to the other. The lock is a sync one, held for one operation on the queue: the task
/// may move between threads, though never in the middle of one.
#[derive(Debug, Default)]
pub(super) struct ControlQueue(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    frames: VecDeque<Control>,
    /// The write side, if it waits for a frame.
    writer: Option<Waker>,
    /// The read side, if it waits for room.
    reader: Option<Waker>,
}

impl ControlQueue {
    /// Puts in a frame once there is room for it.
    pub(super) async fn send(&self, frame: Control) {
        let mut frame = Some(frame);
        poll_fn(|cx| self.poll_send(cx, &mut frame)).await;
    }

    /// The next frame.
    ///
    /// # Cancel safety
    /// No frame is lost.
    pub(super) async fn recv(&self) -> Control {
        poll_fn(|cx| self.poll_recv(cx)).await
    }

    fn poll_send(&self, cx: &Context<'_>, frame: &mut Option<Control>) -> Poll<()> {
        let mut waiting = self.lock();
        if waiting.frames.len() >= LIMIT {
            waiting.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        waiting.frames.extend(frame.take());
        let writer = waiting.writer.take();
        drop(waiting);
        wake(writer);
        Poll::Ready(())
    }

    fn poll_recv(&self, cx: &Context<'_>) -> Poll<Control> {
        let mut waiting = self.lock();
        let Some(frame) = waiting.frames.pop_front() else {
            waiting.frames = VecDeque::new();
            match &mut waiting.writer {
                Some(writer) => writer.clone_from(cx.waker()),
                none => *none = Some(cx.waker().clone()),
            }
            return Poll::Pending;
        };
        let reader = waiting.reader.take();
        drop(waiting);
        wake(reader);
        Poll::Ready(frame)
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Nothing in here can panic halfway through a change.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(frame: &Control) -> u8 {
        match frame {
            Control::Pong(payload) => payload[0],
            Control::Ping | Control::Close(_) => unreachable!("only pongs are sent"),
        }
    }

    #[tokio::test]
    async fn more_than_the_limit_waits_and_all_come_in_order() {
        const ALL: u8 = 100;
        let queue = ControlQueue::default();
        let send = async {
            for number in 0..ALL {
                queue.send(Control::Pong(Bytes::from(vec![number]))).await;
                assert!(queue.lock().frames.len() <= LIMIT);
            }
        };
        let receive = async {
            let mut numbers = Vec::new();
            while numbers.len() < usize::from(ALL) {
                numbers.push(number(&queue.recv().await));
            }
            numbers
        };
        let ((), numbers) = tokio::join!(send, receive);
        assert!(numbers.into_iter().eq(0..ALL));
    }

    #[tokio::test]
    async fn an_empty_queue_has_no_memory() {
        let queue = ControlQueue::default();
        queue.send(Control::Ping).await;
        assert!(matches!(queue.recv().await, Control::Ping));
        let next = tokio::time::timeout(std::time::Duration::ZERO, queue.recv());
        assert!(next.await.is_err());
        assert_eq!(queue.lock().frames.capacity(), 0);
    }
}
