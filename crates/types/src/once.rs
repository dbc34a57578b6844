//! Calls that run once: how a caller names a call so that it can make it again without running it
//! again.

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use crate::{
    ActorError, limits,
    percent::{self, Plus},
};

/// The header in which a stateless call says who makes it, see [`OnceCall::from_headers`].
pub const CALL_HEADER: &str = "x-greenroom-call";

/// The header with a key that the user has chosen for a stateless call.
pub const KEY_HEADER: &str = "idempotency-key";

/// Whoever makes calls and may make them again: random, and known to nobody else. It is what an answer
/// that was recorded is told by, so it must not be guessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallerId(pub [u8; 16]);

impl CallerId {
    /// Reads 32 hexadecimal digits in lower case.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.as_bytes();
        if digits.len() != 32 {
            return None;
        }
        let mut id = [0; 16];
        for (byte, pair) in id.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Some(Self(id))
    }
}

fn digit(character: u8) -> Option<u8> {
    match character {
        b'0'..=b'9' => Some(character - b'0'),
        b'a'..=b'f' => Some(character - b'a' + 10),
        _ => None,
    }
}

/// What a call is known by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OnceId {
    /// One of the numbered calls of a caller.
    Numbered {
        /// Who calls.
        caller: CallerId,
        /// Counts up with each call of this caller.
        number: u64,
    },
    /// A key that the user has chosen, of at most [`limits::IDEMPOTENCY_KEY`] bytes.
    Key(Box<str>),
}

/// A call that is to run once, however often it is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnceCall {
    /// What it is known by.
    pub id: OnceId,
    /// The caller makes none of its calls with a lower number again.
    pub first: u64,
    /// How many milliseconds ago the call was made for the first time; 0 when it is the first time.
    pub waited_ms: u64,
}

impl OnceCall {
    /// Reads the values of [`CALL_HEADER`] and [`KEY_HEADER`]. The former is the id of the caller (32
    /// hexadecimal digits), the number of the call, the first number that the caller still waits for,
    /// and how many milliseconds ago the call was made for the first time, with dots between. The latter
    /// is percent-encoded where it has more than the printable characters of ASCII. `None` when both are absent.
    ///
    /// # Errors
    /// `request.invalid` when one of them is malformed.
    pub fn from_headers(
        call: Option<&[u8]>,
        key: Option<&[u8]>,
    ) -> Result<Option<Self>, ActorError> {
        let call = call.map(|value| Self::from_header(value).ok_or_else(invalid_header));
        let call = call.transpose()?;
        let Some(key) = key else {
            return Ok(call);
        };
        let key = std::str::from_utf8(key)
            .ok()
            .and_then(|key| percent::decode(key, Plus::Plus));
        let key = key.ok_or_else(|| {
            ActorError::invalid_request(format!("`{KEY_HEADER}` is not percent-encoded UTF-8"))
        })?;
        Ok(Some(Self {
            id: OnceId::Key(idempotency_key(&key)?),
            first: 0,
            waited_ms: call.map_or(0, |call| call.waited_ms),
        }))
    }

    fn from_header(value: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(value).ok()?;
        let mut parts = text.split('.');
        let caller = CallerId::parse(parts.next()?)?;
        let mut number = || {
            let digits = parts.next()?;
            let is_number = digits.bytes().all(|digit| digit.is_ascii_digit());
            is_number.then(|| digits.parse().ok())?
        };
        let (number, first, waited_ms) = (number()?, number()?, number()?);
        // A caller waits at least for the call that it makes.
        (parts.next().is_none() && first <= number).then_some(Self {
            id: OnceId::Numbered { caller, number },
            first,
            waited_ms,
        })
    }
}

fn invalid_header() -> ActorError {
    ActorError::invalid_request(format!(
        "`{CALL_HEADER}` is not an id of 32 hexadecimal digits and three numbers, with dots between, of which \
         the first is not below the second"
    ))
}

/// A key of the user's, checked.
///
/// # Errors
/// `request.invalid` when it is empty or too long.
pub fn idempotency_key(key: &str) -> Result<Box<str>, ActorError> {
    let max = limits::IDEMPOTENCY_KEY;
    match key.len() {
        0 => Err(ActorError::invalid_request("the idempotency key is empty")),
        len if len > max => Err(ActorError::invalid_request(format!(
            "the idempotency key has {len} bytes, limit is {max}"
        ))),
        _ => Ok(key.into()),
    }
}

/// What tells two calls with the same id apart: the action, its arguments, and their form.
pub fn digest(name: &str, args: &[u8], compat: bool) -> u64 {
    let name = xxh3_64(name.as_bytes());
    xxh3_64_with_seed(args, name.wrapping_add(u64::from(compat)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "000102030405060708090a0b0c0d0eff";

    fn read(call: Option<&str>, key: Option<&str>) -> Result<Option<OnceCall>, ActorError> {
        OnceCall::from_headers(call.map(str::as_bytes), key.map(str::as_bytes))
    }

    #[test]
    fn headers_name_a_call() {
        assert_eq!(read(None, None), Ok(None));
        let caller = CallerId::parse(ID).expect("32 digits");
        assert_eq!((caller.0[1], caller.0[15]), (1, 0xff));
        let numbered = |number, first, waited_ms| OnceCall {
            id: OnceId::Numbered { caller, number },
            first,
            waited_ms,
        };
        let max = u64::MAX;
        for (text, expected) in [
            (format!("{ID}.7.3.250"), numbered(7, 3, 250)),
            (format!("{ID}.0.0.0"), numbered(0, 0, 0)),
            (format!("{ID}.{max}.{max}.{max}"), numbered(max, max, max)),
        ] {
            assert_eq!(read(Some(&text), None), Ok(Some(expected)));
        }
        let keyed = |key: &str, waited_ms| OnceCall {
            id: OnceId::Key(key.into()),
            first: 0,
            waited_ms,
        };
        assert_eq!(
            read(None, Some("order-7+%C3%BC")),
            Ok(Some(keyed("order-7+ü", 0)))
        );
        let call = format!("{ID}.7.3.250");
        assert_eq!(read(Some(&call), Some("k")), Ok(Some(keyed("k", 250))));
    }

    #[test]
    fn malformed_headers_are_refused() {
        let long = "k".repeat(limits::IDEMPOTENCY_KEY + 1);
        let cases = [
            (Some(String::new()), None),
            (Some(ID.into()), None),
            (Some(format!("{ID}.1.1")), None),
            (Some(format!("{ID}.1.1.1.1")), None),
            (Some(format!("{ID}.1.2.1")), None),
            (Some(format!("{ID}.+1.1.1")), None),
            (Some(format!("{ID}.-1.0.1")), None),
            (Some(format!("{ID}.1..1")), None),
            (Some(format!("{ID}.18446744073709551616.0.0")), None),
            (Some(format!("{ID} .1.1.1")), None),
            (Some(format!("{}.1.1.1", ID.to_uppercase())), None),
            (Some(format!("{}.1.1.1", &ID[1..])), None),
            (Some(format!("{}.1.1.1", "ü".repeat(16))), None),
            (Some("x".into()), Some("k".to_owned())),
            (None, Some("100%".into())),
            (None, Some(String::new())),
            (None, Some(long)),
        ];
        for (call, key) in cases {
            let error = read(call.as_deref(), key.as_deref()).expect_err("malformed");
            assert_eq!(
                (&*error.group, &*error.code),
                ("request", "invalid"),
                "{call:?} {key:?}"
            );
        }
        assert!(OnceCall::from_headers(Some(b"\xff"), None).is_err());
        assert!(OnceCall::from_headers(None, Some(b"\xff")).is_err());
    }

    #[test]
    fn calls_that_differ_have_different_digests() {
        let base = digest("ab", b"c", true);
        assert_eq!(base, digest("ab", b"c", true));
        for other in [
            digest("a", b"bc", true),
            digest("ab", b"d", true),
            digest("ab", b"c", false),
        ] {
            assert_ne!(base, other);
        }
    }
}
