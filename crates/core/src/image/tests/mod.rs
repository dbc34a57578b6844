//! Cases for every operation, and random programs against a naive model.

mod cases;
mod model;
mod random;

use bytes::Bytes;

use greenroom_types::cbor;

use super::item;

/// Items, written for reading in tests.
fn int(number: i64) -> Vec<u8> {
    let mut out = Vec::new();
    cbor::put_int(&mut out, number);
    out
}

fn text(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    cbor::put_text(&mut out, text);
    out
}

fn blob(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    cbor::put_bytes(&mut out, bytes);
    out
}

fn array(items: &[Vec<u8>]) -> Vec<u8> {
    let mut out = Vec::new();
    cbor::put_array(&mut out, items.len());
    out.extend(items.concat());
    out
}

fn ints(numbers: &[i64]) -> Vec<u8> {
    array(&numbers.iter().copied().map(int).collect::<Vec<_>>())
}

fn object(entries: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let mut out = Vec::new();
    cbor::put_map(&mut out, entries.len());
    for (key, value) in entries {
        out.extend_from_slice(key);
        out.extend_from_slice(value);
    }
    out
}

fn tagged(tag: u64, content: Vec<u8>) -> Vec<u8> {
    let mut out = Vec::new();
    cbor::put_tag(&mut out, tag);
    out.extend(content);
    out
}

fn map(entries: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    tagged(item::TAG_MAP, object(entries))
}

fn set(members: &[Vec<u8>]) -> Vec<u8> {
    tagged(item::TAG_SET, array(members))
}

/// An operation: its opcode and its encoded fields.
fn op(opcode: i64, fields: &[Vec<u8>]) -> Bytes {
    let mut items = vec![int(opcode)];
    items.extend_from_slice(fields);
    array(&items).into()
}
