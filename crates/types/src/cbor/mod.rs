//! CBOR (RFC 8949) as bytes: a reader that borrows, a checker, and a writer.
//!
//! The reader never allocates for what it returns and never recurses deeper than
//! [`limits::NESTING`](crate::limits::NESTING). It checks well-formedness only; what a tag means is
//! up to whoever reads it. The writer makes definite lengths and shortest heads.
//!
//! ```
//! use greenroom_types::cbor::{self, Reader};
//!
//! let mut out = Vec::new();
//! cbor::put_map(&mut out, 1);
//! cbor::put_text(&mut out, "count");
//! cbor::put_number(&mut out, 3.0);
//! assert_eq!(out, b"\xa1\x65count\x03");
//!
//! let mut reader = Reader::new(&out);
//! let mut members = reader.map()?;
//! while members.more(&mut reader)? {
//!     assert_eq!(reader.text()?, "count");
//!     assert_eq!(reader.item()?, b"\x03");
//! }
//! reader.finish()?;
//! # Ok::<(), cbor::CborError>(())
//! ```

mod error;
mod head;
mod reader;
mod writer;

pub use error::{CborError, CborProblem};
pub use head::{Head, Major};
pub use reader::{Items, Reader, validate};
pub use writer::{
    put_array, put_bool, put_bytes, put_f64, put_head, put_int, put_map, put_null, put_number,
    put_tag, put_text, put_uint, put_undefined, put_wide_int, put_wide_uint,
};

#[cfg(test)]
mod tests;
