//! Why a value cannot be read or turned into the other form.

use crate::{ActorError, cbor::CborError};

/// A value that is malformed, or that the other form cannot hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// Text that is not JSON, or is nested too deeply. Says where.
    #[error("JSON: {0}")]
    Json(String),
    /// Bytes that are not well-formed CBOR.
    #[error("CBOR: {0}")]
    Cbor(#[from] CborError),
    /// Well-formed CBOR that has no meaning as a JavaScript value.
    #[error("CBOR: {problem} at byte {offset}")]
    Meaning {
        /// Where the item starts.
        offset: usize,
        /// What is wrong with it.
        problem: &'static str,
    },
}

impl From<ValueError> for ActorError {
    fn from(error: ValueError) -> Self {
        Self::invalid_encoding(error.to_string())
    }
}

impl From<CborError> for ActorError {
    fn from(error: CborError) -> Self {
        ValueError::from(error).into()
    }
}
