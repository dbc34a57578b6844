//! Folding changes onto a large state.

use anyhow::{Result, ensure};
use bytes::Bytes;
use greenroom_core::image::{
    StateImage,
    journal::{self, Folded},
};
use greenroom_types::cbor;

use crate::{measure::measured, path::Path};

/// Elements of the array in the state, of about 100 bytes each: 1 MB together.
const ELEMENTS: usize = 10_000;

pub(super) const PATHS: &[Path] = &[
    Path {
        name: "image-append-1mb",
        operations: 1024,
        about: "append 100 bytes to an array in an image of 1 MB that is open",
        run: append,
    },
    Path {
        name: "journal-fold-1mb",
        operations: 4,
        about: "fold a snapshot of 1 MB and 64 appends into a new snapshot",
        run: fold,
    },
];

fn append(operations: u32) -> Result<()> {
    let mut image = StateImage::decode(state(ELEMENTS))?;
    let operation = append_operation();
    // Opens the array.
    image.apply(&operation)?;
    measured(|| (0..operations).try_for_each(|_| image.apply(&operation)))?;
    let expected = state(ELEMENTS + 1 + operations as usize);
    ensure!(
        image.encode() == Some(expected),
        "the image is not what was appended"
    );
    Ok(())
}

fn fold(operations: u32) -> Result<()> {
    let snapshot = journal::encode_snapshot(&Folded {
        state: Some(state(ELEMENTS)),
        ..Folded::default()
    });
    let commits = vec![journal::encode_state_commit(&append_operation()); 64];
    let fold_once = || -> Result<Bytes> {
        let folded = journal::fold(Some(snapshot.clone()), commits.iter().cloned())?;
        Ok(journal::encode_snapshot(&folded))
    };
    fold_once()?;
    let last = measured(|| (0..operations).try_fold(Bytes::new(), |_, _| fold_once()))?;
    let expected = journal::encode_snapshot(&Folded {
        state: Some(state(ELEMENTS + 64)),
        ..Folded::default()
    });
    ensure!(last == expected, "the snapshot is not what was appended");
    Ok(())
}

/// `{ list: [...] }` with so many elements.
fn state(elements: usize) -> Bytes {
    let mut out = Vec::new();
    cbor::put_map(&mut out, 1);
    cbor::put_text(&mut out, "list");
    cbor::put_array(&mut out, elements);
    for _ in 0..elements {
        put_element(&mut out);
    }
    out.into()
}

/// Appends one element to `list`.
fn append_operation() -> Bytes {
    let mut out = Vec::new();
    cbor::put_array(&mut out, 3);
    cbor::put_uint(&mut out, 2);
    cbor::put_array(&mut out, 1);
    cbor::put_text(&mut out, "list");
    cbor::put_array(&mut out, 1);
    put_element(&mut out);
    out.into()
}

/// About 100 bytes, as a chat message would be.
fn put_element(out: &mut Vec<u8>) {
    cbor::put_map(out, 3);
    cbor::put_text(out, "at");
    cbor::put_f64(out, 1_800_000_000_000.5);
    cbor::put_text(out, "from");
    cbor::put_text(out, "somebody");
    cbor::put_text(out, "text");
    cbor::put_text(
        out,
        "a sentence of some words, as people write them, and then a little more",
    );
}
