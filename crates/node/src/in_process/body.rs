//! The body of a request, as it comes from JavaScript part by part.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use hyper::body::{Body, Frame};
use tokio::sync::mpsc;

use super::Answer;
use crate::host::JsHost;

/// Tells JavaScript of each part that was taken. How much waits is bounded by what JavaScript sends
/// unasked.
pub(super) struct PartBody {
    pub(super) request: u32,
    pub(super) host: Arc<JsHost>,
    pub(super) parts: mpsc::UnboundedReceiver<Bytes>,
}

impl Body for PartBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        self.parts.poll_recv(cx).map(|part| {
            let part = part?;
            let taken = u32::try_from(part.len()).unwrap_or(u32::MAX);
            self.host.answer(self.request, &Answer::Taken(taken));
            Some(Ok(Frame::data(part)))
        })
    }
}
