//! `check`: formatting, lints, documentation, types and what is known of dependencies.

use std::process::ExitCode;

use anyhow::Result;

use super::test;
use crate::suite::Suite;
use crate::{process, setup};

/// Runs every check, also after one failed, and reports them together.
pub(super) fn run() -> Result<ExitCode> {
    setup::javascript_tools()?;
    test::report(&test::run_all(suites()))
}

/// The checks as suites; the fastest first. They need the npm packages.
pub(super) fn suites() -> Vec<Suite> {
    let mut format = process::cargo();
    format.args(["fmt", "--all", "--check"]);
    let mut format_fuzz = process::cargo();
    format_fuzz.args(["fmt", "--manifest-path", "fuzz/Cargo.toml", "--check"]);
    let mut biome = process::node_tool("@biomejs/biome/bin/biome");
    biome.args(["check", "--error-on-warnings"]);
    let mut types = process::node_tool("typescript/bin/tsc");
    types.arg("--build");
    let mut clippy = process::cargo();
    clippy.args([
        "clippy",
        "--workspace",
        "--all-targets",
        "--features=greenroom-node/guard",
        "--",
        "--deny=warnings",
    ]);
    let mut docs = process::cargo();
    docs.args([
        "doc",
        "--workspace",
        "--all-features",
        "--no-deps",
        "--document-private-items",
    ]);
    docs.env("RUSTDOCFLAGS", "--deny=warnings");
    let mut audit = process::cargo();
    audit.args(["xtask", "audit"]);
    vec![
        Suite::new("check:rustfmt", format),
        Suite::new("check:rustfmt-fuzz", format_fuzz),
        Suite::new("check:biome", biome),
        Suite::new("check:types", types),
        Suite::new("check:audit", audit),
        Suite::new("check:clippy", clippy),
        Suite::new("check:docs", docs),
    ]
}
