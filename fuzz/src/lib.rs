//! What several fuzz targets share: encoders that the product has no use for, oracles that are as plain as can be,
//! and a whole server in memory.
//!
//! The targets are in `fuzz_targets/`, one file each; `README.md` says how to run them.

pub mod encode;
pub mod history;
pub mod host;
pub mod json;
pub mod site;
pub mod websocket;
pub mod well_formed;
