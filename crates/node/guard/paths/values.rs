//! What is done to the bytes of values and keys.

use std::hint::black_box;

use anyhow::{Result, ensure};
use greenroom_types::{
    ActorKey, cbor,
    value::{cbor_to_json, json_to_cbor},
};

use crate::{measure::measured, path::Path, world::actor_name};

/// A document as applications send them, 0.5 kB.
const DOCUMENT: &str = r#"{"id":"6f1c2f9e-0b1a-4c6e-9a53-1d6f8f9b7c11","title":"Quarterly plan","done":false,"priority":3,"ratio":0.375,"tags":["work","planning","2026"],"owner":{"name":"Ada","email":"ada@example.com","seen":1800000000000},"items":[{"text":"collect figures","done":true,"hours":2.5},{"text":"write the first draft","done":false,"hours":4},{"text":"send it around","done":false,"hours":0.5}],"note":"Umlaute: äöü, a quote: \" and a line\nbreak","parent":null}"#;

pub(super) const PATHS: &[Path] = &[
    Path {
        name: "cbor-validate",
        operations: 256,
        about: "check that a document of 0.5 kB is well-formed CBOR",
        run: validate,
    },
    Path {
        name: "json-to-cbor",
        operations: 256,
        about: "transcode the document from JSON to CBOR",
        run: from_json,
    },
    Path {
        name: "cbor-to-json",
        operations: 256,
        about: "transcode it back",
        run: to_json,
    },
    Path {
        name: "key",
        operations: 256,
        about: "write a key of three parts, one with escapes, in its storage form, read it, and find its shard",
        run: key,
    },
];

fn validate(operations: u32) -> Result<()> {
    let document = json_to_cbor(DOCUMENT.as_bytes())?;
    measured(|| (0..operations).try_for_each(|_| cbor::validate(black_box(&document))))?;
    ensure!(
        cbor::validate(&document[1..]).is_err(),
        "whatever it is given is well-formed"
    );
    Ok(())
}

fn from_json(operations: u32) -> Result<()> {
    let lengths = measured(|| {
        (0..operations)
            .map(|_| json_to_cbor(black_box(DOCUMENT.as_bytes())).map(|cbor| cbor.len()))
            .sum::<Result<usize, _>>()
    })?;
    let length = json_to_cbor(DOCUMENT.as_bytes())?.len();
    ensure!(
        lengths == length * operations as usize,
        "lengths differ between runs"
    );
    Ok(())
}

fn to_json(operations: u32) -> Result<()> {
    let document = json_to_cbor(DOCUMENT.as_bytes())?;
    let mut out = Vec::with_capacity(DOCUMENT.len());
    measured(|| {
        (0..operations).try_for_each(|_| {
            out.clear();
            cbor_to_json(black_box(&document), &mut out)
        })
    })?;
    ensure!(out == DOCUMENT.as_bytes(), "another document came back");
    Ok(())
}

fn key(operations: u32) -> Result<()> {
    let name = actor_name()?;
    let parts = ["team-42", "rooms/lobby", "user@example.com"].map(str::to_owned);
    let key = ActorKey::new(parts.to_vec())?;
    let last = measured(|| -> Result<ActorKey> {
        let mut last = ActorKey::default();
        for _ in 0..operations {
            last = ActorKey::from_storage(&black_box(&key).to_storage())?;
            black_box(last.shard(&name));
        }
        Ok(last)
    })?;
    ensure!(last == key, "another key came back");
    Ok(())
}
