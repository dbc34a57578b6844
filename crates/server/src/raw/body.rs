//! The bodies of an exchange between hyper and the runtime.

use std::{task::Poll, time::Duration};

use futures_util::stream::poll_fn;
use greenroom_core::{BodyWriter, ResponseBody};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Body as _, Frame};
use tokio::sync::oneshot;
use tracing::debug;

use crate::{
    app::App,
    body::{DISCARD, RequestBody},
    reply,
};

/// What a request's body may be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// In bytes.
    pub(super) size: usize,
    /// Time for what is left of a body that nobody wants.
    pub(super) patience: Duration,
}

impl Limits {
    pub(super) fn of(app: &App) -> Self {
        Self {
            size: app.config.max_request_body,
            patience: app.config.body_read_timeout,
        }
    }
}

/// Passes a request's body on to the actor, as fast as the actor takes it. Says in `exceed` when it
/// turns out to be too large.
pub(super) async fn pump(
    mut body: RequestBody,
    mut writer: BodyWriter,
    limits: Limits,
    exceed: oneshot::Sender<()>,
) {
    let mut size = 0;
    loop {
        // A body that nobody reads may never end, and its connection is not kept for it.
        let frame = tokio::select! {
            biased;
            () = writer.abandoned() => return discard(body, limits.patience).await,
            frame = body.frame() => frame,
        };
        let Some(frame) = frame else {
            break;
        };
        let Ok(frame) = frame else {
            debug!("a request's body broke off");
            return;
        };
        // Trailers say nothing to a handler.
        let Ok(data) = frame.into_data() else {
            continue;
        };
        size += data.len();
        if size > limits.size {
            // Before the actor hears that the body breaks off. Nobody listens if it has answered.
            let _ = exceed.send(());
            drop(writer);
            return discard(body, limits.patience).await;
        }
        if writer.write(data).await.is_err() {
            return discard(body, limits.patience).await;
        }
    }
    writer.finish().await;
}

/// Reads and forgets what is left of a body, unless that is known to be too much.
pub(super) async fn discard(mut body: RequestBody, patience: Duration) {
    const MOST: u64 = DISCARD as u64;
    if body.size_hint().lower() > MOST {
        return;
    }
    let mut size = 0;
    let rest = async {
        while size <= MOST
            && let Some(Ok(frame)) = body.frame().await
        {
            size += frame.data_ref().map_or(0, |data| data.len() as u64);
        }
    };
    // However steady: its sender has been answered, or is about to be, and may stop.
    if tokio::time::timeout(patience, rest).await.is_err() {
        debug!("a request's body did not end in time");
    }
}

/// A response's body as hyper wants it.
pub(super) fn into_stream(mut body: ResponseBody) -> reply::StreamBody {
    let mut aborted = None;
    let pieces = poll_fn(move |cx| {
        if let Some(aborted) = aborted.take() {
            return Poll::Ready(Some(Err(aborted)));
        }
        match body.poll_next(cx) {
            Poll::Ready(Some(Err(error))) => {
                // Hyper drops what it has not written when it hears of an error, and would drop even
                // the head. It writes before it asks again.
                aborted = Some(error);
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Poll::Ready(piece) => Poll::Ready(piece.map(|piece| piece.map(Frame::data))),
            Poll::Pending => Poll::Pending,
        }
    });
    StreamBody::new(pieces).boxed_unsync()
}
