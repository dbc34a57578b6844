//! The engines through their public face.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests fail like the tests themselves"
)]

mod contract;
mod data_dir;
mod model;
mod recovery;

use std::{path::Path, sync::Arc};

use greenroom_store::{EmbeddedConfig, EmbeddedStore, Store};
use tempfile::TempDir;

/// Opens the directory, which must work.
fn open(path: &Path) -> EmbeddedStore {
    // A test needs no reserve, and the machine that runs it may have none.
    let mut config = EmbeddedConfig::new(path);
    config.reserve_bytes = 0;
    EmbeddedStore::open(config).expect("the directory can be opened")
}

fn directory() -> TempDir {
    tempfile::tempdir().expect("the system has room for tests")
}

/// A store in a directory of its own.
fn embedded() -> (TempDir, Arc<dyn Store>) {
    let dir = directory();
    let store = open(dir.path());
    (dir, Arc::new(store))
}
