//! Fuzzing with libFuzzer: how its targets are built and run.
//!
//! The targets are a workspace of their own, `fuzz/`, laid out as cargo-fuzz has it. They are built here without that
//! program, because it takes a nightly compiler only for what is not needed: coverage is a pass that the stable one
//! has as well. Everything that a run makes is in `target/fuzz`; `fuzz/corpus` has what is kept.

mod build;
mod options;
mod run;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::repo;

pub(crate) use build::build;
pub(crate) use options::{HELP, Options, Plan, parse};
pub(crate) use run::{keep, run};

/// The names of all targets, sorted.
///
/// # Errors
/// Their folder cannot be read.
pub(crate) fn targets() -> Result<Vec<String>> {
    let folder = repo::root().join("fuzz/fuzz_targets");
    let entries =
        fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut names = Vec::new();
    for entry in entries {
        let file = entry?.path();
        let name = file.file_stem().and_then(|stem| stem.to_str());
        if file.extension().is_some_and(|extension| extension == "rs") {
            names.extend(name.map(str::to_owned));
        }
    }
    names.sort();
    Ok(names)
}

/// Where everything that a run makes is.
fn work_folder() -> PathBuf {
    repo::root().join("target/fuzz")
}

/// The inputs of a target that are kept in the repository.
fn kept_corpus(target: &str) -> PathBuf {
    repo::root().join("fuzz/corpus").join(target)
}
