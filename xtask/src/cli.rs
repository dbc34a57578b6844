//! What can be typed after `cargo xtask`.

use anyhow::{Result, bail};

/// The text of `cargo xtask --help`.
pub(crate) const HELP: &str = "\
Greenroom's tasks. Each one installs and builds what it needs first.

Usage: cargo xtask <command>

Commands:
  demo [name]      build and start an example; without a name all of them, with a page that links to each
  build            build the addon (release) and the TypeScript packages;
                   afterwards `import \"greenroom\"` works for any script in the repository
  dist [part]      make what can be published, in dist/: the npm packages with the addon for this
                   platform, and the crates, whose publishing is tried; only one part with `npm` or `crates`
  check            formatting, lints, documentation and types, in Rust and TypeScript, and `audit`
  audit            licences and sources of the crates, and what is known against crates and npm packages;
                   says what it could not check: crates need cargo-deny, the rest a network
  test [suite]...  check, then every test; or only the named suites or groups of suites
  sim [args]...    run the simulation: seeds under faults, with checkers (sim --help says more)
  fuzz [args]...   give arbitrary input to everything that reads what others wrote (fuzz --help says more)
  guard [args]...  count the instructions of the hot paths and compare with what is kept (guard --help says more)
  soak [args]...   build everything and run a mixed load for half an hour; fails when anything has grown
                   (soak --help says more)
  bench [args]...  build everything and run the benchmark in bench/ with these arguments

Options:
  -h, --help       show this text

Needs Rust and Node.js 20 or later. `test` also needs Chromium; it installs it on Debian and its relatives.
";

/// One invocation, parsed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Show [`HELP`].
    Help,
    /// Start the example of this name, or all of them.
    Demo {
        /// A folder of `examples/`.
        name: Option<String>,
    },
    /// Build everything, release.
    Build,
    /// Make what can be published.
    Dist {
        /// Only this part of it.
        only: Option<DistPart>,
    },
    /// Look up licences, sources and known problems of dependencies.
    Audit,
    /// Lint and type-check.
    Check,
    /// Run the suites whose name or group is listed; all of them when the list is empty.
    Test {
        /// Suite or group names.
        only: Vec<String>,
    },
    /// Run the simulation.
    Sim {
        /// Passed on as they are.
        arguments: Vec<String>,
    },
    /// Run fuzz targets.
    Fuzz {
        /// Read by the command itself.
        arguments: Vec<String>,
    },
    /// Count the instructions of the hot paths.
    Guard {
        /// Read by the command itself.
        arguments: Vec<String>,
    },
    /// Run a mixed load for a long time.
    Soak {
        /// Passed on as they are.
        arguments: Vec<String>,
    },
    /// Run the benchmark.
    Bench {
        /// Passed on as they are.
        arguments: Vec<String>,
    },
}

/// A part of what can be published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DistPart {
    /// The npm packages.
    Npm,
    /// The crates.
    Crates,
}

/// Reads the arguments that follow `cargo xtask`.
///
/// # Errors
/// An unknown command, or arguments for a command that takes none.
pub(crate) fn parse(arguments: &[String]) -> Result<Command> {
    let Some((name, rest)) = arguments.split_first() else {
        return Ok(Command::Help);
    };
    let wants_help = |argument: &String| argument == "--help" || argument == "-h";
    if wants_help(name) || name == "help" || (!passes_on(name) && rest.iter().any(wants_help)) {
        return Ok(Command::Help);
    }
    if let Some(flag) = rest
        .iter()
        .find(|argument| argument.starts_with('-') && !passes_on(name))
    {
        bail!("`{name}` has no option `{flag}`; see `cargo xtask --help`");
    }
    match (name.as_str(), rest) {
        ("demo", []) => Ok(Command::Demo { name: None }),
        ("demo", [example]) => Ok(Command::Demo {
            name: Some(example.clone()),
        }),
        ("build", []) => Ok(Command::Build),
        ("dist", []) => Ok(Command::Dist { only: None }),
        ("dist", [part]) => match part.as_str() {
            "npm" => Ok(Command::Dist {
                only: Some(DistPart::Npm),
            }),
            "crates" => Ok(Command::Dist {
                only: Some(DistPart::Crates),
            }),
            other => bail!("`dist` has no part `{other}`; there are `npm` and `crates`"),
        },
        ("audit", []) => Ok(Command::Audit),
        ("check", []) => Ok(Command::Check),
        ("test", only) => Ok(Command::Test {
            only: only.to_vec(),
        }),
        ("sim", arguments) => Ok(Command::Sim {
            arguments: arguments.to_vec(),
        }),
        ("fuzz", arguments) => Ok(Command::Fuzz {
            arguments: arguments.to_vec(),
        }),
        ("guard", arguments) => Ok(Command::Guard {
            arguments: arguments.to_vec(),
        }),
        ("soak", arguments) => Ok(Command::Soak {
            arguments: arguments.to_vec(),
        }),
        ("bench", arguments) => Ok(Command::Bench {
            arguments: arguments.to_vec(),
        }),
        ("demo" | "build" | "dist" | "audit" | "check", _) => {
            bail!("too many arguments for `{name}`; see `cargo xtask --help`")
        }
        _ => bail!("no command `{name}`; see `cargo xtask --help`"),
    }
}

/// Whether a command reads its arguments itself, or hands them on to another program.
fn passes_on(name: &str) -> bool {
    matches!(name, "bench" | "fuzz" | "guard" | "sim" | "soak")
}

#[cfg(test)]
mod tests {
    use super::{Command, DistPart, parse};

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
    fn commands_parse_and_mistakes_are_named() {
        check("", Ok(Command::Help));
        check("--help", Ok(Command::Help));
        check("test --help", Ok(Command::Help));
        check("demo", Ok(Command::Demo { name: None }));
        check(
            "demo counter",
            Ok(Command::Demo {
                name: Some("counter".into()),
            }),
        );
        check("build", Ok(Command::Build));
        check("audit", Ok(Command::Audit));
        check("dist", Ok(Command::Dist { only: None }));
        check(
            "dist npm",
            Ok(Command::Dist {
                only: Some(DistPart::Npm),
            }),
        );
        check("dist pip", Err("no part `pip`"));
        check("dist npm crates", Err("too many arguments for `dist`"));
        check("test", Ok(Command::Test { only: vec![] }));
        check(
            "test rust e2e:kill",
            Ok(Command::Test {
                only: vec!["rust".into(), "e2e:kill".into()],
            }),
        );
        check(
            "bench --seconds 5",
            Ok(Command::Bench {
                arguments: vec!["--seconds".into(), "5".into()],
            }),
        );
        check(
            "sim --seed 5",
            Ok(Command::Sim {
                arguments: vec!["--seed".into(), "5".into()],
            }),
        );
        check(
            "fuzz keys --help",
            Ok(Command::Fuzz {
                arguments: vec!["keys".into(), "--help".into()],
            }),
        );
        check(
            "guard --accept",
            Ok(Command::Guard {
                arguments: vec!["--accept".into()],
            }),
        );
        check(
            "soak --minutes 5",
            Ok(Command::Soak {
                arguments: vec!["--minutes".into(), "5".into()],
            }),
        );
        check("build all", Err("too many arguments for `build`"));
        check("test --fast", Err("no option `--fast`"));
        check("tset", Err("no command `tset`"));
    }
}
