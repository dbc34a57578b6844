//! Connection parameters: JSON text from a header or a subprotocol.

use std::borrow::Cow;

use bytes::Bytes;

use crate::{ActorError, limits, value::json_to_cbor};

/// Connection parameters in compat form, from their JSON text.
///
/// # Errors
/// `message.incoming_too_long` above [`limits::CONN_PARAMS`], `encoding.invalid` for what is not
/// JSON.
pub fn conn_params_from_json(json: &[u8]) -> Result<Bytes, ActorError> {
    if json.len() > limits::CONN_PARAMS {
        return Err(ActorError::new(
            "message",
            "incoming_too_long",
            format!(
                "the connection params have {} bytes, limit is {}",
                json.len(),
                limits::CONN_PARAMS
            ),
        ));
    }
    json_to_cbor(json).map_err(|error| {
        ActorError::invalid_encoding(format!("the connection params are not valid: {error}"))
    })
}

/// Connection parameters from the value of `x-rivet-conn-params`. Browsers and Node send characters
/// up to U+00FF as single bytes and refuse others; other clients send UTF-8. What is valid UTF-8 is
/// taken as such.
///
/// # Errors
/// As [`conn_params_from_json`].
pub fn conn_params_from_header(value: &[u8]) -> Result<Bytes, ActorError> {
    let json = match str::from_utf8(value) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => value
            .iter()
            .map(|byte| char::from(*byte))
            .collect::<String>()
            .into(),
    };
    conn_params_from_json(json.as_bytes())
}
