//! Waits until a server's memory does not change any more.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::server_process::ServerProcess;

/// How often it is looked at.
const LOOK: Duration = Duration::from_millis(100);
/// For how long it has to stay: some servers look every other second what they can give back.
const STILL: Duration = Duration::from_secs(5);
/// A change by less is none, as a share of the whole.
const NOISE: f64 = 0.002;
/// The longest wait. A server whose memory never rests is taken as it is then.
const LIMIT: Duration = Duration::from_secs(20);

/// What a server takes, at rest.
#[derive(Clone, Copy, Debug)]
pub(super) struct Memory {
    /// In RAM, in bytes.
    pub(super) resident: f64,
    /// Of JavaScript's objects, in bytes, where there are any.
    pub(super) heap: Option<f64>,
}

impl Memory {
    /// Asks for the collection of garbage, if there is somebody to ask, and waits for what comes of it.
    ///
    /// # Errors
    /// The server is gone or does not answer.
    pub(super) async fn of(server: &mut ServerProcess, has_heap: bool) -> Result<Self> {
        let mut heap = None;
        if has_heap {
            heap = Some(server.collect_garbage()? as f64);
        }
        let deadline = Instant::now() + LIMIT;
        let mut since = Instant::now();
        let mut reference = server.resident()? as f64;
        while since.elapsed() < STILL && Instant::now() < deadline {
            tokio::time::sleep(LOOK).await;
            let now = server.resident()? as f64;
            if (now - reference).abs() > reference * NOISE {
                (reference, since) = (now, Instant::now());
            }
        }
        Ok(Self {
            resident: server.resident()? as f64,
            heap,
        })
    }
}
