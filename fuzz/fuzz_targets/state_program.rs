//! Programs of valid operations: the fold is what the plainest possible model says.
//!
//! The input is a supply of decisions for the model that the unit tests use as well. The first byte says how many
//! changes there are, the second where the journal is cut by a snapshot.

#![no_main]

use bytes::Bytes;
use greenroom_core::image::{StateImage, journal};
use greenroom_types::cbor;
use libfuzzer_sys::fuzz_target;

use model::{Choices, Value};

#[path = "../../crates/core/src/image/tests/model.rs"]
mod model;

fuzz_target!(|input: &[u8]| {
    let [steps, cut, choices @ ..] = input else {
        return;
    };
    let mut choices = Choices(choices.iter());
    let mut expected = Value::Object(Vec::new());
    let mut operations = vec![op(7, &[object(&[])])];
    for _ in 0..*steps {
        operations.push(expected.mutate(&mut choices));
    }
    let mut image = StateImage::empty();
    image
        .apply(&operations.concat().into())
        .expect("the program is valid");
    let whole = image.encode().expect("there is a root");
    assert_eq!(whole, expected.encode());

    let commits: Vec<Bytes> = operations
        .iter()
        .map(|change| journal::encode_state_commit(change))
        .collect();
    let (first, second) = commits.split_at(usize::from(*cut) % (commits.len() + 1));
    let begun = journal::fold(None, first.iter().cloned()).expect("the first part folds");
    let snapshot = journal::encode_snapshot(&begun);
    let folded =
        journal::fold(Some(snapshot), second.iter().cloned()).expect("the second part folds");
    assert_eq!(folded.state, Some(whole));
});

// What the model writes with; the unit tests have the same.

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

fn map(entries: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    [&[0xd9, 0x01, 0x03][..], &object(entries)].concat()
}

fn set(members: &[Vec<u8>]) -> Vec<u8> {
    [&[0xd9, 0x01, 0x02][..], &array(members)].concat()
}

/// An operation: its opcode and its encoded fields.
fn op(opcode: i64, fields: &[Vec<u8>]) -> Bytes {
    let mut items = vec![int(opcode)];
    items.extend_from_slice(fields);
    array(&items).into()
}
