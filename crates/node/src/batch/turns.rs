//! From JavaScript to Rust: the turns of instances, as they are read from a batch.
//!
//! Each record is `u32` instance, `u8` durability (0 strict, 1 relaxed, 2 ephemeral), `bytes`
//! changes, `u32` length of the outputs, and the outputs: each `u8` kind, and then by kind:
//!
//! | kind | | fields |
//! |---|---|---|
//! | 1 | started | |
//! | 2 | start failed | error |
//! | 3 | reply | u32 call, bytes value |
//! | 4 | reply with an error | u32 call, error |
//! | 5 | event | u32 conn, str name, bytes args |
//! | 6 | accept | u32 conn |
//! | 7 | reject | u32 conn, error |
//! | 8 | connection state | u32 conn, bytes state |
//! | 9 | disconnect | u32 conn, str reason |
//! | 10 | save | u32 token |
//! | 11 | save within | u32 milliseconds |
//! | 12 | sleep | |
//! | 13 | destroy | |
//! | 14 | stopped | |
//! | 15 | set an alarm | str id, f64 due time in milliseconds, u32 attempt, bytes body |
//! | 16 | remove an alarm | str id |
//! | 17 | awake | u8: 1 if the actor is not idle, plus 2 if it is to be woken should it be lost |
//! | 18 | put a message into a queue | f64 number, bytes body |
//! | 19 | remove a message from a queue | f64 number |
//! | 20 | put key-value pairs | u32 token or nothing, u32 count and as many (bytes key, bytes value) |
//! | 21 | delete key-value pairs | u32 count and as many bytes key |
//! | 22 | delete a range of key-value pairs | bytes start, bytes end |
//! | 23 | read key-value pairs | u32 token, u8 query, and then by query: 0 get: u32 count and as many bytes key; 1 list: bytes start, opt end, u8 reverse, u32 limit |
//! | 24 | let it subscribe | u32 conn, u32 ticket |
//! | 25 | do not let it subscribe | u32 conn, u32 ticket, error |
//! | 34 | stream | u32 call, u8 part (0 start, 1 item, 2 end), of an item bytes value |
//! | 35 | start refused | error |
//! | 44 | version of the state | u32 version |
//! | 26 | response head | u32 call, u8 whether a body follows, u16 status, str reason, u32 count and as many of (str name, bytes value) |
//! | 27 | piece of a response's body | u32 call, bytes |
//! | 28 | end of a response's body | u32 call |
//! | 29 | a response's body breaks off | u32 call |
//! | 30 | credit for a request's body | u32 call, u32 bytes |
//! | 31 | message on a raw WebSocket | u32 conn, u8 whether it is text, bytes |
//! | 32 | close a raw WebSocket | u32 conn, u16 code, str reason |
//! | 33 | accept a raw WebSocket | u32 conn, u8 whether it hibernates |
//! | 45 | messages of a raw WebSocket are handled | u32 conn, u32 count |
//!
//! The registry's instance 0 answers questions about requests from outside:
//!
//! | kind | | fields |
//! |---|---|---|
//! | 36 | let it in | u32 question, opt auth |
//! | 37 | refuse it | u32 question, error |
//!
//! And about requests that JavaScript makes of the server. The first of them may come in any turn, and
//! then waits for its commit; the others come in turns of instance 0, which are no turns of anybody:
//!
//! | kind | | fields |
//! |---|---|---|
//! | 38 | begin a request | u32 request, u8 flags (1 trusted, 2 the body follows), str method, str target, u16 count and as many of (str name, str value), opt whole body |
//! | 39 | part of its body | u32 request, bytes |
//! | 40 | end of its body | u32 request |
//! | 41 | give it up | u32 request |
//! | 42 | so much of the answer was taken | u32 request, u32 bytes |
//!
//! What is done to alarms, pairs and queues, and the version, belongs to the turn as a whole, like its
//! changes; it stands among the outputs only because it comes up there.

use bytes::Bytes;
use greenroom_core::{
    Alarm, AlarmUpdate, CallId, ConnKey, Durability, Instance, KvQuery, KvRange, KvRequest, Output,
    QueueMessage, QueueUpdate, ResponseHead, SocketClose, SocketMessage, StreamPart, Turn,
    departure,
};
use greenroom_server::Origin;
use greenroom_types::ActorError;

use super::{ABSENT, REGISTRY};
use crate::{
    gate::Answer,
    in_process::{Begin, BeginBody, Requested},
};

/// A batch that breaks its own rules. Only a bug on the other side of the bridge makes one.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed batch at byte {at}: {what}")]
pub(crate) struct TurnsError {
    at: usize,
    what: &'static str,
}

/// Reads a batch turn by turn. Payloads are slices of the batch, not copies. Nothing can be read
/// after an error.
pub(crate) struct Turns(Cursor);

impl Turns {
    /// The turns in `batch`.
    pub(crate) fn new(batch: Bytes) -> Self {
        Self(Cursor { rest: batch, at: 0 })
    }
}

/// One turn, and what comes with it.
pub(crate) struct Handed {
    pub(crate) instance: Instance,
    /// Empty for the registry, which has no turns.
    pub(crate) turn: Turn,
    pub(crate) requests: Vec<Requested>,
    /// Answers to questions about requests from outside.
    pub(crate) answers: Vec<(u32, Answer)>,
}

impl Iterator for Turns {
    type Item = Result<Handed, TurnsError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.rest.is_empty() {
            return None;
        }
        let turn = read_turn(&mut self.0);
        if turn.is_err() {
            self.0.rest.clear();
        }
        Some(turn)
    }
}

fn read_turn(cursor: &mut Cursor) -> Result<Handed, TurnsError> {
    let instance = Instance(cursor.u32()?);
    let durability = match cursor.u8()? {
        0 => Durability::Strict,
        1 => Durability::Relaxed,
        2 => Durability::Ephemeral,
        _ => return Err(cursor.error("unknown durability")),
    };
    let changes = cursor.bytes()?;
    let mut section = cursor.section()?;
    let mut outputs = Vec::new();
    let mut alarms = Vec::new();
    let mut queue = Vec::new();
    let mut kv = Vec::new();
    let mut state_version = None;
    let mut requests = Vec::new();
    let mut answers = Vec::new();
    while !section.rest.is_empty() {
        match section.u8()? {
            SET_ALARM => alarms.push(AlarmUpdate::Set(section.alarm()?)),
            REMOVE_ALARM => alarms.push(AlarmUpdate::Remove(section.str()?)),
            PUT_MESSAGE => queue.push(QueueUpdate::Put(section.message()?)),
            REMOVE_MESSAGE => queue.push(QueueUpdate::Remove(section.number()?)),
            PUT_PAIRS => kv.push(KvRequest::Put {
                token: section.opt_u32()?,
                pairs: section.list(|each| Ok((each.bytes()?, each.bytes()?)))?,
            }),
            DELETE_PAIRS => kv.push(KvRequest::Delete(section.list(Cursor::bytes)?)),
            DELETE_PAIR_RANGE => kv.push(KvRequest::DeleteRange {
                start: section.bytes()?,
                end: section.bytes()?,
            }),
            READ_PAIRS => kv.push(KvRequest::Read {
                token: section.u32()?,
                query: section.kv_query()?,
            }),
            STATE_VERSION => state_version = Some(section.u32()?),
            LET_IN => {
                let question = section.u32()?;
                // Copied, because it stays in memory for as long as the connection.
                let auth = section.opt()?.map(|auth| Bytes::copy_from_slice(&auth));
                answers.push((question, Ok(auth)));
            }
            REFUSE => answers.push((section.u32()?, Err(section.error_value()?))),
            BEGIN_REQUEST => {
                let mut begin = section.begin_request()?;
                if instance != REGISTRY {
                    let (departure, clearance) = departure();
                    outputs.push(Output::Depart(departure));
                    begin.clearance = Some(clearance);
                }
                requests.push(Requested::Begin(Box::new(begin)));
            }
            kind @ PART_OF_REQUEST..=TAKEN_OF_ANSWER => {
                requests.push(read_requested(kind, &mut section)?)
            }
            kind => outputs.push(read_output(kind, &mut section)?),
        }
    }
    Ok(Handed {
        instance,
        turn: Turn {
            changes,
            alarms,
            queue,
            kv,
            state_version,
            durability,
            outputs,
        },
        requests,
        answers,
    })
}

const SET_ALARM: u8 = 15;
const REMOVE_ALARM: u8 = 16;
const PUT_MESSAGE: u8 = 18;
const REMOVE_MESSAGE: u8 = 19;
const PUT_PAIRS: u8 = 20;
const DELETE_PAIRS: u8 = 21;
const DELETE_PAIR_RANGE: u8 = 22;
const READ_PAIRS: u8 = 23;
const STATE_VERSION: u8 = 44;
const LET_IN: u8 = 36;
const REFUSE: u8 = 37;
const BEGIN_REQUEST: u8 = 38;
const PART_OF_REQUEST: u8 = 39;
const END_OF_REQUEST: u8 = 40;
const GIVE_UP_REQUEST: u8 = 41;
const TAKEN_OF_ANSWER: u8 = 42;

const TRUSTED: u8 = 1;
const BODY_FOLLOWS: u8 = 2;

fn read_requested(kind: u8, cursor: &mut Cursor) -> Result<Requested, TurnsError> {
    let request = cursor.u32()?;
    Ok(match kind {
        // Copied, because a body that is read slowly would keep the whole batch in memory.
        PART_OF_REQUEST => Requested::Part {
            request,
            part: Bytes::copy_from_slice(&cursor.bytes()?),
        },
        END_OF_REQUEST => Requested::End { request },
        GIVE_UP_REQUEST => Requested::GiveUp { request },
        _ => Requested::Taken {
            request,
            bytes: cursor.u32()?,
        },
    })
}

fn read_output(kind: u8, cursor: &mut Cursor) -> Result<Output, TurnsError> {
    Ok(match kind {
        1 => Output::Started,
        2 => Output::StartFailed(cursor.error_value()?),
        34 => Output::Stream {
            call: CallId(cursor.u32()?),
            part: cursor.stream_part()?,
        },
        35 => Output::StartRefused(cursor.error_value()?),
        3 => Output::Reply {
            call: CallId(cursor.u32()?),
            result: Ok(cursor.bytes()?),
        },
        4 => Output::Reply {
            call: CallId(cursor.u32()?),
            result: Err(cursor.error_value()?),
        },
        5 => Output::Event {
            to: cursor.opt_conn()?,
            name: cursor.str()?,
            args: cursor.bytes()?,
        },
        6 => Output::Accept {
            conn: cursor.conn()?,
        },
        7 => Output::Reject {
            conn: cursor.conn()?,
            error: cursor.error_value()?,
        },
        8 => Output::ConnState {
            conn: cursor.conn()?,
            state: cursor.bytes()?,
        },
        9 => Output::Disconnect {
            conn: cursor.conn()?,
            reason: cursor.str()?,
        },
        10 => Output::Save {
            token: cursor.u32()?,
        },
        11 => Output::SaveWithin {
            max_wait_ms: cursor.u32()?,
        },
        12 => Output::Sleep,
        13 => Output::Destroy,
        14 => Output::Stopped,
        17 => match cursor.u8()? {
            flags @ 0..=3 => Output::Awake {
                held: flags & 1 != 0,
                resumes: flags & 2 != 0,
            },
            _ => return Err(cursor.error("unknown flags")),
        },
        24 => Output::Subscribe {
            conn: cursor.conn()?,
            ticket: cursor.u32()?,
        },
        25 => Output::RefuseSubscription {
            conn: cursor.conn()?,
            ticket: cursor.u32()?,
            error: cursor.error_value()?,
        },
        26 => Output::ResponseHead {
            call: cursor.call()?,
            has_body: cursor.u8()? == 1,
            head: cursor.response_head()?,
        },
        27 => Output::ResponseData {
            call: cursor.call()?,
            data: cursor.bytes()?,
        },
        28 => Output::ResponseEnd {
            call: cursor.call()?,
        },
        29 => Output::ResponseAbort {
            call: cursor.call()?,
        },
        31 => Output::SocketSend {
            conn: cursor.conn()?,
            message: SocketMessage {
                text: cursor.u8()? == 1,
                // Copied, or a slow client would pin the whole batch.
                data: Bytes::copy_from_slice(&cursor.bytes()?),
            },
        },
        32 => Output::SocketClose {
            conn: cursor.conn()?,
            close: SocketClose {
                code: cursor.u16()?,
                reason: cursor.str()?,
            },
        },
        33 => Output::AcceptSocket {
            conn: cursor.conn()?,
            hibernates: cursor.u8()? == 1,
        },
        45 => Output::SocketHandled {
            conn: cursor.conn()?,
            count: cursor.u32()?,
        },
        30 => Output::RequestCredit {
            call: cursor.call()?,
            bytes: cursor.u32()?,
        },
        _ => return Err(cursor.error("unknown output")),
    })
}

/// A position in a batch.
struct Cursor {
    rest: Bytes,
    at: usize,
}

impl Cursor {
    fn error(&self, what: &'static str) -> TurnsError {
        TurnsError { at: self.at, what }
    }

    fn take(&mut self, len: usize) -> Result<Bytes, TurnsError> {
        if len > self.rest.len() {
            return Err(self.error("the record ends early"));
        }
        self.at += len;
        Ok(self.rest.split_to(len))
    }

    fn u8(&mut self) -> Result<u8, TurnsError> {
        Ok(self.take(1)?[0])
    }

    fn u32(&mut self) -> Result<u32, TurnsError> {
        let bytes = self.take(4)?;
        Ok(u32::from_le_bytes(
            bytes.as_ref().try_into().expect("four bytes were taken"),
        ))
    }

    fn bytes(&mut self) -> Result<Bytes, TurnsError> {
        let len = self.u32()?;
        self.take(len as usize)
    }

    fn section(&mut self) -> Result<Cursor, TurnsError> {
        let start = self.at + 4;
        Ok(Cursor {
            rest: self.bytes()?,
            at: start,
        })
    }

    fn opt(&mut self) -> Result<Option<Bytes>, TurnsError> {
        let len = self.u32()?;
        if len == ABSENT {
            Ok(None)
        } else {
            self.take(len as usize).map(Some)
        }
    }

    fn str(&mut self) -> Result<String, TurnsError> {
        let bytes = self.bytes()?;
        match str::from_utf8(&bytes) {
            Ok(text) => Ok(text.to_owned()),
            Err(_) => Err(self.error("a text is not UTF-8")),
        }
    }

    /// A time in whole milliseconds; JavaScript has no other number than this one.
    fn time_ms(&mut self) -> Result<i64, TurnsError> {
        let bytes = self.take(8)?;
        let time = f64::from_le_bytes(bytes.as_ref().try_into().expect("eight bytes were taken"));
        if time.is_finite() {
            Ok(time as i64)
        } else {
            Err(self.error("a time is not a number"))
        }
    }

    fn alarm(&mut self) -> Result<Alarm, TurnsError> {
        Ok(Alarm {
            id: self.str()?,
            due_ms: self.time_ms()?,
            attempt: self.u32()?,
            // Copied, because it stays in memory and would keep the whole batch there.
            body: Bytes::copy_from_slice(&self.bytes()?),
        })
    }

    fn opt_u32(&mut self) -> Result<Option<u32>, TurnsError> {
        let number = self.u32()?;
        Ok((number != ABSENT).then_some(number))
    }

    /// A count and as many items.
    fn list<T>(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Result<T, TurnsError>,
    ) -> Result<Vec<T>, TurnsError> {
        let count = self.u32()?;
        // Grows with what is read: the count alone is no reason to take memory.
        let mut items = Vec::new();
        for _ in 0..count {
            items.push(item(self)?);
        }
        Ok(items)
    }

    fn kv_query(&mut self) -> Result<KvQuery, TurnsError> {
        match self.u8()? {
            0 => self.list(Self::bytes).map(KvQuery::Get),
            1 => Ok(KvQuery::List(KvRange {
                start: self.bytes()?,
                end: self.opt()?,
                reverse: self.u8()? != 0,
                limit: self.u32()? as usize,
            })),
            _ => Err(self.error("unknown query")),
        }
    }

    fn u16(&mut self) -> Result<u16, TurnsError> {
        let bytes = self.take(2)?;
        Ok(u16::from_le_bytes(
            bytes.as_ref().try_into().expect("two bytes were taken"),
        ))
    }

    fn begin_request(&mut self) -> Result<Begin, TurnsError> {
        let request = self.u32()?;
        let flags = self.u8()?;
        let method = self.str()?;
        let target = self.str()?;
        let mut headers = Vec::new();
        for _ in 0..self.u16()? {
            headers.push((self.str()?, self.str()?));
        }
        let body = self.opt()?;
        Ok(Begin {
            request,
            origin: match flags & TRUSTED {
                0 => Origin::Public,
                _ => Origin::Trusted,
            },
            method,
            target,
            headers,
            body: match body {
                _ if flags & BODY_FOLLOWS != 0 => BeginBody::Follows,
                Some(body) => BeginBody::Whole(Bytes::copy_from_slice(&body)),
                None => BeginBody::Whole(Bytes::new()),
            },
            clearance: None,
        })
    }

    fn response_head(&mut self) -> Result<ResponseHead, TurnsError> {
        let status = self.u16()?;
        let reason = self.str()?;
        // Copied, because they outlive the batch.
        let headers = self.list(|cursor| {
            let name = cursor.str()?;
            Ok((name, Bytes::copy_from_slice(&cursor.bytes()?)))
        })?;
        Ok(ResponseHead {
            status,
            reason,
            headers,
        })
    }

    fn call(&mut self) -> Result<CallId, TurnsError> {
        self.u32().map(CallId)
    }

    /// A whole number; JavaScript counts no further than 2^53.
    fn number(&mut self) -> Result<u64, TurnsError> {
        let bytes = self.take(8)?;
        let number = f64::from_le_bytes(bytes.as_ref().try_into().expect("eight bytes were taken"));
        if number >= 0.0 && number.fract() == 0.0 {
            Ok(number as u64)
        } else {
            Err(self.error("a number is not a whole one"))
        }
    }

    fn message(&mut self) -> Result<QueueMessage, TurnsError> {
        Ok(QueueMessage {
            id: self.number()?,
            body: self.bytes()?,
        })
    }

    fn stream_part(&mut self) -> Result<StreamPart, TurnsError> {
        Ok(match self.u8()? {
            0 => StreamPart::Start,
            1 => StreamPart::Item(self.bytes()?),
            2 => StreamPart::End,
            _ => return Err(self.error("unknown part of a stream")),
        })
    }

    fn conn(&mut self) -> Result<ConnKey, TurnsError> {
        self.u32().map(ConnKey)
    }

    fn opt_conn(&mut self) -> Result<Option<ConnKey>, TurnsError> {
        let conn = self.u32()?;
        Ok((conn != ABSENT).then_some(ConnKey(conn)))
    }

    fn error_value(&mut self) -> Result<ActorError, TurnsError> {
        Ok(ActorError {
            group: self.str()?.into(),
            code: self.str()?.into(),
            message: self.str()?,
            metadata: self.opt()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn put(out: &mut Vec<u8>, bytes: &[u8]) {
        out.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
        out.extend_from_slice(bytes);
    }

    fn put_error(out: &mut Vec<u8>, metadata: Option<&[u8]>) {
        put(out, b"user");
        put(out, b"nope");
        put(out, b"no way");
        match metadata {
            Some(bytes) => put(out, bytes),
            None => out.extend_from_slice(&ABSENT.to_le_bytes()),
        }
    }

    fn turn(instance: u32, durability: u8, changes: &[u8], outputs: &[u8]) -> Vec<u8> {
        let mut out = instance.to_le_bytes().to_vec();
        out.push(durability);
        put(&mut out, changes);
        put(&mut out, outputs);
        out
    }

    fn every_output() -> Vec<u8> {
        let mut out = vec![1, 2];
        put_error(&mut out, None);
        out.extend_from_slice(&[34, 7, 0, 0, 0, 0, 34, 7, 0, 0, 0, 1]);
        put(&mut out, &[1]);
        out.extend_from_slice(&[34, 7, 0, 0, 0, 2]);
        out.push(35);
        put_error(&mut out, None);
        out.extend_from_slice(&[3, 7, 0, 0, 0]);
        put(&mut out, &[0xf6]);
        out.extend_from_slice(&[4, 8, 0, 0, 0]);
        put_error(&mut out, Some(&[0xa0]));
        out.extend_from_slice(&[5, 255, 255, 255, 255]);
        put(&mut out, "größer".as_bytes());
        put(&mut out, &[0x80]);
        out.extend_from_slice(&[5, 2, 0, 0, 0]);
        put(&mut out, b"one");
        put(&mut out, &[0x81, 1]);
        out.extend_from_slice(&[6, 3, 0, 0, 0, 7, 4, 0, 0, 0]);
        put_error(&mut out, None);
        out.extend_from_slice(&[8, 5, 0, 0, 0]);
        put(&mut out, &[1]);
        out.extend_from_slice(&[9, 6, 0, 0, 0]);
        put(&mut out, b"bye");
        out.extend_from_slice(&[10, 9, 0, 0, 0, 11, 100, 0, 0, 0, 12, 13, 14]);
        out.push(15);
        put(&mut out, b"tick");
        out.extend_from_slice(&1500.0f64.to_le_bytes());
        out.extend_from_slice(&[3, 0, 0, 0]);
        put(&mut out, b"body");
        out.push(16);
        put(&mut out, b"tock");
        out.extend_from_slice(&[20, 255, 255, 255, 255, 1, 0, 0, 0]);
        put(&mut out, b"k");
        put(&mut out, b"v");
        out.extend_from_slice(&[20, 3, 0, 0, 0, 0, 0, 0, 0]);
        out.extend_from_slice(&[21, 1, 0, 0, 0]);
        put(&mut out, b"k");
        out.push(22);
        put(&mut out, b"a");
        put(&mut out, b"b");
        out.extend_from_slice(&[23, 4, 0, 0, 0, 0, 1, 0, 0, 0]);
        put(&mut out, b"k");
        out.extend_from_slice(&[23, 5, 0, 0, 0, 1]);
        put(&mut out, b"a");
        out.extend_from_slice(&[255, 255, 255, 255, 1, 9, 0, 0, 0]);
        out.extend_from_slice(&[44, 6, 0, 0, 0]);
        out.extend_from_slice(&[17, 2]);
        out.extend_from_slice(&[26, 7, 0, 0, 0, 1, 201, 0]);
        put(&mut out, b"Made");
        out.extend_from_slice(&[1, 0, 0, 0]);
        put(&mut out, b"x");
        put(&mut out, b"\xe9");
        out.extend_from_slice(&[27, 7, 0, 0, 0]);
        put(&mut out, b"data");
        out.extend_from_slice(&[28, 7, 0, 0, 0, 29, 8, 0, 0, 0, 30, 7, 0, 0, 0, 4, 0, 0, 0]);
        out.extend_from_slice(&[31, 2, 0, 0, 0, 1]);
        put(&mut out, b"hi");
        out.extend_from_slice(&[32, 2, 0, 0, 0, 0xa1, 0x0f]);
        put(&mut out, b"bye");
        out.extend_from_slice(&[33, 2, 0, 0, 0, 1, 45, 2, 0, 0, 0, 3, 0, 0, 0]);
        out.push(18);
        out.extend_from_slice(&7.0f64.to_le_bytes());
        put(&mut out, b"message");
        out.push(19);
        out.extend_from_slice(&6.0f64.to_le_bytes());
        out
    }

    #[test]
    fn every_output_is_read() {
        let mut batch = turn(5, 1, &[1, 2, 3], &every_output());
        batch.extend(turn(6, 2, &[], &[]));
        let turns: Vec<_> = Turns::new(batch.into())
            .collect::<Result<_, _>>()
            .expect("well formed");
        assert_eq!(turns.len(), 2);
        let first = &turns[0].turn;
        assert_eq!(
            (turns[0].instance, first.durability),
            (Instance(5), Durability::Relaxed)
        );
        assert_eq!(first.changes, &[1, 2, 3][..]);
        let shown = format!("{:?}", first.outputs);
        let nope = r#"ActorError { group: "user", code: "nope", message: "no way", metadata: "#;
        let expected = format!(
            r#"[Started, StartFailed({nope}None }}), Stream {{ call: CallId(7), part: Start }}, Stream {{ call: CallId(7), part: Item(b"\x01") }}, Stream {{ call: CallId(7), part: End }}, StartRefused({nope}None }}), Reply {{ call: CallId(7), result: Ok(b"\xf6") }}, Reply {{ call: CallId(8), result: Err({nope}Some(b"\xa0") }}) }}, Event {{ to: None, name: "größer", args: b"\x80" }}, Event {{ to: Some(ConnKey(2)), name: "one", args: b"\x81\x01" }}, Accept {{ conn: ConnKey(3) }}, Reject {{ conn: ConnKey(4), error: {nope}None }} }}, ConnState {{ conn: ConnKey(5), state: b"\x01" }}, Disconnect {{ conn: ConnKey(6), reason: "bye" }}, Save {{ token: 9 }}, SaveWithin {{ max_wait_ms: 100 }}, Sleep, Destroy, Stopped, Awake {{ held: false, resumes: true }}, ResponseHead {{ call: CallId(7), head: ResponseHead {{ status: 201, reason: "Made", headers: [("x", b"\xe9")] }}, has_body: true }}, ResponseData {{ call: CallId(7), data: b"data" }}, ResponseEnd {{ call: CallId(7) }}, ResponseAbort {{ call: CallId(8) }}, RequestCredit {{ call: CallId(7), bytes: 4 }}, SocketSend {{ conn: ConnKey(2), message: SocketMessage {{ text: true, data: b"hi" }} }}, SocketClose {{ conn: ConnKey(2), close: SocketClose {{ code: 4001, reason: "bye" }} }}, AcceptSocket {{ conn: ConnKey(2), hibernates: true }}, SocketHandled {{ conn: ConnKey(2), count: 3 }}]"#
        );
        assert_eq!(shown, expected);
        let tick = Alarm {
            id: "tick".to_owned(),
            due_ms: 1500,
            attempt: 3,
            body: Bytes::from_static(b"body"),
        };
        let tock = AlarmUpdate::Remove("tock".to_owned());
        assert_eq!(first.alarms, [AlarmUpdate::Set(tick), tock]);
        let message = QueueMessage {
            id: 7,
            body: Bytes::from_static(b"message"),
        };
        let put_and_removed = [QueueUpdate::Put(message), QueueUpdate::Remove(6)];
        assert_eq!(first.queue, put_and_removed);
        assert_eq!(first.state_version, Some(6));
        let text = |text: &'static str| Bytes::from_static(text.as_bytes());
        let kv = [
            KvRequest::Put {
                pairs: vec![(text("k"), text("v"))],
                token: None,
            },
            KvRequest::Put {
                pairs: vec![],
                token: Some(3),
            },
            KvRequest::Delete(vec![text("k")]),
            KvRequest::DeleteRange {
                start: text("a"),
                end: text("b"),
            },
            KvRequest::Read {
                token: 4,
                query: KvQuery::Get(vec![text("k")]),
            },
            KvRequest::Read {
                token: 5,
                query: KvQuery::List(KvRange {
                    start: text("a"),
                    end: None,
                    reverse: true,
                    limit: 9,
                }),
            },
        ];
        assert_eq!(first.kv, kv);
        assert_eq!(
            (turns[1].instance, turns[1].turn.durability),
            (Instance(6), Durability::Ephemeral)
        );
    }

    fn every_request() -> Vec<u8> {
        let mut out = vec![38, 1, 0, 0, 0, 3];
        put(&mut out, b"POST");
        put(&mut out, b"/a?b");
        out.extend_from_slice(&[1, 0]);
        put(&mut out, b"x-a");
        put(&mut out, "\u{e9}".as_bytes());
        out.extend_from_slice(&ABSENT.to_le_bytes());
        out.extend_from_slice(&[39, 1, 0, 0, 0]);
        put(&mut out, b"part");
        out.extend_from_slice(&[40, 1, 0, 0, 0, 41, 2, 0, 0, 0, 42, 3, 0, 0, 0, 9, 0, 0, 0]);
        out
    }

    #[test]
    fn answers_about_requests_are_read() {
        let mut outputs = vec![36, 7, 0, 0, 0];
        put(&mut outputs, b"who");
        outputs.extend_from_slice(&[36, 8, 0, 0, 0]);
        outputs.extend_from_slice(&ABSENT.to_le_bytes());
        outputs.extend_from_slice(&[37, 9, 0, 0, 0]);
        put_error(&mut outputs, None);
        let batch = Bytes::from(turn(0, 0, &[], &outputs));
        for len in 1..batch.len() {
            let result: Result<Vec<_>, _> = Turns::new(batch.slice(..len)).collect();
            assert!(result.is_err(), "{len} of {} bytes", batch.len());
        }
        let handed = Turns::new(batch).next().expect("one").expect("well formed");
        let refused = ActorError::new("user", "nope", "no way");
        let expected = [
            (7, Ok(Some(Bytes::from_static(b"who")))),
            (8, Ok(None)),
            (9, Err(refused)),
        ];
        assert_eq!(handed.answers, expected);
    }

    #[test]
    fn requests_are_read() {
        let read = |instance| {
            let batch = turn(instance, 0, &[], &every_request());
            let mut turns = Turns::new(batch.into());
            turns.next().expect("there is one").expect("well formed")
        };
        let handed = read(0);
        assert!(handed.turn.outputs.is_empty());
        assert_eq!(
            format!("{:?}", handed.requests),
            r#"[Begin(Begin { request: 1, origin: Trusted, method: "POST", target: "/a?b", headers: [("x-a", "é")], body: Follows, clearance: None }), Part { request: 1, part: b"part" }, End { request: 1 }, GiveUp { request: 2 }, Taken { request: 3, bytes: 9 }]"#
        );
        // That of an actor has to wait.
        let handed = read(5);
        assert!(matches!(handed.turn.outputs[..], [Output::Depart(_)]));
        assert!(
            matches!(&handed.requests[0], Requested::Begin(begin) if begin.clearance.is_some())
        );
    }

    #[test]
    fn every_shorter_batch_of_requests_is_refused() {
        let batch = Bytes::from(turn(0, 0, &[], &every_request()));
        for len in 1..batch.len() {
            let result: Result<Vec<_>, _> = Turns::new(batch.slice(..len)).collect();
            assert!(result.is_err(), "{len} of {} bytes", batch.len());
        }
    }

    #[test]
    fn every_shorter_batch_is_refused() {
        let batch = Bytes::from(turn(5, 0, &[1, 2, 3], &every_output()));
        for len in 1..batch.len() {
            let result: Result<Vec<_>, _> = Turns::new(batch.slice(..len)).collect();
            assert!(
                result.is_err(),
                "{len} of {} bytes were taken for a batch",
                batch.len()
            );
        }
    }

    #[test]
    fn errors_name_the_place() {
        let check = |batch: Vec<u8>, expected: &str| {
            let error = Turns::new(batch.into())
                .find_map(Result::err)
                .expect("malformed");
            assert_eq!(
                error.to_string(),
                format!("malformed batch at byte {expected}")
            );
        };
        check(turn(1, 3, &[], &[]), "5: unknown durability");
        check(turn(1, 0, &[], &[255]), "14: unknown output");
        check(turn(1, 0, &[], &[17, 4]), "15: unknown flags");
        check(
            turn(1, 0, &[], &[34, 0, 0, 0, 0, 3]),
            "19: unknown part of a stream",
        );
        check(
            turn(1, 0, &[], &[9, 0, 0, 0, 0, 1, 0, 0, 0, 0xff]),
            "23: a text is not UTF-8",
        );
        check(turn(1, 0, &[], &[6, 0]), "14: the record ends early");
        let mut half = vec![19];
        half.extend_from_slice(&0.5f64.to_le_bytes());
        check(turn(1, 0, &[], &half), "22: a number is not a whole one");
    }

    proptest! {
        #[test]
        fn random_bytes_end_in_turns_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Turns::new(bytes.into()).count();
        }
    }
}
