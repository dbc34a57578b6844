//! Cases for every operation, and random programs against a naive model.

mod cases;
mod model;
mod random;

use bytes::Bytes;

use super::item::{self, ARRAY, BYTES, MAP, NEGATIVE, TAG, TEXT, UNSIGNED};

/// Items, written for reading in tests.
pub(super) fn int(number: i64) -> Vec<u8> {
    let mut out = Vec::new();
    match u64::try_from(number) {
        Ok(number) => item::put_head(&mut out, UNSIGNED, number),
        Err(_) => item::put_head(&mut out, NEGATIVE, (-1 - number) as u64),
    }
    out
}

pub(super) fn text(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    item::put_head(&mut out, TEXT, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
    out
}

pub(super) fn blob(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    item::put_head(&mut out, BYTES, bytes.len() as u64);
    out.extend_from_slice(bytes);
    out
}

pub(super) fn array(items: &[Vec<u8>]) -> Vec<u8> {
    let mut out = Vec::new();
    item::put_head(&mut out, ARRAY, items.len() as u64);
    out.extend(items.concat());
    out
}

pub(super) fn object(entries: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let mut out = Vec::new();
    item::put_head(&mut out, MAP, entries.len() as u64);
    for (key, value) in entries {
        out.extend_from_slice(key);
        out.extend_from_slice(value);
    }
    out
}

pub(super) fn tagged(tag: u64, content: Vec<u8>) -> Vec<u8> {
    let mut out = Vec::new();
    item::put_head(&mut out, TAG, tag);
    out.extend(content);
    out
}

pub(super) fn map(entries: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    tagged(item::TAG_MAP, object(entries))
}

pub(super) fn set(members: &[Vec<u8>]) -> Vec<u8> {
    tagged(item::TAG_SET, array(members))
}

pub(super) fn ints(numbers: &[i64]) -> Vec<u8> {
    array(&numbers.iter().copied().map(int).collect::<Vec<_>>())
}

/// An operation: its opcode and its encoded fields.
pub(super) fn op(opcode: i64, fields: &[Vec<u8>]) -> Bytes {
    let mut items = vec![int(opcode)];
    items.extend_from_slice(fields);
    array(&items).into()
}
