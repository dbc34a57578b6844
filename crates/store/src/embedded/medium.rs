//! What the writer asks of the disk: how much room there is, and to write a batch.

use std::{io, path::PathBuf};

use super::staging::Staging;
use crate::StoreError;

/// The disk as the writer sees it. Tests put their faults here.
///
/// The engine cannot continue after a write that failed half way, so a full disk must not be found
/// out by writing. Before every batch the free space is asked for (a system call of about a
/// microsecond, beside a sync of at least fifty), and when the batch would eat into the reserve it
/// is refused. The reserve is what the engine needs to write out its memory and to merge.
pub(super) struct Medium {
    /// The number of free bytes.
    pub(super) free_bytes: Box<dyn Fn() -> io::Result<u64> + Send>,
    /// How many of them are not for writes.
    pub(super) reserve_bytes: u64,
    /// Writes and syncs a batch.
    pub(super) write: Box<dyn Fn(Staging<'_>) -> fjall::Result<()> + Send>,
}

impl Medium {
    /// The file system that holds the data directory `path`.
    pub(super) fn of(path: PathBuf, reserve_bytes: u64) -> Self {
        // The process may change its working directory later. Where there is none, the engine could not
        // open the path either.
        let path = std::path::absolute(&path).unwrap_or(path).join("db");
        let free_bytes = Box::new(move || fs4::available_space(&path));
        Self {
            free_bytes,
            reserve_bytes,
            write: Box::new(|staging| staging.commit()),
        }
    }

    /// Whether a batch of about this many bytes may be written.
    ///
    /// # Errors
    /// [`StoreError::Full`] when it may not, [`StoreError::Failed`] when the directory is gone: the
    /// engine would go on to write to files that nobody finds again.
    pub(super) fn check_room(&self, bytes: usize) -> Result<(), StoreError> {
        let free = match (self.free_bytes)() {
            Ok(free) => free,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(StoreError::Failed(format!(
                    "the data directory is gone ({error})"
                )));
            }
            // Where the question cannot be answered, the write itself has to tell.
            Err(_) => return Ok(()),
        };
        let reserve = self.reserve_bytes;
        if free >= reserve.saturating_add(bytes as u64) {
            return Ok(());
        }
        Err(StoreError::Full(format!(
            "the disk has {free} bytes left, of which {reserve} are kept in reserve"
        )))
    }
}

/// Whether an error says that there is no room.
pub(super) fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
    )
}
