//! `test`: the checks, then every test of the repository, with a summary.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};

use super::check;
use crate::failures;
use crate::setup;
use crate::suite::{Outcome, Suite};
use crate::tally::Tally;
use crate::{packaging, process, workspace};

/// Runs the chosen suites, all of them when nothing is chosen, after setting up what they need.
pub(super) fn run(only: &[String]) -> Result<ExitCode> {
    setup::javascript_tools()?;
    let plain: Vec<Suite> = check::suites().into_iter().chain(rust_suites()).collect();
    let product = product_suites()?;
    let all = || plain.iter().chain(&product);
    if let Some(unknown) = only
        .iter()
        .find(|name| !all().any(|suite| suite.is_meant_by(name)))
    {
        let names: Vec<&str> = all().map(|suite| suite.name.as_str()).collect();
        bail!(
            "no suite or group `{unknown}`; there are: {}",
            names.join(", ")
        );
    }
    let mut outcomes = run_all(choose(plain, only));
    outcomes.extend(run_on_product(choose(product, only)));
    report(&outcomes)
}

/// Runs the suites one after the other, also after one failed.
pub(super) fn run_all(suites: Vec<Suite>) -> Vec<Outcome> {
    suites.into_iter().map(Suite::run).collect()
}

/// Prints a line for each suite, what failed, and the sum of all; the exit code says whether all passed.
pub(super) fn report(outcomes: &[Outcome]) -> Result<ExitCode> {
    let mut total = Tally::default();
    let mut out = std::io::stdout().lock();
    writeln!(out)?;
    for outcome in outcomes {
        writeln!(out, "{}", outcome.line())?;
        total.add(outcome.tally);
    }
    let failed = outcomes.iter().flat_map(|outcome| {
        let suite = outcome.name.as_str();
        outcome.failures.iter().map(move |failure| (suite, failure))
    });
    for line in failures::describe(&failed.collect::<Vec<_>>()) {
        writeln!(out, "{line}")?;
    }
    writeln!(out, "{} passed, {} failed", total.passed, total.failed)?;
    Ok(if total.failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Builds the product and runs these suites on it. They have all failed when it cannot be built.
fn run_on_product(mut suites: Vec<Suite>) -> Vec<Outcome> {
    if suites.is_empty() {
        return Vec::new();
    }
    match build_product() {
        Ok(chromium) => {
            for suite in &mut suites {
                suite.command.env(setup::CHROMIUM_VARIABLE, &chromium);
            }
            run_all(suites)
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            let reason = format!("the product could not be built: {error:#}");
            suites
                .into_iter()
                .map(|suite| suite.not_run(&reason))
                .collect()
        }
    }
}

/// Everything that the suites of the npm packages use; returns the path of the browser.
fn build_product() -> Result<PathBuf> {
    setup::addon()?;
    setup::typescript()?;
    setup::bun()?;
    setup::suite_tools()?;
    packaging::npm()?;
    setup::chromium()
}

fn choose(suites: impl IntoIterator<Item = Suite>, only: &[String]) -> Vec<Suite> {
    let meant = |suite: &Suite| only.is_empty() || only.iter().any(|name| suite.is_meant_by(name));
    suites.into_iter().filter(meant).collect()
}

/// Unit, integration and documentation tests of all crates, this one included, and a short run of the fuzz targets.
fn rust_suites() -> Vec<Suite> {
    let mut nextest_version = process::cargo();
    nextest_version.args(["nextest", "--version"]);
    let mut doc = process::cargo();
    doc.args(["test", "--workspace", "--doc"]);
    let mut tests = process::cargo();
    if process::succeeds(nextest_version) {
        tests.args(["nextest", "run", "--workspace"]);
    } else {
        tests.args([
            "test",
            "--workspace",
            "--no-fail-fast",
            "--lib",
            "--bins",
            "--tests",
        ]);
    }
    let mut fuzz = process::cargo();
    fuzz.args(["xtask", "fuzz", "--short"]);
    vec![
        Suite::new("rust:tests", tests),
        Suite::new("rust:docs", doc),
        Suite::new("rust:fuzz", fuzz),
    ]
}

/// The tests of the npm packages, examples and `tests/`, which run against the built addon, and the count of the
/// instructions of its hot paths.
fn product_suites() -> Result<Vec<Suite>> {
    let mut suites = Vec::new();
    for package in workspace::packages()? {
        for script in package.test_scripts() {
            let name = match script.strip_prefix("test:") {
                Some(part) => format!("{}:{part}", package.name),
                None => package.name.clone(),
            };
            suites.push(Suite::new(name, package.run_script(script)));
        }
    }
    // Last, because it builds on what the addon's release build has compiled.
    let mut guard = process::cargo();
    guard.args(["xtask", "guard"]);
    suites.push(Suite::new("guard", guard));
    Ok(suites)
}
