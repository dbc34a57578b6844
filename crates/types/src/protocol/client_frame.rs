//! What a client sends over a connection.

use bytes::Bytes;

use super::{BareReader, Encoding, action::args_array, members::each_member};
use crate::{
    ActorError,
    cbor::{Head, Major, Reader},
    limits,
    once::{CallerId, idempotency_key},
    value::json_to_cbor_within,
};

/// A message from a connected client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientFrame {
    /// Run an action and answer under `id`.
    Action {
        /// The client's id for the action.
        id: u64,
        /// The dotted action name, at most [`limits::MEMBER_NAME`] bytes.
        name: String,
        /// The arguments: one well-formed CBOR array.
        args: Bytes,
        /// Whether `args` are in compat form.
        compat: bool,
        /// Extension: what the user calls it by, so that it runs once.
        key: Option<Box<str>>,
    },
    /// Begin or end a subscription.
    Subscribe {
        /// The event's name, at most [`limits::MEMBER_NAME`] bytes.
        event: String,
        /// Whether it begins.
        on: bool,
    },
    /// Extension: the client does not wait for an action any more.
    Cancel {
        /// The client's id for the action.
        id: u64,
    },
    /// Extension: the client has taken so many items of a stream, and can take as many more.
    Credit {
        /// The client's id for the action that streams.
        id: u64,
        /// How many.
        items: u32,
    },
    /// Extension: what a client that came back had subscribed to.
    Resume {
        /// The names of the events, at most [`limits::RESUMED_AT_ONCE`]. If there are that many, another message
        /// of this kind follows.
        events: Vec<String>,
    },
    /// Extension: the actions of this connection are to run once. Their ids are the numbers of the
    /// calls of this caller, over whatever connection they come.
    Caller {
        /// Who calls.
        caller: CallerId,
        /// Actions with lower ids may have been called before, over another connection.
        next: u64,
        /// How many milliseconds ago the first of those was called.
        waited_ms: u64,
    },
    /// Extension: the client does not call actions with lower ids again.
    Answered {
        /// The lowest id that it may still call again.
        first: u64,
    },
}

/// The numbers of the extensions in BARE, far from those that the protocol may come to use.
const CANCEL: u64 = 32;
const CREDIT: u64 = 33;
const RESUME: u64 = 34;
const CALLER: u64 = 40;
const KEYED_ACTION: u64 = 41;
const ANSWERED: u64 = 42;

/// Levels of objects around the arguments: the frame, its body, and the value in it.
const ENVELOPE_LEVELS: usize = 3;

/// Reads one WebSocket frame. JSON may come in a text or a binary frame, the others in binary
/// frames only.
///
/// # Errors
/// `encoding.invalid` for malformed bytes, `request.invalid` for a message that is incomplete, of an
/// unknown kind, or with a name that is too long.
pub fn decode_client_frame(
    encoding: Encoding,
    is_text: bool,
    frame: Bytes,
) -> Result<ClientFrame, ActorError> {
    match encoding {
        Encoding::Json => {
            let frame = json_to_cbor_within(&frame, limits::NESTING + ENVELOPE_LEVELS)?;
            from_cbor(&frame, true)
        }
        Encoding::Cbor | Encoding::Bare if is_text => Err(ActorError::invalid_encoding(format!(
            "a text frame on a connection with the binary encoding `{}`",
            encoding.name()
        ))),
        Encoding::Cbor => from_cbor(&frame, false),
        Encoding::Bare => from_bare(&frame),
    }
}

fn from_bare(frame: &Bytes) -> Result<ClientFrame, ActorError> {
    let mut reader = BareReader::new(frame);
    reader.version()?;
    match reader.uint()? {
        kind @ (0 | KEYED_ACTION) => {
            let id = reader.uint()?;
            let key = match kind {
                KEYED_ACTION => Some(idempotency_key(reader.string()?)?),
                _ => None,
            };
            let name = member_name("action", reader.string()?)?;
            let args = args_array(Some(frame.slice_ref(reader.data()?)), true)?;
            Ok(ClientFrame::Action {
                id,
                name,
                args,
                compat: true,
                key,
            })
        }
        1 => {
            let event = member_name("event", reader.string()?)?;
            Ok(ClientFrame::Subscribe {
                event,
                on: reader.boolean()?,
            })
        }
        CANCEL => Ok(ClientFrame::Cancel { id: reader.uint()? }),
        CREDIT => Ok(ClientFrame::Credit {
            id: reader.uint()?,
            items: item_count(reader.uint()?),
        }),
        RESUME => {
            let mut events = Vec::new();
            for _ in 0..subscription_count(reader.uint()?)? {
                events.push(member_name("event", reader.string()?)?);
            }
            Ok(ClientFrame::Resume { events })
        }
        CALLER => Ok(ClientFrame::Caller {
            caller: caller_id(reader.string()?)?,
            next: reader.uint()?,
            waited_ms: reader.uint()?,
        }),
        ANSWERED => Ok(ClientFrame::Answered {
            first: reader.uint()?,
        }),
        tag => Err(ActorError::invalid_request(format!(
            "message number {tag} is unknown"
        ))),
    }
}

/// The members of a frame that mean something, each as the bytes of one CBOR item.
#[derive(Default)]
struct Members<'a> {
    tag: Option<&'a [u8]>,
    id: Option<&'a [u8]>,
    name: Option<&'a [u8]>,
    args: Option<&'a [u8]>,
    event_name: Option<&'a [u8]>,
    subscribe: Option<&'a [u8]>,
    items: Option<&'a [u8]>,
    events: Option<&'a [u8]>,
    key: Option<&'a [u8]>,
    caller: Option<&'a [u8]>,
    next: Option<&'a [u8]>,
    waited: Option<&'a [u8]>,
    first: Option<&'a [u8]>,
}

fn from_cbor(frame: &Bytes, compat: bool) -> Result<ClientFrame, ActorError> {
    let mut members = Members::default();
    let mut reader = Reader::new(frame);
    // One pass, in whatever order the members come: `{body: {tag, val: {…}}}`.
    each_member(&mut reader, "the message", |reader, name| match name {
        "body" => each_member(reader, "`body`", |reader, name| match name {
            "tag" => keep(&mut members.tag, reader),
            "val" => each_member(reader, "`val`", |reader, name| match name {
                "id" => keep(&mut members.id, reader),
                "name" => keep(&mut members.name, reader),
                "args" => keep(&mut members.args, reader),
                "eventName" => keep(&mut members.event_name, reader),
                "subscribe" => keep(&mut members.subscribe, reader),
                "items" => keep(&mut members.items, reader),
                "events" => keep(&mut members.events, reader),
                "idempotencyKey" => keep(&mut members.key, reader),
                "caller" => keep(&mut members.caller, reader),
                "next" => keep(&mut members.next, reader),
                "waited" => keep(&mut members.waited, reader),
                "first" => keep(&mut members.first, reader),
                _ => ignore(reader),
            }),
            _ => ignore(reader),
        }),
        _ => ignore(reader),
    })?;
    reader.finish()?;
    members.into_frame(frame, compat)
}

impl Members<'_> {
    fn into_frame(self, frame: &Bytes, compat: bool) -> Result<ClientFrame, ActorError> {
        match text("tag", self.tag)? {
            "ActionRequest" => {
                let id = number("id", self.id)?;
                let name = member_name("action", text("name", self.name)?)?;
                let args = args_array(self.args.map(|args| frame.slice_ref(args)), compat)?;
                let key = match self.key {
                    Some(_) => Some(idempotency_key(text("idempotencyKey", self.key)?)?),
                    None => None,
                };
                Ok(ClientFrame::Action {
                    id,
                    name,
                    args,
                    compat,
                    key,
                })
            }
            "SubscriptionRequest" => {
                let event = member_name("event", text("eventName", self.event_name)?)?;
                let on = self.subscribe.ok_or_else(|| missing("subscribe"))?;
                let on = Reader::new(on).boolean();
                let on =
                    on.map_err(|_| ActorError::invalid_request("`subscribe` is not a boolean"))?;
                Ok(ClientFrame::Subscribe { event, on })
            }
            "CancelRequest" => Ok(ClientFrame::Cancel {
                id: number("id", self.id)?,
            }),
            "StreamCredit" => Ok(ClientFrame::Credit {
                id: number("id", self.id)?,
                items: item_count(number("items", self.items)?),
            }),
            "ResumeRequest" => Ok(ClientFrame::Resume {
                events: event_names(self.events)?,
            }),
            "CallerRequest" => Ok(ClientFrame::Caller {
                caller: caller_id(text("caller", self.caller)?)?,
                next: number("next", self.next)?,
                waited_ms: number("waited", self.waited)?,
            }),
            "AnsweredRequest" => Ok(ClientFrame::Answered {
                first: number("first", self.first)?,
            }),
            tag => {
                let shown: String = tag.chars().take(64).collect();
                Err(ActorError::invalid_request(format!(
                    "message tag `{shown}` is unknown"
                )))
            }
        }
    }
}

fn keep<'a>(slot: &mut Option<&'a [u8]>, reader: &mut Reader<'a>) -> Result<(), ActorError> {
    *slot = Some(reader.item()?);
    Ok(())
}

fn ignore(reader: &mut Reader<'_>) -> Result<(), ActorError> {
    reader.skip_item()?;
    Ok(())
}

fn missing(member: &str) -> ActorError {
    ActorError::invalid_request(format!("`{member}` is missing"))
}

fn text<'a>(member: &str, item: Option<&'a [u8]>) -> Result<&'a str, ActorError> {
    let item = item.ok_or_else(|| missing(member))?;
    let text = Reader::new(item).text();
    text.map_err(|_| ActorError::invalid_request(format!("`{member}` is not a text")))
}

fn number(member: &str, item: Option<&[u8]>) -> Result<u64, ActorError> {
    read_id(item.ok_or_else(|| missing(member))?).ok_or_else(|| {
        ActorError::invalid_request(format!("`{member}` is not an integer from 0 to 2^64 - 1"))
    })
}

/// An array of event names.
fn event_names(item: Option<&[u8]>) -> Result<Vec<String>, ActorError> {
    let mut reader = Reader::new(item.ok_or_else(|| missing("events"))?);
    let invalid = |_| ActorError::invalid_request("`events` is not an array of texts");
    let mut items = reader.array().map_err(invalid)?;
    let mut events = Vec::new();
    while items.more(&mut reader).map_err(invalid)? {
        let name = reader.text().map_err(invalid)?;
        subscription_count(events.len() as u64 + 1)?;
        events.push(member_name("event", name)?);
    }
    Ok(events)
}

fn subscription_count(count: u64) -> Result<u64, ActorError> {
    let limit = limits::RESUMED_AT_ONCE;
    if count > limit as u64 {
        let message = format!("{count} subscriptions to go on with, limit is {limit}");
        return Err(ActorError::invalid_request(message));
    }
    Ok(count)
}

/// Nobody has taken more items than fit.
fn item_count(items: u64) -> u32 {
    u32::try_from(items).unwrap_or(u32::MAX)
}

/// An action id in any form that a client may give it: an integer of any width, a whole float,
/// `["$BigInt","7"]`, or a bignum.
fn read_id(item: &[u8]) -> Option<u64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let mut reader = Reader::new(item);
    let head = reader.peek().ok()?;
    match (head, head.float()) {
        (
            Head {
                major: Major::Uint,
                arg,
                ..
            },
            _,
        ) => Some(arg),
        (_, Some(number)) => {
            (number.trunc() == number && (0.0..=EXACT).contains(&number)).then_some(number as u64)
        }
        (
            Head {
                major: Major::Array,
                ..
            },
            _,
        ) => {
            reader.array().ok()?;
            reader.text().ok().filter(|escape| *escape == "$BigInt")?;
            let digits = reader.text().ok()?;
            // The standard parser would accept a sign.
            digits
                .bytes()
                .all(|c| c.is_ascii_digit())
                .then(|| digits.parse().ok())?
        }
        (
            Head {
                major: Major::Tag,
                arg: 2,
                ..
            },
            _,
        ) => {
            reader.tag().ok()?;
            let bytes = reader.bytes().ok()?;
            let significant = bytes
                .iter()
                .position(|byte| *byte != 0)
                .unwrap_or(bytes.len());
            let bytes = &bytes[significant..];
            (bytes.len() <= 8).then(|| {
                bytes
                    .iter()
                    .fold(0, |number, byte| number << 8 | u64::from(*byte))
            })
        }
        _ => None,
    }
}

fn caller_id(text: &str) -> Result<CallerId, ActorError> {
    CallerId::parse(text).ok_or_else(|| {
        ActorError::invalid_request("`caller` is not an id of 32 hexadecimal digits in lower case")
    })
}

/// A name within the limit, owned.
fn member_name(what: &str, name: &str) -> Result<String, ActorError> {
    if name.len() > limits::MEMBER_NAME {
        return Err(ActorError::member_name_too_long(what, name.len()));
    }
    Ok(name.to_owned())
}
