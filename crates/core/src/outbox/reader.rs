//! The end of an outbox from which a client is written to.

use std::{future::poll_fn, sync::Arc};

use super::{ClientMessage, Shared};

/// A batch is complete at this many bytes.
const BATCH_BYTES: usize = 256 * 1024;

/// The receiving half, held by whoever writes to the client.
#[derive(Debug)]
pub struct OutboxReader {
    shared: Arc<Shared>,
    /// What was taken last and may not be written yet.
    taken: usize,
}

impl OutboxReader {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, taken: 0 }
    }

    /// Waits for messages and moves up to `max` of them into `into`, fewer if they are large. Returns how
    /// many; 0 means that nothing will ever come again. Whoever calls it says that everything of before is
    /// written: until then it counts against the limit.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped.
    pub async fn recv_many(&mut self, into: &mut Vec<ClientMessage>, max: usize) -> usize {
        let before = into.len();
        self.written();
        let taken = poll_fn(|cx| {
            let mut backlog = self.shared.lock();
            backlog.poll_take(cx, into, max, BATCH_BYTES)
        });
        self.taken = taken.await.unwrap_or(0);
        into.len() - before
    }

    /// Waits for the next message, with the same meaning. `None` means that nothing will ever come again.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped.
    pub async fn recv(&mut self) -> Option<ClientMessage> {
        let mut message = Vec::with_capacity(1);
        self.recv_many(&mut message, 1).await;
        message.pop()
    }

    fn written(&mut self) {
        let taken = std::mem::take(&mut self.taken);
        if taken > 0 {
            self.shared.lock().written(taken);
        }
    }
}

impl Drop for OutboxReader {
    fn drop(&mut self) {
        let waited = self.shared.lock().end_by_reader();
        drop(waited);
    }
}
