//! The client protocol: what clients and the server say to each other, and its three encodings.
//!
//! Everything here is a pure function between bytes and plain structs. Values that belong to users
//! come out as checked CBOR ([`Encoding::is_compat`] tells which form) and go in as CBOR in compat
//! form; whoever handles them in between need not look inside.
//!
//! Decoding is lenient where the protocol is: unknown fields are ignored, absent arguments are none,
//! a single value stands for an array of one. It is strict about everything that could reach an
//! actor malformed.

mod action;
mod bare;
mod client_frame;
mod encoding;
mod error_body;
mod fields;
mod handshake;
mod members;
mod params;
mod queue;
mod server_frame;

pub use action::{ActionRequest, decode_action_request, encode_action_response};
pub use bare::{BareError, BareReader, put_data, put_optional, put_str, put_uint, put_version};
pub use client_frame::{ClientFrame, decode_client_frame};
pub use encoding::Encoding;
pub use error_body::{ActorRef, encode_error_body};
pub use handshake::Handshake;
pub use params::{conn_params_from_header, conn_params_from_json};
pub use queue::{QueueRequest, QueueStatus, decode_queue_request, encode_queue_response};
pub use server_frame::{EXTENSIONS, ServerFrame, encode_event, encode_server_frame};

#[cfg(test)]
mod tests;
