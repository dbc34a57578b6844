//! HTTP exchanges in progress: what the host hears of them, and how their responses leave.

use std::sync::Arc;

use bytes::Bytes;
use greenroom_types::ActorError;
use tokio::sync::{mpsc, oneshot};

use super::{
    live::{Caller, Release, Stage},
    task::{ActorTask, Phase},
};
use crate::{
    CallId, ClientInfo, FetchEvent, FetchResponse, HostEvent, Instance, ResponseBody, ResponseHead,
    stream::{BodyReader, Piece},
};

/// Something about an exchange, from the server's side.
#[derive(Debug)]
pub(crate) enum ExchangeEvent {
    /// A piece of the request's body.
    Data(Bytes),
    /// The request's body is complete.
    End,
    /// The request's body breaks off.
    Abort,
    /// So many bytes more of the response are wanted.
    Credit(usize),
    /// Nobody reads the response any more.
    Abandon,
}

/// Who waits for a response, until it has begun.
pub(crate) type ResponseSender = oneshot::Sender<Result<FetchResponse, ActorError>>;

/// A request that is being answered. Dropping it ends both bodies.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) token: u64,
    /// Until the response has begun.
    pub(crate) reply: Option<ResponseSender>,
    /// From then on.
    response: Option<mpsc::UnboundedSender<Piece>>,
    request: Option<BodyReader>,
}

impl ActorTask {
    /// Passes a request on to the instance.
    pub(super) fn fetch(
        &mut self,
        token: u64,
        client: ClientInfo,
        body: Option<BodyReader>,
        reply: ResponseSender,
    ) {
        if reply.is_closed() {
            return;
        }
        let has_body = body.is_some();
        let exchange = Exchange {
            token,
            reply: Some(reply),
            response: None,
            request: body,
        };
        let Some(call) = self.begin(Caller::Fetch(Box::new(exchange))) else {
            return;
        };
        let Phase::Live(live) = &self.phase else {
            return;
        };
        let event = FetchEvent {
            call,
            client,
            has_body,
        };
        let host = &self.shared.host;
        host.deliver(live.instance, HostEvent::Fetch(event));
        let exchange = live.calls.exchange(call);
        let body = exchange.and_then(|exchange| exchange.request.as_ref());
        if body.is_some_and(|body| !body.open(live.instance, call)) {
            host.deliver(live.instance, HostEvent::BodyAbort(call));
        }
    }

    /// Tells the instance, if it is still interested.
    pub(super) fn on_exchange(&mut self, instance: Instance, call: CallId, event: ExchangeEvent) {
        let Phase::Live(live) = &self.phase else {
            return;
        };
        if live.instance != instance
            || matches!(live.stage, Stage::Stopped { .. })
            || live.calls.exchange(call).is_none()
        {
            return;
        }
        let event = match event {
            ExchangeEvent::Data(data) => HostEvent::BodyData(call, data),
            ExchangeEvent::End => HostEvent::BodyEnd(call),
            ExchangeEvent::Abort => HostEvent::BodyAbort(call),
            ExchangeEvent::Credit(bytes) => HostEvent::BodyCredit(call, bytes),
            ExchangeEvent::Abandon => HostEvent::Cancel(call),
        };
        self.shared.host.deliver(instance, event);
    }

    /// A response begins. Without a body that is all of it.
    pub(super) fn response_head(
        &mut self,
        call: CallId,
        head: ResponseHead,
        has_body: bool,
    ) -> Option<Release> {
        let shared = Arc::clone(&self.shared);
        let Phase::Live(live) = &mut self.phase else {
            return None;
        };
        let exchange = live.calls.exchange_mut(call)?;
        let reply = exchange.reply.take()?;
        let body = if has_body {
            let (sender, pieces) = mpsc::unbounded_channel();
            exchange.response = Some(sender);
            Some(ResponseBody::new(pieces, shared, live.instance, call))
        } else {
            live.end_call(call);
            None
        };
        Some(Release::Response(reply, FetchResponse { head, body }))
    }

    /// A piece of a response.
    pub(super) fn response_data(&mut self, call: CallId, data: &Bytes) -> Option<Release> {
        let Phase::Live(live) = &self.phase else {
            return None;
        };
        let response = live.calls.exchange(call)?.response.clone()?;
        // Copied, or a slow reader would pin the whole batch that it came in.
        let piece = Piece::Data(Bytes::copy_from_slice(data));
        Some(Release::Piece(response, Some(piece)))
    }

    /// The end of a response, or with `is_whole` unset that it breaks off here.
    pub(super) fn response_end(&mut self, call: CallId, is_whole: bool) -> Option<Release> {
        let Phase::Live(live) = &mut self.phase else {
            return None;
        };
        live.calls.exchange(call)?.response.as_ref()?;
        let Some(Caller::Fetch(mut exchange)) = live.end_call(call) else {
            return None;
        };
        let response = exchange.response.take()?;
        Some(Release::Piece(response, is_whole.then_some(Piece::End)))
    }

    /// The instance takes more of a request's body.
    pub(super) fn request_credit(&mut self, call: CallId, bytes: usize) {
        if let Phase::Live(live) = &self.phase
            && let Some(exchange) = live.calls.exchange(call)
            && let Some(request) = &exchange.request
        {
            request.grant(bytes);
        }
    }
}
