//! Random programs with restarts.

use std::sync::Arc;

use greenroom_store::{
    Store,
    testing::{FaultStore, block_on, model},
};

use crate::{directory, open};

#[test]
fn memory_follows_the_model() {
    for seed in 0..50 {
        let mut store = Arc::new(FaultStore::new());
        block_on(model::run(seed, 400, |_| {
            store = Arc::new(store.crash(0));
            Arc::clone(&store) as Arc<dyn Store>
        }));
    }
}

#[test]
fn embedded_follows_the_model_across_restarts() {
    for seed in 0..8 {
        let dir = directory();
        block_on(model::run(seed, 300, |old| {
            drop(old);
            Arc::new(open(dir.path()))
        }));
    }
}
