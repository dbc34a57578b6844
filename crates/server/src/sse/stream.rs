//! One event stream from its first message to its last. The body of a response: it goes on for as
//! long as the client reads it, and when it is dropped, the actor learns that the client left.

use std::{collections::VecDeque, sync::Arc};

use bytes::Bytes;
use futures_util::stream::unfold;
use greenroom_core::{BodyAborted, ClientMessage, Connection, OutboxReader};
use greenroom_types::protocol::Encoding;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use tokio::{
    sync::mpsc,
    time::{Interval, MissedTickBehavior, interval},
};

use super::{link::Link, text::EventText};
use crate::{access::Seat, app::App, reply, websocket::Close};

/// Most messages that are taken out of the outbox at once.
const BATCH: usize = 64;
/// A piece of the body is complete at this size, in bytes; a message is never cut.
const PIECE: usize = 16 * 1024;

/// A connection's messages, on their way into the body of a response.
pub(super) struct EventStream {
    outbox: OutboxReader,
    closes: mpsc::Receiver<Close>,
    text: EventText,
    heartbeat: Interval,
    /// Taken out of the outbox and not yet written.
    waiting: VecDeque<ClientMessage>,
    _listed: Listed,
    /// Counts as its client's connection.
    _seat: Option<Seat>,
}

/// Keeps a stream findable for as long as it lives.
struct Listed {
    app: Arc<App>,
    link: Arc<Link>,
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.app.links.remove(&self.link);
    }
}

impl EventStream {
    /// The stream of a connection that was asked for. Whether it is admitted will be in the outbox.
    pub(super) fn new(
        app: &Arc<App>,
        encoding: Encoding,
        extended: bool,
        connection: Connection,
        outbox: OutboxReader,
        seat: Option<Seat>,
    ) -> Self {
        let (actor, generation) = (connection.actor(), connection.generation().clone());
        let (link, closes) = Link::new(encoding, connection);
        let link = Arc::new(link);
        app.links.add(&link);
        let mut heartbeat = interval(app.config.stream_heartbeat);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        heartbeat.reset();
        let limit = app.config.max_outgoing_message;
        Self {
            outbox,
            closes,
            text: EventText::new(encoding, link.token().to_owned(), extended, limit)
                .speaking_for(actor, generation),
            heartbeat,
            waiting: VecDeque::new(),
            _listed: Listed {
                app: Arc::clone(app),
                link,
            },
            _seat: seat,
        }
    }

    /// The stream as a body.
    pub(super) fn into_body(self) -> reply::StreamBody {
        let pieces = unfold(self, |mut stream| async move {
            let piece = stream.next().await?;
            Some((Ok::<_, BodyAborted>(Frame::data(piece)), stream))
        });
        StreamBody::new(pieces).boxed_unsync()
    }

    /// The next piece of text. `None` after the close.
    async fn next(&mut self) -> Option<Bytes> {
        if self.text.is_closed() {
            return None;
        }
        if self.waiting.is_empty() {
            self.wait().await;
        }
        while self.text.len() < PIECE
            && let Some(message) = self.waiting.pop_front()
        {
            self.text.message(&message);
        }
        self.heartbeat.reset();
        Some(self.text.take())
    }

    /// Waits until there is something to say.
    async fn wait(&mut self) {
        let mut messages = Vec::new();
        // What the client did wrong comes first; a heartbeat only matters where nothing else comes.
        tokio::select! {
            biased;
            Some(close) = self.closes.recv() => self.text.close(&close),
            count = self.outbox.recv_many(&mut messages, BATCH) => {
                if count == 0 {
                    self.text.close(&Close::lost());
                }
                self.waiting = messages.into();
            }
            _ = self.heartbeat.tick() => self.text.heartbeat(),
        }
    }
}
