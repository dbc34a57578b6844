//! Actor ids: opaque to clients, and carrying the shard that owns the actor.

use std::{fmt, str::FromStr};

/// Number of shards that actors hash to. Fixed for ever: it is part of every id.
pub const SHARDS: u16 = 4096;

/// One of the [`SHARDS`] slices that actors are dealt into by name and key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShardId(u16);

impl ShardId {
    /// The shard with this number, reduced modulo [`SHARDS`].
    pub fn new(number: u16) -> Self {
        Self(number % SHARDS)
    }

    /// The shard's number, below [`SHARDS`].
    pub fn number(self) -> u16 {
        self.0
    }
}

/// The identity of one actor incarnation. Destroying an actor and creating its key again gives a
/// new id.
///
/// Layout of the 16 bytes: `shard u16 be | region u8 | random 13 bytes`. As text it is 26
/// lower-case base32 characters (RFC 4648 alphabet without padding), which survive a URL segment,
/// a header value and a WebSocket subprotocol token.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ActorId([u8; 16]);

const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
const TEXT_LEN: usize = 26;

impl ActorId {
    /// An id in `shard` whose remaining bytes are `random`. Region 0 is the local one.
    pub fn new(shard: ShardId, random: [u8; 13]) -> Self {
        let mut bytes = [0; 16];
        bytes[..2].copy_from_slice(&shard.0.to_be_bytes());
        bytes[3..].copy_from_slice(&random);
        Self(bytes)
    }

    /// The id with exactly these bytes, as read back from a store.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The id's bytes, in the documented layout.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// The id as text, in ASCII: for where it is to be bytes, without a string around them.
    pub fn to_text(&self) -> [u8; TEXT_LEN] {
        let value = u128::from_be_bytes(self.0);
        let mut text = [0u8; TEXT_LEN];
        // 26 * 5 = 130 bits: the last character carries the low 3 bits, shifted up by 2.
        for (i, c) in text.iter_mut().enumerate() {
            let shift = 123 - 5 * i as i32;
            let five = if shift >= 0 {
                value >> shift
            } else {
                value << -shift
            };
            *c = ALPHABET[(five & 31) as usize];
        }
        text
    }

    /// The shard that owns this actor.
    pub fn shard(&self) -> ShardId {
        ShardId::new(u16::from_be_bytes([self.0[0], self.0[1]]))
    }
}

impl fmt::Display for ActorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(str::from_utf8(&self.to_text()).expect("the alphabet is ASCII"))
    }
}

impl fmt::Debug for ActorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ActorId({self})")
    }
}

/// A text that is no actor id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an actor id: expected 26 characters of a-z and 2-7")]
pub struct InvalidActorId;

impl FromStr for ActorId {
    type Err = InvalidActorId;

    fn from_str(text: &str) -> Result<Self, InvalidActorId> {
        if text.len() != TEXT_LEN {
            return Err(InvalidActorId);
        }
        let mut value: u128 = 0;
        for (i, c) in text.bytes().enumerate() {
            let five = match c {
                b'a'..=b'z' => c - b'a',
                b'2'..=b'7' => c - b'2' + 26,
                _ => return Err(InvalidActorId),
            };
            if i == TEXT_LEN - 1 {
                // The two padding bits must be zero, or two texts would name one id.
                if five & 3 != 0 {
                    return Err(InvalidActorId);
                }
                value = value << 3 | u128::from(five >> 2);
            } else {
                value = value << 5 | u128::from(five);
            }
        }
        Ok(Self(value.to_be_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_round_trips_and_is_canonical() {
        for seed in 0..=255u8 {
            let id = ActorId::new(ShardId::new(u16::from(seed) * 16), [seed; 13]);
            let text = id.to_string();
            assert_eq!(text.len(), 26);
            assert_eq!(text.parse(), Ok(id));
            assert_eq!(id.shard().number(), u16::from(seed) * 16);
        }
        assert_eq!("a".repeat(25).parse::<ActorId>(), Err(InvalidActorId));
        assert_eq!(
            format!("{}b", "a".repeat(25)).parse::<ActorId>(),
            Err(InvalidActorId)
        );
        assert_eq!("A".repeat(26).parse::<ActorId>(), Err(InvalidActorId));
    }
}
