//! What clients are told that missed events.

use greenroom_core::{Resync, ResyncReason};
use greenroom_types::protocol::ServerFrame;

/// The frame that says so.
pub(crate) fn resync_frame(resync: &Resync) -> ServerFrame<'static> {
    ServerFrame::Resync {
        number: resync.to,
        reason: resync.reason.name(),
        from: resync.from,
    }
}

/// Event `number` is larger than what may be sent.
pub(crate) fn too_large(number: u64) -> Resync {
    Resync {
        from: number - 1,
        to: number,
        reason: ResyncReason::TooLarge,
    }
}
