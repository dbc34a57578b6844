//! From Rust to JavaScript: events for instances, as they are written into a batch.
//!
//! Each record is `u8` kind, `u32` instance, and then by kind:
//!
//! | kind | | fields |
//! |---|---|---|
//! | 1 | start | str id, str name, u16 count and as many str of the key, opt input, opt state, u8 created, f64 generation, u32 count and as many of (u32 conn, str id, u8 whether it is a raw WebSocket, client, opt state), u32 count and as many alarms, f64 bytes of all key-value pairs, u32 version of the state (0 if none was stored), f64 the highest number of a message ever, u32 count and as many of (f64 number, bytes body) |
//! | 2 | call | u32 call, u32 conn, str name, u8 with a bit for each of (1 args are in compat form, 2 the caller takes streams, 4 it is to run once), client, bytes args |
//! | 3 | cancel | u32 call |
//! | 4 | connect | u32 conn, str id, client |
//! | 5 | disconnect | u32 conn |
//! | 6 | saved | u32 token |
//! | 7 | stop | u8 reason: 0 sleep, 1 destroy |
//! | 8 | drop | |
//! | 9 | alarm | u32 call, alarm, f64 the time in milliseconds |
//! | 10 | publish | u32 call, str queue, u8 compat, client, u8 wait, f64 timeout in milliseconds or negative for none, bytes body |
//! | 11 | may it subscribe? | u32 ticket, u32 conn, str event |
//! | 12 | key-value answer | u32 token, u8 result, and then by result: 0 values: u32 count and as many opt; 1 pairs: u32 count and as many (bytes key, bytes value); 2 put, 3 full: f64 bytes of all pairs |
//! | 13 | http request | u32 call, u8 whether a body follows, client |
//! | 14 | piece of a request's body | u32 call, bytes |
//! | 15 | end of a request's body | u32 call |
//! | 16 | a request's body breaks off | u32 call |
//! | 17 | credit for a response's body | u32 call, u32 bytes |
//! | 18 | connect a raw WebSocket | u32 conn, str id, client |
//! | 19 | message on a raw WebSocket | u32 conn, u8 whether it is text, bytes |
//! | 20 | a raw WebSocket has ended | u32 conn, u16 code, str reason |
//! | 21 | credit | u32 call, u32 items |
//!
//! The registry, whose instance is 0, is asked about requests from outside:
//!
//! | kind | | fields |
//! |---|---|---|
//! | 23 | may it come in? | u32 question, u16 intents (bits as in `greenroom_server::Intents`), opt name, u16 count and as many str of the key (0xffff for no key), opt id, opt params, opt token, opt address, bytes request |
//!
//! The following are about requests that JavaScript has made of the server; their instance is 0, and
//! they begin with the u32 of the request:
//!
//! | kind | | fields |
//! |---|---|---|
//! | 24 | head of the answer | u16 status, opt reason, u16 count and as many of (str name, str value), opt whole body |
//! | 25 | part of the body | bytes |
//! | 26 | end of the body; of a connection, nothing more is said on it | |
//! | 27 | no answer, or no more of it; of a connection, it is over | error |
//! | 28 | so much of the request's body was taken | u32 bytes |
//!
//! A client is u8 with a bit for each thing known of it (1 params, 2 auth, 4 request, 8 chain), and bytes for each bit
//! that is set, in this order. An alarm is str id, f64 due time in milliseconds, u32 attempt, bytes body.

use greenroom_core::{
    Alarm, CallEvent, ClientInfo, ConnectEvent, HostEvent, Instance, KvAnswer, KvResult,
    PublishEvent, RestoredConn, StartEvent, StopReason,
};

use greenroom_server::AccessRequest;
use hyper::ext::ReasonPhrase;

use super::{ABSENT, REGISTRY};
use crate::in_process::Answer;

/// Appends records to a batch.
pub(crate) struct EventWriter<'a>(&'a mut Vec<u8>);

impl<'a> EventWriter<'a> {
    /// A writer at the end of `batch`.
    pub(crate) fn new(batch: &'a mut Vec<u8>) -> Self {
        Self(batch)
    }

    /// Appends one event.
    pub(crate) fn event(&mut self, instance: Instance, event: &HostEvent) {
        match event {
            HostEvent::Start(start) => {
                self.head(1, instance);
                self.start(start);
            }
            HostEvent::Call(call) => {
                self.head(2, instance);
                self.call(call);
            }
            HostEvent::Cancel(call) => {
                self.head(3, instance);
                self.u32(call.0);
            }
            HostEvent::Credit { call, items } => {
                self.head(21, instance);
                self.u32(call.0);
                self.u32(*items);
            }
            HostEvent::Connect(connect) => {
                self.head(4, instance);
                self.connect(connect);
            }
            HostEvent::Disconnect(conn) => {
                self.head(5, instance);
                self.u32(conn.0);
            }
            HostEvent::Saved(token) => {
                self.head(6, instance);
                self.u32(*token);
            }
            HostEvent::Stop(reason) => {
                self.head(7, instance);
                self.u8(match reason {
                    StopReason::Sleep => 0,
                    StopReason::Destroy => 1,
                });
            }
            HostEvent::Kv(answer) => {
                self.head(12, instance);
                self.kv(answer);
            }
            HostEvent::Subscribe(ask) => {
                self.head(11, instance);
                self.u32(ask.ticket);
                self.u32(ask.conn.0);
                self.str(&ask.event);
            }
            HostEvent::Drop => self.head(8, instance),
            HostEvent::Alarm(event) => {
                self.head(9, instance);
                self.u32(event.call.0);
                self.alarm(&event.alarm);
                self.f64(event.now_ms as f64);
            }
            HostEvent::Fetch(fetch) => {
                self.head(13, instance);
                self.u32(fetch.call.0);
                self.u8(fetch.has_body.into());
                self.client(&fetch.client);
            }
            HostEvent::BodyData(call, data) => {
                self.head(14, instance);
                self.u32(call.0);
                self.bytes(data);
            }
            HostEvent::BodyEnd(call) => {
                self.head(15, instance);
                self.u32(call.0);
            }
            HostEvent::BodyAbort(call) => {
                self.head(16, instance);
                self.u32(call.0);
            }
            HostEvent::SocketConnect(connect) => {
                self.head(18, instance);
                self.connect(connect);
            }
            HostEvent::SocketMessage(conn, message) => {
                self.head(19, instance);
                self.u32(conn.0);
                self.u8(message.text.into());
                self.bytes(&message.data);
            }
            HostEvent::SocketClosed(conn, close) => {
                self.head(20, instance);
                self.u32(conn.0);
                self.u16(close.code);
                self.str(&close.reason);
            }
            HostEvent::BodyCredit(call, bytes) => {
                self.head(17, instance);
                self.u32(call.0);
                self.u32(length(*bytes));
            }
            HostEvent::Publish(publish) => {
                self.head(10, instance);
                self.publish(publish);
            }
        }
    }

    /// Appends what has come of a request.
    pub(crate) fn answer(&mut self, request: u32, answer: &Answer) {
        let head = |kind, events: &mut Self| {
            events.head(kind, REGISTRY);
            events.u32(request);
        };
        match answer {
            Answer::Head { head: parts, body } => {
                head(24, self);
                self.0
                    .extend_from_slice(&parts.status.as_u16().to_le_bytes());
                let reason = parts.extensions.get::<ReasonPhrase>();
                self.opt(reason.map(ReasonPhrase::as_bytes));
                let lines = u16::try_from(parts.headers.len())
                    .expect("no answer has that many header lines");
                self.0.extend_from_slice(&lines.to_le_bytes());
                for (name, value) in &parts.headers {
                    self.str(name.as_str());
                    self.latin(value.as_bytes());
                }
                self.opt(body.as_deref());
            }
            Answer::Part(part) => {
                head(25, self);
                self.bytes(part);
            }
            Answer::End => head(26, self),
            Answer::Failed(error) => {
                head(27, self);
                self.str(&error.group);
                self.str(&error.code);
                self.str(&error.message);
                self.opt(error.metadata.as_deref());
            }
            Answer::Taken(bytes) => {
                head(28, self);
                self.u32(*bytes);
            }
        }
    }

    /// Appends a question about a request from outside.
    pub(crate) fn authorize(&mut self, question: u32, request: &AccessRequest) {
        self.head(23, REGISTRY);
        self.u32(question);
        self.u16(request.intents.bits());
        self.opt(request.name.as_ref().map(|name| name.as_str().as_bytes()));
        match &request.key {
            None => self.u16(u16::MAX),
            Some(key) => {
                let parts = key.parts();
                let count = u16::try_from(parts.len())
                    .expect("a key's size limit keeps its parts below 65535");
                self.u16(count);
                for part in parts {
                    self.str(part);
                }
            }
        }
        let id = request.id.map(|id| id.to_string());
        self.opt(id.as_ref().map(String::as_bytes));
        self.opt(request.params.as_deref());
        self.opt(request.token.as_ref().map(String::as_bytes));
        let address = request
            .address
            .map(|address| address.to_canonical().to_string());
        self.opt(address.as_ref().map(String::as_bytes));
        self.bytes(&request.request);
    }

    /// A text of which each byte is a character.
    fn latin(&mut self, bytes: &[u8]) {
        if bytes.is_ascii() {
            self.bytes(bytes);
        } else {
            self.str(
                &bytes
                    .iter()
                    .map(|&byte| char::from(byte))
                    .collect::<String>(),
            );
        }
    }

    fn head(&mut self, kind: u8, instance: Instance) {
        self.u8(kind);
        self.u32(instance.0);
    }

    fn start(&mut self, start: &StartEvent) {
        self.str(&start.id.to_string());
        self.str(start.name.as_str());
        let parts = start.key.parts();
        let count =
            u16::try_from(parts.len()).expect("a key's size limit keeps its parts below 65536");
        self.0.extend_from_slice(&count.to_le_bytes());
        for part in parts {
            self.str(part);
        }
        self.opt(start.input.as_deref());
        self.opt(start.state.as_deref());
        self.u8(u8::from(start.created) | u8::from(start.ending) << 1);
        self.f64(start.generation as f64);
        self.u32(length(start.conns.len()));
        for conn in &start.conns {
            self.restored(conn);
        }
        self.u32(length(start.alarms.len()));
        for alarm in &start.alarms {
            self.alarm(alarm);
        }
        self.f64(start.kv_size as f64);
        self.u32(start.state_version.unwrap_or(0));
        self.f64(start.last_message as f64);
        self.u32(length(start.messages.len()));
        for message in &start.messages {
            self.f64(message.id as f64);
            self.bytes(&message.body);
        }
    }

    fn kv(&mut self, answer: &KvAnswer) {
        self.u32(answer.token);
        match &answer.result {
            KvResult::Values(values) => {
                self.u8(0);
                self.u32(length(values.len()));
                for value in values {
                    self.opt(value.as_deref());
                }
            }
            KvResult::Pairs(pairs) => {
                self.u8(1);
                self.u32(length(pairs.len()));
                for (key, value) in pairs {
                    self.bytes(key);
                    self.bytes(value);
                }
            }
            KvResult::Put { size } => {
                self.u8(2);
                self.f64(*size as f64);
            }
            KvResult::Full { size } => {
                self.u8(3);
                self.f64(*size as f64);
            }
        }
    }

    fn alarm(&mut self, alarm: &Alarm) {
        self.str(&alarm.id);
        self.f64(alarm.due_ms as f64);
        self.u32(alarm.attempt);
        self.bytes(&alarm.body);
    }

    fn restored(&mut self, conn: &RestoredConn) {
        self.u32(conn.conn.0);
        self.str(&conn.id);
        self.u8(conn.raw.into());
        self.client(&conn.client);
        self.opt(conn.state.as_deref());
    }

    fn call(&mut self, call: &CallEvent) {
        self.u32(call.call.0);
        self.u32(call.conn.map_or(ABSENT, |conn| conn.0));
        self.str(&call.name);
        self.u8(u8::from(call.compat) | u8::from(call.streams) << 1 | u8::from(call.once) << 2);
        self.client(&call.client);
        self.bytes(&call.args);
    }

    fn publish(&mut self, publish: &PublishEvent) {
        self.u32(publish.call.0);
        self.str(&publish.queue);
        self.u8(publish.compat.into());
        self.client(&publish.client);
        self.u8(publish.wait.into());
        self.f64(publish.timeout_ms.map_or(-1.0, |timeout| timeout as f64));
        self.bytes(&publish.body);
    }

    fn connect(&mut self, connect: &ConnectEvent) {
        self.u32(connect.conn.0);
        self.str(&connect.id);
        self.client(&connect.client);
    }

    fn client(&mut self, client: &ClientInfo) {
        let known = [
            client.params.as_deref(),
            client.auth.as_deref(),
            client.request.as_deref(),
            client.chain.as_deref().map(str::as_bytes),
        ];
        let bits = known.iter().enumerate();
        self.u8(bits.fold(0, |bits, (bit, part)| {
            bits | u8::from(part.is_some()) << bit
        }));
        for part in known.into_iter().flatten() {
            self.bytes(part);
        }
    }

    fn u8(&mut self, value: u8) {
        self.0.push(value);
    }

    fn u16(&mut self, value: u16) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn u32(&mut self, value: u32) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn f64(&mut self, value: f64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn str(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.u32(length(bytes.len()));
        self.0.extend_from_slice(bytes);
    }

    fn opt(&mut self, bytes: Option<&[u8]>) {
        match bytes {
            Some(bytes) => self.bytes(bytes),
            None => self.u32(ABSENT),
        }
    }
}

/// A length as it is written.
///
/// # Panics
/// At 4 GiB, which no value that the runtime hands over can have.
fn length(len: usize) -> u32 {
    u32::try_from(len)
        .ok()
        .filter(|len| *len != ABSENT)
        .expect("values in memory are below 4 GiB")
}

#[cfg(test)]
mod tests;
