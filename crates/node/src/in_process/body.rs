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

/// What JavaScript says of the body of a request. A body whose sender goes away without an `End` has
/// broken off: what has come of it must not pass for all of it.
#[derive(Debug)]
pub(super) enum Part {
    Data(Bytes),
    End,
}

/// Tells JavaScript of each part that was taken. How much waits is bounded by what JavaScript sends
/// unasked.
pub(super) struct PartBody {
    request: u32,
    era: u32,
    host: Arc<JsHost>,
    parts: mpsc::UnboundedReceiver<Part>,
    is_over: bool,
}

impl PartBody {
    /// The body of the request that JavaScript knows as `request` in this era, and where its parts are to go.
    pub(super) fn new(
        request: u32,
        era: u32,
        host: Arc<JsHost>,
    ) -> (Self, mpsc::UnboundedSender<Part>) {
        let (sender, parts) = mpsc::unbounded_channel();
        let body = Self {
            request,
            era,
            host,
            parts,
            is_over: false,
        };
        (body, sender)
    }
}

impl Body for PartBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        self.parts.poll_recv(cx).map(|part| {
            self.is_over = !matches!(part, Some(Part::Data(_)));
            match part {
                Some(Part::Data(part)) => {
                    let taken = u32::try_from(part.len()).unwrap_or(u32::MAX);
                    self.host
                        .answer(self.era, self.request, &Answer::Taken(taken));
                    Some(Ok(Frame::data(part)))
                }
                Some(Part::End) => None,
                None => Some(Err(io::ErrorKind::BrokenPipe.into())),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    async fn read(parts: impl IntoIterator<Item = Part>) -> Result<Bytes, io::Error> {
        let (body, sender) = PartBody::new(1, 0, Arc::default());
        for part in parts {
            sender.send(part).expect("the body listens");
        }
        drop(sender);
        Ok(body.collect().await?.to_bytes())
    }

    #[tokio::test]
    async fn only_a_body_with_an_end_is_whole() {
        let part = || Part::Data(Bytes::from_static(b"half"));
        let whole = read([part(), part(), Part::End]).await;
        assert_eq!(whole.expect("it has an end"), "halfhalf");
        for parts in [vec![], vec![part()]] {
            let broken = read(parts).await.expect_err("its sender is gone");
            assert_eq!(broken.kind(), io::ErrorKind::BrokenPipe);
        }
    }
}
