//! `guard`: instructions of the hot paths, beside those that are kept.

use std::io::Write;
use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::guarding::{self, Baseline, HELP, Plan};
use crate::setup;

/// Counts and compares, or keeps what is counted.
pub(super) fn run(arguments: &[String]) -> Result<ExitCode> {
    let (accept, only) = match guarding::parse(arguments)? {
        Plan::Help => {
            std::io::stdout().write_all(HELP.as_bytes())?;
            return Ok(ExitCode::SUCCESS);
        }
        Plan::List => return list(),
        Plan::Count { accept, only } => (accept, only),
    };
    let kept = Baseline::load()?;
    if kept.is_none() && !accept {
        return skip(&format!(
            "there is no baseline for {} (`cargo xtask guard --accept` makes one)",
            guarding::platform()
        ));
    }
    if let Err(reason) = setup::valgrind() {
        return skip(&format!("{reason:#}"));
    }
    let program = guarding::build()?;
    let mut paths = guarding::paths(&program)?;
    if let Some(unknown) = only
        .iter()
        .find(|name| !paths.iter().any(|path| path.name == **name))
    {
        bail!("no path `{unknown}`; `cargo xtask guard --list` names them");
    }
    paths.retain(|path| only.is_empty() || only.contains(&path.name));
    let counts = guarding::count(&program, &paths)?;
    let mut baseline = kept.unwrap_or_default();
    let whole = only.is_empty();
    let mut out = std::io::stdout().lock();
    if accept {
        let before = baseline.take_in(&counts, whole);
        write!(
            out,
            "{}",
            guarding::compare(&before, &counts, whole).changes()
        )?;
        baseline.save()?;
        writeln!(out, "this is the baseline now")?;
        return Ok(ExitCode::SUCCESS);
    }
    let comparison = guarding::compare(&baseline, &counts, whole);
    write!(out, "{comparison}")?;
    let (passed, failed) = comparison.tally();
    let (verdict, code) = if failed == 0 {
        ("ok", ExitCode::SUCCESS)
    } else {
        ("FAILED", ExitCode::FAILURE)
    };
    writeln!(
        out,
        "test result: {verdict}. {passed} passed; {failed} failed"
    )?;
    Ok(code)
}

/// Names the paths and says what they are.
fn list() -> Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    for path in guarding::paths(&guarding::build()?)? {
        writeln!(out, "{:<20}{}", path.name, path.about)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Says why nothing is compared. That is no failure: it says something about this machine.
fn skip(reason: &str) -> Result<ExitCode> {
    writeln!(
        std::io::stdout(),
        "SKIPPED: instructions were not counted: {reason}"
    )?;
    Ok(ExitCode::SUCCESS)
}
