//! From what a store says to what a caller is told.

use greenroom_store::StoreError;
use greenroom_types::ActorError;
use tracing::error;

/// The caller's view of a store error. Where it is nobody's business, it is logged here.
pub(crate) fn store_error(cause: &StoreError) -> ActorError {
    match cause {
        // Somebody else owns the actor now, or this instance has lost track: a retry finds it.
        StoreError::Fenced { .. } | StoreError::OutOfOrder { .. } => ActorError::restarting(),
        StoreError::Full(_) | StoreError::Unreadable(_) => {
            error!(%cause, "the store cannot serve an actor at the moment");
            ActorError::store_unavailable()
        }
        StoreError::Failed(_) => {
            error!(%cause, "the store refused a write, restart the process");
            ActorError::store_failed()
        }
        StoreError::Closed => ActorError::stopping(),
        StoreError::Corrupt(_) => {
            error!(%cause, "the store returned damaged data");
            ActorError::internal()
        }
    }
}
