//! `audit`: the licences and sources of what Greenroom is built of, and what is known against it.
//!
//! What needs a program that is not installed, or a service that does not answer, is not checked and said so: that is
//! no failure, because nothing was found.

use std::io::Write;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::process;

/// The folders with a `package-lock.json` of their own.
const LOCKFILES: [&str; 3] = [".", "tests/e2e/runtimes", "tests/packages/tools"];

/// How long a server may be silent, in milliseconds.
const SILENCE: &str = "20000";

/// How one check ended.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// Nothing was found.
    Clean,
    /// Something was found, and printed.
    Found,
    /// It could not be checked, for this reason.
    NotChecked(String),
}

/// Runs all checks, also after one has found something, and sums them up.
pub(super) fn run() -> Result<ExitCode> {
    let mut verdicts = vec![
        (
            "licences and sources of crates".to_owned(),
            crate_rules(process::cargo)?,
        ),
        (
            "what is known against crates".to_owned(),
            crate_advisories(process::cargo)?,
        ),
    ];
    for folder in LOCKFILES {
        let mut npm = process::npm();
        npm.current_dir(crate::repo::root().join(folder));
        verdicts.push((
            format!("what is known against the npm packages of {folder}"),
            npm_advisories(npm, folder)?,
        ));
    }
    let mut out = std::io::stdout().lock();
    for (what, verdict) in &verdicts {
        match verdict {
            Verdict::Clean => writeln!(out, "ok           {what}")?,
            Verdict::Found => writeln!(out, "FAILED       {what}")?,
            Verdict::NotChecked(why) => writeln!(out, "not checked  {what}: {why}")?,
        }
    }
    let found = verdicts
        .iter()
        .any(|(_, verdict)| *verdict == Verdict::Found);
    Ok(if found {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// Compares the crates with `deny.toml`, except for what is known against them.
fn crate_rules(cargo: impl Fn() -> Command) -> Result<Verdict> {
    if let Some(missing) = without_cargo_deny(&cargo) {
        return Ok(missing);
    }
    checked(cargo_deny(
        &cargo,
        &["check", "bans", "licenses", "sources"],
    ))
}

/// Looks the crates up in the database of RustSec, fetching it first.
fn crate_advisories(cargo: impl Fn() -> Command) -> Result<Verdict> {
    if let Some(missing) = without_cargo_deny(&cargo) {
        return Ok(missing);
    }
    let mut fetch = cargo_deny(&cargo, &["fetch", "db"]);
    // git would wait for a silent server, and ask for a password where there is none to be had.
    fetch
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_HTTP_LOW_SPEED_LIMIT", "1")
        .env("GIT_HTTP_LOW_SPEED_TIME", "20");
    if !process::succeeds(fetch) {
        return Ok(Verdict::NotChecked(
            "the database of advisories cannot be fetched from github.com".to_owned(),
        ));
    }
    checked(cargo_deny(
        &cargo,
        &["check", "--disable-fetch", "advisories"],
    ))
}

fn without_cargo_deny(cargo: impl Fn() -> Command) -> Option<Verdict> {
    let missing = !process::succeeds(cargo_deny(cargo, &["--version"]));
    missing.then(|| {
        Verdict::NotChecked(
            "cargo-deny is not installed; `cargo install --locked cargo-deny` does that in some minutes"
                .to_owned(),
        )
    })
}

fn cargo_deny(cargo: impl Fn() -> Command, arguments: &[&str]) -> Command {
    let mut cargo = cargo();
    cargo.arg("deny").args(arguments);
    cargo
}

/// Lets a program print what it finds.
fn checked(mut command: Command) -> Result<Verdict> {
    let name = process::describe(&command);
    let status = command
        .status()
        .with_context(|| format!("cannot start `{name}`"))?;
    Ok(if status.success() {
        Verdict::Clean
    } else {
        Verdict::Found
    })
}

/// Asks the registry about the packages of the lockfile where `npm` runs, and prints its findings from `high` on.
fn npm_advisories(mut npm: Command, folder: &str) -> Result<Verdict> {
    npm.args(["audit", "--json", "--audit-level=high", "--fetch-retries=0"])
        .args(["--fetch-timeout", SILENCE]);
    let output = npm.output().context("cannot start `npm audit`")?;
    let report = String::from_utf8_lossy(&output.stdout);
    let verdict = read_report(&report, output.status.success());
    if verdict == Verdict::Found {
        eprintln!("npm audit of {folder}: {report}");
    }
    Ok(verdict)
}

/// What npm's report says: that there is one, and only then npm's success counts.
fn read_report(report: &str, success: bool) -> Verdict {
    let json: Value = serde_json::from_str(report).unwrap_or_default();
    if json["auditReportVersion"].is_number() {
        return if success {
            Verdict::Clean
        } else {
            Verdict::Found
        };
    }
    let said = json["message"]
        .as_str()
        .or_else(|| json["error"]["summary"].as_str());
    let why = said.map_or_else(
        || "npm gave no report".to_owned(),
        |said| format!("the registry gave no report ({said})"),
    );
    Verdict::NotChecked(why)
}

#[cfg(test)]
mod tests;
