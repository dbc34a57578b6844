//! Several messages in one request, so that a client need not wait for one answer per message.

use bytes::Bytes;
use greenroom_types::{ActorError, protocol::Encoding};

/// Bytes that a body may have beyond the largest message. Clients put about 64 Ki characters of
/// messages into one request, which is at most three times as many bytes.
pub(super) const ROOM: usize = 256 * 1024;

/// The messages of a body, in order. JSON: one per line. CBOR and BARE: each behind its length in
/// bytes as `u32` in big endian.
///
/// # Errors
/// `request.invalid` for a body without messages, `encoding.invalid` for a length that is not that
/// of what follows.
pub(super) fn messages(encoding: Encoding, body: &Bytes) -> Result<Vec<Bytes>, ActorError> {
    let messages = match encoding {
        Encoding::Json => lines(body),
        Encoding::Cbor | Encoding::Bare => sized(body)?,
    };
    if messages.is_empty() {
        return Err(ActorError::invalid_request("the body has no message"));
    }
    Ok(messages)
}

fn lines(body: &Bytes) -> Vec<Bytes> {
    body.split(|byte| *byte == b'\n')
        .filter(|line| !line.trim_ascii().is_empty())
        .map(|line| body.slice_ref(line))
        .collect()
}

fn sized(body: &Bytes) -> Result<Vec<Bytes>, ActorError> {
    let mut messages = Vec::new();
    let mut rest = &body[..];
    while !rest.is_empty() {
        let (message, after) = split_first(rest).ok_or_else(|| {
            ActorError::invalid_encoding("the length of a message is not that of what follows")
        })?;
        messages.push(body.slice_ref(message));
        rest = after;
    }
    Ok(messages)
}

fn split_first(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, rest) = bytes.split_first_chunk()?;
    rest.split_at_checked(usize::try_from(u32::from_be_bytes(*len)).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(encoding: Encoding, body: &'static [u8], expected: Result<&[&[u8]], &str>) {
        let found = messages(encoding, &Bytes::from_static(body)).map_err(|error| error.code);
        let found = found.as_ref().map(|messages| {
            let slices: Vec<&[u8]> = messages.iter().map(|message| &message[..]).collect();
            slices
        });
        let expected = expected.map(<[_]>::to_vec);
        assert_eq!(found.map_err(|code| &**code), expected, "{body:?}");
    }

    #[test]
    fn bodies_are_taken_apart() {
        check(Encoding::Json, b"{}", Ok(&[b"{}"]));
        check(Encoding::Json, b"{}\r\n\n[1]\n", Ok(&[b"{}\r", b"[1]"]));
        check(Encoding::Json, b" \n\n", Err("invalid"));
        for encoding in [Encoding::Cbor, Encoding::Bare] {
            check(
                encoding,
                b"\0\0\0\x01a\0\0\0\0\0\0\0\x02bc",
                Ok(&[b"a", b"", b"bc"]),
            );
            check(encoding, b"", Err("invalid"));
            check(encoding, b"\0\0\0", Err("invalid"));
            check(encoding, b"\0\0\0\x02a", Err("invalid"));
            check(encoding, b"\xff\xff\xff\xffa", Err("invalid"));
        }
    }
}
