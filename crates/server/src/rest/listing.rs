//! Listing actors a page at a time: those of one type, or of all types one after the other.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use bytes::Bytes;
use greenroom_core::Runtime;
use greenroom_store::{ActorRecord, ListQuery};
use greenroom_types::{ActorError, ActorKey, ActorName};

/// What to list.
pub(super) struct Listing {
    /// The type; all of them if there is none.
    pub(super) name: Option<ActorName>,
    /// Only keys that begin with these parts.
    pub(super) prefix: ActorKey,
    /// At most so many.
    pub(super) limit: usize,
}

/// One page, and the cursor of the next.
pub(super) type Page = (Vec<ActorRecord>, Option<String>);

impl Listing {
    /// The page at `cursor`, which came with the one before.
    ///
    /// # Errors
    /// `validation.invalid_input` for a cursor that is none, or a store's error.
    pub(super) async fn page(
        self,
        runtime: &Runtime,
        cursor: Option<&str>,
    ) -> Result<Page, ActorError> {
        let place = cursor.map(Place::decode).transpose()?;
        let names = self.names(runtime, place.as_ref());
        let mut after = place.and_then(|place| {
            let is_there = names
                .first()
                .is_some_and(|name| name.as_str() == place.name);
            place.after.filter(|_| is_there)
        });
        let mut found = Vec::new();
        for (index, name) in names.iter().enumerate() {
            let query = ListQuery {
                name: name.clone(),
                prefix: self.prefix.clone(),
                cursor: after.take(),
                limit: self.limit - found.len(),
            };
            let page = runtime.list(query).await?;
            found.extend(page.actors);
            if let Some(next) = page.next {
                return Ok((found, Some(Place::encode(name, &next))));
            }
            if found.len() >= self.limit {
                let next = names.get(index + 1);
                return Ok((found, next.map(|name| Place::encode(name, b""))));
            }
        }
        Ok((found, None))
    }

    /// The types that are left at `place`.
    fn names(&self, runtime: &Runtime, place: Option<&Place>) -> Vec<ActorName> {
        let mut names: Vec<ActorName> = match &self.name {
            Some(name) => vec![name.clone()],
            None => runtime.names().cloned().collect(),
        };
        if let Some(place) = place {
            names.retain(|name| *name.as_str() >= *place.name);
        }
        names
    }
}

/// Where a page begins.
struct Place {
    /// The type. Those before it are done.
    name: String,
    /// The store's cursor; absent at the type's beginning.
    after: Option<Bytes>,
}

impl Place {
    /// base64url of `name | 0 | the store's cursor`. No name of a registered type has a zero in it.
    fn encode(name: &ActorName, after: &[u8]) -> String {
        BASE64_URL_SAFE_NO_PAD.encode([name.as_str().as_bytes(), b"\0", after].concat())
    }

    fn decode(cursor: &str) -> Result<Self, ActorError> {
        let read = || {
            let bytes = BASE64_URL_SAFE_NO_PAD.decode(cursor).ok()?;
            let end = bytes.iter().position(|byte| *byte == 0)?;
            let name = String::from_utf8(bytes[..end].to_vec()).ok()?;
            let after = Bytes::copy_from_slice(&bytes[end + 1..]);
            let after = Some(after).filter(|after| !after.is_empty());
            Some(Self { name, after })
        };
        read().ok_or_else(|| super::list::invalid("`cursor` is none of ours"))
    }
}
