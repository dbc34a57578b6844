//! JSON text to CBOR, token by token.

use std::fmt;

use bytes::Bytes;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::ValueError;
use crate::{
    cbor::{self, Major},
    limits,
};

/// The CBOR form of one JSON text. Integers of more than 32 bits become floats, as they are in
/// JavaScript; escapes pass through; the last of several members with one name wins with whoever
/// reads the map.
///
/// # Errors
/// Text that is not exactly one JSON value, that is nested more than [`limits::NESTING`] levels, or
/// that has half of a surrogate pair in a string.
pub fn json_to_cbor(json: &[u8]) -> Result<Bytes, ValueError> {
    json_to_cbor_within(json, limits::NESTING)
}

/// Like [`json_to_cbor`] with another bound on nesting, for values inside an envelope.
///
/// # Errors
/// As [`json_to_cbor`].
pub fn json_to_cbor_within(json: &[u8], levels: usize) -> Result<Bytes, ValueError> {
    let mut out = Vec::with_capacity(json.len());
    let mut source = serde_json::Deserializer::from_slice(json);
    // Our own bound replaces the built-in one, which is a level short of it.
    source.disable_recursion_limit();
    let written = Value {
        out: &mut out,
        levels,
    }
    .deserialize(&mut source);
    written
        .and_then(|()| source.end())
        .map_err(|error| ValueError::Json(error.to_string()))?;
    Ok(out.into())
}

/// Reads one JSON value and appends it to `out`.
struct Value<'o> {
    out: &'o mut Vec<u8>,
    levels: usize,
}

/// Reads one member name and appends it to `out`.
struct Name<'o>(&'o mut Vec<u8>);

impl Value<'_> {
    fn inner<E: Error>(&self) -> Result<usize, E> {
        let too_deep = || {
            E::custom(format_args!(
                "nesting deeper than {} levels",
                limits::NESTING
            ))
        };
        self.levels.checked_sub(1).ok_or_else(too_deep)
    }
}

/// Replaces the one-byte head at `at`, written before the count was known, by the real one.
fn patch_head(out: &mut Vec<u8>, at: usize, major: Major, count: u64) {
    if count < 24 {
        out[at] = (major as u8) << 5 | count as u8;
    } else {
        let mut head = Vec::with_capacity(9);
        cbor::put_head(&mut head, major, count);
        out.splice(at..=at, head);
    }
}

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<(), D::Error> {
        source.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        cbor::put_null(self.out);
        Ok(())
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        cbor::put_bool(self.out, value);
        Ok(())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        cbor::put_number(self.out, value as f64);
        Ok(())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        cbor::put_number(self.out, value as f64);
        Ok(())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        cbor::put_number(self.out, value);
        Ok(())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        cbor::put_text(self.out, value);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let levels = self.inner()?;
        let at = self.out.len();
        self.out.push(0);
        let mut count = 0;
        while items
            .next_element_seed(Value {
                out: self.out,
                levels,
            })?
            .is_some()
        {
            count += 1;
        }
        patch_head(self.out, at, Major::Array, count);
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let levels = self.inner()?;
        let at = self.out.len();
        self.out.push(0);
        let mut count = 0;
        while members.next_key_seed(Name(self.out))?.is_some() {
            members.next_value_seed(Value {
                out: self.out,
                levels,
            })?;
            count += 1;
        }
        patch_head(self.out, at, Major::Map, count);
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<(), D::Error> {
        source.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member name")
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        cbor::put_text(self.0, value);
        Ok(())
    }
}
