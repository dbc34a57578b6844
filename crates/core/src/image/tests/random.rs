//! Random programs against the model, and random bytes against everything.

use bytes::Bytes;
use proptest::prelude::*;

use super::{
    super::{
        StateImage,
        journal::{self, Folded},
    },
    model::{Choices, Value},
    object, op,
};

/// A program of changes: the operations one by one, and the state that they must lead to.
fn program(choices: &[u8], steps: usize) -> (Vec<Bytes>, Value) {
    let mut choices = Choices(choices.iter());
    let mut value = Value::Object(Vec::new());
    let mut operations = vec![op(7, &[object(&[])])];
    operations.extend((0..steps).map(|_| value.mutate(&mut choices)));
    (operations, value)
}

proptest! {
    #[test]
    fn folding_agrees_with_the_model(choices in proptest::collection::vec(any::<u8>(), 0..3000), steps in 0usize..80) {
        let (operations, expected) = program(&choices, steps);
        let mut image = StateImage::empty();
        image.apply(&operations.concat().into()).expect("the program is valid");
        prop_assert_eq!(image.encode().expect("there is a root"), expected.encode());
    }

    #[test]
    fn a_fold_can_be_split_anywhere(
        choices in proptest::collection::vec(any::<u8>(), 0..2000),
        steps in 0usize..50,
        split in any::<prop::sample::Index>(),
    ) {
        let (operations, expected) = program(&choices, steps);
        let commits: Vec<Bytes> = operations.iter().map(|operation| journal::encode_state_commit(operation)).collect();
        let (first, second) = commits.split_at(split.index(commits.len() + 1));
        let begun = journal::fold(None, first.iter().cloned()).expect("the first part folds");
        let snapshot = journal::encode_snapshot(&begun);
        let folded = journal::fold(Some(snapshot), second.iter().cloned()).expect("the second part folds");
        prop_assert_eq!(folded.state.as_deref(), Some(&*expected.encode()));
    }

    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let bytes = Bytes::from(bytes);
        let _ = StateImage::decode(bytes.clone());
        let _ = StateImage::empty().apply(&bytes);
        let _ = journal::fold(Some(bytes.clone()), [bytes]);
    }

    #[test]
    fn damaged_programs_never_panic(
        choices in proptest::collection::vec(any::<u8>(), 0..500),
        steps in 1usize..20,
        place in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let (operations, _) = program(&choices, steps);
        let mut bytes = operations.concat();
        let place = place.index(bytes.len());
        bytes[place] = byte;
        let mut image = StateImage::empty();
        let result = image.apply(&bytes.into());
        if let (Ok(()), Some(encoded)) = (result, image.encode()) {
            // Whatever was let through is an image again.
            StateImage::decode(encoded).expect("an image can be read back");
        }
    }
}

#[test]
fn bodies_are_read_as_documented() {
    let check = |body: &[u8], expected: Result<Option<&'static [u8]>, &str>| {
        let folded = journal::fold(Some(Bytes::copy_from_slice(body)), [])
            .map_err(|error| error.to_string());
        let expected = expected.map(|state| Folded {
            state: state.map(Bytes::from_static),
            ..Folded::default()
        });
        assert_eq!(
            folded,
            expected.map_err(|why| format!("malformed journal body: {why}"))
        );
    };
    check(&[1], Ok(None));
    check(&[1, 1, 1, 0xa0], Ok(Some(&[0xa0])));
    check(&[], Err("it has no version"));
    check(&[2], Err("it has version 2, this build reads 1"));
    check(&[1, 99, 0], Err("it has an entry of unknown kind 99"));
    check(&[1, 1, 0, 1, 0], Err("it has two entries of kind 1"));
    check(&[1, 1], Err("the entry at byte 1 ends early"));
    check(&[1, 1, 2, 0], Err("the entry at byte 1 ends early"));
    check(
        &[1, 1, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1],
        Err("the entry at byte 1 ends early"),
    );
}

#[test]
fn an_untouched_snapshot_is_neither_copied_nor_read() {
    let body = journal::encode_snapshot(&Folded {
        state: Some(Bytes::from_static(b"not an image")),
        ..Folded::default()
    });
    let folded = journal::fold(Some(body.clone()), [journal::encode_state_commit(&[])])
        .expect("nothing to do");
    let state = folded.state.expect("the image is there");
    assert_eq!(state, &b"not an image"[..]);
    assert!(
        body.as_ptr_range().contains(&state.as_ptr()),
        "the image is a part of the body"
    );
}

#[test]
fn errors_name_the_commit() {
    let commits = [
        journal::encode_state_commit(&op(7, &[vec![1]])),
        journal::encode_state_commit(&op(9, &[vec![1]])),
    ];
    let error = journal::fold(None, commits).expect_err("there is no operation 9");
    assert_eq!(
        error.to_string(),
        "commit 1 after the snapshot: state operation 0: unknown opcode 9"
    );
}
