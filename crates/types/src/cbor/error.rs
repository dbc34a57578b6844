//! Why bytes are not the CBOR that they should be.

use crate::limits;

/// Bytes that are not well-formed CBOR, or not the item that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem} at byte {offset}")]
pub struct CborError {
    /// Where the offending item starts, in bytes from the start of the reader's input.
    pub offset: usize,
    /// What is wrong there.
    pub problem: CborProblem,
}

/// What is wrong with an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CborProblem {
    /// The input ends inside the item, or a length promises more than there is.
    #[error("the input ends too early")]
    Truncated,
    /// An additional-information value, or a two-byte simple value, that CBOR forbids.
    #[error("a reserved head")]
    Reserved,
    /// The end of an indefinite item where none is open, or in the middle of a map entry.
    #[error("a break outside an indefinite item")]
    Break,
    /// An indefinite string with something else than definite strings of its kind inside.
    #[error("a string chunk of the wrong kind")]
    Chunk,
    /// Text that is not UTF-8.
    #[error("text that is not UTF-8")]
    Utf8,
    /// More levels of arrays, maps and tags than [`limits::NESTING`].
    #[error("nesting deeper than {} levels", limits::NESTING)]
    TooDeep,
    /// Bytes after the last item.
    #[error("bytes after the end of the item")]
    Trailing,
    /// A well-formed item of another kind than the one asked for.
    #[error("expected {0}")]
    Expected(&'static str),
}

impl CborError {
    /// `problem` with the item that starts at `offset`.
    pub fn new(offset: usize, problem: CborProblem) -> Self {
        Self { offset, problem }
    }
}
