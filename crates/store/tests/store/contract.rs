//! Every engine keeps the contract.

use std::sync::Arc;

use greenroom_store::{MemoryStore, Store, store_suite, testing::FaultStore};

use crate::embedded;

fn memory() -> ((), Arc<dyn Store>) {
    ((), Arc::new(MemoryStore::new()))
}

fn without_faults() -> ((), Arc<dyn Store>) {
    ((), Arc::new(FaultStore::new()))
}

store_suite!(on_embedded, embedded);
store_suite!(on_memory, memory);
store_suite!(on_fault, without_faults);
