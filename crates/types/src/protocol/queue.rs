//! Messages for queues over HTTP.

use bytes::Bytes;

use super::{
    BareReader, Encoding, bare,
    fields::{Field, put_fields},
    members::each_member,
};
use crate::{
    ActorError,
    cbor::{self, Major, Reader},
    limits,
    value::json_to_cbor_within,
};

/// What a client puts into a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueRequest {
    /// The message: one well-formed CBOR value.
    pub body: Bytes,
    /// Whether `body` is in compat form.
    pub compat: bool,
    /// Whether the client waits until the message is finished.
    pub wait: bool,
    /// How long it waits, in milliseconds.
    pub timeout_ms: Option<u64>,
}

/// What became of a message, as clients call it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueStatus {
    /// It is stored or, if the client has waited, finished.
    Completed,
    /// It was not finished in time.
    TimedOut,
}

impl QueueStatus {
    fn name(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::TimedOut => "timedOut",
        }
    }
}

/// Reads the body of `POST …/queue/{name}`.
///
/// JSON and CBOR: an object with `body` and optionally `wait` and `timeout`; the name in it and other
/// members are ignored. BARE: version 1 to 4, the message as `data`, optionally a name, optionally
/// whether to wait, optionally a timeout as `u64`; further bytes are ignored.
///
/// # Errors
/// `encoding.invalid` for malformed bytes, `request.invalid` for a body that is no object, without a
/// message, or with something else than a flag or a time where those belong.
pub fn decode_queue_request(encoding: Encoding, body: Bytes) -> Result<QueueRequest, ActorError> {
    match encoding {
        Encoding::Json => {
            let body = json_to_cbor_within(&body, limits::NESTING + 1)?;
            read_object(&body, true)
        }
        Encoding::Cbor => read_object(&body, false),
        Encoding::Bare => read_bare(&body),
    }
}

/// The body of a 200 answer. `response` is a CBOR value in compat form.
///
/// # Errors
/// `encoding.invalid` when the response is not what it should be and JSON cannot carry it.
pub fn encode_queue_response(
    encoding: Encoding,
    status: QueueStatus,
    response: Option<&[u8]>,
) -> Result<Bytes, ActorError> {
    let fields = [
        ("status", Field::Text(status.name())),
        ("response", Field::OptionalValue(response)),
    ];
    let mut out = Vec::with_capacity(32 + response.map_or(0, <[u8]>::len));
    if matches!(encoding, Encoding::Bare) {
        bare::put_version(&mut out);
    }
    put_fields(encoding, &mut out, &fields)?;
    Ok(out.into())
}

fn read_object(object: &Bytes, compat: bool) -> Result<QueueRequest, ActorError> {
    let mut reader = Reader::new(object);
    let (mut body, mut wait, mut timeout_ms) = (None, false, None);
    each_member(&mut reader, "the request", |reader, name| {
        match name {
            "body" => body = Some(reader.item()?),
            "wait" => wait = flag(reader)?,
            "timeout" => timeout_ms = milliseconds(reader)?,
            _ => {
                reader.skip_item()?;
            }
        }
        Ok(())
    })?;
    reader.finish()?;
    let body = body.ok_or_else(|| {
        ActorError::invalid_request("the message is missing: send it as the member `body`")
    })?;
    cbor::validate(body)?;
    Ok(QueueRequest {
        body: object.slice_ref(body),
        compat,
        wait,
        timeout_ms,
    })
}

fn read_bare(bytes: &Bytes) -> Result<QueueRequest, ActorError> {
    let mut reader = BareReader::new(bytes);
    reader.version()?;
    let body = reader.data()?;
    cbor::validate(body)?;
    if reader.optional()? {
        reader.string()?;
    }
    let wait = reader.optional()? && reader.boolean()?;
    let timeout_ms = if reader.optional()? {
        Some(reader.u64()?)
    } else {
        None
    };
    Ok(QueueRequest {
        body: bytes.slice_ref(body),
        compat: true,
        wait,
        timeout_ms,
    })
}

fn flag(reader: &mut Reader<'_>) -> Result<bool, ActorError> {
    let head = reader.peek()?;
    reader.skip_item()?;
    match head.boolean() {
        Some(flag) => Ok(flag),
        None if head.is_null() || head.is_undefined() => Ok(false),
        None => Err(ActorError::invalid_request("`wait` is not true or false")),
    }
}

fn milliseconds(reader: &mut Reader<'_>) -> Result<Option<u64>, ActorError> {
    let head = reader.peek()?;
    if head.major == Major::Uint {
        return Ok(Some(reader.uint()?));
    }
    reader.skip_item()?;
    if head.is_null() || head.is_undefined() {
        return Ok(None);
    }
    match head.float() {
        Some(time) if time.is_finite() && time >= 0.0 => Ok(Some(time.round() as u64)),
        _ => Err(ActorError::invalid_request(
            "`timeout` is not a number of milliseconds from 0",
        )),
    }
}
