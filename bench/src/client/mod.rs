//! Connections to a system, which speak its dialect.

mod http;
mod socket;

pub(crate) use http::Http;
pub(crate) use socket::Socket;
