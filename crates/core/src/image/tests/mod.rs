//! Cases for every operation, and random programs against a naive model.

mod cases;
mod items;
mod model;
mod random;

use greenroom_types::cbor;

use self::items::{array, int, ints, object, op, text};
use super::item;

fn blob(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    cbor::put_bytes(&mut out, bytes);
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
