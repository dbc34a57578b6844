//! Refusing writes before the disk is full.

use std::{io, path::PathBuf};

use crate::StoreError;

/// Knows how much room there is.
///
/// The engine cannot continue after a write that failed half way, so a full disk must not be found
/// out by writing. Before every batch the free space is asked for (a system call of about a
/// microsecond, beside a sync of at least fifty), and when the batch would eat into the reserve it
/// is refused. The reserve is what the engine needs to write out its memory and to merge.
pub(super) struct FreeSpace {
    probe: Box<dyn Fn() -> io::Result<u64> + Send>,
    reserve: u64,
}

impl FreeSpace {
    /// Watches the file system that holds `path`.
    pub(super) fn of(path: PathBuf, reserve: u64) -> Self {
        Self::new(move || fs4::available_space(&path), reserve)
    }

    /// Asks `probe` for the number of free bytes.
    pub(super) fn new(probe: impl Fn() -> io::Result<u64> + Send + 'static, reserve: u64) -> Self {
        Self {
            probe: Box::new(probe),
            reserve,
        }
    }

    /// Whether a batch of about this many bytes may be written.
    ///
    /// # Errors
    /// [`StoreError::Full`] when it may not.
    pub(super) fn check(&self, bytes: usize) -> Result<(), StoreError> {
        // Where the question cannot be answered, the write itself has to tell.
        let Ok(free) = (self.probe)() else {
            return Ok(());
        };
        let needed = self.reserve.saturating_add(bytes as u64);
        if free >= needed {
            return Ok(());
        }
        let reserve = self.reserve;
        Err(StoreError::Full(format!(
            "the disk has {free} bytes left, of which {reserve} are kept in reserve"
        )))
    }
}
