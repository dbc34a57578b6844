//! What can go wrong before a server runs.

use std::io;

/// Why a server could not get its address. The text is meant for the person who started it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BindError {
    /// Somebody else listens there.
    #[error(
        "port {port} on `{host}` is taken: another program (perhaps another Greenroom) listens there; \
         stop it or choose another port, for example with GREENROOM_PORT"
    )]
    AddressInUse {
        /// The host that was asked for.
        host: String,
        /// The port that was asked for.
        port: u16,
    },
    /// The host is not an address of this machine, or the port may not be used.
    #[error(
        "cannot listen on `{host}` port {port}: {source}; check the host, for example GREENROOM_HOST, \
         and whether the port may be used"
    )]
    AddressUnavailable {
        /// The host that was asked for.
        host: String,
        /// The port that was asked for.
        port: u16,
        /// What the operating system said.
        source: io::Error,
    },
}
