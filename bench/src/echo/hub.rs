//! All WebSockets of the server, to send something to each of them.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use anyhow::Result;
use fastwebsockets::{Frame, Payload, WebSocketWrite};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::WriteHalf;

use crate::dialect::{PUBLISH, PUBLISH_HEAD, PUBLISHED};

/// The side of a WebSocket that is written to: by its own task and by those that publish.
pub(super) type Writer = tokio::sync::Mutex<WebSocketWrite<WriteHalf<TokioIo<Upgraded>>>>;

/// The open WebSockets.
#[derive(Default)]
pub(super) struct Hub {
    writers: Mutex<Vec<Weak<Writer>>>,
}

impl Hub {
    /// Adds one, until its last handle is dropped.
    pub(super) fn add(&self, writer: &Arc<Writer>) {
        let mut writers = self.writers.lock().unwrap_or_else(PoisonError::into_inner);
        writers.retain(|writer| writer.strong_count() > 0);
        writers.push(Arc::downgrade(writer));
    }

    /// Sends the message back to `writer`, and if it asks for that, something to everybody before.
    ///
    /// # Errors
    /// `writer` is closed. The others may be.
    pub(super) async fn echo(&self, writer: &Writer, message: &[u8]) -> Result<()> {
        if let [PUBLISH, low, high, ..] = *message {
            let times = u16::from_le_bytes([low, high]);
            let text = message.get(PUBLISH_HEAD..).unwrap_or_default();
            self.publish(times, text).await;
        }
        let frame = Frame::binary(Payload::Borrowed(message));
        writer.lock().await.write_frame(frame).await?;
        Ok(())
    }

    async fn publish(&self, times: u16, text: &[u8]) {
        let everybody: Vec<Arc<Writer>> = {
            let writers = self.writers.lock().unwrap_or_else(PoisonError::into_inner);
            writers.iter().filter_map(Weak::upgrade).collect()
        };
        let message = [&[PUBLISHED], text].concat();
        for _ in 0..times {
            for writer in &everybody {
                let frame = Frame::binary(Payload::Borrowed(&message));
                // Its own task learns that it is closed.
                let _ = writer.lock().await.write_frame(frame).await;
            }
        }
    }
}
