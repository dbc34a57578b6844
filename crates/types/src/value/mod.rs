//! User values between JSON text and CBOR, both in the protocol's compat form.
//!
//! In the compat form an array of two whose first element is a text that starts with `$` stands for
//! a value that JSON lacks: `["$BigInt","7"]`, `["$Uint8Array",base64]`. Both texts use the same
//! escapes, so they pass through here untouched, and only what CBOR can say by itself (dates, typed
//! arrays, 8-byte integers, undefined) needs work on the way to JSON.
//!
//! Both directions stream: no tree is built.

mod date;
mod error;
mod from_json;
mod number;
mod to_json;

pub use error::ValueError;
pub use from_json::{json_to_cbor, json_to_cbor_within};
pub use to_json::cbor_to_json;

#[cfg(test)]
mod tests;
