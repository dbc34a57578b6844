//! What can be typed after `cargo xtask sim`.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use greenroom_sim::Plant;

/// Real time that a seed has: most take a second or two, so one that takes this long runs in a circle.
pub(crate) const TIME_LIMIT: Duration = Duration::from_secs(300);

/// The text of `--help`.
pub(crate) const HELP: &str = "\
Runs the real runtime in simulated time under faults, and checks what must hold.

Usage: cargo xtask sim [options]

Options:
  --seed N         run one seed and print its trace; the same seed prints the same, byte for byte
  --count N        run so many seeds, each in a process of its own (100 if nothing is asked for);
                   a seed that fails leaves its trace in target/sim and is replayed with --seed
  --from N         the first of these seeds (1 if nothing is said)
  --fresh          start anywhere instead
  --limit N        real seconds after which one of them counts as failed (300); most take one or two
  --plant NAME     put a bug in first; see --meta for their names
  --meta           run seeds twice and compare them, and see that each planted bug is found
  -h, --help       show this text
";

/// One invocation, parsed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Show [`HELP`].
    Help,
    /// Run one seed here and print everything.
    Seed {
        /// Which.
        seed: u64,
        /// With this bug.
        plant: Option<Plant>,
    },
    /// Run seeds in processes of their own.
    Count {
        /// The first.
        from: u64,
        /// How many.
        count: u64,
        /// What each may take.
        limit: Duration,
        /// With this bug.
        plant: Option<Plant>,
    },
    /// Check the simulation itself.
    Meta,
}

/// Reads the arguments.
///
/// # Errors
/// An unknown option, or a value that is missing or no number.
pub(crate) fn parse(arguments: &[String]) -> Result<Command> {
    let (mut seed, mut count, mut from, mut plant) = (None, None, None, None);
    let mut limit = None;
    let mut is_meta = false;
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        let mut value = || {
            arguments
                .next()
                .with_context(|| format!("`{argument}` needs a value"))
        };
        let number = |text: &String| {
            text.parse::<u64>()
                .with_context(|| format!("`{argument}` needs a number, not `{text}`"))
        };
        match argument.as_str() {
            "-h" | "--help" => return Ok(Command::Help),
            "--seed" => seed = Some(number(value()?)?),
            "--count" => count = Some(number(value()?)?),
            "--from" => from = Some(number(value()?)?),
            "--limit" => limit = Some(Duration::from_secs(number(value()?)?)),
            "--fresh" => from = Some(anywhere()?),
            "--plant" => plant = Some(value()?.parse()?),
            "--meta" => is_meta = true,
            other => bail!("no option `{other}`; see `cargo xtask sim --help`"),
        }
    }
    match (seed, is_meta) {
        (Some(_), true) => bail!("`--seed` and `--meta` do not go together"),
        (Some(_), false) if count.is_some() || from.is_some() || limit.is_some() => {
            bail!("`--seed` is one seed; use `--from` and `--count` for several")
        }
        (Some(seed), false) => Ok(Command::Seed { seed, plant }),
        (None, true) if count.is_some() || from.is_some() || limit.is_some() || plant.is_some() => {
            bail!("`--meta` takes no other options")
        }
        (None, true) => Ok(Command::Meta),
        (None, false) => Ok(Command::Count {
            from: from.unwrap_or(1),
            count: count.unwrap_or(100),
            limit: limit.unwrap_or(TIME_LIMIT),
            plant,
        }),
    }
}

/// A seed that nobody has seen.
fn anywhere() -> Result<u64> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    Ok(now.as_micros() as u64 % 1_000_000_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(typed: &str, expected: Result<Command, &str>) {
        let arguments: Vec<String> = typed.split_whitespace().map(str::to_owned).collect();
        match (parse(&arguments), expected) {
            (Ok(actual), Ok(expected)) => assert_eq!(actual, expected, "{typed}"),
            (Err(actual), Err(part)) => {
                assert!(actual.to_string().contains(part), "{typed}: {actual}")
            }
            (actual, expected) => panic!("{typed}: got {actual:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn options_parse_and_mistakes_are_named() {
        let (from, count, limit, plant) = (1, 100, TIME_LIMIT, None);
        let usual = Command::Count {
            from,
            count,
            limit,
            plant,
        };
        check("", Ok(usual));
        check("--seed 7", Ok(Command::Seed { seed: 7, plant }));
        check(
            "--count 3 --from 9 --limit 7 --plant drop-alarm",
            Ok(Command::Count {
                from: 9,
                count: 3,
                limit: Duration::from_secs(7),
                plant: Some(Plant::DropAlarm),
            }),
        );
        check("--meta", Ok(Command::Meta));
        check("--seed 7 --help", Ok(Command::Help));
        check("--seed", Err("`--seed` needs a value"));
        check("--seed x", Err("`--seed` needs a number, not `x`"));
        check("--seed 1 --count 2", Err("`--seed` is one seed"));
        check("--seed 1 --limit 2", Err("`--seed` is one seed"));
        check("--meta --count 2", Err("`--meta` takes no other options"));
        check("--plant bug", Err("no planted bug `bug`"));
        check("--sed 7", Err("no option `--sed`"));
    }
}
