//! Whether a package's build script has anything to do.
//!
//! A script leaves no trace that says when it last ran, so we leave one: a file whose time is compared with those of
//! everything that a bundle can be made of. Too much counts as changed rather than too little.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result};

use crate::repo;
use crate::workspace::{self, Package};

/// Where the traces are. They go with what npm installed, which bundles are made of, too.
const STAMPS: &str = "node_modules/.greenroom-built";

/// Whether nothing that the script reads has changed since [`note_built`], and what it writes is still there.
pub(super) fn is_built(package: &Package) -> Result<bool> {
    let Some(built) = modified(&stamp(package)) else {
        return Ok(false);
    };
    // Bundles go to `public/`; whoever has that folder and no bundle has cleaned up.
    let public = package.path.join("public");
    if public.is_dir() && !public.join("page.js").is_file() {
        return Ok(false);
    }
    let newest = inputs(package)?
        .iter()
        .filter_map(|path| newest_below(path))
        .max();
    Ok(newest.is_none_or(|changed| changed <= built))
}

/// Says that the script has just run.
pub(super) fn note_built(package: &Package) -> Result<()> {
    let stamp = stamp(package);
    fs::create_dir_all(repo::root().join(STAMPS))
        .and_then(|()| fs::write(&stamp, []))
        .with_context(|| format!("cannot write {}", stamp.display()))
}

fn stamp(package: &Package) -> PathBuf {
    repo::root().join(STAMPS).join(&package.name)
}

/// The package's own files, what other packages compiled, the look of the examples, and what npm installed.
fn inputs(package: &Package) -> Result<Vec<PathBuf>> {
    let root = repo::root();
    let mut inputs = vec![
        package.path.join("src"),
        package.path.join("package.json"),
        root.join("examples/look/look.css"),
        root.join("package-lock.json"),
    ];
    let others = workspace::packages_in("packages")?;
    inputs.extend(
        others
            .iter()
            .filter(|other| other.path != package.path)
            .map(|other| other.path.join("dist")),
    );
    Ok(inputs)
}

/// The latest time of change of a file, or of any file below a folder. `None`: there is none.
fn newest_below(path: &Path) -> Option<SystemTime> {
    let Ok(entries) = fs::read_dir(path) else {
        return modified(path);
    };
    entries
        .filter_map(|entry| newest_below(&entry.ok()?.path()))
        .max()
}

fn modified(file: &Path) -> Option<SystemTime> {
    fs::metadata(file).and_then(|found| found.modified()).ok()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::{Duration, SystemTime};

    use super::newest_below;

    #[test]
    fn the_newest_file_counts_however_deep_it_is() {
        let folder = std::env::temp_dir().join(format!("greenroom-fresh-{}", std::process::id()));
        let deep = folder.join("src/page");
        fs::create_dir_all(&deep).unwrap();
        assert_eq!(newest_below(&folder), None);
        let hour = |n: u64| SystemTime::UNIX_EPOCH + Duration::from_secs(3_600 * n);
        for (file, time) in [
            ("old.ts", hour(1)),
            ("src/page/new.ts", hour(3)),
            ("src/mid.ts", hour(2)),
        ] {
            fs::write(folder.join(file), "x").unwrap();
            let file = fs::File::options()
                .write(true)
                .open(folder.join(file))
                .unwrap();
            file.set_modified(time).unwrap();
        }
        assert_eq!(newest_below(&folder), Some(hour(3)));
        assert_eq!(newest_below(&folder.join("old.ts")), Some(hour(1)));
        assert_eq!(newest_below(&folder.join("none")), None);
        fs::remove_dir_all(&folder).unwrap();
    }
}
