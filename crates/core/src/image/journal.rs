//! What the bodies of commits and snapshots hold.
//!
//! A body is one byte of version, [`VERSION`], and then entries: `kind u8`, `len` as unsigned
//! LEB128, and `len` bytes. Each kind occurs at most once:
//!
//! | kind | in a commit | in a snapshot |
//! |---|---|---|
//! | 1, state | a sequence of operations ([`super`]) | an image ([`super`]) |
//! | 2, schedule | a sequence of updates ([`schedule`](crate::schedule)) | all alarms |
//!
//! A body without entries is a commit that changed nothing, or the snapshot of an actor that keeps
//! nothing.
//!
//! Whatever a build does not know, version or kind, it refuses: an older build that left entries
//! out would lose them for good with its next snapshot. Bodies are never rewritten; the version
//! belongs to each one, so a newer build reads a journal with several.

use bytes::Bytes;

use super::{BodyError, ImageError, StateImage};
use crate::schedule::Schedule;

/// The version of the bodies that this build writes, and the only one that it reads.
pub const VERSION: u8 = 1;

const STATE: u8 = 1;
const SCHEDULE: u8 = 2;

/// What a journal comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Folded {
    /// The image of the state. Absent if the state was never set.
    pub state: Option<Bytes>,
    /// The alarms that are set.
    pub schedule: Schedule,
}

/// The body of a commit that changes the state by `operations` and the schedule by `updates`, both
/// in stored form. Either may be empty.
pub fn encode_commit(operations: &[u8], updates: &[u8]) -> Bytes {
    encode(&[(STATE, operations), (SCHEDULE, updates)])
}

/// The body of a snapshot.
pub fn encode_snapshot(folded: &Folded) -> Bytes {
    let alarms = folded.schedule.encode();
    encode(&[
        (STATE, folded.state.as_deref().unwrap_or_default()),
        (SCHEDULE, &alarms),
    ])
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
    let mut folded = Folded::default();
    if let Some(snapshot) = snapshot {
        let body = read(snapshot).map_err(ImageError::Body)?;
        folded.state = body.state;
        folded.apply_schedule(body.schedule)?;
    }
    let mut image = None;
    for (position, commit) in tail.into_iter().enumerate() {
        let in_commit = |reason| ImageError::Commit {
            position,
            reason: Box::new(reason),
        };
        let body = read(commit).map_err(|error| in_commit(ImageError::Body(error)))?;
        folded.apply_schedule(body.schedule).map_err(in_commit)?;
        let Some(operations) = body.state else {
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

impl Folded {
    fn apply_schedule(&mut self, updates: Option<Bytes>) -> Result<(), ImageError> {
        let Some(updates) = updates else {
            return Ok(());
        };
        self.schedule
            .apply_stored(&updates)
            .map_err(ImageError::Schedule)
    }
}

fn encode(entries: &[(u8, &[u8])]) -> Bytes {
    let present = || entries.iter().filter(|(_, bytes)| !bytes.is_empty());
    let size: usize = present().map(|(_, bytes)| bytes.len() + 11).sum();
    let mut out = Vec::with_capacity(1 + size);
    out.push(VERSION);
    for &(kind, bytes) in present() {
        out.push(kind);
        put_leb128(&mut out, bytes.len() as u64);
        out.extend_from_slice(bytes);
    }
    out.into()
}

/// The entries of a body.
#[derive(Default)]
struct Body {
    state: Option<Bytes>,
    schedule: Option<Bytes>,
}

fn read(body: Bytes) -> Result<Body, BodyError> {
    let found = *body.first().ok_or(BodyError::Empty)?;
    if found != VERSION {
        return Err(BodyError::Version {
            found,
            supported: VERSION,
        });
    }
    let mut entries = Body::default();
    let mut at = 1;
    while at < body.len() {
        let kind = body[at];
        let entry = match kind {
            STATE => &mut entries.state,
            SCHEDULE => &mut entries.schedule,
            _ => return Err(BodyError::UnknownKind(kind)),
        };
        let (start, len) = read_leb128(&body, at + 1).ok_or(BodyError::Truncated { at })?;
        let end = usize::try_from(len)
            .ok()
            .and_then(|len| start.checked_add(len));
        let end = end
            .filter(|end| *end <= body.len())
            .ok_or(BodyError::Truncated { at })?;
        if entry.replace(body.slice(start..end)).is_some() {
            return Err(BodyError::Repeated(kind));
        }
        at = end;
    }
    Ok(entries)
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
