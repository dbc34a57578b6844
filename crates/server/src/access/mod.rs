//! Who may do what, as far as that is decided before an actor is located, let alone woken: limits per
//! address, the gatekeeper, the token of the management API, and the sites whose pages may ask.

mod door;
mod gatekeeper;
mod limiter;
mod management;
mod meters;
mod pacer;
mod secret;
mod site_names;
mod sites;
mod visitor;

pub(crate) use door::{Ask, Pass, Wish, enter};
pub use gatekeeper::{AccessRequest, Gatekeeper, Intents, Verdict};
pub use limiter::RateLimit;
pub(crate) use limiter::{RateLimiter, Seat};
pub(crate) use management::Management;
pub(crate) use pacer::Pacer;
pub use secret::Secret;
pub(crate) use sites::Sites;
pub(crate) use visitor::Visitor;
