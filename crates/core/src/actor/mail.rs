//! From messages to what the instance is told.

use std::sync::Arc;

use greenroom_types::{ActorError, limits, once::digest};
use tokio::{
    sync::{Semaphore, oneshot},
    time::Instant,
};

use super::{
    conns::Arrival,
    live::{Caller, Stage},
    message::{Answer, Message, StreamKey},
    sockets::Socket,
    task::{ActorTask, Phase},
};
use crate::{
    CallEvent, CallId, ClientInfo, ClientMessage, ConnKey, ConnRequest, ConnectEvent, Connection,
    HostEvent, PublishEvent, PublishRequest, StopReason, SubscribeEvent,
};

impl ActorTask {
    /// Handles one message, or keeps it for after the wake that it causes.
    pub(super) fn on_message(&mut self, message: Message) {
        if let &(Message::Action { conn, .. }
        | Message::Cancel { conn, .. }
        | Message::Once { conn, .. }
        | Message::Subscribe { conn, .. }
        | Message::Resume { conn, .. }
        | Message::Socket { conn, .. }) = &message
        {
            match self.conns.arrived(conn, message) {
                Arrival::Handle(message) => self.handle(message),
                Arrival::Kept => {}
                Arrival::TooEarly => {
                    self.refuse(conn, &ActorError::overloaded());
                    self.disconnected(conn);
                }
            }
        } else if let &Message::Disconnect { conn, .. } = &message
            && self.conns.is_socket(conn)
        {
            if let Arrival::Handle(message) = self.conns.arrived(conn, message) {
                self.handle(message);
            }
        } else {
            self.handle(message);
        }
    }

    fn handle(&mut self, message: Message) {
        if !self.is_running() {
            return self.on_message_asleep(message);
        }
        match message {
            Message::Call {
                token,
                request,
                streams,
                reply,
            } => {
                if reply.is_closed() {
                    return;
                }
                let caller = Caller::Stateless { token, reply };
                let once = request.once.is_some();
                let call = match request.once {
                    Some(once) => {
                        let digest = digest(&request.name, &request.args, request.compat);
                        self.begin_once(caller, *once, digest)
                    }
                    None => self.begin(caller),
                };
                if let Some(call) = call {
                    self.call(CallEvent {
                        call,
                        conn: None,
                        name: request.name,
                        args: request.args,
                        compat: request.compat,
                        streams,
                        client: self.told(request.client),
                        once,
                    });
                }
            }
            Message::Fetch {
                token,
                client,
                body,
                reply,
            } => self.fetch(token, client, body, reply),
            Message::Publish {
                token,
                request,
                reply,
            } => {
                if !reply.is_closed() {
                    self.publish(token, *request, reply);
                }
            }
            Message::Action {
                conn,
                id,
                name,
                args,
                compat,
                streams,
                key,
            } => {
                if !self.conns.contains(conn) {
                    return;
                }
                let caller = Caller::Conn { conn, id };
                let once = self.conns.once_call(conn, id, key);
                let is_once = once.is_some();
                let call = match once {
                    Some(once) => self.begin_once(caller, once, digest(&name, &args, compat)),
                    None => self.begin(caller),
                };
                if let Some(call) = call {
                    self.call(CallEvent {
                        call,
                        conn: Some(conn),
                        name,
                        args,
                        compat,
                        streams,
                        client: ClientInfo::default(),
                        once: is_once,
                    });
                }
            }
            Message::Connect {
                request,
                registered,
            } => {
                let id = self.shared.new_conn_id();
                let is_raw = request.raw;
                let mut client = request.client.clone();
                if !is_raw {
                    client = self.told(client);
                }
                let conn = self.register(id.clone(), request, registered);
                let Phase::Live(live) = &mut self.phase else {
                    return;
                };
                live.idle_since = Instant::now();
                let event = ConnectEvent { conn, id, client };
                let event = match is_raw {
                    true => HostEvent::SocketConnect(event),
                    false => HostEvent::Connect(event),
                };
                self.shared.host.deliver(live.instance, event);
            }
            Message::Subscribe { conn, event, on } if on && self.needs_asking(conn, &event) => {
                self.ask(conn, event);
            }
            Message::Cancel { conn, id } => self.cancel_action(conn, id),
            Message::GiveUp(id) => {
                self.give_up_once(&id);
            }
            Message::Once { conn, word } => self.tell_once(conn, word),
            Message::Subscribe { conn, event, on } => self.subscribe(conn, event, on),
            Message::Resume { conn, events, more } => self.resume(conn, events, more),
            Message::Socket { conn, message } => self.socket_message(conn, message),
            Message::Disconnect { conn, close } => self.disconnect_as(conn, close),
            Message::Alarm | Message::Revive(_) => {}
            Message::Sleep => self.want(StopReason::Sleep),
            Message::Destroy { done } => {
                self.destroyers.push(done);
                self.want(StopReason::Destroy);
            }
        }
    }

    /// Adds a connection and hands its client's side over. If nobody takes it, it is dropped, and
    /// that closes the connection like any other.
    pub(super) fn register(
        &mut self,
        id: String,
        request: ConnRequest,
        registered: oneshot::Sender<Connection>,
    ) -> ConnKey {
        let credit = request
            .raw
            .then(|| Arc::new(Semaphore::new(limits::SOCKET_WINDOW)));
        let socket = credit.clone().map(Socket::new);
        let mut outbox = request.outbox;
        outbox.set_limit(self.options.max_connection_backlog);
        if request.streams {
            outbox.see_gaps();
        }
        let conn = self
            .conns
            .add(id.clone(), request.client, outbox, request.resuming, socket);
        let (shared, task) = (Arc::clone(&self.shared), self.handle.clone());
        let streams = request.streams;
        let connection = Connection::new(shared, self.id, conn, id, task, streams, credit);
        drop(registered.send(connection));
        conn
    }

    /// What the instance is told of a client.
    fn told(&self, mut client: ClientInfo) -> ClientInfo {
        if !self.options.wants_request {
            client.forget_request();
        }
        client
    }

    /// Some messages are no reason to wake up.
    fn on_message_asleep(&mut self, message: Message) {
        match message {
            Message::Subscribe { conn, event, on }
                if on && self.needs_asking(conn, &event) || self.has_wishes_waiting(conn) =>
            {
                self.wait_for_wake(Message::Subscribe { conn, event, on });
            }
            Message::Cancel { conn, id } => self.cancel_action(conn, id),
            Message::GiveUp(id) => {
                self.give_up_once(&id);
            }
            Message::Once { conn, word } => self.tell_once(conn, word),
            Message::Subscribe { conn, event, on } => self.subscribe(conn, event, on),
            Message::Revive(mark) => self.revive(mark.losses()),
            Message::Disconnect { conn, close } => self.departs_asleep(conn, close),
            Message::Sleep => {}
            Message::Alarm
            | Message::Call { .. }
            | Message::Fetch { .. }
            | Message::Publish { .. }
            | Message::Action { .. }
            | Message::Resume { .. }
            | Message::Socket { .. }
            | Message::Connect { .. }
            | Message::Destroy { .. } => {
                self.wait_for_wake(message);
            }
        }
    }

    /// Whether something that a client has said of its subscriptions waits for the actor to wake: what it says of them
    /// next may take that back, and must not overtake it.
    fn has_wishes_waiting(&self, client: ConnKey) -> bool {
        self.waiting.iter().any(|message| {
            matches!(message,
                Message::Subscribe { conn, .. } | Message::Resume { conn, .. } if *conn == client)
        })
    }

    fn is_running(&self) -> bool {
        matches!(&self.phase, Phase::Live(live) if live.stage == Stage::Running)
    }

    /// Makes room for a call, or tells its caller that there is none.
    pub(super) fn begin(&mut self, caller: Caller) -> Option<CallId> {
        let Phase::Live(live) = &mut self.phase else {
            return None;
        };
        if live.calls.is_full() {
            self.answer(caller, Err(ActorError::overloaded()));
            return None;
        }
        Some(live.calls.begin(caller))
    }

    fn call(&mut self, event: CallEvent) {
        if let Phase::Live(live) = &self.phase {
            self.shared
                .host
                .deliver(live.instance, HostEvent::Call(event));
        }
    }

    /// Whether only the instance can say if a connection may hear an event.
    pub(super) fn needs_asking(&self, conn: ConnKey, event: &str) -> bool {
        self.options.guarded_events.contains(event)
            && self.conns.contains(conn)
            && !self.conns.is_subscribed(conn, event)
    }

    /// Asks the instance whether a connection may hear an event.
    pub(super) fn ask(&mut self, conn: ConnKey, event: String) {
        let ticket = match self.conns.ask(conn, event.clone()) {
            Ok(Some(ticket)) => ticket,
            Ok(None) => return,
            Err(error) => {
                self.send(conn, ClientMessage::Error { id: None, error });
                return self.is_decided(conn, &event);
            }
        };
        if let Phase::Live(live) = &self.phase {
            let event = SubscribeEvent {
                ticket,
                conn,
                event,
            };
            self.shared
                .host
                .deliver(live.instance, HostEvent::Subscribe(event));
        }
    }

    fn publish(
        &mut self,
        token: u64,
        request: PublishRequest,
        reply: oneshot::Sender<Result<Answer, ActorError>>,
    ) {
        let Some(call) = self.begin(Caller::Stateless { token, reply }) else {
            return;
        };
        let event = PublishEvent {
            call,
            queue: request.queue,
            body: request.body,
            compat: request.compat,
            client: request.client,
            wait: request.wait,
            timeout_ms: request.timeout_ms,
        };
        if let Phase::Live(live) = &self.phase {
            self.shared
                .host
                .deliver(live.instance, HostEvent::Publish(event));
        }
    }

    pub(super) fn subscribe(&mut self, conn: ConnKey, event: String, on: bool) {
        if self.conns.session(conn).is_some() {
            return self.subscribe_numbered(conn, event, on);
        }
        if let Err(error) = self.conns.subscribe(conn, event, on, 0) {
            self.send(conn, ClientMessage::Error { id: None, error });
        }
    }

    /// A client does not wait for an action any more. One that waits for the actor to wake never runs.
    pub(super) fn cancel_action(&mut self, conn: ConnKey, id: u64) {
        let wanted = (conn, id);
        let is_it = |message: &Message| matches!(message, Message::Action { conn, id, .. } if (*conn, *id) == wanted);
        if let Some(index) = self.waiting.iter().position(is_it) {
            self.waiting.remove(index);
            self.answer(Caller::Conn { conn, id }, Err(ActorError::aborted()));
            return;
        }
        if let Phase::Live(live) = &mut self.phase
            && let Some(call) = live
                .calls
                .by_conn(conn, id)
                .or_else(|| live.once.by_joined(conn, id))
            && live.calls.give_up(call)
        {
            self.shared
                .host
                .deliver(live.instance, HostEvent::Cancel(call));
        }
    }

    /// Whoever takes a stream has taken some of its items.
    pub(super) fn credit(&mut self, stream: StreamKey, items: u32) {
        if let Phase::Live(live) = &mut self.phase
            && let Some((call, items)) = live.calls.take_items(stream, items)
        {
            self.shared
                .host
                .deliver(live.instance, HostEvent::Credit { call, items });
        }
    }

    /// A caller has given up. The action goes on, but nobody waits for it.
    pub(super) fn cancel(&mut self, token: u64) {
        let Phase::Live(live) = &self.phase else {
            return;
        };
        if let Some(call) = live.calls.by_token(token) {
            self.caller_gone(call);
        }
    }
}
