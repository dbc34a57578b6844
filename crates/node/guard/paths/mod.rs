//! The paths, by what they go through.

mod calls;
mod crossing;
mod events;
mod lives;
mod state;
mod values;

use crate::path::Path;

/// All of them, in the order of the table.
pub(crate) fn all() -> Vec<Path> {
    [
        calls::PATHS,
        events::PATHS,
        lives::PATHS,
        state::PATHS,
        values::PATHS,
        crossing::PATHS,
    ]
    .into_iter()
    .flat_map(|paths| paths.iter().copied())
    .collect()
}
