//! Gateway URLs: which actor a request is for, and what is left of the URL for the actor.
//!
//! Two forms share one path. With any query parameter whose name starts with `rvt-` the first
//! segment is an actor's name and the parameters say which actor; without, it is an actor's id, or
//! id and token:
//!
//! ```text
//! /gateway/{id}[@{token}]{path}[?query]
//! /gateway/{name}{path}?[query&]rvt-namespace=…&rvt-method=get|getOrCreate&rvt-key=…
//! ```
//!
//! This module only reads the URL. Whether the namespace, the token or the actor exist is up to the
//! caller.

mod key_spec;
mod query;
mod url;

pub use key_spec::KeySpec;
pub use query::{CrashPolicy, GatewayQuery, Method};
pub use url::{GatewayRequest, GatewayTarget};

#[cfg(test)]
mod tests;
