//! The stored form of a window, described at the top of the module.

use bytes::Bytes;
use greenroom_types::{
    ActorError,
    cbor::{self, CborError, CborProblem, Major, Reader},
    once::{CallerId, OnceId},
};

use super::{Answer, CallWindow, Record};

/// Items of a record.
const RECORD_ITEMS: usize = 7;
/// About as many bytes as a record has beside its answer.
const RECORD_BYTES: usize = 64;
/// Items of what is forgotten.
const FORGOTTEN_ITEMS: usize = 2;

pub(super) fn put_record(out: &mut Vec<u8>, place: u64, record: &Record, first: u64) {
    // Once, and not a little with each item.
    out.reserve(RECORD_BYTES + record.answer.len());
    cbor::put_array(out, RECORD_ITEMS);
    cbor::put_uint(out, place);
    match &record.id {
        OnceId::Numbered { caller, number } => {
            cbor::put_bytes(out, &caller.0);
            cbor::put_uint(out, *number);
        }
        OnceId::Key(key) => {
            cbor::put_text(out, key);
            cbor::put_uint(out, 0);
        }
    }
    cbor::put_uint(out, first);
    cbor::put_uint(out, record.time_ms.unsigned_abs());
    cbor::put_uint(out, record.digest);
    match &record.answer {
        Answer::Begun => cbor::put_null(out),
        Answer::TooLarge => cbor::put_bool(out, false),
        Answer::Given(Ok(value)) => cbor::put_bytes(out, value),
        Answer::Given(Err(error)) => put_error(out, error),
    }
}

fn put_error(out: &mut Vec<u8>, error: &ActorError) {
    cbor::put_array(out, 4);
    cbor::put_text(out, &error.group);
    cbor::put_text(out, &error.code);
    cbor::put_text(out, &error.message);
    match &error.metadata {
        Some(metadata) => cbor::put_bytes(out, metadata),
        None => cbor::put_null(out),
    }
}

impl CallWindow {
    /// Appends what is forgotten, if anything is.
    pub(super) fn put_forgotten(&self, out: &mut Vec<u8>) {
        if let Some(until_ms) = self.forgotten_until_ms {
            cbor::put_array(out, FORGOTTEN_ITEMS);
            cbor::put_uint(out, self.oldest());
            cbor::put_uint(out, until_ms.unsigned_abs());
        }
    }

    /// Applies a sequence of changes in stored form.
    ///
    /// # Errors
    /// [`CborError`] when it is malformed; some changes may have been applied.
    pub fn apply_stored(&mut self, changes: &[u8]) -> Result<(), CborError> {
        let mut reader = Reader::new(changes);
        while !reader.is_empty() {
            let at = reader.position();
            match reader.array()?.left() {
                Some(FORGOTTEN_ITEMS) => {
                    let below = reader.uint()?;
                    let until_ms = time(&mut reader)?;
                    self.apply_forgotten(below, until_ms);
                }
                Some(RECORD_ITEMS) => self.apply_record(&mut reader)?,
                _ => return Err(CborError::new(at, CborProblem::Expected("a call's record"))),
            }
        }
        Ok(())
    }

    /// Everything in stored form.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.put_forgotten(&mut out);
        for (place, record) in self.records.iter() {
            put_record(&mut out, place, record, self.places.first_of(&record.id));
        }
        out
    }

    fn apply_forgotten(&mut self, below: u64, until_ms: i64) {
        while let Some((place, _)) = self.records.first()
            && place < below
        {
            self.remove(place);
        }
        self.next = self.next.max(below);
        self.forgotten_until_ms = self.forgotten_until_ms.max(Some(until_ms));
    }

    fn apply_record(&mut self, reader: &mut Reader<'_>) -> Result<(), CborError> {
        let place = reader.uint()?;
        let id = read_id(reader)?;
        let first = reader.uint()?;
        let record = Record {
            id,
            time_ms: time(reader)?,
            digest: reader.uint()?,
            answer: read_answer(reader)?,
        };
        self.remove(place);
        self.insert(place, record, first);
        Ok(())
    }
}

fn time(reader: &mut Reader<'_>) -> Result<i64, CborError> {
    let at = reader.position();
    i64::try_from(reader.uint()?)
        .map_err(|_| CborError::new(at, CborProblem::Expected("a time in milliseconds")))
}

fn read_id(reader: &mut Reader<'_>) -> Result<OnceId, CborError> {
    let at = reader.position();
    if reader.peek()?.major == Major::Text {
        let key = OnceId::Key(reader.text()?.into());
        reader.uint()?;
        return Ok(key);
    }
    let caller = reader.bytes()?.try_into().map(CallerId);
    Ok(OnceId::Numbered {
        caller: caller
            .map_err(|_| CborError::new(at, CborProblem::Expected("a caller of 16 bytes")))?,
        number: reader.uint()?,
    })
}

fn read_answer(reader: &mut Reader<'_>) -> Result<Answer, CborError> {
    let at = reader.position();
    let head = reader.peek()?;
    if head.is_null() {
        reader.head()?;
        return Ok(Answer::Begun);
    }
    match head.major {
        Major::Bytes => Ok(Answer::Given(Ok(owned(reader.bytes()?)))),
        Major::Array => Ok(Answer::Given(Err(read_error(reader)?))),
        _ => match reader.boolean()? {
            false => Ok(Answer::TooLarge),
            true => Err(CborError::new(at, CborProblem::Expected("an answer"))),
        },
    }
}

fn read_error(reader: &mut Reader<'_>) -> Result<ActorError, CborError> {
    let at = reader.position();
    if reader.array()?.left() != Some(4) {
        let expected = CborProblem::Expected("an error of four items");
        return Err(CborError::new(at, expected));
    }
    Ok(ActorError {
        group: reader.text()?.to_owned().into(),
        code: reader.text()?.to_owned().into(),
        message: reader.text()?.to_owned(),
        metadata: match reader.peek()?.is_null() {
            true => {
                reader.head()?;
                None
            }
            false => Some(owned(reader.bytes()?)),
        },
    })
}

/// A copy: a slice would keep the whole journal in memory.
fn owned(bytes: &[u8]) -> Bytes {
    Bytes::copy_from_slice(bytes)
}
