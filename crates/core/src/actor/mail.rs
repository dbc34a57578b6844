//! From messages to what the instance is told.

use greenroom_types::{ActorError, limits};
use tokio::time::Instant;

use super::{
    live::{Caller, Stage},
    message::Message,
    task::{ActorTask, Phase},
};
use crate::{CallEvent, CallId, ClientMessage, ConnKey, ConnectEvent, HostEvent, StopReason};

impl ActorTask {
    /// Handles one message, or keeps it for after the wake that it causes.
    pub(super) fn on_message(&mut self, message: Message) {
        if !self.is_running() {
            return self.on_message_asleep(message);
        }
        match message {
            Message::Call {
                token,
                request,
                reply,
            } => {
                if reply.is_closed() {
                    return;
                }
                let caller = Caller::Stateless { token, reply };
                if let Some(call) = self.begin(caller) {
                    self.call(CallEvent {
                        call,
                        conn: None,
                        name: request.name,
                        args: request.args,
                        compat: request.compat,
                        params: request.params,
                    });
                }
            }
            Message::Action {
                conn,
                id,
                name,
                args,
                compat,
            } => {
                if !self.conns.contains(conn) {
                    return;
                }
                if let Some(call) = self.begin(Caller::Conn { conn, id }) {
                    self.call(CallEvent {
                        call,
                        conn: Some(conn),
                        name,
                        args,
                        compat,
                        params: None,
                    });
                }
            }
            Message::Connect {
                request,
                registered,
            } => {
                let id = self.shared.new_conn_id();
                let conn = self
                    .conns
                    .add(id.clone(), request.params.clone(), request.outbox);
                let Phase::Live(live) = &mut self.phase else {
                    return;
                };
                live.idle_since = Instant::now();
                let event = ConnectEvent {
                    conn,
                    id: id.clone(),
                    params: request.params,
                };
                self.shared
                    .host
                    .deliver(live.instance, HostEvent::Connect(event));
                if registered.send((conn, id)).is_err() {
                    self.disconnect(conn);
                }
            }
            Message::Subscribe { conn, event, on } => self.subscribe(conn, event, on),
            Message::Disconnect { conn } => self.disconnect(conn),
            Message::Alarm => {}
            Message::Sleep => self.want(StopReason::Sleep),
            Message::Destroy { done } => {
                self.destroyers.push(done);
                self.want(StopReason::Destroy);
            }
        }
    }

    /// Some messages are no reason to wake up.
    fn on_message_asleep(&mut self, message: Message) {
        match message {
            Message::Subscribe { conn, event, on } => self.subscribe(conn, event, on),
            Message::Disconnect { conn } => self.disconnect(conn),
            Message::Sleep => {}
            Message::Alarm
            | Message::Call { .. }
            | Message::Action { .. }
            | Message::Connect { .. }
            | Message::Destroy { .. } => {
                self.wait_for_wake(message);
            }
        }
    }

    fn is_running(&self) -> bool {
        matches!(&self.phase, Phase::Live(live) if live.stage == Stage::Running)
    }

    /// Makes room for a call, or tells its caller that there is none.
    fn begin(&mut self, caller: Caller) -> Option<CallId> {
        let Phase::Live(live) = &mut self.phase else {
            return None;
        };
        if live.calls.len() >= limits::CALLS_IN_PROGRESS {
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

    fn subscribe(&mut self, conn: ConnKey, event: String, on: bool) {
        if let Err(error) = self.conns.subscribe(conn, event, on) {
            self.send(conn, ClientMessage::Error { id: None, error });
        }
    }

    /// A caller has given up. The action goes on, but nobody waits for it.
    pub(super) fn cancel(&mut self, token: u64) {
        let Phase::Live(live) = &self.phase else {
            return;
        };
        if let Some(call) = live.calls.by_token(token) {
            self.shared
                .host
                .deliver(live.instance, HostEvent::Cancel(call));
        }
    }
}
