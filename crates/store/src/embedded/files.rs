//! What coming into being asks of the file system.

use std::{
    fs::{self, DirBuilder, File},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    thread,
};

/// Making, syncing and moving files. Tests put their crashes here.
///
/// A name is durable when its directory was synced.
pub(super) trait Files {
    /// Whether there is a file or a directory of that name.
    fn exists(&self, path: &Path) -> io::Result<bool>;
    /// Makes a directory that only the user of the process may enter.
    fn make_dir(&self, path: &Path) -> io::Result<()>;
    /// Writes whole files, over those that exist, and makes their contents durable, not their names.
    fn write(&self, files: &[(PathBuf, &[u8])]) -> io::Result<()>;
    /// Makes the names in these directories durable.
    fn sync_dirs(&self, dirs: &[PathBuf]) -> io::Result<()>;
    /// Renames a file or a directory.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file. `false` if there is none.
    fn remove_file(&self, path: &Path) -> io::Result<bool>;
    /// Removes a directory and what is in it. `false` if there is none.
    fn remove_dir(&self, path: &Path) -> io::Result<bool>;
}

/// The file system of this machine.
pub(super) struct Disk;

impl Files for Disk {
    fn exists(&self, path: &Path) -> io::Result<bool> {
        path.try_exists()
    }

    fn make_dir(&self, path: &Path) -> io::Result<()> {
        private_dir().create(path)
    }

    fn write(&self, files: &[(PathBuf, &[u8])]) -> io::Result<()> {
        at_once(files, |(path, bytes)| {
            let mut file = File::create(path)?;
            file.write_all(bytes)?;
            file.sync_all()
        })
    }

    fn sync_dirs(&self, dirs: &[PathBuf]) -> io::Result<()> {
        // Windows cannot open directories as files and needs no such call.
        if cfg!(unix) {
            at_once(dirs, |dir| File::open(dir)?.sync_all())
        } else {
            Ok(())
        }
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<bool> {
        unless_missing(fs::remove_file(path))
    }

    fn remove_dir(&self, path: &Path) -> io::Result<bool> {
        unless_missing(fs::remove_dir_all(path))
    }
}

/// Makes directories that only the user of the process may enter.
pub(super) fn private_dir() -> DirBuilder {
    #[cfg_attr(not(unix), expect(unused_mut, reason = "there is no mode to set"))]
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder
}

fn unless_missing(removed: io::Result<()>) -> io::Result<bool> {
    match removed {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Does the same with all items, several at a time: file systems take syncs that wait together to the disk together.
fn at_once<T: Sync>(items: &[T], work: impl Fn(&T) -> io::Result<()> + Sync) -> io::Result<()> {
    const THREADS: usize = 8;
    let next = AtomicUsize::new(0);
    let run = || {
        while let Some(item) = items.get(next.fetch_add(1, Relaxed)) {
            work(item)?;
        }
        Ok(())
    };
    thread::scope(|scope| {
        let others = 1..THREADS.min(items.len());
        let others: io::Result<Vec<_>> = others
            .map(|_| thread::Builder::new().spawn_scoped(scope, run))
            .collect();
        let mine = run();
        others?
            .into_iter()
            .map(|other| other.join().expect("files are no reason to panic"))
            .fold(mine, io::Result::and)
    })
}
