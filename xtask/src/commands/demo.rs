//! `demo`: starts an example program, or all of them behind one page.

use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::workspace::Package;
use crate::{process, setup, workspace};

/// The example that starts all others.
const GALLERY: &str = "gallery";

/// Builds what the example needs, then becomes its server, so that signals reach it directly. Without a name it is
/// the gallery, which needs all of them.
pub(super) fn run(name: Option<&str>) -> Result<ExitCode> {
    let name = name.unwrap_or(GALLERY);
    let mut examples = workspace::packages_in("examples")?;
    examples.retain(|package| package.script("start").is_some());
    let Some(example) = examples.iter().find(|example| example.name == name) else {
        bail!("no example `{name}`; there are: {}", list(&examples));
    };
    let node = example.start()?;
    if name != GALLERY {
        examples.retain(|example| example.name == name);
    }
    setup::examples(examples)?;
    process::become_program(node)
}

fn list(examples: &[Package]) -> String {
    let names: Vec<&str> = examples
        .iter()
        .map(|example| example.name.as_str())
        .collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::run;

    #[test]
    fn an_unknown_example_is_answered_with_the_list() {
        let error = run(Some("nothing")).unwrap_err().to_string();
        assert!(
            error.starts_with("no example `nothing`; there are: "),
            "{error}"
        );
        for name in ["chat-room", "counter", "gallery"] {
            assert!(error.contains(name), "{error}");
        }
        // A folder that cannot be started is none.
        assert!(!error.contains("look"), "{error}");
    }
}
