//! Errors over HTTP.

use bytes::Bytes;

use super::{
    Encoding, bare,
    fields::{Field, error_fields, put_fields},
};
use crate::{ActorError, ActorId, ActorKey};

/// Which actor an error comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActorRef {
    /// Its id.
    pub id: ActorId,
    /// Which of its lives.
    pub generation: u64,
    /// Its key in storage form.
    pub key: Option<String>,
}

impl ActorRef {
    /// The actor with this id, life and key.
    pub fn new(id: ActorId, generation: u64, key: &ActorKey) -> Self {
        Self {
            id,
            generation,
            key: Some(key.to_storage()),
        }
    }
}

/// The body of an HTTP error answer. Metadata that is not sound CBOR is left out.
///
/// Shape: `{group, code, message, metadata?, actor?: {actorId, generation, key?}}`; in BARE the
/// version and the same fields in order.
pub fn encode_error_body(
    encoding: Encoding,
    error: &ActorError,
    actor: Option<&ActorRef>,
) -> Bytes {
    let [group, code, message, metadata] = error_fields(error);
    let fields = [
        group,
        code,
        message,
        metadata,
        ("actor", Field::OptionalActor(actor)),
    ];
    let mut out = Vec::with_capacity(128 + error.message.len());
    if matches!(encoding, Encoding::Bare) {
        bare::put_version(&mut out);
    }
    put_fields(encoding, &mut out, &fields)
        .expect("metadata is the only value, and it was checked");
    out.into()
}
