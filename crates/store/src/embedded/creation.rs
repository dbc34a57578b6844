//! How a database comes into being: as a copy of an empty one.
//!
//! Left to itself, the engine makes a database with our tables in 139 syncs, each waiting for the one before, and with a log
//! of 64 MiB that opening reads through and cuts off. But all empty databases are the same. So one that the engine has made
//! is part of the program, and a test compares it with what the engine makes. Run with `GREENROOM_WRITE_EMPTY=1`, that test writes
//! `empty.bin` anew: for when tables or the engine have changed. It is a row of entries, directories before
//! what is in them:
//!
//! ```text
//! entry  path length u8 | path, ending in `/` if it is a directory | length u32 little endian | bytes
//! ```
//!
//! Nothing in it belongs to one store: in [`Table::Meta`](super::layout::Table::Meta), its only row says that the store was
//! opened 0 times.

use std::{
    collections::BTreeSet,
    io,
    path::{Path, PathBuf},
};

use super::files::Files;

/// The layout of the data directory and of the rows in it.
pub(super) const FORMAT_VERSION: u32 = 1;
pub(super) const FORMAT_PREFIX: &str = "greenroom store ";
pub(super) const FORMAT: &str = "FORMAT";
/// What is going to be `FORMAT`.
const NEW_FORMAT: &str = "FORMAT.new";

/// The database.
pub(super) const DB: &str = "db";
/// Where it comes into being.
pub(super) const UNFINISHED: &str = "db.new";

const EMPTY: &[u8] = include_bytes!("empty.bin");

/// Makes the name of a database durable that is there: whoever made it may have been killed before it was, and what is
/// stored must not be lost with it.
pub(super) fn keep(files: &impl Files, path: &Path) -> io::Result<()> {
    files.sync_dirs(&[path.to_owned()])
}

/// Makes an empty database in the data directory `path` under a temporary name, and moves it to its place. What an
/// earlier process has left unfinished is removed.
///
/// Nothing moves before it is durable together with its name, and each move is durable before the next. So a crash at any
/// point leaves no `db`, or a whole one beside its `FORMAT`; and `FORMAT` never stands alone. That holds for a process that
/// is killed and a power failure later, too: what a start finds it makes durable ([`keep`]) before it goes on.
pub(super) fn create(files: &impl Files, path: &Path) -> io::Result<()> {
    let here = [path.to_owned()];
    let unfinished = path.join(UNFINISHED);
    // In this order: without what is unfinished, the file would say that there was a database. It may be gone already, by
    // a process that was killed before that was durable.
    let was_there = files.remove_file(&path.join(FORMAT))?;
    if was_there || files.exists(&unfinished)? {
        files.sync_dirs(&here)?;
    }
    files.remove_dir(&unfinished)?;

    let format = format!("{FORMAT_PREFIX}{FORMAT_VERSION}\n");
    let mut dirs = vec![unfinished.clone()];
    let mut contents = vec![(path.join(NEW_FORMAT), format.as_bytes())];
    for entry in entries(EMPTY) {
        let place = unfinished.join(entry.path);
        match entry.bytes {
            Some(bytes) => contents.push((place, bytes)),
            None => dirs.push(place),
        }
    }
    make(files, &dirs, &contents)?;

    files.rename(&path.join(NEW_FORMAT), &path.join(FORMAT))?;
    files.sync_dirs(&here)?;
    files.rename(&unfinished, &path.join(DB))?;
    files.sync_dirs(&here)
}

/// Makes directories and files, and makes them durable with their names.
fn make(files: &impl Files, dirs: &[PathBuf], contents: &[(PathBuf, &[u8])]) -> io::Result<()> {
    for dir in dirs {
        files.make_dir(dir)?;
    }
    files.write(contents)?;
    let made = dirs.iter().chain(contents.iter().map(|(file, _)| file));
    let changed: BTreeSet<_> = made.filter_map(|path| path.parent()).collect();
    let changed: Vec<_> = changed.into_iter().map(Path::to_owned).collect();
    files.sync_dirs(&changed)
}

/// A file or a directory of the empty database.
struct Entry<'a> {
    path: &'a str,
    /// Absent of a directory.
    bytes: Option<&'a [u8]>,
}

fn entries(mut packed: &[u8]) -> impl Iterator<Item = Entry<'_>> {
    std::iter::from_fn(move || {
        let path_len = usize::from(*packed.split_off_first()?);
        let entry = read_entry(&mut packed, path_len);
        Some(entry.expect("it is part of the program and was written whole"))
    })
}

fn read_entry<'a>(packed: &mut &'a [u8], path_len: usize) -> Option<Entry<'a>> {
    let path = str::from_utf8(packed.split_off(..path_len)?).ok()?;
    let (len, rest) = packed.split_first_chunk()?;
    *packed = rest;
    let bytes = packed.split_off(..u32::from_le_bytes(*len) as usize)?;
    Some(match path.strip_suffix('/') {
        Some(path) => Entry { path, bytes: None },
        None => Entry {
            path,
            bytes: Some(bytes),
        },
    })
}

#[cfg(test)]
mod crash;
#[cfg(test)]
mod tests;
