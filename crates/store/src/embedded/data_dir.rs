//! The data directory: its lock, its format version, and how it comes into being.
//!
//! ```text
//! LOCK        locked for as long as a process has the store open; empty
//! FORMAT      "greenroom store 1\n": the version of everything below
//! FORMAT.new  what was to become FORMAT when the process ended; written over at the next open
//! db/         the database of the engine
//! db.new/     a database that was being created when the process ended; removed at the next open
//! ```
//!
//! Only the user of the process may enter what this creates: what actors keep is nobody else's business on a machine
//! that others use as well. A directory that exists has the permissions that somebody gave it; `db` in it is closed.
//!
//! `FORMAT` is written when `db.new` is complete, and then that becomes `db`, by being renamed ([`creation`]). So a
//! directory with one of `db` and `FORMAT`, and without the other and `db.new`, was tampered with, or
//! has lost something.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use fjall::{CompressionType, Database};

use super::{
    EmbeddedConfig,
    creation::{self, DB, FORMAT, FORMAT_PREFIX, FORMAT_VERSION, UNFINISHED},
    files::{Disk, Files, private_dir},
    layout::{self, INCARNATION_KEY, Table},
    log_check,
    medium::is_full,
    tables::Tables,
    version_check,
};
use crate::{OpenError, StoreError};

/// Together with the memory per table this bounds what is in the engine's log files, and so the time that opening takes
/// after a crash. The smallest that the engine accepts.
///
/// The engine finishes a log file when a table in memory is full and the file is over 64 MB. When those that are finished
/// have so many bytes it writes out all tables that are in them, and removes them. Each file but the one that was there
/// at the start is made so long at once, mostly as a hole, so only that first one may be less and stay beside the next.
const LOG_BYTES: u64 = 64 * 1024 * 1024;

/// Held while the directory is in use. The operating system gives it back when a process dies.
pub(super) struct DataDirLock(
    #[expect(dead_code, reason = "dropping the file releases the lock")] File,
);

/// A data directory that was opened.
pub(super) struct Opened {
    pub(super) tables: Tables,
    pub(super) lock: DataDirLock,
    /// How often the store was opened, this time included.
    pub(super) incarnation: u32,
}

/// Opens a data directory, and creates it when there is none.
pub(super) fn open(config: &EmbeddedConfig) -> Result<Opened, OpenError> {
    let path = &config.path;
    make(path).map_err(|error| unusable(path, "it cannot be created", &error))?;
    let lock = lock(path)?;
    let has_format = check_format(path)?;
    let db = path.join(DB);
    if exists(path, &db)? {
        creation::keep(&Disk, path)
            .map_err(|error| unusable(path, "it cannot be synced", &error))?;
    } else {
        if has_format && !exists(path, &path.join(UNFINISHED))? {
            return Err(OpenError::Corrupt {
                path: path.clone(),
                reason:
                    "its database, the directory `db`, is missing; whoever wants to begin with \
                         nothing removes the file FORMAT"
                        .to_owned(),
            });
        }
        creation::create(&Disk, path)
            .map_err(|error| unusable(path, "its database cannot be created", &error))?;
    }
    look_over(path, &db)?;
    let database = guarded(path, || open_database(config, &db))?;
    if !Tables::are_in(&database) {
        let reason = "a part of its database is missing".to_owned();
        return Err(OpenError::Corrupt {
            path: path.clone(),
            reason,
        });
    }
    let tables = guarded(path, || Tables::new(database))?;
    let incarnation = next_incarnation(path, &tables)?;
    Ok(Opened {
        tables,
        lock,
        incarnation,
    })
}

/// Makes the directory and those above it, unless they exist. What is stored in it must not be lost with its name, so
/// each new name is synced before the next one is made.
fn make(path: &Path) -> io::Result<()> {
    let path = Path::new(".").join(path);
    let missing: Vec<_> = path.ancestors().take_while(|dir| !dir.exists()).collect();
    // The last of those that are there may have been made by a process that was killed before its name was synced. That is
    // made up for as well as it can be: it may belong to others.
    let last = path.ancestors().nth(missing.len());
    if let Some(above) = last.and_then(Path::parent) {
        let _ = Disk.sync_dirs(&[Path::new(".").join(above)]);
    }
    for dir in missing.into_iter().rev() {
        private_dir().recursive(true).create(dir)?;
        let above = dir.parent().map(Path::to_owned);
        match Disk.sync_dirs(above.as_slice()) {
            // Whoever may not read a directory cannot sync it.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {}
            synced => synced?,
        }
    }
    Ok(())
}

fn lock(path: &Path) -> Result<DataDirLock, OpenError> {
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path.join("LOCK"));
    let file =
        file.map_err(|error| unusable(path, "its LOCK file cannot be opened for writing", &error))?;
    match file.try_lock() {
        Ok(()) => Ok(DataDirLock(file)),
        Err(TryLockError::WouldBlock) => Err(OpenError::Locked {
            path: path.to_owned(),
        }),
        Err(TryLockError::Error(error)) => Err(unusable(path, "it cannot be locked", &error)),
    }
}

/// Checks the version. `false` if the directory has no data yet.
fn check_format(path: &Path) -> Result<bool, OpenError> {
    let file = path.join(FORMAT);
    let corrupt = |reason: &str| OpenError::Corrupt {
        path: path.to_owned(),
        reason: reason.to_owned(),
    };
    let text = match fs::read(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if exists(path, &path.join(DB))? {
                return Err(corrupt("it has a database but no FORMAT file"));
            }
            return Ok(false);
        }
        Err(error) => return Err(unusable(path, "its FORMAT file cannot be read", &error)),
    };
    let text = str::from_utf8(&text)
        .ok()
        .and_then(|text| text.strip_suffix('\n'));
    let version = text.and_then(|text| text.strip_prefix(FORMAT_PREFIX));
    match version {
        Some(version) if version == FORMAT_VERSION.to_string() => Ok(true),
        Some(version) if version.parse::<u32>().is_ok() => Err(OpenError::Version {
            path: path.to_owned(),
            found: version.to_owned(),
            supported: FORMAT_VERSION,
        }),
        _ => Err(corrupt("its FORMAT file is not readable")),
    }
}

pub(super) fn open_database(config: &EmbeddedConfig, path: &Path) -> fjall::Result<Database> {
    Database::builder(path)
        .cache_size(config.cache_bytes)
        .max_journaling_size(LOG_BYTES)
        .journal_compression(CompressionType::Lz4)
        .manual_journal_persist(true)
        .open()
}

/// Finds damage that the engine itself would not report as such.
fn look_over(path: &Path, db: &Path) -> Result<(), OpenError> {
    let looks = [check_names, version_check::check, log_check::check];
    let problem = looks
        .iter()
        .map(|look| look(db))
        .find(|found| !matches!(found, Ok(None)))
        .unwrap_or(Ok(None));
    let corrupt = |reason| OpenError::Corrupt {
        path: path.to_owned(),
        reason,
    };
    match problem {
        Ok(None) => Ok(()),
        Ok(Some(problem)) => Err(corrupt(problem)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(corrupt(format!(
            "a part of its database is missing ({error})"
        ))),
        Err(error) => Err(unusable(path, "its database cannot be read", &error)),
    }
}

/// Looks for names that the engine does not expect. It would not return an error but take the
/// process down.
fn check_names(db: &Path) -> io::Result<Option<String>> {
    let strange = |path: &Path| Some(format!("{} does not belong there", path.display()));
    for entry in fs::read_dir(db)? {
        let entry = entry?;
        let is_log = entry
            .path()
            .extension()
            .is_some_and(|extension| extension == "jnl");
        if is_log && !entry.file_type()?.is_file() {
            return Ok(strange(&entry.path()));
        }
    }
    for entry in fs::read_dir(db.join("keyspaces"))? {
        let entry = entry?;
        let is_number = entry
            .file_name()
            .to_str()
            .is_some_and(|name| name.parse::<u64>().is_ok());
        if !is_number && !entry.file_type()?.is_file() {
            return Ok(strange(&entry.path()));
        }
    }
    Ok(None)
}

/// Runs the engine's opening and turns whatever goes wrong into an error that helps.
fn guarded<T>(path: &Path, open: impl FnOnce() -> fjall::Result<T>) -> Result<T, OpenError> {
    let corrupt = |reason: String| OpenError::Corrupt {
        path: path.to_owned(),
        reason,
    };
    match catch_unwind(AssertUnwindSafe(open)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(fjall::Error::Locked)) => Err(OpenError::Locked {
            path: path.to_owned(),
        }),
        Ok(Err(fjall::Error::Io(error) | fjall::Error::Storage(fjall::LsmError::Io(error)))) => {
            Err(match error.kind() {
                // Files that the engine expects are missing, cut short, or in the way. It reads at a place before
                // the first byte of one that is empty.
                io::ErrorKind::NotFound
                | io::ErrorKind::AlreadyExists
                | io::ErrorKind::InvalidInput
                | io::ErrorKind::UnexpectedEof
                | io::ErrorKind::InvalidData => {
                    corrupt(format!("its files do not belong together ({error})"))
                }
                _ => unusable(path, "its database cannot be opened", &error),
            })
        }
        Ok(Err(error)) => Err(corrupt(error.to_string())),
        Err(_) => Err(corrupt(
            "its files make no sense to the storage engine".to_owned(),
        )),
    }
}

/// Counts this opening, durably, before anything else is written.
fn next_incarnation(path: &Path, tables: &Tables) -> Result<u32, OpenError> {
    let corrupt = |error: StoreError| OpenError::Corrupt {
        path: path.to_owned(),
        reason: error.to_string(),
    };
    let wrong = || layout::corrupt(Table::Meta, INCARNATION_KEY, "it is no number");
    let missing = || {
        corrupt(layout::corrupt(
            Table::Meta,
            INCARNATION_KEY,
            "it is missing",
        ))
    };
    let payload = tables
        .get(Table::Meta, INCARNATION_KEY)
        .map_err(corrupt)?
        .ok_or_else(missing)?;
    let last = payload
        .as_ref()
        .try_into()
        .map(u32::from_be_bytes)
        .map_err(|_| corrupt(wrong()))?;
    let incarnation = last.checked_add(1).ok_or_else(|| corrupt(wrong()))?;
    guarded(path, || write_incarnation(tables, incarnation))?;
    Ok(incarnation)
}

pub(super) fn write_incarnation(tables: &Tables, incarnation: u32) -> fjall::Result<()> {
    let value = layout::seal(Table::Meta, INCARNATION_KEY, &[&incarnation.to_be_bytes()]);
    let mut batch = tables.batch(1);
    batch.insert(tables.keyspace(Table::Meta), INCARNATION_KEY, value);
    batch.commit()
}

fn exists(path: &Path, file: &Path) -> Result<bool, OpenError> {
    file.try_exists()
        .map_err(|error| unusable(path, "it cannot be read", &error))
}

fn unusable(path: &Path, what: &str, error: &io::Error) -> OpenError {
    let path = path.to_owned();
    let reason = format!("{what} ({error})");
    if is_full(error) {
        OpenError::Full { path, reason }
    } else {
        OpenError::Unusable { path, reason }
    }
}
