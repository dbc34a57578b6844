//! The real clock and the operating system's randomness.

use std::time::{SystemTime, UNIX_EPOCH};

use greenroom_core::Env;

/// The [`Env`] of production: the system clock and the operating system's random source.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEnv;

impl Env for SystemEnv {
    fn now_ms(&self) -> i64 {
        match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
            Err(before) => i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |ms| -ms),
        }
    }

    /// # Panics
    /// When the operating system has no randomness to give: ids could then collide.
    fn random(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the operating system provides randomness");
    }

    /// Uses tokio's threads for blocking work.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    fn offload(&self, work: Box<dyn FnOnce() + Send>) {
        tokio::task::spawn_blocking(work);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clock_and_randomness_are_real() {
        assert!(SystemEnv.now_ms() > 1_700_000_000_000);
        let (mut a, mut b) = ([0; 16], [0; 16]);
        SystemEnv.random(&mut a);
        SystemEnv.random(&mut b);
        assert_ne!(a, b);
    }
}
