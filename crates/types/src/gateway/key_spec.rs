//! Keys in gateway URLs.

use crate::{ActorError, ActorKey, limits};

/// A key as a gateway URL gives it.
///
/// Old clients join the parts with commas and escape nothing, so that `["a,b"]` and `["a","b"]` look
/// the same, and `[""]` looks like `[]`. All of these can exist, since they can be created through
/// the lookup API. The rule that keeps every actor reachable:
///
/// * *get*: try [`KeySpec::candidates`] in order; the first actor that exists is meant.
/// * *getOrCreate*: the same; if none exists, create [`KeySpec::plain`].
///
/// A key without a comma (and not empty) has only one candidate, so the common case costs one
/// lookup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySpec {
    /// An `rvt-key` that can be read in several ways: the text as given; empty when the parameter was absent.
    /// Its plain reading is within the limits.
    Gateway(String),
    /// An `rvt-key` that can be read in one way only, or `rvt-key-storage`, our clients' parameter: the storage
    /// form, which is never ambiguous.
    Exact(ActorKey),
}

impl KeySpec {
    /// The spec of a value of `rvt-key`.
    ///
    /// # Errors
    /// `actor.key_too_large`.
    pub fn gateway(text: &str) -> Result<Self, ActorError> {
        let plain = plain(text)?;
        let is_ambiguous = text.is_empty() || text.contains(',');
        Ok(match is_ambiguous {
            true => Self::Gateway(text.to_owned()),
            false => Self::Exact(plain),
        })
    }

    /// The spec of a value of `rvt-key-storage`.
    ///
    /// # Errors
    /// `actor.key_too_large`.
    pub fn exact(storage: &str) -> Result<Self, ActorError> {
        Ok(Self::Exact(ActorKey::from_storage(storage)?))
    }

    /// The key that is meant unless another one exists: the parts between the commas.
    pub fn plain(&self) -> ActorKey {
        match self {
            Self::Gateway(text) => plain(text).expect("checked when the spec was made"),
            Self::Exact(key) => key.clone(),
        }
    }

    /// The keys that may be meant, likeliest first: the plain one, the whole text as one part, then
    /// the other ways to take commas as part of a part, those with the fewest such commas first. At
    /// most [`limits::KEY_GROUPINGS`], each within the limits of a key and different from the others.
    pub fn candidates(&self) -> impl Iterator<Item = ActorKey> + '_ {
        let (exact, text) = match self {
            Self::Exact(key) => (Some(key.clone()), None),
            Self::Gateway(text) => (None, Some(text.as_str())),
        };
        exact.into_iter().chain(text.into_iter().flat_map(readings))
    }
}

fn plain(text: &str) -> Result<ActorKey, ActorError> {
    let parts = if text.is_empty() {
        Vec::new()
    } else {
        text.split(',').map(str::to_owned).collect()
    };
    Ok(ActorKey::new(parts)?)
}

fn readings(text: &str) -> impl Iterator<Item = ActorKey> + '_ {
    let pieces: Vec<&str> = text.split(',').collect();
    let commas = pieces.len() - 1;
    let empty = text.is_empty().then(Vec::new);
    // How many commas belong to a part: none, all, then from one up.
    let counts = std::iter::once(0)
        .chain((commas > 0).then_some(commas))
        .chain(1..commas);
    let parts = counts
        .flat_map(move |count| Choices::new(commas, count))
        .map(move |kept| group(&pieces, &kept));
    empty
        .into_iter()
        .chain(parts)
        .take(limits::KEY_GROUPINGS)
        .filter_map(|p| ActorKey::new(p).ok())
}

/// The parts when the commas at the positions `kept` (ascending, from 0) belong to a part.
fn group(pieces: &[&str], kept: &[usize]) -> Vec<String> {
    let mut parts: Vec<String> = Vec::with_capacity(pieces.len() - kept.len());
    let mut kept = kept.iter().peekable();
    for (index, piece) in pieces.iter().enumerate() {
        // Piece `index` stands behind comma `index - 1`.
        match parts.last_mut() {
            Some(part) if kept.next_if(|comma| **comma + 1 == index).is_some() => {
                part.push(',');
                part.push_str(piece);
            }
            _ => parts.push((*piece).to_owned()),
        }
    }
    parts
}

/// All ways to choose `count` of the numbers below `below`, each ascending, in lexical order.
struct Choices {
    below: usize,
    next: Option<Vec<usize>>,
}

impl Choices {
    fn new(below: usize, count: usize) -> Self {
        Self {
            below,
            next: Some((0..count).collect()),
        }
    }
}

impl Iterator for Choices {
    type Item = Vec<usize>;

    fn next(&mut self) -> Option<Vec<usize>> {
        let current = self.next.take()?;
        let count = current.len();
        // The last number that can still grow does, and those behind it follow closely.
        let can_grow = |index: &usize| current[*index] < self.below - count + index;
        if let Some(grows) = (0..count).rev().find(can_grow) {
            let mut following = current.clone();
            for (number, value) in following[grows..].iter_mut().zip(current[grows] + 1..) {
                *number = value;
            }
            self.next = Some(following);
        }
        Some(current)
    }
}
