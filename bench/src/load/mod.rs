//! The load generator: keeps a fixed number of operations in flight and checks every reply.
//!
//! It runs on one thread. Each request is one write to its socket, as clients in JavaScript send
//! them; replies are read as they come.

mod counter;
mod http;
mod recorder;
mod socket;

use std::{net::SocketAddr, time::Duration};

use anyhow::{Context, Result, bail};

pub(crate) use recorder::{Measurement, Window};

use crate::{
    dialect::Dialect,
    workload::{Transport, Workload},
};
use recorder::Recorder;

/// How much longer than planned a round may take before it counts as hung.
const SLACK: Duration = Duration::from_secs(20);

/// Where and how to work.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    /// The server.
    pub(crate) address: SocketAddr,
    /// The server's process, whose CPU time counts.
    pub(crate) pid: u32,
    /// What it speaks.
    pub(crate) dialect: &'static dyn Dialect,
}

/// Warms up, measures, waits for the last replies, and checks the final state.
///
/// # Errors
/// A reply that is an error or wrong, a state that is not what the acknowledged operations make it,
/// a broken connection, or a server that stops answering.
pub(crate) fn generate(target: Target, workload: &Workload, window: Window) -> Result<Measurement> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the load generator")?;
    let recorder = Recorder::new(target.pid, window);
    let work = async {
        match workload.transport {
            Transport::WebSocket => socket::work(target, workload, &recorder).await,
            Transport::Http => http::work(target, workload, &recorder).await,
        }
    };
    let limit = window.warm_up + window.measured + SLACK;
    runtime.block_on(async {
        match tokio::time::timeout(limit, work).await {
            Ok(done) => done,
            Err(_) => bail!("the server stopped answering: no end after {limit:?}"),
        }
    })?;
    recorder.finish()
}
