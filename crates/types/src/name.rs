//! Names of actor types.

use std::{fmt, sync::Arc};

use crate::limits;

/// The name of an actor type, as given to `setup({ use: { name } })`. Between 1 and
/// [`limits::NAME_CHARS`] characters, none of them a control character, `/` or `@`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ActorName(Arc<str>);

/// A text that cannot name an actor type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{name}` cannot name an actor: use 1 to {max} characters without control characters, `/` or `@`",
    max = limits::NAME_CHARS
)]
pub struct InvalidName {
    name: String,
}

impl ActorName {
    /// Checks and wraps `name`.
    ///
    /// # Errors
    /// [`InvalidName`] when it is empty, too long, or has a forbidden character.
    pub fn new(name: &str) -> Result<Self, InvalidName> {
        let forbidden = |c: char| c.is_control() || c == '/' || c == '@';
        let count = name.chars().count();
        if count == 0 || count > limits::NAME_CHARS || name.chars().any(forbidden) {
            let shown = name.chars().take(limits::NAME_CHARS).collect();
            return Err(InvalidName { name: shown });
        }
        Ok(Self(name.into()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ActorName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ActorName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}
