//! Actions over HTTP, and how arguments are read everywhere.

use bytes::Bytes;

use super::{BareReader, Encoding, bare, members::each_member};
use crate::{
    ActorError,
    cbor::{self, Major, Reader},
    limits,
    value::{cbor_to_json, json_to_cbor_within},
};

/// What a client asks an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionRequest {
    /// The arguments: one well-formed CBOR array.
    pub args: Bytes,
    /// Whether `args` are in compat form.
    pub compat: bool,
}

/// Reads the body of `POST …/action/{name}`.
///
/// JSON and CBOR: an object with `args`, other members are ignored. BARE: version 1 to 4 and the
/// arguments as `data`, further bytes are ignored. Absent or null arguments are none; anything but
/// an array is the only argument.
///
/// # Errors
/// `encoding.invalid` for malformed bytes, `request.invalid` for a body that is no object.
pub fn decode_action_request(encoding: Encoding, body: Bytes) -> Result<ActionRequest, ActorError> {
    let compat = encoding.is_compat();
    let args = match encoding {
        Encoding::Json => {
            let body = json_to_cbor_within(&body, limits::NESTING + 1)?;
            find_args(&body)?.map(|args| body.slice_ref(args))
        }
        Encoding::Cbor => find_args(&body)?.map(|args| body.slice_ref(args)),
        Encoding::Bare => {
            let mut reader = BareReader::new(&body);
            reader.version()?;
            Some(body.slice_ref(reader.data()?))
        }
    };
    Ok(ActionRequest {
        args: args_array(args, compat)?,
        compat,
    })
}

/// The body of a 200 answer to an action whose result is `output`, a CBOR value in compat form.
///
/// # Errors
/// `encoding.invalid` when the output is not what it should be and JSON cannot carry it.
pub fn encode_action_response(encoding: Encoding, output: &[u8]) -> Result<Bytes, ActorError> {
    let mut out = Vec::with_capacity(output.len() + 16);
    match encoding {
        Encoding::Json => {
            out.extend_from_slice(br#"{"output":"#);
            cbor_to_json(output, &mut out)?;
            out.push(b'}');
        }
        Encoding::Cbor => {
            cbor::put_map(&mut out, 1);
            cbor::put_text(&mut out, "output");
            out.extend_from_slice(output);
        }
        Encoding::Bare => {
            bare::put_version(&mut out);
            bare::put_data(&mut out, output);
        }
    }
    Ok(out.into())
}

/// The bytes of the member `args` of a CBOR map.
fn find_args(body: &[u8]) -> Result<Option<&[u8]>, ActorError> {
    let mut reader = Reader::new(body);
    let mut args = None;
    each_member(&mut reader, "the body", |reader, name| {
        let value = reader.item()?;
        if name == "args" {
            args = Some(value);
        }
        Ok(())
    })?;
    reader.finish()?;
    Ok(args)
}

/// Arguments as one CBOR array, whatever a client sent for them. Checks that they are one
/// well-formed value and nothing more.
///
/// # Errors
/// `encoding.invalid` when they are not.
pub(super) fn args_array(args: Option<Bytes>, compat: bool) -> Result<Bytes, ActorError> {
    const NONE: Bytes = Bytes::from_static(b"\x80");
    let Some(args) = args else { return Ok(NONE) };
    check(&args)?;
    let head = Reader::new(&args).peek()?;
    let escape = if compat { escape_of(&args) } else { None };
    if head.is_null() || head.is_undefined() || escape == Some("$Undefined") {
        Ok(NONE)
    } else if head.major == Major::Array && escape.is_none() {
        Ok(args)
    } else {
        let mut only = Vec::with_capacity(args.len() + 1);
        cbor::put_array(&mut only, 1);
        only.extend_from_slice(&args);
        // The array around it is one level more.
        check(&only)?;
        Ok(only.into())
    }
}

fn check(args: &[u8]) -> Result<(), ActorError> {
    cbor::validate(args).map_err(|error| {
        ActorError::invalid_encoding(format!("the arguments are not valid CBOR: {error}"))
    })
}

/// The name of the escape that a well-formed value in compat form is: `$BigInt` of `["$BigInt","7"]`.
/// `["$$x",1]` is a literal array and no escape.
fn escape_of(value: &[u8]) -> Option<&str> {
    let mut reader = Reader::new(value);
    let items = reader.array().ok()?;
    if items.left().is_some_and(|count| count != 2) {
        return None;
    }
    let name = reader
        .text()
        .ok()
        .filter(|name| name.starts_with('$') && !name.starts_with("$$"))?;
    reader.skip_item().ok()?;
    let closed = reader.is_empty() || reader.peek().is_ok_and(cbor::Head::is_break);
    closed.then_some(name)
}
