//! What the bodies of commits and snapshots hold.
//!
//! A body is one byte of version, [`VERSION`], and then entries: `kind u8`, `len` as unsigned
//! LEB128, and `len` bytes. Each kind occurs at most once. Kind 1 is the state: a sequence of
//! operations in a commit, an image in a snapshot ([`super`] documents both). A body without
//! entries is a commit that changed nothing, or the snapshot of an actor without state.
//!
//! Whatever a build does not know, version or kind, it refuses: an older build that left entries
//! out would lose them for good with its next snapshot. Bodies are never rewritten; the version
//! belongs to each one, so a newer build reads a journal with several.

use bytes::Bytes;

use super::{BodyError, ImageError, StateImage};

/// The version of the bodies that this build writes, and the only one that it reads.
pub const VERSION: u8 = 1;

const STATE: u8 = 1;

/// What a journal comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Folded {
    /// The image of the state. Absent if the state was never set.
    pub state: Option<Bytes>,
}

/// The body of a commit that changes the state by `operations`, which may be empty.
pub fn encode_commit(operations: &[u8]) -> Bytes {
    encode((!operations.is_empty()).then_some(operations))
}

/// The body of a snapshot.
pub fn encode_snapshot(folded: &Folded) -> Bytes {
    encode(folded.state.as_deref())
}

/// Folds a snapshot and the commits after it. The image of a snapshot without commits that change
/// it is returned as it is, without a copy or a look.
///
/// # Errors
/// [`ImageError`] when a body, the image or an operation is malformed, or an operation does not
/// apply.
pub fn fold(
    snapshot: Option<Bytes>,
    tail: impl IntoIterator<Item = Bytes>,
) -> Result<Folded, ImageError> {
    let mut folded = Folded {
        state: snapshot.map(decode).transpose()?.flatten(),
    };
    let mut image = None;
    for (position, commit) in tail.into_iter().enumerate() {
        let in_commit = |reason| ImageError::Commit {
            position,
            reason: Box::new(reason),
        };
        let Some(operations) = decode(commit).map_err(in_commit)? else {
            continue;
        };
        if image.is_none() {
            image = Some(match folded.state.take() {
                Some(state) => StateImage::decode(state)?,
                None => StateImage::empty(),
            });
        }
        if let Some(image) = &mut image {
            image.apply(&operations).map_err(in_commit)?;
        }
    }
    if let Some(image) = image {
        folded.state = image.encode();
    }
    Ok(folded)
}

fn encode(state: Option<&[u8]>) -> Bytes {
    let mut out = Vec::with_capacity(state.map_or(1, |state| state.len() + 12));
    out.push(VERSION);
    if let Some(state) = state {
        out.push(STATE);
        put_leb128(&mut out, state.len() as u64);
        out.extend_from_slice(state);
    }
    out.into()
}

/// The state entry of a body.
fn decode(body: Bytes) -> Result<Option<Bytes>, ImageError> {
    read(body).map_err(ImageError::Body)
}

fn read(body: Bytes) -> Result<Option<Bytes>, BodyError> {
    let found = *body.first().ok_or(BodyError::Empty)?;
    if found != VERSION {
        return Err(BodyError::Version {
            found,
            supported: VERSION,
        });
    }
    let mut state = None;
    let mut at = 1;
    while at < body.len() {
        let kind = body[at];
        if kind != STATE {
            return Err(BodyError::UnknownKind(kind));
        }
        let (start, len) = read_leb128(&body, at + 1).ok_or(BodyError::Truncated { at })?;
        let end = usize::try_from(len)
            .ok()
            .and_then(|len| start.checked_add(len));
        let end = end
            .filter(|end| *end <= body.len())
            .ok_or(BodyError::Truncated { at })?;
        if state.replace(body.slice(start..end)).is_some() {
            return Err(BodyError::Repeated(kind));
        }
        at = end;
    }
    Ok(state)
}

fn put_leb128(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// The number at `at`, and where it ends.
fn read_leb128(bytes: &[u8], at: usize) -> Option<(usize, u64)> {
    let mut value = 0u64;
    for (position, byte) in bytes.get(at..)?.iter().enumerate() {
        let shift = 7 * position as u32;
        let part = u64::from(byte & 0x7f);
        if shift >= u64::BITS || part.checked_shl(shift)? >> shift != part {
            return None;
        }
        value |= part << shift;
        if byte & 0x80 == 0 {
            return Some((at + position + 1, value));
        }
    }
    None
}
