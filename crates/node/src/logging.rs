//! Where the core's log goes: to stderr, once per process.

use std::{
    io::{IsTerminal, stderr},
    sync::Once,
};

use tracing::level_filters::LevelFilter;

/// Starts logging at `level`. Only the first call of the process has an effect: the registries of
/// one process share a log.
pub(crate) fn init(level: LevelFilter) {
    static STARTED: Once = Once::new();
    STARTED.call_once(|| {
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(level)
            .with_writer(stderr)
            .with_ansi(stderr().is_terminal())
            .finish();
        // An error means that something else in this copy of the addon logs already.
        let _ = tracing::subscriber::set_global_default(subscriber);
    });
}
