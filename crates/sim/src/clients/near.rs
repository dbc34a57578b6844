//! The way to the actors for clients in the same process: the runtime's own front.

use bytes::Bytes;
use greenroom_core::{
    CallRequest, ClientInfo, ClientMessage, ConnRequest, Connection, OutboxReader, PublishRequest,
    Published, Resuming, Runtime, outbox,
};
use greenroom_types::{ActorError, ActorId};

use super::{action, is_harmless, outcome};
use crate::{
    actor::RESUMED_QUEUE,
    history::{Heard, Kind, Outcome},
    node::{actor_key, actor_name},
    view::{News, View},
    wire,
};

/// See the top of the file.
#[derive(Clone)]
pub(crate) struct Near {
    runtime: Runtime,
}

impl Near {
    pub(crate) fn new(runtime: Runtime) -> Self {
        Self { runtime }
    }

    async fn find(&self, key: &str) -> Result<ActorId, ActorError> {
        let (name, key) = (actor_name(), actor_key(key));
        let (record, _) = self.runtime.get_or_create(&name, &key, None).await?;
        Ok(record.id)
    }

    /// Does it, and waits for what comes of it.
    pub(crate) async fn act(&self, key: &str, kind: &Kind) -> Outcome {
        let actor = match self.find(key).await {
            Ok(actor) => actor,
            // The actor is not even asked.
            Err(error) => return Outcome::Refused(super::code(&error)),
        };
        match kind {
            Kind::Publish {
                entry,
                resumes,
                wait,
            } => self.publish(actor, entry, *resumes, *wait).await,
            Kind::Destroy => match self.runtime.destroy(actor).await {
                Ok(()) => Outcome::Done(actor, View::default()),
                Err(error) if is_harmless(&error) => Outcome::Refused(super::code(&error)),
                Err(error) => Outcome::Unknown(super::code(&error)),
            },
            kind => {
                let (name, argument) = action(kind);
                let request = CallRequest {
                    once: None,
                    name: name.to_owned(),
                    args: wire::args(&argument),
                    compat: true,
                    client: ClientInfo::default(),
                };
                let answer = self.runtime.call(actor, request).await;
                outcome(actor, answer.map(|bytes| read(&bytes)))
            }
        }
    }

    async fn publish(&self, actor: ActorId, entry: &str, resumes: bool, wait: bool) -> Outcome {
        let queue = if resumes { RESUMED_QUEUE } else { "jobs" };
        let request = PublishRequest {
            queue: queue.to_owned(),
            body: wire::text(entry),
            compat: true,
            client: ClientInfo::default(),
            wait,
            timeout_ms: None,
        };
        match self.runtime.publish(actor, request).await.1 {
            Ok(Published::Completed(Some(response))) => outcome(actor, Ok(read(&response))),
            Ok(Published::Completed(None)) => Outcome::Done(actor, View::default()),
            Ok(Published::TimedOut) => Outcome::Unknown("timed out".to_owned()),
            Err(error) => outcome(actor, Err(error)),
        }
    }

    /// Opens a connection.
    pub(crate) async fn connect(&self, key: &str) -> Result<NearConn, ActorError> {
        let actor = self.find(key).await?;
        let (sender, reader) = outbox();
        let request = ConnRequest {
            client: ClientInfo::default(),
            streams: false,
            resuming: Resuming::Never,
            raw: false,
            outbox: sender,
        };
        let connection = self.runtime.connect(actor, request).await?;
        Ok(NearConn { connection, reader })
    }
}

fn read(answer: &Bytes) -> String {
    wire::read_text(answer).unwrap_or_else(|error| error.to_string())
}

/// A connection within the process.
pub(crate) struct NearConn {
    connection: Connection,
    reader: OutboxReader,
}

impl NearConn {
    /// Calls an action. The answer is heard.
    pub(crate) async fn act(&self, id: u64, kind: &Kind) -> Result<(), ActorError> {
        let (name, argument) = action(kind);
        let args = wire::args(&argument);
        self.connection
            .action(id, name.to_owned(), args, true)
            .await
    }

    /// Starts or ends hearing the news.
    pub(crate) async fn subscribe(&self, on: bool) -> Result<(), ActorError> {
        let event = crate::actor::NEWS.to_owned();
        self.connection.subscribe(event, on).await
    }

    /// The next thing that is heard; `None` when nothing ever will be.
    pub(crate) async fn next(&mut self) -> Option<Heard> {
        Some(match self.reader.recv().await? {
            ClientMessage::Init { actor, .. } => Heard::Init(actor),
            ClientMessage::Response { id, output } => match View::parse(&read(&output)) {
                Some(view) => Heard::Answer(id, view),
                None => Heard::Closed("an answer that nobody gave".to_owned()),
            },
            ClientMessage::Error {
                id: Some(id),
                error,
            } => Heard::Failed(id, error),
            ClientMessage::Error { id: None, error } => Heard::Closed(super::code(&error)),
            ClientMessage::Event(event) => {
                let text = wire::read_args(event.args()).unwrap_or_default();
                match News::parse(&text) {
                    Some(news) => Heard::Event(news),
                    None => Heard::Closed("an event that nobody sent".to_owned()),
                }
            }
            ClientMessage::Close(reason) => Heard::Closed(format!("{reason:?}")),
            ClientMessage::Stream { .. }
            | ClientMessage::Raw(_)
            | ClientMessage::Subscribed { .. }
            | ClientMessage::Resync(_) => {
                unreachable!("nobody here takes streams or raw messages, or comes back")
            }
        })
    }
}
