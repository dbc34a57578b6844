//! Why a registry did not start, for the person at the terminal.

use greenroom_server::BindError;
use greenroom_store::OpenError;

/// Why a registry did not start. The text is the explanation that is shown.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    #[error(transparent)]
    Store(#[from] OpenError),
    #[error(transparent)]
    Bind(#[from] BindError),
    #[error("the registry cannot be started: {0}")]
    System(#[from] std::io::Error),
    #[error("the registry was started before: one registry starts once")]
    Started,
    #[error("starting failed because of a bug in Greenroom: {0}; please report it")]
    Panicked(String),
}

impl StartError {
    /// A stable name of what happened, for programs.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Store(OpenError::Locked { .. }) => "store_locked",
            Self::Store(OpenError::Unusable { .. }) => "store_unusable",
            Self::Store(OpenError::Full { .. }) => "store_full",
            Self::Store(OpenError::Corrupt { .. }) => "store_corrupt",
            Self::Store(OpenError::Version { .. }) => "store_version",
            Self::Bind(BindError::AddressInUse { .. }) => "address_in_use",
            Self::Bind(_) => "address_unavailable",
            Self::System(_) => "system",
            Self::Started => "already_started",
            Self::Panicked(_) => "internal",
        }
    }
}
