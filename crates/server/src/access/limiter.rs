//! Limits per address and actor.

use std::{
    hash::{BuildHasher, Hash, RandomState},
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
    sync::Arc,
    time::Duration,
};

use greenroom_types::ActorError;

use super::meters::{Meters, NoTurn};

/// What one address may do to one actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// Requests within a minute, opened connections included. They come back evenly.
    pub requests_per_minute: NonZeroU32,
    /// Requests at once. An open connection is none.
    pub in_flight: NonZeroU32,
}

/// Counts requests by address and actor.
#[derive(Debug)]
pub(crate) struct RateLimiter {
    meters: Meters,
    limit: RateLimit,
    /// Seeded at random, so that nobody can choose actors whose counts are one.
    hash: RandomState,
}

/// A request under way; it is over when this is dropped.
#[derive(Debug)]
pub(crate) struct Permit {
    limiter: Arc<RateLimiter>,
    key: u64,
}

impl RateLimiter {
    pub(crate) fn new(limit: RateLimit) -> Self {
        let per_minute = limit.requests_per_minute.get();
        let refill = Duration::from_secs(60) / per_minute;
        Self {
            meters: Meters::new(per_minute, refill, limit.in_flight.get()),
            limit,
            hash: RandomState::new(),
        }
    }

    /// Lets a request from `address` to `actor` in.
    ///
    /// # Errors
    /// `guard.rate_limit`.
    pub(crate) fn admit(
        self: &Arc<Self>,
        address: IpAddr,
        actor: impl Hash,
    ) -> Result<Permit, ActorError> {
        let key = self.hash.hash_one((network(address), actor));
        match self.meters.begin(key) {
            Ok(()) => Ok(Permit {
                limiter: Arc::clone(self),
                key,
            }),
            Err(NoTurn::TooOften(wait)) => Err(ActorError::rate_limited(
                wait,
                format!(
                    "more than {} requests to this actor within a minute",
                    self.limit.requests_per_minute
                ),
            )),
            Err(NoTurn::TooManyAtOnce) => Err(ActorError::rate_limited(
                Duration::from_secs(1),
                format!(
                    "more than {} requests to this actor at once",
                    self.limit.in_flight
                ),
            )),
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.limiter.meters.end(self.key);
    }
}

/// What counts as one address: all of a network that belongs to one customer.
pub(super) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let network = address.to_bits() & !u128::from(u64::MAX);
            IpAddr::V6(Ipv6Addr::from_bits(network))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limiter(per_minute: u32, in_flight: u32) -> Arc<RateLimiter> {
        Arc::new(RateLimiter::new(RateLimit {
            requests_per_minute: NonZeroU32::new(per_minute).expect("not zero"),
            in_flight: NonZeroU32::new(in_flight).expect("not zero"),
        }))
    }

    fn at(address: &str) -> IpAddr {
        address.parse().expect("an address")
    }

    #[tokio::test(start_paused = true)]
    async fn addresses_and_actors_are_counted_apart() {
        let limiter = limiter(1, 10);
        let try_ = |address: &str, actor: &str| limiter.admit(at(address), actor).map(drop);
        assert!(try_("1.1.1.1", "a").is_ok());
        let error = try_("1.1.1.1", "a").expect_err("the second one");
        assert_eq!((&*error.group, &*error.code), ("guard", "rate_limit"));
        assert!(error.message.contains("more than 1 requests"), "{error}");
        assert!(try_("1.1.1.1", "b").is_ok());
        assert!(try_("1.1.1.2", "a").is_ok());
        assert!(try_("::ffff:1.1.1.2", "a").is_err());
        assert!(try_("2001:db8::1", "a").is_ok());
        assert!(try_("2001:db8::2", "a").is_err());
        assert!(try_("2001:db8:0:1::", "a").is_ok());
        tokio::time::advance(Duration::from_secs(60)).await;
        assert!(try_("1.1.1.1", "a").is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_counts_until_its_permit_is_dropped() {
        let limiter = limiter(100, 1);
        let permit = limiter.admit(at("1.1.1.1"), 7).expect("the first");
        let error = limiter.admit(at("1.1.1.1"), 7).expect_err("the second");
        assert!(error.message.contains("at once"), "{error}");
        drop(permit);
        assert!(limiter.admit(at("1.1.1.1"), 7).is_ok());
    }
}
