//! What callers are told: results, and why there is none.

use bytes::Bytes;
use greenroom_types::ActorError;

use super::{
    live::{Caller, Opening, StreamTo},
    message::{Answer, Message},
    task::{ActorTask, Phase},
};
use crate::{ClientMessage, StreamPart, reply_stream::StreamEvent};

impl ActorTask {
    /// Refuses everybody who waits for this wake. Each of them would only fail the same way.
    pub(super) fn fail_waiting(&mut self, error: &ActorError) {
        for message in std::mem::take(&mut self.waiting) {
            self.fail(message, error);
        }
        while let Some(message) = self.mail.try_take() {
            self.fail(message, error);
        }
    }

    /// Answers all calls and connection attempts that the instance will not answer any more.
    pub(super) fn abandon_calls(&mut self, error: &ActorError) {
        let Phase::Live(live) = &mut self.phase else {
            return;
        };
        let mut callers = live.calls.take_all();
        callers.extend(live.once.take_joined());
        for caller in callers {
            self.answer(caller, Err(error.clone()));
        }
        for conn in self.conns.undecided() {
            self.refuse(conn, error);
        }
    }

    /// Refuses a message that cannot be handled.
    pub(super) fn fail(&mut self, message: Message, error: &ActorError) {
        match message {
            // A receiver that is gone is a caller that has given up.
            Message::Call { reply, .. } | Message::Publish { reply, .. } => {
                drop(reply.send(Err(error.clone())));
            }
            Message::Fetch { reply, .. } => drop(reply.send(Err(error.clone()))),
            Message::Connect {
                request,
                registered,
            } => {
                let conn = self.register(String::new(), request, registered);
                self.refuse(conn, error);
            }
            Message::Action { conn, id, .. } => {
                self.send(
                    conn,
                    ClientMessage::Error {
                        id: Some(id),
                        error: error.clone(),
                    },
                );
            }
            // Only an instance could have decided. The client connects again and asks another one.
            Message::Subscribe { conn, event, on } if on && self.needs_asking(conn, &event) => {
                self.refuse(conn, error);
                self.disconnected(conn);
            }
            // Nor can anybody else say what such a client has missed.
            Message::Resume { conn, .. } if self.conns.behind(conn).is_some() => {
                self.refuse(conn, error);
                self.disconnected(conn);
            }
            Message::Resume { conn, events, more } => self.resume(conn, events, more),
            // These need no instance.
            Message::Once { conn, word } => self.tell_once(conn, word),
            Message::Socket { conn, .. } => self.fail_socket(conn, error),
            Message::Disconnect { conn, close } => self.disconnect_as(conn, close),
            Message::Subscribe { conn, event, on } => self.subscribe(conn, event, on),
            Message::Destroy { done } => self.destroy_unstarted(done),
            Message::Alarm
            | Message::Revive(_)
            | Message::Sleep
            | Message::Cancel { .. }
            | Message::GiveUp(_) => {}
        }
    }

    /// Lets out everything whose commit is durable.
    pub(super) fn release_ready(&mut self) {
        while let Phase::Live(live) = &mut self.phase
            && let Some(release) = live.gate.pop()
        {
            if release.is_reply() {
                live.calls.reply_released();
            }
            self.release(release);
        }
    }

    /// Tells a caller that its answer streams.
    pub(super) fn open_stream(&mut self, opening: Opening) {
        match opening {
            // A receiver that is gone is a caller that has given up, and has said so.
            Opening::Stateless { reply, events } => drop(reply.send(Ok(Answer::Stream(events)))),
            Opening::Conn { conn, id } => self.send(
                conn,
                ClientMessage::Stream {
                    id,
                    part: StreamPart::Start,
                },
            ),
        }
    }

    pub(super) fn send_item(&mut self, to: StreamTo, item: Bytes) {
        match to {
            StreamTo::Stateless { events, .. } => drop(events.send(StreamEvent::Item(item))),
            StreamTo::Conn { conn, id } => self.send(
                conn,
                ClientMessage::Stream {
                    id,
                    part: StreamPart::Item(item),
                },
            ),
        }
    }

    fn end_stream(&mut self, to: StreamTo, error: Option<ActorError>) {
        match (to, error) {
            (StreamTo::Stateless { events, .. }, error) => {
                drop(events.send(error.map_or(StreamEvent::End, StreamEvent::Failed)));
            }
            (StreamTo::Conn { conn, id }, Some(error)) => self.send(
                conn,
                ClientMessage::Error {
                    id: Some(id),
                    error,
                },
            ),
            (StreamTo::Conn { conn, id }, None) => self.send(
                conn,
                ClientMessage::Stream {
                    id,
                    part: StreamPart::End,
                },
            ),
        }
    }

    /// The bytes of a result, whoever the caller is.
    pub(super) fn answer(&mut self, caller: Caller, result: Result<Bytes, ActorError>) {
        match caller {
            Caller::Alarm { .. } => {}
            Caller::Stateless { reply, .. } => drop(reply.send(result.map(Answer::Value))),
            Caller::Stream(to) => self.end_stream(to, result.err()),
            Caller::Fetch(mut exchange) => {
                // A response that has begun just breaks off.
                if let Some(reply) = exchange.reply.take() {
                    let error = result.err().unwrap_or_else(ActorError::internal);
                    let _ = reply.send(Err(error));
                }
            }
            Caller::Conn { conn, id } => {
                let message = match result {
                    Ok(output) => ClientMessage::Response { id, output },
                    Err(error) => ClientMessage::Error {
                        id: Some(id),
                        error,
                    },
                };
                self.send(conn, message);
            }
        }
    }
}
