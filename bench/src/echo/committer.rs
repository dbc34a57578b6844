//! Group commit in its barest form: whatever arrived during the last sync is the next batch.

use std::{fs::File, io::Write, path::Path, thread};

use anyhow::{Context, Result};
use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

/// Messages that wait for a batch; more than any workload has in flight.
pub(super) const QUEUE: usize = 4096;

/// A thread that appends to one file.
pub(super) struct Committer {
    queue: mpsc::Sender<Job>,
}

struct Job {
    message: Bytes,
    done: oneshot::Sender<()>,
}

impl Committer {
    /// Makes the file `log` in the folder and starts the thread, which ends with the last handle.
    ///
    /// # Errors
    /// The file cannot be made.
    pub(super) fn start(folder: &Path) -> Result<Self> {
        let mut log = File::create(folder.join("log")).context("cannot make the log")?;
        let (queue, mut jobs) = mpsc::channel::<Job>(QUEUE);
        thread::spawn(move || {
            let mut batch = Vec::new();
            let mut bytes = Vec::new();
            while jobs.blocking_recv_many(&mut batch, QUEUE) > 0 {
                bytes.clear();
                for job in &batch {
                    bytes.extend_from_slice(&job.message);
                }
                // Whoever waits learns of an error by losing the other end.
                if log
                    .write_all(&bytes)
                    .and_then(|()| log.sync_data())
                    .is_err()
                {
                    return;
                }
                for job in batch.drain(..) {
                    // Whoever waited may have gone.
                    let _ = job.done.send(());
                }
            }
        });
        Ok(Self { queue })
    }

    /// Puts the message in line. What is returned resolves once it is on disk, and fails if the disk
    /// refuses it.
    ///
    /// # Errors
    /// The disk refused an earlier message.
    pub(super) async fn submit(&self, message: Bytes) -> Result<oneshot::Receiver<()>> {
        let (done, wait) = oneshot::channel();
        let job = Job { message, done };
        self.queue
            .send(job)
            .await
            .ok()
            .context("the log is broken")?;
        Ok(wait)
    }
}
