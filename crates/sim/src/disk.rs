//! The disk under a node's store: syncs take their time, and all that was written before one begins shares it.

use std::sync::Arc;

use greenroom_store::testing::FaultStore;
use tokio::{sync::watch, time::sleep};

use crate::{book::Book, plan::DiskPlan, rng::Rng};

/// Syncs what is written, until the node ends.
pub(crate) async fn run(
    book: Book,
    store: Arc<FaultStore>,
    plan: DiskPlan,
    mut rng: Rng,
    mut stalled: watch::Receiver<bool>,
) {
    loop {
        store.until_held(1).await;
        let count = store.held();
        sleep(rng.pause(plan.fast_us / 1000, plan.slow_ms)).await;
        // Without anybody who stalls it, it goes on.
        let _ = stalled.wait_for(|stalled| !stalled).await;
        store.sync(count);
        book.note(format!("disk has synced {count}"));
    }
}
