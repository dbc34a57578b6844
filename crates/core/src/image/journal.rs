//! What the bodies of commits and snapshots hold.
//!
//! A body is one byte of version, [`VERSION`], and then entries: `kind u8`, `len` as unsigned
//! LEB128, and `len` bytes. Each kind occurs at most once:
//!
//! | kind | in a commit | in a snapshot |
//! |---|---|---|
//! | 1, state | a sequence of operations ([`super`]) | an image ([`super`]) |
//! | 2, schedule | a sequence of updates ([`schedule`](crate::schedule)) | all alarms |
//! | 3, key-value pairs | a sequence of changes ([`kv`](crate::kv)) | all pairs |
//! | 4, queue | a sequence of updates ([`queue`](crate::queue)) | all messages |
//! | 5, state version | one unsigned integer of CBOR | the last one |
//! | 6, events | a sequence of items ([`window`](crate::window)) | all recent events |
//! | 7, calls that run once | a sequence of changes ([`once`](crate::once)) | all records |
//!
//! A body without entries is a commit that changed nothing, or the snapshot of an actor that keeps
//! nothing.
//!
//! Whatever a build does not know, version or kind, it refuses: an older build that left entries
//! out would lose them for good with its next snapshot. Bodies are never rewritten; the version
//! belongs to each one, so a newer build reads a journal with several.

use bytes::Bytes;
use greenroom_types::cbor::{self, CborError, CborProblem, Reader};

use super::{BodyError, ImageError, StateImage};
use crate::{kv::Kv, once::CallWindow, queue::Queue, schedule::Schedule, window::Window};

/// The version of the bodies that this build writes, and the only one that it reads.
pub const VERSION: u8 = 1;

const STATE: u8 = 1;
const SCHEDULE: u8 = 2;
const KV: u8 = 3;
const QUEUE: u8 = 4;
const STATE_VERSION: u8 = 5;
const EVENTS: u8 = 6;
const CALLS: u8 = 7;

/// What a journal comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Folded {
    /// The image of the state. Absent if the state was never set.
    pub state: Option<Bytes>,
    /// The alarms that are set.
    pub schedule: Schedule,
    /// The key-value pairs. They are parts of the bodies that they were read from.
    pub kv: Kv,
    /// The messages that wait.
    pub queue: Queue,
    /// The version that the host gave the state. Absent if it never did.
    pub state_version: Option<u32>,
    /// The recent events. Absent if the actor has never kept any.
    pub events: Option<Window>,
    /// What became of calls that run once.
    pub calls: CallWindow,
}

/// What one commit changes, in stored form. Whatever is empty is left out.
#[derive(Debug, Default)]
pub struct Changes {
    /// Operations on the state.
    pub state: Vec<u8>,
    /// Updates of the schedule.
    pub schedule: Vec<u8>,
    /// Changes of the key-value pairs.
    pub kv: Vec<u8>,
    /// Updates of the queues.
    pub queue: Vec<u8>,
    /// The version of the state from here on.
    pub state_version: Option<u32>,
    /// Events, and what is forgotten of them.
    pub events: Vec<u8>,
    /// Changes of the records of calls that run once.
    pub calls: Vec<u8>,
}

impl Changes {
    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.state.is_empty()
            && self.schedule.is_empty()
            && self.kv.is_empty()
            && self.queue.is_empty()
            && self.state_version.is_none()
            && self.events.is_empty()
            && self.calls.is_empty()
    }

    /// The bytes of it.
    pub fn len(&self) -> usize {
        self.state.len()
            + self.schedule.len()
            + self.kv.len()
            + self.queue.len()
            + self.events.len()
            + self.calls.len()
    }
}

/// The body of a commit.
pub fn encode_commit(changes: &Changes) -> Bytes {
    encode(&[
        (STATE, &changes.state),
        (SCHEDULE, &changes.schedule),
        (KV, &changes.kv),
        (QUEUE, &changes.queue),
        (STATE_VERSION, &encode_version(changes.state_version)),
        (EVENTS, &changes.events),
        (CALLS, &changes.calls),
    ])
}

/// The body of a commit that changes nothing but the state, by `operations`, which may be empty.
pub fn encode_state_commit(operations: &[u8]) -> Bytes {
    encode(&[(STATE, operations)])
}

/// The body of a snapshot.
pub fn encode_snapshot(folded: &Folded) -> Bytes {
    encode(&[
        (STATE, folded.state.as_deref().unwrap_or_default()),
        (SCHEDULE, &folded.schedule.encode()),
        (KV, &folded.kv.encode()),
        (QUEUE, &folded.queue.encode()),
        (STATE_VERSION, &encode_version(folded.state_version)),
        (
            EVENTS,
            &folded
                .events
                .as_ref()
                .map(Window::encode)
                .unwrap_or_default(),
        ),
        (CALLS, &folded.calls.encode()),
    ])
}

/// Whether folding `snapshot` alone means more than handing its state on.
pub fn has_kv(snapshot: &Bytes) -> bool {
    read(snapshot.clone()).is_ok_and(|body| body.kv.is_some())
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
        folded.apply_rest(&body)?;
        folded.state = body.state;
    }
    let mut image = None;
    for (position, commit) in tail.into_iter().enumerate() {
        let in_commit = |reason| ImageError::Commit {
            position,
            reason: Box::new(reason),
        };
        let body = read(commit).map_err(|error| in_commit(ImageError::Body(error)))?;
        folded.apply_rest(&body).map_err(in_commit)?;
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
    /// Applies everything in a body but the state.
    fn apply_rest(&mut self, body: &Body) -> Result<(), ImageError> {
        if let Some(updates) = &body.schedule {
            let applied = self.schedule.apply_stored(updates);
            applied.map_err(ImageError::Schedule)?;
        }
        if let Some(changes) = &body.kv {
            self.kv.apply_stored(changes).map_err(ImageError::Kv)?;
        }
        if let Some(updates) = &body.queue {
            let applied = self.queue.apply_stored(updates);
            applied.map_err(ImageError::Queue)?;
        }
        if let Some(changes) = &body.calls {
            let applied = self.calls.apply_stored(changes);
            applied.map_err(ImageError::Calls)?;
        }
        if let Some(version) = &body.state_version {
            self.state_version = Some(decode_version(version).map_err(ImageError::Version)?);
        }
        if let Some(items) = &body.events {
            let window = self.events.get_or_insert_default();
            window.apply_stored(items).map_err(ImageError::Events)?;
        }
        Ok(())
    }
}

fn encode_version(version: Option<u32>) -> Vec<u8> {
    let mut out = Vec::new();
    if let Some(version) = version {
        cbor::put_uint(&mut out, u64::from(version));
    }
    out
}

fn decode_version(bytes: &[u8]) -> Result<u32, CborError> {
    let mut reader = Reader::new(bytes);
    let version = reader.uint()?;
    reader.finish()?;
    u32::try_from(version)
        .map_err(|_| CborError::new(0, CborProblem::Expected("a version below 2^32")))
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
    kv: Option<Bytes>,
    queue: Option<Bytes>,
    state_version: Option<Bytes>,
    events: Option<Bytes>,
    calls: Option<Bytes>,
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
            KV => &mut entries.kv,
            QUEUE => &mut entries.queue,
            STATE_VERSION => &mut entries.state_version,
            EVENTS => &mut entries.events,
            CALLS => &mut entries.calls,
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
