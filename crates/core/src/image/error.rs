//! Why an image or a journal cannot be folded.

use greenroom_types::{cbor::CborError, limits};

/// Why an image, an operation or a journal body was refused. Always a sign of damage, of a bug in
/// whoever wrote it, or of a newer format; never of what a user did.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImageError {
    /// A state image is not one item in state form.
    #[error("malformed state image: {0}")]
    Image(Malformed),
    /// An operation cannot be read or does not apply.
    #[error("state operation {index}: {reason}")]
    Operation {
        /// Position of the operation in its sequence, from 0.
        index: usize,
        /// What is wrong with it.
        reason: OperationError,
    },
    /// The body of a commit or snapshot is not what its version promises.
    #[error("malformed journal body: {0}")]
    Body(BodyError),
    /// The updates or alarms of a schedule cannot be read.
    #[error("malformed schedule: {0}")]
    Schedule(CborError),
    /// The changes of key-value pairs cannot be read.
    #[error("malformed key-value pairs: {0}")]
    Kv(CborError),
    /// The updates or messages of a queue cannot be read.
    #[error("malformed queue: {0}")]
    Queue(CborError),
    /// The records of calls that run once cannot be read.
    #[error("malformed records of calls: {0}")]
    Calls(CborError),
    /// The version of the state cannot be read.
    #[error("malformed state version: {0}")]
    Version(CborError),
    /// The events cannot be read.
    #[error("malformed events: {0}")]
    Events(CborError),
    /// One commit of a tail could not be folded.
    #[error("commit {position} after the snapshot: {reason}")]
    Commit {
        /// Position in the tail, from 0.
        position: usize,
        /// What is wrong with it.
        reason: Box<ImageError>,
    },
}

/// Bytes that are not state form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} at byte {at}")]
pub struct Malformed {
    /// Where, from the start of what was read.
    pub at: usize,
    /// What is wrong there.
    pub what: &'static str,
}

/// Why one operation was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OperationError {
    /// It cannot be read.
    #[error("{0}")]
    Malformed(#[from] Malformed),
    /// There is no operation with this number.
    #[error("unknown opcode {0}")]
    UnknownOpcode(u64),
    /// It has more or fewer fields than its opcode takes.
    #[error("opcode {opcode} takes {expected} fields, got {got}")]
    FieldCount {
        /// The opcode.
        opcode: u64,
        /// Fields after the opcode that it takes.
        expected: u64,
        /// Fields after the opcode that it has.
        got: u64,
    },
    /// Nothing was there to apply it to: the root does not exist yet.
    #[error("there is no state to change")]
    NoRoot,
    /// The path leads nowhere.
    #[error("step {step} of the path does not exist")]
    PathNotFound {
        /// Position of the step in the path, from 0.
        step: usize,
    },
    /// A step, key or member is not of the kind that its container takes.
    #[error("{container} takes no such {what}")]
    WrongKey {
        /// The container's kind, with an article.
        container: &'static str,
        /// `step`, `key` or `member`.
        what: &'static str,
    },
    /// What is at the path does not support the operation.
    #[error("cannot {what} {container}")]
    WrongContainer {
        /// What was to be done.
        what: &'static str,
        /// What is there, with an article.
        container: &'static str,
    },
    /// Elements outside of an array were named.
    #[error("elements {start}..{end} of an array with {len}")]
    OutOfRange {
        /// The first element.
        start: u64,
        /// The element after the last.
        end: u64,
        /// How many there are.
        len: usize,
    },
    /// The value would be nested deeper than an image may be.
    #[error("the state would be nested {depth} deep, limit is {max}", max = limits::NESTING)]
    TooDeep {
        /// Containers around the innermost value.
        depth: usize,
    },
    /// The operations multiply elements beyond reason.
    #[error("the operations copy more than {limit} bytes")]
    TooManyCopies {
        /// The limit, bookkeeping included.
        limit: usize,
    },
}

/// What is wrong with the body of a commit or snapshot.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// It is empty.
    #[error("it has no version")]
    Empty,
    /// It was written by a newer build.
    #[error("it has version {found}, this build reads {supported}")]
    Version {
        /// What it says.
        found: u8,
        /// What this build understands.
        supported: u8,
    },
    /// It holds something that this build does not know and must not drop.
    #[error("it has an entry of unknown kind {0}")]
    UnknownKind(u8),
    /// Two entries of one kind.
    #[error("it has two entries of kind {0}")]
    Repeated(u8),
    /// An entry is longer than what is left of the body, or its length is no number.
    #[error("the entry at byte {at} ends early")]
    Truncated {
        /// Where the entry starts.
        at: usize,
    },
}
