//! State images and the operations that change them.
//!
//! The runtime does not understand users' state, but it folds the journal of its changes, so it
//! has to know which value sits where. This module owns that fold. It is the reference for the
//! format: the TypeScript tracker and decoder follow this page.
//!
//! # State form
//!
//! An image is one item of CBOR (RFC 8949) in definite-length encoding. Nothing in it is escaped.
//! What one item stands for:
//!
//! | value | item |
//! |---|---|
//! | `undefined`, `null`, `true`, `false` | simple values 23, 22, 21, 20 |
//! | integer from -2^32 to 2^32 - 1, except -0 | the shortest integer |
//! | any other number | a double, `fb` |
//! | bigint that fits in 64 bits | an integer with an 8-byte argument, `1b` or `3b` |
//! | any other bigint | tag 2 or 3 on a byte string |
//! | string | text in its shortest form; with a lone surrogate: tag 60001 on UTF-16LE bytes |
//! | plain object | map, keys strings |
//! | array | array |
//! | `Map` | tag 259 on a map, keys primitive |
//! | `Set` | tag 258 on an array, members primitive |
//! | `Date` | tag 1 on a double: seconds; NaN when invalid |
//! | `RegExp` | tag 27 on `["RegExp", source, flags]` |
//! | `Error` | tag 27 on `[name, message]` |
//! | `ArrayBuffer` | byte string |
//! | typed array | tag 64, 68 to 72, 77 to 79, 85 or 86 on a byte string, little-endian |
//!
//! Objects, arrays, `Map`s and `Set`s are containers, everything else is a leaf: the fold moves
//! leaves, but never looks into them. Containers nest at most [`limits::NESTING`] deep. Objects,
//! `Map`s and `Set`s keep the order of insertion, and no key or member occurs twice. Keys and
//! members are the same when their bytes are, so each has exactly one encoding. A primitive is an
//! integer, double, simple value, string or bigint.
//!
//! # Operations
//!
//! A change is a sequence of items, one after the other, each an array of an opcode and its
//! fields. A path is an array of steps from the root to a container: a string into an object, an
//! integer into an array, a primitive into a `Map`. Values are in state form.
//!
//! | operation | effect |
//! |---|---|
//! | `[0, path, key, value]` | set a property, an existing element, or an entry of a `Map`; what exists keeps its place, what is new comes last |
//! | `[1, path, key]` | delete a property, an entry of a `Map` or a member of a `Set`; nothing happens if it is not there |
//! | `[2, path, [value, ...]]` | append to an array |
//! | `[3, path, start, count, [value, ...]]` | replace `count` elements from `start` on by the values |
//! | `[4, path, [start, len, ...]]` | make an array of runs of its own elements: `len` of them from `start` upwards, or `-len` of them from `start` downwards; an element may occur any number of times, further occurrences are copies |
//! | `[5, path, member]` | add to a `Set`; nothing happens if it is there |
//! | `[6, path]` | clear a `Map` or `Set` |
//! | `[7, value]` | replace the root |
//!
//! An actor's first operation is a replacement of the root, because before it there is no state.
//! Whatever else does not apply is an error and condemns the sequence; operations are written by
//! our own tracker, so it means damage or a bug.
//!
//! # Versions
//!
//! Neither images nor operations carry a version of their own. They are stored inside journal
//! bodies, whose first byte is one ([`journal`]), and it covers both. A change to anything on this
//! page that an older build would misread takes a new number there.

mod apply;
mod entries;
mod error;
mod item;
pub mod journal;
mod node;
mod operation;
#[cfg(test)]
mod tests;

use bytes::Bytes;
#[cfg(doc)]
use greenroom_types::limits;

pub use self::error::{BodyError, ImageError, Malformed, OperationError};
use self::{apply::Applier, item::Cursor, node::Node, operation::Operation};

/// The state of one actor, ready to be changed and encoded again.
///
/// Only containers that operations went into are taken apart; everything else stays a slice of the
/// bytes it came in, so an image keeps those bytes alive. Encoding is deterministic, and what was
/// not changed comes out as it went in.
#[derive(Clone, Debug, Default)]
pub struct StateImage {
    root: Option<Node>,
}

impl StateImage {
    /// The image of an actor whose state was never set.
    pub fn empty() -> Self {
        Self::default()
    }

    /// Reads an image and checks all of it.
    ///
    /// # Errors
    /// [`ImageError::Image`] when `image` is not exactly one item in state form.
    pub fn decode(image: Bytes) -> Result<Self, ImageError> {
        let mut cursor = Cursor::new(&image);
        let root = cursor.item().map_err(ImageError::Image)?;
        if !cursor.is_at_end() {
            return Err(ImageError::Image(
                cursor.malformed("something after the end"),
            ));
        }
        Ok(Self {
            root: Some(Node::Raw(root.bytes)),
        })
    }

    /// Applies a sequence of operations.
    ///
    /// # Errors
    /// [`ImageError::Operation`] for the first operation that cannot be read or does not apply.
    /// Those before it have been applied and it may have been in part: drop the image.
    pub fn apply(&mut self, operations: &Bytes) -> Result<(), ImageError> {
        let mut cursor = Cursor::new(operations);
        let mut applier = Applier::new(&mut self.root);
        let mut index = 0;
        while !cursor.is_at_end() {
            Operation::read(&mut cursor)
                .and_then(|operation| applier.apply(operation))
                .map_err(|reason| ImageError::Operation { index, reason })?;
            index += 1;
        }
        Ok(())
    }

    /// The image in state form, or nothing if the state was never set.
    pub fn encode(&self) -> Option<Bytes> {
        match self.root.as_ref()? {
            Node::Raw(bytes) => Some(bytes.clone()),
            root @ Node::Open(_) => {
                let mut out = Vec::with_capacity(root.encoded_len());
                root.encode(&mut out);
                Some(out.into())
            }
        }
    }
}
