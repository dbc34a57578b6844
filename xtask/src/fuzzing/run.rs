//! Running the targets, and keeping what they found.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::thread;

use anyhow::{Context, Result};

use super::{Options, kept_corpus, work_folder};
use crate::{process, repo};

/// No input may take longer, in seconds.
const PATIENCE: u32 = 20;

/// No target may take more memory, in MiB.
const MEMORY: u32 = 2048;

/// How many targets run at once in the short run.
const AT_ONCE: usize = 2;

/// Runs the targets and returns the names of those that found something.
///
/// # Errors
/// A program that cannot be started, or a folder that cannot be made.
pub(crate) fn run(folder: &Path, options: &Options) -> Result<Vec<String>> {
    let waiting = Mutex::new(options.targets.iter());
    let next = || {
        waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .next()
    };
    let work = || -> Result<Vec<String>> {
        let mut failed = Vec::new();
        while let Some(target) = next() {
            if !one(folder, target, options)? {
                failed.push(target.clone());
            }
        }
        Ok(failed)
    };
    let at_once = if options.short { AT_ONCE } else { 1 };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..at_once).map(|_| scope.spawn(work)).collect();
        let mut failed = Vec::new();
        for worker in workers {
            failed.extend(worker.join().expect("a worker does not panic")?);
        }
        Ok(failed)
    })
}

/// Runs one target; says whether nothing was found.
fn one(folder: &Path, target: &str, options: &Options) -> Result<bool> {
    let artifacts = made(work_folder().join("artifacts").join(target))?;
    let mut program = program(folder, target);
    program.arg(format!("-timeout={PATIENCE}"));
    program.arg(format!("-rss_limit_mb={MEMORY}"));
    program.arg(format!("-artifact_prefix={}/", artifacts.display()));
    if let Some(input) = &options.input {
        program.arg(std::path::absolute(input)?);
    } else {
        program.arg(format!("-max_total_time={}", options.seconds));
        if let Some(seed) = options.seed {
            program.arg(format!("-seed={seed}"));
        }
        let words = repo::root()
            .join("fuzz/dictionaries")
            .join(format!("{target}.dict"));
        if words.is_file() {
            program.arg(format!("-dict={}", words.display()));
        }
        // What is found goes to the first folder.
        program.arg(if options.short {
            fresh(work_folder().join("short").join(target))?
        } else {
            made(work_folder().join("corpus").join(target))?
        });
        program.arg(made(kept_corpus(target))?);
    }
    let name = process::describe(&program);
    let output = program
        .output()
        .with_context(|| format!("cannot start `{name}`"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.success() {
        eprintln!("{target}: {}", summary(&said));
        return Ok(true);
    }
    eprintln!("{said}\n{target} FAILED; run it again with the file that is named above:");
    eprintln!("cargo xtask fuzz {target} --input FILE");
    Ok(false)
}

/// Puts as few inputs as cover the same into the folder of what is kept.
///
/// # Errors
/// A program that fails, or files that cannot be moved.
pub(crate) fn keep(folder: &Path, options: &Options) -> Result<()> {
    for target in &options.targets {
        let (kept, found) = (
            kept_corpus(target),
            work_folder().join("corpus").join(target),
        );
        let fewest = fresh(work_folder().join("merged").join(target))?;
        let mut program = program(folder, target);
        // How often an edge is taken does not matter for what is kept: there would be many more.
        program.args(["-set_cover_merge=1", "-use_counters=0", "-max_len=4096"]);
        program.args([&fewest, &kept, &found]);
        program.stderr(std::process::Stdio::null());
        process::run(program)?;
        fs::remove_dir_all(&kept)?;
        fs::rename(&fewest, &kept).with_context(|| format!("cannot move {}", fewest.display()))?;
    }
    Ok(())
}

/// A target, in a place where files cost little.
fn program(folder: &Path, target: &str) -> Command {
    let mut program = process::command(&folder.join(target).display().to_string());
    let memory = Path::new("/dev/shm");
    if memory.is_dir() {
        program.env("TMPDIR", memory);
    }
    program
}

fn made(folder: PathBuf) -> Result<PathBuf> {
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    Ok(folder)
}

/// An empty folder.
fn fresh(folder: PathBuf) -> Result<PathBuf> {
    if folder.exists() {
        fs::remove_dir_all(&folder)
            .with_context(|| format!("cannot empty {}", folder.display()))?;
    }
    made(folder)
}

/// The last line that says how many inputs there were.
fn summary(said: &str) -> &str {
    let counts = said.lines().rev().find(|line| line.contains("\tDONE "));
    counts.unwrap_or("nothing found")
}

#[cfg(test)]
mod tests {
    use super::summary;

    #[test]
    fn the_summary_is_the_last_count() {
        let said = "#2\tINITED cov: 3\n#90\tDONE   cov: 8 ft: 9\n#### Dictionary\nDone 90 runs";
        assert_eq!(summary(said), "#90\tDONE   cov: 8 ft: 9");
        assert_eq!(summary("Executed x in 3 ms"), "nothing found");
    }
}
