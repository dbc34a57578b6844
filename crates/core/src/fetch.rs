//! HTTP exchanges with an actor: a request whose body streams in, a response whose body streams out.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use greenroom_types::{ActorError, ActorId};
use tokio::sync::oneshot;

use crate::{
    BodyWriter, ClientInfo, Generation, ResponseBody,
    actor::{Control, Message},
    shared::Shared,
    stream::{BodyReader, Flow},
};

/// A request to the actor's own HTTP handler.
#[derive(Clone, Debug)]
pub struct FetchRequest {
    /// Who asks, and in [`ClientFacts::request`](crate::ClientFacts::request) what for.
    pub client: ClientInfo,
    /// Whether a body follows.
    pub has_body: bool,
}

/// How a response begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResponseHead {
    /// The status code, unchecked.
    pub status: u16,
    /// The reason phrase; empty for the usual one.
    pub reason: String,
    /// Header lines in order, unchecked. Values are bytes.
    pub headers: Vec<(String, Bytes)>,
}

/// What an actor answers to a request.
#[derive(Debug)]
pub struct FetchResponse {
    /// Status and headers.
    pub head: ResponseHead,
    /// The body, if it has one.
    pub body: Option<ResponseBody>,
}

/// A request that is under way. Dropping it before the response tells the actor that nobody waits.
pub struct Fetch {
    shared: Arc<Shared>,
    actor: ActorId,
    generation: Generation,
    token: Option<u64>,
    answer: oneshot::Receiver<Result<FetchResponse, ActorError>>,
    body: Option<BodyWriter>,
}

impl fmt::Debug for Fetch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fetch")
            .field("actor", &self.actor)
            .finish_non_exhaustive()
    }
}

impl Fetch {
    /// Puts the request into the actor's mailbox.
    ///
    /// # Errors
    /// `actor.overloaded`, `actor.stopping`.
    pub(crate) fn begin(
        shared: &Arc<Shared>,
        actor: ActorId,
        request: FetchRequest,
    ) -> Result<Self, ActorError> {
        let token = shared.next_token();
        let (reply, answer) = oneshot::channel();
        let flow = request.has_body.then(|| Arc::new(Flow::new()));
        let body = flow
            .clone()
            .map(|flow| BodyWriter::new(Arc::clone(shared), flow));
        let reader = flow.map(BodyReader::new);
        let message = Message::Fetch {
            token,
            client: request.client,
            body: reader,
            reply,
        };
        let generation = shared.send(actor, message)?;
        Ok(Self {
            shared: Arc::clone(shared),
            actor,
            generation,
            token: Some(token),
            answer,
            body,
        })
    }

    /// Which life of the actor answers, once it does.
    pub fn generation(&self) -> &Generation {
        &self.generation
    }

    /// The way for the request's body. `None` when it has none, and the second time.
    pub fn take_body(&mut self) -> Option<BodyWriter> {
        self.body.take()
    }

    /// Waits for the response to begin.
    ///
    /// # Errors
    /// What the actor answers instead, `actor.not_found`, `actor.overloaded`, `actor.restarting` when
    /// the instance was lost under the request, or why the actor could not start.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped.
    pub async fn response(&mut self) -> Result<FetchResponse, ActorError> {
        let result = (&mut self.answer).await;
        self.token = None;
        result.unwrap_or_else(|_| Err(self.shared.lost()))
    }
}

impl Drop for Fetch {
    fn drop(&mut self) {
        if let (Some(token), Some(task)) = (self.token, self.shared.registry.get(self.actor)) {
            task.inbox.tell(Control::Cancel(token));
        }
    }
}
