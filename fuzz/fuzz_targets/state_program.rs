//! Programs of valid operations: the fold is what the plainest possible model says.
//!
//! The input is a supply of decisions for the model that the unit tests use as well. The first byte says how many
//! changes there are, the second where the journal is cut by a snapshot.

#![no_main]

use bytes::Bytes;
use greenroom_core::image::{StateImage, journal};
use libfuzzer_sys::fuzz_target;

use items::{array, int, ints, object, op, text};
use model::{Choices, Value};

#[path = "../../crates/core/src/image/tests/items.rs"]
mod items;
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

fn map(entries: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    [&[0xd9, 0x01, 0x03][..], &object(entries)].concat()
}

fn set(members: &[Vec<u8>]) -> Vec<u8> {
    [&[0xd9, 0x01, 0x02][..], &array(members)].concat()
}
