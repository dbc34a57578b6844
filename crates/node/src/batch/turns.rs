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
//! | 56 | event that gives way to newer ones | u32 conn, str name, str what it is about, bytes args |
//! | 57 | event that may be left out | u32 conn, str name, bytes args |
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
//! | 48 | a call goes on | u32 call |
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
//! | 38 | begin a request | u32 request, u8 flags (1 trusted, 2 the body follows), str method, str target, u16 count and as many of (str name, str value), opt whole body, opt address that it comes from |
//! | 39 | part of its body | u32 request, bytes |
//! | 40 | end of its body | u32 request |
//! | 41 | give it up | u32 request |
//! | 42 | so much of the answer was taken | u32 request, u32 bytes |
//! | 46 | begin a connection, whose bytes are the parts of a body and of an answer without a head | u32 request, opt address that it comes from |
//!
//! What is done to alarms, pairs and queues, and the version, belongs to the turn as a whole, like its
//! changes; it stands among the outputs only because it comes up there.

use bytes::Bytes;
use greenroom_core::{
    AlarmUpdate, CallId, Durability, Instance, KvRequest, Output, QueueUpdate, SocketClose,
    SocketMessage, Turn, WhenSlow, departure,
};
use greenroom_types::ActorError;

mod cursor;

use self::cursor::Cursor;
use super::REGISTRY;
use crate::in_process::Requested;

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
        Self(Cursor::new(batch))
    }
}

/// An answer to a question about a request from outside: what is known of a visitor, or why it is refused.
pub(crate) type Answer = Result<Option<Bytes>, ActorError>;

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
            BEGIN_CONNECTION => requests.push(Requested::Connect {
                request: section.u32()?,
                peer: section.address()?,
            }),
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
const BEGIN_CONNECTION: u8 = 46;

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
            when_slow: WhenSlow::Disconnect,
        },
        57 => Output::Event {
            to: cursor.opt_conn()?,
            name: cursor.str()?,
            args: cursor.bytes()?,
            when_slow: WhenSlow::Drop,
        },
        56 => {
            let (to, name) = (cursor.opt_conn()?, cursor.str()?);
            let about = cursor.str()?;
            Output::Event {
                to,
                name,
                args: cursor.bytes()?,
                when_slow: WhenSlow::Coalesce { about },
            }
        }
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
        48 => Output::GoesOn {
            call: cursor.call()?,
        },
        30 => Output::RequestCredit {
            call: cursor.call()?,
            bytes: cursor.u32()?,
        },
        _ => return Err(cursor.error("unknown output")),
    })
}

#[cfg(test)]
mod tests;
