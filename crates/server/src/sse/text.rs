//! Messages as the lines of an event stream.

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::{BufMut, Bytes, BytesMut};
use greenroom_core::{ClientMessage, Generation, ResumePoint, Resync};
use greenroom_types::{
    ActorError, ActorId, EventFrame,
    protocol::{ActorRef, Encoding, ServerFrame, encode_server_frame},
};
use serde::Serialize;

use crate::{
    resume_frame::{resync_frame, too_large},
    stream_frame::stream_frame,
    websocket::Close,
};

const DATA: &[u8] = b"data: ";
const END: &[u8] = b"\n\n";

const _: () = assert!(Encoding::ALL.len() * 2 <= EventFrame::SLOTS);

/// Writes one stream: messages, heartbeats, and in the end a close.
pub(super) struct EventText {
    encoding: Encoding,
    token: String,
    /// Whether the client knows our extensions of the protocol.
    extended: bool,
    /// Largest message, in bytes of the encoding.
    limit: usize,
    last_id: u64,
    /// Where the client is in the events, if it may come back to them. It says so with the last id that it has seen.
    resume: Option<ResumePoint>,
    out: BytesMut,
    closed: bool,
    /// Whom errors are of.
    actor: Option<(ActorId, Generation)>,
}

impl EventText {
    pub(super) fn new(encoding: Encoding, token: String, extended: bool, limit: usize) -> Self {
        Self {
            encoding,
            token,
            extended,
            limit,
            last_id: 0,
            resume: None,
            out: BytesMut::new(),
            closed: false,
            actor: None,
        }
    }

    /// The same, whose errors say that they are of this actor.
    pub(super) fn speaking_for(self, actor: ActorId, generation: Generation) -> Self {
        Self {
            actor: Some((actor, generation)),
            ..self
        }
    }

    /// Takes what is written.
    pub(super) fn take(&mut self) -> Bytes {
        self.out.split().freeze()
    }

    /// Bytes that are written and not taken.
    pub(super) fn len(&self) -> usize {
        self.out.len()
    }

    /// Whether the last thing is written. Nothing follows a close.
    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    /// A comment, to say that all is well.
    pub(super) fn heartbeat(&mut self) {
        self.out.put_slice(b":\n\n");
    }

    pub(super) fn message(&mut self, message: &ClientMessage) {
        match message {
            ClientMessage::Init {
                actor,
                conn_id,
                resume,
                refused,
            } => {
                self.resume.clone_from(resume);
                self.push(&self.data(ServerFrame::Init {
                    actor: *actor,
                    conn_id,
                    token: Some(&self.token),
                    extended: self.extended,
                    resume: resume.as_ref().map(|at| (&*at.proof, at.number)),
                }));
                if let Some(resync) = refused.as_ref().filter(|_| !self.extended) {
                    self.resync(resync);
                }
            }
            ClientMessage::Subscribed { event, number } => {
                self.reached(*number);
                // Others have not asked to be told.
                if self.extended {
                    let number = *number;
                    self.push(&self.data(ServerFrame::Subscribed { number, event }));
                }
            }
            ClientMessage::Resync(resync) => self.resync(resync),
            ClientMessage::Response { id, output } => {
                self.response(*id, ServerFrame::Response { id: *id, output });
            }
            ClientMessage::Stream { id, part } => self.response(*id, stream_frame(*id, part)),
            ClientMessage::Error { id, error } => self.push(&self.error(*id, error)),
            // Never comes: an event stream is no raw WebSocket.
            ClientMessage::Raw(_) => {}
            ClientMessage::Event(event) => self.event(event),
            ClientMessage::Close(reason) => self.close(&Close::of_reason(reason)),
        }
    }

    pub(super) fn close(&mut self, close: &Close) {
        #[derive(Serialize)]
        struct Data<'a> {
            code: u16,
            reason: &'a str,
        }
        /// "No status" of RFC 6455, for a close that has none.
        const NONE: u16 = 1005;
        let data = Data {
            code: close.code().unwrap_or(NONE),
            reason: close.reason(),
        };
        let data = serde_json::to_vec(&data).expect("a number and a text are JSON");
        if !self.closed {
            self.out.put_slice(b"event: close\ndata: ");
            self.out.put_slice(&data);
            self.out.put_slice(END);
            self.closed = true;
        }
    }

    /// An oversized result costs the caller its action, not its connection.
    fn response(&mut self, id: u64, frame: ServerFrame<'_>) {
        let data = self.data(frame);
        let len = message_len(self.encoding, &data);
        if len > self.limit {
            let error = ActorError::outgoing_too_long(len, self.limit);
            self.push(&self.error(Some(id), &error));
        } else {
            self.push(&data);
        }
    }

    /// An event has no caller who could be told: one that is too large ends the connection. But a client that may
    /// come back would get it again: that one is told that it misses it.
    fn event(&mut self, event: &EventFrame) {
        // The first slots hold what WebSockets send.
        let slot = Encoding::ALL.len() + self.encoding.slot();
        let data = event.encoded(slot, self.extended, |name, args, number| {
            self.data(ServerFrame::Event { name, args, number })
        });
        if message_len(self.encoding, &data) > self.limit {
            match event.number() {
                Some(number) => self.resync(&too_large(number)),
                None => self.close(&Close::outgoing_too_long()),
            }
        } else {
            self.reached(event.number().unwrap_or_default());
            self.push(&data);
        }
    }

    /// Events are missing. Clients that do not know our extensions find that under a name of its own.
    fn resync(&mut self, resync: &Resync) {
        self.reached(resync.to);
        if self.extended {
            return self.push(&self.data(resync_frame(resync)));
        }
        let (Resync { from, to, .. }, reason) = (resync, resync.reason.name());
        let data = format!(r#"{{"from":{from},"to":{to},"reason":"{reason}"}}"#);
        self.push(format!("event: resync\ndata: {data}\n\n").as_bytes());
    }

    /// The client has what there is up to event `number`, once what follows is written.
    fn reached(&mut self, number: u64) {
        if let Some(at) = &mut self.resume {
            at.number = at.number.max(number);
        }
    }

    fn error(&self, action_id: Option<u64>, error: &ActorError) -> Bytes {
        let actor = self.actor.as_ref().map(|(id, generation)| ActorRef {
            id: *id,
            generation: generation.get(),
            key: None,
        });
        self.data(ServerFrame::Error {
            action_id,
            error,
            actor: actor.as_ref(),
        })
    }

    fn data(&self, message: ServerFrame<'_>) -> Bytes {
        let message = encode_server_frame(self.encoding, message);
        let mut data = Vec::with_capacity(DATA.len() + message.len().div_ceil(3) * 4 + END.len());
        data.extend_from_slice(DATA);
        if self.encoding.is_text() {
            debug_assert!(!message.contains(&b'\n'), "JSON escapes line breaks");
            data.extend_from_slice(&message);
        } else {
            data.extend_from_slice(STANDARD.encode(&message).as_bytes());
        }
        data.extend_from_slice(END);
        data.into()
    }

    /// Writes a message whose data is written already.
    fn push(&mut self, data: &[u8]) {
        if self.closed {
            return;
        }
        self.last_id += 1;
        let id = match &self.resume {
            Some(ResumePoint { proof, number }) => format!("id: {proof}.{number}\n"),
            None => format!("id: {}\n", self.last_id),
        };
        self.out.put_slice(id.as_bytes());
        self.out.put_slice(data);
    }
}

/// The length of the message in a data line, in bytes of its encoding.
fn message_len(encoding: Encoding, data: &[u8]) -> usize {
    let written = &data[DATA.len()..data.len() - END.len()];
    if encoding.is_text() {
        return written.len();
    }
    let padding = written.iter().rev().take_while(|byte| **byte == b'=');
    written.len() / 4 * 3 - padding.count()
}

#[cfg(test)]
mod tests {
    use greenroom_core::CloseReason;

    use super::*;

    fn written(text: &mut EventText) -> String {
        String::from_utf8(text.take().to_vec()).expect("event streams are UTF-8")
    }

    fn event() -> ClientMessage {
        ClientMessage::Event(EventFrame::new(
            "n".to_owned(),
            Bytes::from_static(b"\x81\x63a\nb"),
        ))
    }

    #[test]
    fn messages_are_numbered_lines() {
        let mut text = EventText::new(Encoding::Json, "t".to_owned(), false, 1000);
        text.message(&event());
        text.heartbeat();
        text.message(&ClientMessage::Response {
            id: 7,
            output: Bytes::from_static(b"\x01"),
        });
        assert_eq!(
            written(&mut text),
            concat!(
                "id: 1\ndata: {\"body\":{\"tag\":\"Event\",\"val\":{\"name\":\"n\",\"args\":[\"a\\nb\"]}}}\n\n",
                ":\n\n",
                "id: 2\ndata: {\"body\":{\"tag\":\"ActionResponse\",\"val\":{\"id\":[\"$BigInt\",\"7\"],\"output\":1}}}\n\n"
            )
        );
        assert_eq!(text.len(), 0);
    }

    #[test]
    fn binary_messages_are_base64_and_measured_as_what_they_are() {
        for len in 0..9 {
            let output: Bytes = vec![0x40 | len as u8]
                .into_iter()
                .chain(vec![7; len])
                .collect();
            let text = EventText::new(Encoding::Bare, String::new(), false, 1000);
            let frame = ServerFrame::Response {
                id: 0,
                output: &output,
            };
            let data = text.data(frame);
            let plain = encode_server_frame(Encoding::Bare, frame);
            assert_eq!(message_len(Encoding::Bare, &data), plain.len());
            let body = &data[DATA.len()..data.len() - END.len()];
            assert_eq!(STANDARD.decode(body).expect("base64"), plain);
        }
    }

    #[test]
    fn nothing_follows_a_close() {
        let mut text = EventText::new(Encoding::Json, "t".to_owned(), false, 1000);
        text.message(&ClientMessage::Close(CloseReason::Disconnected(
            "say \"bye\"\n".to_owned(),
        )));
        text.message(&event());
        text.close(&Close::lost());
        assert!(text.is_closed());
        assert_eq!(
            written(&mut text),
            "event: close\ndata: {\"code\":1000,\"reason\":\"say \\\"bye\\\"\\n\"}\n\n"
        );
    }

    #[test]
    fn what_is_too_large_costs_the_action_or_the_connection() {
        let mut text = EventText::new(Encoding::Json, "t".to_owned(), false, 60);
        let output = Bytes::from([&b"\x78\x40"[..], &[b'x'; 64]].concat());
        text.message(&ClientMessage::Response { id: 1, output });
        assert!(written(&mut text).contains("outgoing_too_long"));
        assert!(!text.is_closed());
        let args = Bytes::from([&b"\x81\x78\x40"[..], &[b'x'; 64]].concat());
        text.message(&ClientMessage::Event(EventFrame::new("n".to_owned(), args)));
        assert_eq!(
            written(&mut text),
            "event: close\ndata: {\"code\":1011,\"reason\":\"message.outgoing_too_long\"}\n\n"
        );
    }
}
