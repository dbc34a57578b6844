//! Texts that prove something to whoever knows them.

use std::{fmt, hint::black_box};

/// A secret text. It is compared in a time that says nothing about how much of a guess was right, and
/// never shown, not even for debugging.
#[derive(Clone)]
pub struct Secret(Box<str>);

impl Secret {
    /// Wraps `text`.
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// Whether `claimed` is the secret.
    pub(crate) fn is(&self, claimed: &[u8]) -> bool {
        let secret = self.0.as_bytes();
        let pairs = secret.iter().zip(claimed);
        let difference = pairs.fold(0, |found, (a, b)| black_box(found | (a ^ b)));
        secret.len() == claimed.len() && difference == 0
    }

    /// The text, for the one who is to know it.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_text_is_the_secret() {
        let secret = Secret::new("s3cret");
        assert!(secret.is(b"s3cret"));
        for other in ["", "s", "s3cre", "s3creT", "s3cret ", "t3cret"] {
            assert!(!secret.is(other.as_bytes()), "{other}");
        }
        assert_eq!(format!("{secret:?}"), "Secret(…)");
    }
}
