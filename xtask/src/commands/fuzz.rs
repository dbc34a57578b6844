//! `fuzz`: arbitrary input for everything that reads what others wrote.

use std::io::Write;
use std::process::ExitCode;

use anyhow::Result;

use crate::fuzzing::{self, Options, Plan};

/// Builds the targets and runs those that are chosen; or says what can be typed.
pub(super) fn run(arguments: &[String]) -> Result<ExitCode> {
    let options = match fuzzing::parse(arguments, &fuzzing::targets()?)? {
        Plan::Help => {
            std::io::stdout().write_all(fuzzing::HELP.as_bytes())?;
            return Ok(ExitCode::SUCCESS);
        }
        Plan::List(targets) => {
            writeln!(std::io::stdout(), "{}", targets.join("\n"))?;
            return Ok(ExitCode::SUCCESS);
        }
        Plan::Run(options) => options,
    };
    let folder = fuzzing::build(&options)?;
    let failed = fuzzing::run(&folder, &options)?;
    if let Options { keep: true, .. } = options
        && failed.is_empty()
    {
        fuzzing::keep(&folder, &options)?;
    }
    let (passed, failures) = (options.targets.len() - failed.len(), failed.len());
    let verdict = if failed.is_empty() { "ok" } else { "FAILED" };
    writeln!(
        std::io::stdout(),
        "test result: {verdict}. {passed} passed; {failures} failed"
    )?;
    Ok(if failed.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
