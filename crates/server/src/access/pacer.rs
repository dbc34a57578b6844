//! Slowing down clients that connect again as fast as they are refused.

use std::{
    hash::{BuildHasher, RandomState},
    net::IpAddr,
    time::Duration,
};

use tokio::sync::Semaphore;

use super::{
    limiter::network,
    meters::{Meters, NoTurn},
};

/// Refusals of an address in a row that are told at once.
const AT_ONCE: u32 = 8;
/// Time after which another one is.
const REFILL: Duration = Duration::from_millis(500);
/// Longest time that a refused socket is kept.
const LONGEST: Duration = Duration::from_secs(2);
/// Most sockets that are kept at a time; further ones go at once.
const KEPT: usize = 512;

/// Decides how long a refused socket is kept before it is closed. Some clients, the React bindings of
/// RivetKit among them, open the next one without a pause.
#[derive(Debug)]
pub(crate) struct Pacer {
    refusals: Meters,
    hash: RandomState,
    room: Semaphore,
}

impl Default for Pacer {
    fn default() -> Self {
        Self {
            refusals: Meters::new(AT_ONCE, REFILL, u32::MAX),
            hash: RandomState::new(),
            room: Semaphore::new(KEPT),
        }
    }
}

impl Pacer {
    /// Waits as long as a refused socket from `address` is to be kept: not at all for the first ones.
    pub(crate) async fn keep(&self, address: Option<IpAddr>) {
        let Some(address) = address else { return };
        let key = self.hash.hash_one(network(address));
        match self.refusals.begin(key) {
            Ok(()) => self.refusals.end(key),
            Err(NoTurn::TooManyAtOnce) => {}
            Err(NoTurn::TooOften(_)) => {
                if let Ok(_room) = self.room.try_acquire() {
                    tokio::time::sleep(LONGEST).await;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn only_those_who_keep_coming_are_kept() {
        let pacer = Pacer::default();
        let took = async |address: Option<&str>| {
            let begin = Instant::now();
            let address = address.map(|text| text.parse().expect("an address"));
            pacer.keep(address).await;
            begin.elapsed()
        };
        for _ in 0..AT_ONCE {
            assert_eq!(took(Some("1.1.1.1")).await, Duration::ZERO);
        }
        assert!(took(Some("1.1.1.1")).await >= LONGEST);
        assert_eq!(took(Some("1.1.1.2")).await, Duration::ZERO);
        assert_eq!(took(None).await, Duration::ZERO);
        tokio::time::advance(REFILL * AT_ONCE).await;
        assert_eq!(took(Some("1.1.1.1")).await, Duration::ZERO);
    }
}
