//! The fields of the server's messages, written once for all encodings.
//!
//! A message is a list of named fields. JSON and CBOR write them as members and leave out what is
//! absent (clients reject `null` there), except for an absent action id, which they insist on.
//! BARE writes values only, in order.

use super::{ActorRef, Encoding, bare};
use crate::{
    ActorError, cbor,
    value::{ValueError, cbor_to_json},
};

/// A field's value.
#[derive(Clone, Copy)]
pub(super) enum Field<'a> {
    /// Text.
    Text(&'a str),
    /// The same; left out when absent, in BARE as well, so it can only come last.
    OptionalText(Option<&'a str>),
    /// A number that clients keep as a bigint.
    Id(u64),
    /// The same; `null` when absent.
    NullableId(Option<u64>),
    /// A CBOR value in compat form.
    Value(&'a [u8]),
    /// The same; left out when absent.
    OptionalValue(Option<&'a [u8]>),
    /// An actor; left out when absent.
    OptionalActor(Option<&'a ActorRef>),
}

/// A field with its name in JSON and CBOR.
pub(super) type Named<'a> = (&'static str, Field<'a>);

impl Field<'_> {
    fn is_left_out(self) -> bool {
        matches!(
            self,
            Self::OptionalText(None) | Self::OptionalValue(None) | Self::OptionalActor(None)
        )
    }
}

/// The first fields of every error, over HTTP and in frames alike.
pub(super) fn error_fields(error: &ActorError) -> [Named<'_>; 4] {
    [
        ("group", Field::Text(&error.group)),
        ("code", Field::Text(&error.code)),
        ("message", Field::Text(&error.message)),
        (
            "metadata",
            Field::OptionalValue(sound(error.metadata.as_deref())),
        ),
    ]
}

/// Metadata that every encoding can carry. An error is worth more than its metadata, so metadata
/// that is broken is left out.
fn sound(metadata: Option<&[u8]>) -> Option<&[u8]> {
    metadata.filter(|value| cbor_to_json(value, &mut Vec::new()).is_ok())
}

/// Appends all `fields`: for JSON and CBOR as one object.
///
/// # Errors
/// A value that JSON cannot carry. `out` may then hold a part of the object.
pub(super) fn put_fields(
    encoding: Encoding,
    out: &mut Vec<u8>,
    fields: &[Named<'_>],
) -> Result<(), ValueError> {
    match encoding {
        Encoding::Json => put_json(out, fields),
        Encoding::Cbor => {
            put_cbor(out, fields);
            Ok(())
        }
        Encoding::Bare => {
            put_bare(out, fields);
            Ok(())
        }
    }
}

fn put_json(out: &mut Vec<u8>, fields: &[Named<'_>]) -> Result<(), ValueError> {
    let mut separator: &[u8] = b"{";
    for (name, field) in fields.iter().filter(|(_, field)| !field.is_left_out()) {
        out.extend_from_slice(std::mem::replace(&mut separator, b","));
        put_json_text(out, name);
        out.push(b':');
        match field {
            Field::Text(text) | Field::OptionalText(Some(text)) => put_json_text(out, text),
            Field::Id(id) | Field::NullableId(Some(id)) => put_json_id(out, *id),
            Field::NullableId(None) => out.extend_from_slice(b"null"),
            Field::Value(value) | Field::OptionalValue(Some(value)) => cbor_to_json(value, out)?,
            Field::OptionalActor(Some(actor)) => put_json_actor(out, actor),
            Field::OptionalText(None) | Field::OptionalValue(None) | Field::OptionalActor(None) => {
            }
        }
    }
    out.push(b'}');
    Ok(())
}

fn put_json_actor(out: &mut Vec<u8>, actor: &ActorRef) {
    out.extend_from_slice(br#"{"actorId":"#);
    put_json_text(out, &actor.id.to_string());
    out.extend_from_slice(format!(r#","generation":{}"#, actor.generation).as_bytes());
    if let Some(key) = &actor.key {
        out.extend_from_slice(br#","key":"#);
        put_json_text(out, key);
    }
    out.push(b'}');
}

fn put_json_id(out: &mut Vec<u8>, id: u64) {
    out.extend_from_slice(format!(r#"["$BigInt","{id}"]"#).as_bytes());
}

fn put_json_text(out: &mut Vec<u8>, text: &str) {
    serde_json::to_writer(out, text).expect("writing text to memory cannot fail");
}

fn put_cbor(out: &mut Vec<u8>, fields: &[Named<'_>]) {
    cbor::put_map(
        out,
        fields
            .iter()
            .filter(|(_, field)| !field.is_left_out())
            .count(),
    );
    for (name, field) in fields.iter().filter(|(_, field)| !field.is_left_out()) {
        cbor::put_text(out, name);
        match field {
            Field::Text(text) | Field::OptionalText(Some(text)) => cbor::put_text(out, text),
            Field::Id(id) | Field::NullableId(Some(id)) => cbor::put_wide_uint(out, *id),
            Field::NullableId(None) => cbor::put_null(out),
            Field::Value(value) | Field::OptionalValue(Some(value)) => out.extend_from_slice(value),
            Field::OptionalActor(Some(actor)) => put_cbor_actor(out, actor),
            Field::OptionalText(None) | Field::OptionalValue(None) | Field::OptionalActor(None) => {
            }
        }
    }
}

fn put_cbor_actor(out: &mut Vec<u8>, actor: &ActorRef) {
    cbor::put_map(out, if actor.key.is_some() { 3 } else { 2 });
    cbor::put_text(out, "actorId");
    cbor::put_text(out, &actor.id.to_string());
    cbor::put_text(out, "generation");
    cbor::put_uint(out, actor.generation);
    if let Some(key) = &actor.key {
        cbor::put_text(out, "key");
        cbor::put_text(out, key);
    }
}

fn put_bare(out: &mut Vec<u8>, fields: &[Named<'_>]) {
    for (_, field) in fields {
        match field {
            Field::Text(text) | Field::OptionalText(Some(text)) => bare::put_str(out, text),
            Field::OptionalText(None) => {}
            Field::Id(id) => bare::put_uint(out, *id),
            Field::NullableId(id) => {
                bare::put_optional(out, id.is_some());
                if let Some(id) = id {
                    bare::put_uint(out, *id);
                }
            }
            Field::Value(value) => bare::put_data(out, value),
            Field::OptionalValue(value) => {
                bare::put_optional(out, value.is_some());
                if let Some(value) = value {
                    bare::put_data(out, value);
                }
            }
            Field::OptionalActor(actor) => {
                bare::put_optional(out, actor.is_some());
                if let Some(actor) = actor {
                    put_bare_actor(out, actor);
                }
            }
        }
    }
}

fn put_bare_actor(out: &mut Vec<u8>, actor: &ActorRef) {
    bare::put_str(out, &actor.id.to_string());
    bare::put_uint(out, actor.generation);
    bare::put_optional(out, actor.key.is_some());
    if let Some(key) = &actor.key {
        bare::put_str(out, key);
    }
}
