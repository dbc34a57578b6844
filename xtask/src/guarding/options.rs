//! What can be typed after `cargo xtask guard`.

use anyhow::{Result, bail};

/// The text of `cargo xtask guard --help`.
pub(crate) const HELP: &str = "\
Counts the instructions of the hot paths under valgrind and compares them with the baseline in
crates/node/guard/baseline. Fails when a path takes over 10 % more than there.

Usage: cargo xtask guard [options] [path]...

Options:
  --accept      make what is counted the new baseline: for a change that is worth what it costs,
                and for one that makes a path cheaper, so that it stays so
  --list        name the paths
  -h, --help    show this text

What each function takes of a path: callgrind_annotate target/guard/<path>.out
Without valgrind, or on a platform that has no baseline, nothing is compared, and the command says so.
";

/// What to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Plan {
    /// Show [`HELP`].
    Help,
    /// Name the paths.
    List,
    /// Count, and compare or keep.
    Count {
        /// Make the counts the baseline.
        accept: bool,
        /// Only these paths; all when it is empty.
        only: Vec<String>,
    },
}

/// Reads the arguments.
///
/// # Errors
/// An unknown option.
pub(crate) fn parse(arguments: &[String]) -> Result<Plan> {
    let (mut accept, mut only) = (false, Vec::new());
    for argument in arguments {
        match argument.as_str() {
            "-h" | "--help" => return Ok(Plan::Help),
            "--list" => return Ok(Plan::List),
            "--accept" => accept = true,
            option if option.starts_with('-') => {
                bail!("`guard` has no option `{option}`; see `cargo xtask guard --help`")
            }
            path => only.push(path.to_owned()),
        }
    }
    Ok(Plan::Count { accept, only })
}

#[cfg(test)]
mod tests {
    use super::{Plan, parse};

    #[test]
    fn options_and_paths_parse_and_mistakes_are_named() {
        let read = |typed: &str| {
            let arguments: Vec<String> = typed.split_whitespace().map(str::to_owned).collect();
            parse(&arguments)
        };
        let count = |accept, only: &[&str]| Plan::Count {
            accept,
            only: only.iter().map(|&path| path.to_owned()).collect(),
        };
        assert_eq!(read("").unwrap(), count(false, &[]));
        assert_eq!(read("wake key").unwrap(), count(false, &["wake", "key"]));
        assert_eq!(read("--accept wake").unwrap(), count(true, &["wake"]));
        assert_eq!(read("wake --help").unwrap(), Plan::Help);
        assert_eq!(read("--list").unwrap(), Plan::List);
        let mistake = read("--acept").unwrap_err().to_string();
        assert!(mistake.contains("`--acept`"), "{mistake}");
    }
}
