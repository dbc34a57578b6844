//! What can be typed after `cargo xtask fuzz`.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

/// The text of `cargo xtask fuzz --help`.
pub(crate) const HELP: &str = "\
Gives arbitrary input to everything that reads what others wrote.

Usage: cargo xtask fuzz [target]... [options]

Without a target it runs all of them, one after the other. What was found is replayed with --input.

Options:
  --seconds N           how long each target runs; 60 unless told
  --short               replays what is kept, and a few seconds more, from a fixed seed: what `test` does
  --keep                adds what was found to fuzz/corpus, as little as covers the same
  --input FILE          only this input, to one target
  --seed N              where randomness begins
  --sanitizer address   with the address sanitizer; slower, and built anew
  --list                names the targets
  -h, --help            shows this text
";

/// How long each target runs unless told otherwise.
const SECONDS: u64 = 60;

/// How long each target runs in `--short`, in seconds, after what is kept was replayed.
const SHORT_SECONDS: u64 = 2;

/// What is asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Plan {
    /// Show [`HELP`].
    Help,
    /// Name all targets.
    List(Vec<String>),
    /// Run some.
    Run(Options),
}

/// What to run, and how.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options {
    /// The targets, at least one.
    pub(crate) targets: Vec<String>,
    /// Seconds for each of them.
    pub(crate) seconds: u64,
    /// Whether it is the short run of `test`.
    pub(crate) short: bool,
    /// Whether what was found is to be kept.
    pub(crate) keep: bool,
    /// The one input to run instead.
    pub(crate) input: Option<PathBuf>,
    /// Where randomness begins; anywhere when absent.
    pub(crate) seed: Option<u32>,
    /// Whether the address sanitizer watches.
    pub(crate) sanitized: bool,
}

/// Reads the arguments behind `fuzz`. `all` are the targets that there are.
///
/// # Errors
/// An unknown target or option, or a value that is none.
pub(crate) fn parse(arguments: &[String], all: &[String]) -> Result<Plan> {
    let mut options = Options {
        targets: Vec::new(),
        seconds: SECONDS,
        short: false,
        keep: false,
        input: None,
        seed: None,
        sanitized: false,
    };
    let mut words = arguments.iter().map(String::as_str);
    while let Some(word) = words.next() {
        let mut value = || {
            words
                .next()
                .with_context(|| format!("`{word}` needs a value"))
        };
        match word {
            "-h" | "--help" => return Ok(Plan::Help),
            "--list" => return Ok(Plan::List(all.to_vec())),
            "--short" => {
                options.short = true;
                options.seconds = SHORT_SECONDS;
                options.seed = options.seed.or(Some(1));
            }
            "--keep" => options.keep = true,
            "--seconds" => options.seconds = number(word, value()?)?,
            "--seed" => options.seed = Some(number(word, value()?)?),
            "--input" => options.input = Some(value()?.into()),
            "--sanitizer" => match value()? {
                "address" => options.sanitized = true,
                other => bail!("there is no sanitizer `{other}`; there is `address`"),
            },
            option if option.starts_with('-') => {
                bail!("`fuzz` has no option `{option}`; see `cargo xtask fuzz --help`")
            }
            target if all.iter().any(|name| name == target) => {
                options.targets.push(target.to_owned());
            }
            target => bail!("no target `{target}`; there are: {}", all.join(", ")),
        }
    }
    if options.targets.is_empty() {
        options.targets = all.to_vec();
    }
    if options.input.is_some() && options.targets.len() != 1 {
        bail!("`--input` is for one target: name it");
    }
    Ok(Plan::Run(options))
}

fn number<T: std::str::FromStr>(option: &str, value: &str) -> Result<T> {
    match value.parse() {
        Ok(number) => Ok(number),
        Err(_) => bail!("`{option}` takes a number, not `{value}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Options, Plan, parse};

    fn check(typed: &str, expected: Result<Plan, &str>) {
        let arguments: Vec<String> = typed.split_whitespace().map(str::to_owned).collect();
        let all = ["cbor".to_owned(), "keys".to_owned()];
        match (parse(&arguments, &all), expected) {
            (Ok(actual), Ok(expected)) => assert_eq!(actual, expected, "{typed}"),
            (Err(actual), Err(part)) => {
                assert!(actual.to_string().contains(part), "{typed}: {actual}")
            }
            (actual, expected) => panic!("{typed}: got {actual:?}, expected {expected:?}"),
        }
    }

    fn all(change: impl FnOnce(&mut Options)) -> Result<Plan, &'static str> {
        let mut options = Options {
            targets: vec!["cbor".into(), "keys".into()],
            seconds: 60,
            short: false,
            keep: false,
            input: None,
            seed: None,
            sanitized: false,
        };
        change(&mut options);
        Ok(Plan::Run(options))
    }

    #[test]
    fn options_parse_and_mistakes_are_named() {
        check("", all(|_| {}));
        check("--help", Ok(Plan::Help));
        check("--list", Ok(Plan::List(vec!["cbor".into(), "keys".into()])));
        check(
            "keys --seconds 5 --keep --sanitizer address",
            all(|options| {
                options.targets = vec!["keys".into()];
                options.seconds = 5;
                options.keep = true;
                options.sanitized = true;
            }),
        );
        let short = |options: &mut Options| {
            options.short = true;
            options.seconds = 2;
            options.seed = Some(1);
        };
        check("--short", all(short));
        check(
            "--seed 7 --short",
            all(|options| {
                short(options);
                options.seed = Some(7);
            }),
        );
        check(
            "cbor --input some/file",
            all(|options| {
                options.targets = vec!["cbor".into()];
                options.input = Some("some/file".into());
            }),
        );
        check("--input some/file", Err("for one target"));
        check("lists", Err("no target `lists`; there are: cbor, keys"));
        check("--fast", Err("no option `--fast`"));
        check("--seconds", Err("needs a value"));
        check("--seconds soon", Err("takes a number, not `soon`"));
        check("--sanitizer thread", Err("no sanitizer `thread`"));
    }
}
