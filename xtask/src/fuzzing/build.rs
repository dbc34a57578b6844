//! Building the targets.

use std::path::PathBuf;

use anyhow::{Context, Result};

use super::{Options, work_folder};
use crate::process;

/// What makes the compiler count edges and note comparisons, where libFuzzer looks for them. All of it is stable.
const COVERAGE: [&str; 6] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Cllvm-args=-simplifycfg-branch-fold-threshold=0",
];

/// Builds all targets, and returns the folder that they are in.
///
/// # Errors
/// The compiler failed.
pub(crate) fn build(options: &Options) -> Result<PathBuf> {
    let machine = host()?;
    let mut flags = COVERAGE.join(" ");
    let mut folder = work_folder();
    let mut cargo = process::cargo();
    if options.sanitized {
        // The one thing that is not stable; the compiler has it all the same.
        flags.push_str(" -Zsanitizer=address");
        cargo.env("RUSTC_BOOTSTRAP", "1");
        folder.push("address");
    }
    cargo.args(["build", "--quiet", "--manifest-path", "fuzz/Cargo.toml"]);
    // With the target named, build scripts and macros are spared the flags.
    cargo.args(["--bins", "--target", &machine]);
    cargo.env("CARGO_TARGET_DIR", &folder);
    cargo.env("RUSTFLAGS", flags);
    process::run(cargo)?;
    Ok(folder.join(machine).join("debug"))
}

/// This machine, as the compiler calls it.
fn host() -> Result<String> {
    let mut rustc = process::command("rustc");
    rustc.arg("-vV");
    let about = process::output(rustc)?;
    let host = about.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned)
        .context("`rustc -vV` does not say what it runs on")
}
