//! Percent-decoding that notices mistakes.

use std::borrow::Cow;

use memchr::{memchr, memchr2};

/// What `+` stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plus {
    /// Itself, as in paths.
    Plus,
    /// A space, as in form-encoded queries.
    Space,
}

/// Decodes `%xx`. `None` when an escape is cut short or is no hexadecimal number, or the result is
/// not UTF-8. What has no escapes, as most of what is decoded, is given back as it is.
pub(crate) fn decode(text: &str, plus: Plus) -> Option<Cow<'_, str>> {
    let escape = match plus {
        Plus::Plus => memchr(b'%', text.as_bytes()),
        Plus::Space => memchr2(b'%', b'+', text.as_bytes()),
    };
    if escape.is_none() {
        return Some(Cow::Borrowed(text));
    }
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' => out.push(hex(bytes.next()?)? << 4 | hex(bytes.next()?)?),
            b'+' if plus == Plus::Space => out.push(b' '),
            _ => out.push(byte),
        }
    }
    String::from_utf8(out).ok().map(Cow::Owned)
}

fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_are_noticed() {
        assert_eq!(
            decode("a%2Fb%C3%a9+", Plus::Plus).as_deref(),
            Some("a/b\u{e9}+")
        );
        assert_eq!(decode("a+b%2B", Plus::Space).as_deref(), Some("a b+"));
        for bad in ["%", "%4", "%4g", "%+1", "%ff", "%C3"] {
            assert_eq!(decode(bad, Plus::Plus), None, "{bad}");
        }
    }
}
