//! The same action again and again, over either transport.

use anyhow::Result;

use super::{Job, http, set_operations, socket, sockets};
use crate::{
    results::Values,
    workload::{Actions, Transport},
};

/// Every reply carries the value that the counter must have by then, and the last read equals the
/// acknowledged increments.
pub(super) fn measure(job: &Job<'_>, actions: &Actions) -> Result<Values> {
    let measurement = job.windowed(async |target, recorder| match actions.transport {
        Transport::WebSocket => socket::work(target, actions, recorder).await,
        Transport::WebSockets => sockets::work(target, actions, recorder).await,
        Transport::Http { actors } => http::work(target, actions, actors, recorder).await,
    })?;
    let mut values = Values::new();
    set_operations(&mut values, &measurement);
    Ok(values)
}
