//! Actor keys: an ordered list of text parts, encoded injectively wherever they are stored.

use std::{fmt, sync::Arc};

use xxhash_rust::xxh3::xxh3_64;

use crate::{ActorName, ShardId, limits};

/// The key of an actor: zero or more text parts, compared exactly (order, count and case matter).
/// Each part is at most [`limits::KEY_PART`] bytes, the storage form at most
/// [`limits::KEY_TOTAL`].
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ActorKey(Arc<[String]>);

/// A key that is over a limit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKey {
    /// One part is longer than [`limits::KEY_PART`].
    #[error("key part {index} has {len} bytes, limit is {max}", max = limits::KEY_PART)]
    PartTooLarge {
        /// Position of the part, from 0.
        index: usize,
        /// Its length in bytes.
        len: usize,
    },
    /// All parts together are longer than [`limits::KEY_TOTAL`].
    #[error("key has {len} bytes, limit is {max}", max = limits::KEY_TOTAL)]
    TotalTooLarge {
        /// Length of the storage form in bytes.
        len: usize,
    },
}

impl ActorKey {
    /// Checks and wraps `parts`.
    ///
    /// # Errors
    /// [`InvalidKey`] when a part or the whole is over its limit.
    pub fn new(parts: Vec<String>) -> Result<Self, InvalidKey> {
        if let Some((index, part)) = parts
            .iter()
            .enumerate()
            .find(|(_, p)| p.len() > limits::KEY_PART)
        {
            return Err(InvalidKey::PartTooLarge {
                index,
                len: part.len(),
            });
        }
        let len = storage_len(&parts);
        if len > limits::KEY_TOTAL {
            return Err(InvalidKey::TotalTooLarge { len });
        }
        Ok(Self(parts.into()))
    }

    /// The parts in order.
    pub fn parts(&self) -> &[String] {
        &self.0
    }

    /// The text form of the lookup API and of the stores: parts joined by `/`, where a part's `\`
    /// becomes `\\`, its `/` becomes `\/`, and an empty part is `\0`. No parts at all is `/`.
    /// Different keys have different storage forms.
    pub fn to_storage(&self) -> String {
        if self.0.is_empty() {
            return "/".to_owned();
        }
        let mut out = String::with_capacity(storage_len(&self.0));
        for (i, part) in self.0.iter().enumerate() {
            if i > 0 {
                out.push('/');
            }
            if part.is_empty() {
                out.push_str("\\0");
            }
            let mut rest = part.as_str();
            while let Some(at) = rest.find(['\\', '/']) {
                let (plain, escaped) = rest.split_at(at);
                out.push_str(plain);
                out.push('\\');
                out.push_str(&escaped[..1]);
                rest = &escaped[1..];
            }
            out.push_str(rest);
        }
        out
    }

    /// Reads [`ActorKey::to_storage`] back. Lenient where the form has no meaning of its own: an
    /// unknown escape keeps its backslash, and so does one at the end.
    ///
    /// # Errors
    /// [`InvalidKey`] when a part or the whole is over its limit.
    pub fn from_storage(text: &str) -> Result<Self, InvalidKey> {
        if text == "/" || text.is_empty() {
            return Ok(Self::default());
        }
        let mut parts = Vec::new();
        let mut part = String::new();
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            match c {
                '/' => parts.push(std::mem::take(&mut part)),
                '\\' => match chars.next() {
                    Some('0') => {}
                    Some(escaped @ ('/' | '\\')) => part.push(escaped),
                    Some(other) => part.extend(['\\', other]),
                    None => part.push('\\'),
                },
                _ => part.push(c),
            }
        }
        parts.push(part);
        Self::new(parts)
    }

    /// The shard of the actor `name` with this key. Stable for ever: it is part of stored ids.
    pub fn shard(&self, name: &ActorName) -> ShardId {
        let mut text = name.as_str().as_bytes().to_vec();
        text.push(0);
        text.extend_from_slice(self.to_storage().as_bytes());
        ShardId::new((xxh3_64(&text) % u64::from(crate::SHARDS)) as u16)
    }
}

/// The length of [`ActorKey::to_storage`] of a key of these parts.
fn storage_len(parts: &[String]) -> usize {
    let part_len = |part: &String| match part.len() {
        0 => 2,
        len => {
            len + part
                .bytes()
                .filter(|byte| matches!(byte, b'\\' | b'/'))
                .count()
        }
    };
    let separators = parts.len().saturating_sub(1);
    match parts {
        [] => 1,
        _ => separators + parts.iter().map(part_len).sum::<usize>(),
    }
}

impl fmt::Debug for ActorKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(parts: &[&str]) -> ActorKey {
        ActorKey::new(parts.iter().map(|p| (*p).to_owned()).collect()).expect("within limits")
    }

    #[test]
    fn storage_form_matches_the_protocol() {
        assert_eq!(key(&[]).to_storage(), "/");
        assert_eq!(
            key(&["a", "", "b\\c", "d/e"]).to_storage(),
            "a/\\0/b\\\\c/d\\/e"
        );
        assert_eq!(ActorKey::from_storage("a\\").expect("short"), key(&["a\\"]));
    }

    #[test]
    fn storage_form_is_injective() {
        let alphabet = ["", "a", "/", "\\", "\\0", "0", "a,b", "\0"];
        let mut keys = vec![key(&[])];
        for a in alphabet {
            keys.push(key(&[a]));
            for b in alphabet {
                keys.push(key(&[a, b]));
            }
        }
        let forms: std::collections::HashSet<_> = keys.iter().map(ActorKey::to_storage).collect();
        assert_eq!(forms.len(), keys.len());
        for k in &keys {
            assert_eq!(ActorKey::from_storage(&k.to_storage()).as_ref(), Ok(k));
            assert_eq!(storage_len(k.parts()), k.to_storage().len(), "{k:?}");
        }
    }

    #[test]
    fn limits_are_enforced() {
        assert!(matches!(
            ActorKey::new(vec!["x".repeat(129)]),
            Err(InvalidKey::PartTooLarge { index: 0, len: 129 })
        ));
        assert!(matches!(
            ActorKey::new(vec!["x".repeat(128); 9]),
            Err(InvalidKey::TotalTooLarge { .. })
        ));
    }
}
