//! What Greenroom is published as: npm packages, and crates.
//!
//! Makes the files below `dist/` and publishes nothing. The npm packages are made of copies in which only their
//! manifests and what is for everybody differ from the folders of `packages/`, so that working in the repository
//! needs none of it.

mod crates;
mod machine_code;
mod manifest;
mod notices;
mod npm;
mod platform;
mod stage;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::repo;

pub(crate) use crates::package as crates;
pub(crate) use npm::pack as npm;

/// One file that can be published.
pub(crate) struct Made {
    /// The package's name and version, as in `name@version`.
    pub(crate) package: String,
    /// The file.
    pub(crate) file: PathBuf,
    /// The size of the file in bytes.
    pub(crate) packed: u64,
    /// The size of its contents in bytes, if it is known.
    pub(crate) unpacked: Option<u64>,
}

/// A folder below `dist/` with nothing in it.
fn empty_folder(name: &str) -> Result<PathBuf> {
    let folder = repo::root().join("dist").join(name);
    if folder.exists() {
        fs::remove_dir_all(&folder)
            .with_context(|| format!("cannot empty {}", folder.display()))?;
    }
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    Ok(folder)
}
