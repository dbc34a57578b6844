//! The native addon: `crates/node`, built and put where `@greenroom/native` looks for it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::{process, repo};

/// The addon's crate, and the name of its library.
const CRATE: &str = "greenroom-node";
const LIBRARY: &str = "greenroom_node";

/// Builds the addon in release mode and installs it as `packages/native/greenroom.<platform>-<arch>.node`.
///
/// Tests and benchmarks use the same build as users do.
///
/// # Errors
/// The build failed, or the file cannot be written.
pub(crate) fn build() -> Result<()> {
    let mut cargo = process::cargo();
    cargo.args(["build", "--release", "--package", CRATE]);
    cargo.arg("--message-format=json-render-diagnostics");
    eprintln!("$ cargo build --release --package {CRATE}");
    let library = library_path(&process::output(cargo)?)?;
    let name = format!("greenroom.{}.node", repo::platform()?);
    install(&library, &repo::root().join("packages/native").join(name))
}

/// The path of the library in cargo's messages, one JSON object a line.
fn library_path(messages: &str) -> Result<PathBuf> {
    let names_library = |file: &&str| ["so", "dylib", "dll"].iter().any(|end| file.ends_with(end));
    for line in messages.lines() {
        let message: Value =
            serde_json::from_str(line).context("cargo wrote a message that is not JSON")?;
        if message["reason"] == "compiler-artifact" && message["target"]["name"] == LIBRARY {
            let files = message["filenames"].as_array().into_iter().flatten();
            if let Some(file) = files.filter_map(Value::as_str).find(names_library) {
                return Ok(PathBuf::from(file));
            }
        }
    }
    bail!("cargo built no shared library `{LIBRARY}`")
}

/// Puts the library in place by renaming: a process that has the old file loaded keeps the old file.
fn install(library: &Path, target: &Path) -> Result<()> {
    let built = fs::read(library).with_context(|| format!("cannot read {}", library.display()))?;
    if fs::read(target).is_ok_and(|installed| installed == built) {
        return Ok(());
    }
    let fresh = target.with_extension(format!("{}.tmp", std::process::id()));
    fs::write(&fresh, built)
        .and_then(|()| fs::rename(&fresh, target))
        .with_context(|| format!("cannot write {}", target.display()))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::library_path;

    #[test]
    fn the_shared_library_is_picked_from_cargos_messages() {
        let messages = r#"{"reason":"compiler-artifact","target":{"name":"other"},"filenames":["/t/libother.so"]}
{"reason":"compiler-artifact","target":{"name":"greenroom_node"},"filenames":["/t/x.rlib","/t/libgreenroom_node.so"]}
{"reason":"build-finished","success":true}"#;
        assert_eq!(
            library_path(messages).unwrap(),
            Path::new("/t/libgreenroom_node.so")
        );
        assert!(library_path(r#"{"reason":"build-finished","success":true}"#).is_err());
    }
}
