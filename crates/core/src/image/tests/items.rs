//! Items of state and operations, written for reading in tests.

use bytes::Bytes;

use greenroom_types::cbor;

pub(super) fn int(number: i64) -> Vec<u8> {
    let mut out = Vec::new();
    cbor::put_int(&mut out, number);
    out
}

pub(super) fn text(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    cbor::put_text(&mut out, text);
    out
}

pub(super) fn array(items: &[Vec<u8>]) -> Vec<u8> {
    let mut out = Vec::new();
    cbor::put_array(&mut out, items.len());
    out.extend(items.concat());
    out
}

pub(super) fn ints(numbers: &[i64]) -> Vec<u8> {
    array(&numbers.iter().copied().map(int).collect::<Vec<_>>())
}

pub(super) fn object(entries: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let mut out = Vec::new();
    cbor::put_map(&mut out, entries.len());
    for (key, value) in entries {
        out.extend_from_slice(key);
        out.extend_from_slice(value);
    }
    out
}

/// An operation: its opcode and its encoded fields.
pub(super) fn op(opcode: i64, fields: &[Vec<u8>]) -> Bytes {
    let mut items = vec![int(opcode)];
    items.extend_from_slice(fields);
    array(&items).into()
}
