//! What users install and what browsers download, without any server.

use std::{fs, path::Path, process::Command};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::{Job, set};
use crate::{install, metric, results::Values, system};

pub(super) fn measure(job: &Job<'_>) -> Result<Values> {
    let installed = install::of(job.system, job.folder)?;
    let modules = installed.path().join("node_modules");
    let mut values = Values::new();
    set(
        &mut values,
        metric::INSTALL,
        bytes_in(&modules)? as f64 / 1e6,
    );
    set(&mut values, metric::PACKAGES, packages_in(&modules)? as f64);
    if let Some(entry) = installed.browser_entry() {
        let bytes = bundle(installed.path(), &entry)?;
        set(&mut values, metric::BROWSER, bytes as f64 / 1e3);
    }
    Ok(values)
}

/// The lengths of all files. Links are not followed.
fn bytes_in(folder: &Path) -> Result<u64> {
    let mut sum = 0;
    for entry in fs::read_dir(folder).with_context(|| format!("no {}", folder.display()))? {
        let entry = entry?;
        let about = entry.metadata()?;
        sum += if about.is_dir() {
            bytes_in(&entry.path())?
        } else {
            about.len()
        };
    }
    Ok(sum)
}

/// By what npm noted; without those for other platforms, which it left out.
fn packages_in(modules: &Path) -> Result<usize> {
    let path = modules.join(".package-lock.json");
    let text = fs::read_to_string(&path).with_context(|| format!("no {}", path.display()))?;
    let lock: Value = serde_json::from_str(&text).context("npm's notes are unreadable")?;
    let packages = lock["packages"]
        .as_object()
        .context("npm's notes have no packages")?;
    let folder = modules.parent().context("it is a folder in another")?;
    let present = packages.keys().filter(|key| folder.join(key).is_dir());
    Ok(present.count())
}

/// What a page loads at once, minified and compressed, in bytes.
fn bundle(folder: &Path, entry: &str) -> Result<u64> {
    let output = Command::new("node")
        .arg(system::folder().join("servers/bundle-size.mjs"))
        .arg(folder)
        .arg(entry)
        .output()
        .context("cannot start node")?;
    let text = String::from_utf8_lossy(&output.stdout);
    ensure!(
        output.status.success(),
        "the client for browsers cannot be bundled: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    text.trim()
        .parse()
        .with_context(|| format!("`{}` is no size", text.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_packages_that_are_there_are_counted() {
        let folder = tempfile::tempdir().unwrap();
        let modules = folder.path().join("node_modules");
        fs::create_dir_all(modules.join("@a/b")).unwrap();
        fs::write(modules.join("@a/b/index.js"), "12345").unwrap();
        let lock = r#"{"packages":{"node_modules/@a/b":{},"node_modules/other-platform":{}}}"#;
        fs::write(modules.join(".package-lock.json"), lock).unwrap();
        assert_eq!(packages_in(&modules).unwrap(), 1);
        assert_eq!(bytes_in(&modules).unwrap(), 5 + lock.len() as u64);
        assert!(bytes_in(folder.path().join("absent").as_path()).is_err());
    }
}
