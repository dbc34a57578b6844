//! Limits per address, and per address and actor.

use std::{
    hash::{BuildHasher, Hash, RandomState},
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
    sync::Arc,
    time::Duration,
};

use greenroom_types::ActorError;

use super::meters::{Meters, NoTurn};

/// What one address may do to one actor, and to all of them together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// Requests within a minute, opened connections included. They come back evenly.
    pub requests_per_minute: NonZeroU32,
    /// Requests at once. An open connection is none.
    pub in_flight: NonZeroU32,
    /// Actors that an address may create within a minute, of whatever type and key. Those that exist stay within reach.
    pub creations_per_minute: NonZeroU32,
    /// Connections that an address may have open at once, raw WebSockets included.
    pub connections: NonZeroU32,
}

/// Counts requests by address and actor, creations and connections by address.
#[derive(Debug)]
pub(crate) struct RateLimiter {
    meters: Meters,
    creations: Meters,
    connections: Meters,
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

/// A connection that is open; it is closed when this is dropped.
#[derive(Debug)]
pub(crate) struct Seat {
    limiter: Arc<RateLimiter>,
    key: u64,
}

/// The right to create one actor, which is used up unless it is given back.
#[derive(Debug)]
pub(crate) struct Creation<'a> {
    limiter: &'a RateLimiter,
    key: u64,
}

impl RateLimiter {
    pub(crate) fn new(limit: RateLimit) -> Self {
        let per_minute = limit.requests_per_minute.get();
        let refill = Duration::from_secs(60) / per_minute;
        Self {
            meters: Meters::new(per_minute, refill, limit.in_flight.get()),
            creations: Meters::new(
                limit.creations_per_minute.get(),
                Duration::from_secs(60) / limit.creations_per_minute.get(),
                u32::MAX,
            ),
            // Only how many there are at once counts.
            connections: Meters::new(1, Duration::ZERO, limit.connections.get()),
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

    /// Takes one of the creations that `address` has.
    ///
    /// # Errors
    /// `guard.rate_limit`.
    pub(crate) fn create(&self, address: IpAddr) -> Result<Creation<'_>, ActorError> {
        let key = self.hash.hash_one(network(address));
        match self.creations.begin(key) {
            Ok(()) => {
                self.creations.end(key);
                Ok(Creation { limiter: self, key })
            }
            Err(NoTurn::TooOften(wait)) => Err(ActorError::rate_limited(
                wait,
                format!(
                    "more than {} new actors within a minute",
                    self.limit.creations_per_minute
                ),
            )),
            Err(NoTurn::TooManyAtOnce) => unreachable!("none of them lasts"),
        }
    }

    /// Takes one of the connections that `address` has.
    ///
    /// # Errors
    /// `guard.rate_limit`.
    pub(crate) fn connect(self: &Arc<Self>, address: IpAddr) -> Result<Seat, ActorError> {
        let key = self.hash.hash_one(network(address));
        match self.connections.begin(key) {
            Ok(()) => Ok(Seat {
                limiter: Arc::clone(self),
                key,
            }),
            Err(NoTurn::TooOften(_) | NoTurn::TooManyAtOnce) => Err(ActorError::rate_limited(
                Duration::from_secs(1),
                format!("more than {} open connections", self.limit.connections),
            )),
        }
    }
}

impl Creation<'_> {
    /// Nothing was created.
    pub(crate) fn give_back(self) {
        self.limiter.creations.take_back(self.key);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.limiter.connections.end(self.key);
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

    fn limiter(per_minute: u32, at_once: u32) -> Arc<RateLimiter> {
        let per_minute = NonZeroU32::new(per_minute).expect("not zero");
        let at_once = NonZeroU32::new(at_once).expect("not zero");
        Arc::new(RateLimiter::new(RateLimit {
            requests_per_minute: per_minute,
            in_flight: at_once,
            creations_per_minute: per_minute,
            connections: at_once,
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
    async fn creations_count_unless_they_are_given_back() {
        let limiter = limiter(2, 1);
        let (one, other) = (at("1.1.1.1"), at("1.1.1.2"));
        for _ in 0..10 {
            limiter.create(one).expect("there are two").give_back();
        }
        assert!(limiter.create(one).is_ok());
        assert!(limiter.create(one).is_ok());
        let error = limiter.create(one).expect_err("the third");
        assert!(error.message.contains("more than 2 new actors"), "{error}");
        assert!(limiter.create(other).is_ok());
        tokio::time::advance(Duration::from_secs(30)).await;
        assert!(limiter.create(one).is_ok());
        assert!(limiter.create(one).is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn connections_count_while_they_are_open() {
        let limiter = limiter(1, 2);
        let seats = [(); 2].map(|()| limiter.connect(at("1.1.1.1")).expect("there are two"));
        let error = limiter.connect(at("1.1.1.1")).expect_err("the third");
        assert!(
            error.message.contains("more than 2 open connections"),
            "{error}"
        );
        assert!(limiter.connect(at("1.1.1.2")).is_ok());
        drop(seats);
        assert!(limiter.connect(at("1.1.1.1")).is_ok());
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
