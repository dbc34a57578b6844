//! Building the program that goes the paths, and counting.

use std::collections::BTreeMap;
use std::fs;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;

use anyhow::{Context, Result, bail};

use crate::{process, repo};

/// The function within which instructions count.
const MEASURED: &str = "*guard_measured*";

/// One of the paths that the program knows.
pub(crate) struct Known {
    /// Its name.
    pub(crate) name: String,
    /// How often the program goes it.
    operations: u64,
    /// What one operation is.
    pub(crate) about: String,
}

/// Builds the program as the addon is built, but with the names of its functions; returns where it is.
///
/// # Errors
/// The build failed.
pub(crate) fn build() -> Result<PathBuf> {
    let mut cargo = process::cargo();
    cargo.args([
        "rustc",
        "--release",
        "--package=greenroom-node",
        "--features=guard",
        "--bin=greenroom-guard",
        "--",
        "-Cstrip=none",
    ]);
    process::run(cargo)?;
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| repo::root().join("target"), PathBuf::from);
    Ok(target.join("release/greenroom-guard"))
}

/// The paths that the program knows.
///
/// # Errors
/// It does not say.
pub(crate) fn paths(program: &Path) -> Result<Vec<Known>> {
    let mut list = process::command(&program.to_string_lossy());
    list.arg("--list");
    process::output(list)?.lines().map(parse_known).collect()
}

fn parse_known(line: &str) -> Result<Known> {
    let mut fields = line.split('\t');
    let (Some(name), Some(operations), Some(about)) = (fields.next(), fields.next(), fields.next())
    else {
        bail!("`{line}` is not a path");
    };
    Ok(Known {
        name: name.to_owned(),
        operations: operations.parse().context("a count of operations")?,
        about: about.to_owned(),
    })
}

/// The instructions that one operation of each path takes. Counts as many paths at once as there are processors.
///
/// # Errors
/// A path does not end as it should.
pub(crate) fn count(program: &Path, paths: &[Known]) -> Result<BTreeMap<String, u64>> {
    let folder = repo::root().join("target/guard");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let left = Mutex::new(paths.iter());
    let next = || left.lock().expect("nobody panics with it").next();
    let work = || {
        let mut counts = Vec::new();
        while let Some(path) = next() {
            let total = count_one(program, &path.name, &folder)?;
            counts.push((path.name.clone(), total.div_ceil(path.operations)));
        }
        Ok(counts)
    };
    let workers = thread::available_parallelism().map_or(1, NonZero::get);
    thread::scope(|scope| {
        let threads: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        let mut counts = BTreeMap::new();
        for thread in threads {
            let counted: Result<Vec<_>> = thread.join().expect("counting does not panic");
            counts.extend(counted?);
        }
        Ok(counts)
    })
}

/// Instructions of all operations of a path.
fn count_one(program: &Path, name: &str, folder: &Path) -> Result<u64> {
    let out = folder.join(format!("{name}.out"));
    let mut valgrind = process::command("valgrind");
    valgrind
        .args(["--quiet", "--tool=callgrind"])
        .arg(format!("--toggle-collect={MEASURED}"))
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(program)
        .arg(name);
    process::output(valgrind)?;
    let profile =
        fs::read_to_string(&out).with_context(|| format!("cannot read {}", out.display()))?;
    total(&profile).with_context(|| format!("in {}", out.display()))
}

/// The sum that callgrind writes at the end of a profile.
fn total(profile: &str) -> Result<u64> {
    let line = profile
        .lines()
        .rev()
        .find_map(|line| line.strip_prefix("totals: "));
    let total: u64 = line.context("no totals")?.trim().parse()?;
    if total == 0 {
        bail!("nothing was counted: is there no function `{MEASURED}`?");
    }
    Ok(total)
}

#[cfg(test)]
mod tests {
    use super::{parse_known, total};

    #[test]
    fn totals_are_read_from_a_profile_and_nothing_counted_is_an_error() {
        let profile = "version: 1\nevents: Ir\nfn=(1) x\n12 5\nsummary: 99\ntotals: 99\n";
        assert_eq!(total(profile).unwrap(), 99);
        assert!(total("events: Ir\ntotals: 0\n").is_err());
        assert!(total("events: Ir\n").is_err());
    }

    #[test]
    fn paths_are_read_from_the_programs_list() {
        let known = parse_known("wake\t64\tcall a sleeping actor").unwrap();
        assert_eq!((known.name.as_str(), known.operations), ("wake", 64));
        assert!(parse_known("wake").is_err());
    }
}
