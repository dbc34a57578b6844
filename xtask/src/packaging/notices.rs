//! The licences of the crates that an addon has in it, which go wherever the addon goes.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::process;

/// The crate whose dependencies are meant.
const CRATE: &str = "greenroom-node";

/// How the names of files with licences begin, in capitals.
const NAMES: [&str; 5] = ["LICENSE", "LICENCE", "COPYING", "NOTICE", "UNLICENSE"];

/// All crates of others below ours for a target, with their licences; each text once.
///
/// # Errors
/// cargo cannot say what there is, or a file cannot be read.
pub(super) fn collect(target: &str) -> Result<String> {
    let mut cargo = process::cargo();
    cargo.args([
        "metadata",
        "--format-version=1",
        "--filter-platform",
        target,
    ]);
    let metadata: Value = serde_json::from_str(&process::output(cargo)?)?;
    let used = reach(&metadata).context("cargo metadata has no dependencies of the addon")?;
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let others = packages.filter(|package| {
        // Crates of the workspace have no source.
        package["source"].is_string() && package["id"].as_str().is_some_and(|id| used.contains(id))
    });
    let mut crates = Vec::new();
    let mut texts = BTreeMap::<String, (String, Vec<String>)>::new();
    for package in others {
        let text = |field: &str| package[field].as_str().unwrap_or("not stated");
        let name = format!("{} {}", text("name"), text("version"));
        crates.push(format!("{name}: {}", text("license")));
        let folder = Path::new(text("manifest_path")).parent();
        for license in licenses(folder.context("a manifest is in a folder")?)? {
            // Texts that differ in their spaces only are one.
            let words: Vec<&str> = license.split_whitespace().collect();
            let (_, names) = texts
                .entry(words.join(" "))
                .or_insert_with(|| (license.clone(), Vec::new()));
            names.push(name.clone());
        }
    }
    Ok(render(&crates, texts.values()))
}

/// The ids of all packages that are compiled into the addon, as far as the metadata tells.
fn reach(metadata: &Value) -> Option<BTreeSet<&str>> {
    let packages = metadata["packages"].as_array()?;
    let nodes: BTreeMap<&str, &Value> = metadata["resolve"]["nodes"]
        .as_array()?
        .iter()
        .filter_map(|node| Some((node["id"].as_str()?, node)))
        .collect();
    let root = packages.iter().find(|package| package["name"] == CRATE)?["id"].as_str()?;
    let mut reached = BTreeSet::new();
    let mut open = vec![root];
    while let Some(id) = open.pop() {
        if !reached.insert(id) {
            continue;
        }
        let dependencies = nodes.get(id)?["deps"].as_array()?.iter();
        // Of the kinds of a dependency, null is the normal one; others only build and test.
        let normal = dependencies.filter(|dependency| {
            let kinds = dependency["dep_kinds"].as_array().into_iter().flatten();
            kinds.map(|kind| &kind["kind"]).any(Value::is_null)
        });
        open.extend(normal.filter_map(|dependency| dependency["pkg"].as_str()));
    }
    Some(reached)
}

/// The texts of the licences in a folder, by the names of their files.
fn licenses(folder: &Path) -> Result<Vec<String>> {
    let mut files = BTreeSet::new();
    for entry in
        fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?
    {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().to_uppercase();
        if entry.path().is_file() && NAMES.iter().any(|start| name.starts_with(start)) {
            files.insert(entry.path());
        }
    }
    files
        .into_iter()
        .map(|file| {
            let text = fs::read_to_string(&file)
                .with_context(|| format!("cannot read {}", file.display()))?;
            Ok(text.replace('\r', "").trim_end().to_owned())
        })
        .collect()
}

fn render<'a>(crates: &[String], texts: impl Iterator<Item = &'a (String, Vec<String>)>) -> String {
    let mut all =
        "The addon of Greenroom has these crates in it, under these licences.\n\n".to_owned();
    for line in crates {
        let _ = writeln!(all, "- {line}");
    }
    for (text, names) in texts {
        let rule = "-".repeat(80);
        let _ = write!(all, "\n{rule}\n{}\n{rule}\n\n{text}\n", names.join(", "));
    }
    all
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::reach;

    #[test]
    fn what_only_builds_or_tests_is_left_out() {
        let dependency = |name: &str, kind: Option<&str>| json!({ "pkg": name, "dep_kinds": [{ "kind": kind }] });
        let node = |name: &str, deps: Vec<serde_json::Value>| json!({ "id": name, "deps": deps });
        let metadata = json!({
            "packages": [{ "name": "greenroom-node", "id": "root" }],
            "resolve": { "nodes": [
                node("root", vec![dependency("a", None), dependency("b", Some("build"))]),
                node("a", vec![dependency("c", None), dependency("d", Some("dev"))]),
                node("b", vec![]),
                node("c", vec![dependency("a", None)]),
                node("d", vec![]),
            ] },
        });
        let reached: Vec<_> = reach(&metadata).unwrap().into_iter().collect();
        assert_eq!(reached, ["a", "c", "root"]);
    }
}
