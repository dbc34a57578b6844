//! What the runtime may know of the outside world, so that a simulator can own all of it.

/// Wall clock and randomness. Timers are tokio's, which tests and simulators can pause.
pub trait Env: Send + Sync + 'static {
    /// Milliseconds since the Unix epoch.
    fn now_ms(&self) -> i64;

    /// Fills `bytes` with random values. Unpredictable in production: ids are made of them.
    fn random(&self, bytes: &mut [u8]);

    /// Whether the clock never jumps: it runs with tokio's timers. Otherwise those who wait for a time of
    /// day look at it every now and then.
    fn is_steady(&self) -> bool {
        false
    }

    /// Runs `work` where it may take long without holding up anybody: a thread pool in production,
    /// in place under a simulator.
    fn offload(&self, work: Box<dyn FnOnce() + Send>);
}
