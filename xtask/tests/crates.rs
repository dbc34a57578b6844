//! Checks that each crate that may be published says what crates.io and its readers want to know.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// The lists of one manifest field, with how many entries crates.io takes.
const LISTS: [&str; 2] = ["keywords", "categories"];
const LONGEST_LIST: usize = 5;

fn published() -> Vec<Value> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--no-deps", "--offline"])
        .output()
        .expect("cargo starts");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo writes JSON");
    let packages = metadata["packages"].as_array().expect("a list").iter();
    packages
        .filter(|package| package["publish"].is_null())
        .cloned()
        .collect()
}

#[test]
fn published_crates_are_described() {
    let crates = published();
    assert!(!crates.is_empty());
    for package in crates {
        let name = package["name"].as_str().expect("a name is text");
        let folder = Path::new(package["manifest_path"].as_str().expect("a path is text"))
            .parent()
            .expect("a manifest is in a folder");
        assert_eq!(package["license"], "Apache-2.0", "{name}");
        assert!(
            package["description"].is_string(),
            "{name} has no description"
        );
        for file in ["LICENSE", "README.md"] {
            assert!(folder.join(file).is_file(), "{name} has no {file}");
        }
        assert_eq!(package["readme"], "README.md", "{name}");
        for list in LISTS {
            let length = package[list].as_array().map_or(0, Vec::len);
            assert!(
                (1..=LONGEST_LIST).contains(&length),
                "{name} has {length} {list}"
            );
        }
    }
}

#[test]
fn packages_and_crates_have_one_version() {
    let version = env!("CARGO_PKG_VERSION");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for folder in fs::read_dir(root.join("packages")).unwrap() {
        let file = folder.unwrap().path().join("package.json");
        let Ok(text) = fs::read_to_string(&file) else {
            continue;
        };
        let package: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(package["version"], version, "{}", file.display());
        let dependencies = package["dependencies"].as_object().into_iter().flatten();
        for (name, wanted) in dependencies.filter(|(name, _)| name.starts_with("@greenroom/")) {
            assert_eq!(wanted, version, "{name} in {}", file.display());
        }
    }
    let source = fs::read_to_string(root.join("packages/greenroom/src/version.ts")).unwrap();
    assert!(source.contains(&format!("VERSION = \"{version}\";")));
}

#[test]
fn tools_and_the_addon_stay_here() {
    let mut names: Vec<String> = published()
        .iter()
        .map(|package| package["name"].as_str().expect("a name is text").to_owned())
        .collect();
    names.sort();
    let ours = [
        "greenroom-core",
        "greenroom-server",
        "greenroom-store",
        "greenroom-types",
    ];
    assert_eq!(names, ours);
}
