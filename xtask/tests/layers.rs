//! Checks that dependencies point the way that `docs/architecture.md` draws them, in Rust and in TypeScript.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Each crate of the product with the crates of ours that it may name.
const CRATES: [(&str, &[&str]); 5] = [
    ("greenroom-types", &[]),
    ("greenroom-store", &["greenroom-types"]),
    ("greenroom-core", &["greenroom-store", "greenroom-types"]),
    (
        "greenroom-server",
        &["greenroom-core", "greenroom-store", "greenroom-types"],
    ),
    (
        "greenroom-node",
        &[
            "greenroom-core",
            "greenroom-server",
            "greenroom-store",
            "greenroom-types",
        ],
    ),
];

/// Crates that serve development only; they use what they like, and nothing uses them.
const TOOLS: [&str; 3] = ["greenroom-bench", "greenroom-sim", "xtask"];

/// What a crate must not reach through itself or through the crates of ours below it.
const OUT_OF_REACH: [(&str, &[&str]); 4] = [
    (
        "greenroom-types",
        &["tokio", "fjall", "hyper", "napi", "fastwebsockets"],
    ),
    ("greenroom-store", &["hyper", "napi", "fastwebsockets"]),
    (
        "greenroom-core",
        &[
            "hyper",
            "hyper-util",
            "http",
            "tower-http",
            "napi",
            "fastwebsockets",
            "getrandom",
        ],
    ),
    ("greenroom-server", &["napi", "napi-derive"]),
];

/// What a crate must not name, though something below it does.
const NOT_NAMED: [(&str, &[&str]); 2] = [
    ("greenroom-core", &["fjall"]),
    ("greenroom-server", &["fjall"]),
];

/// Each npm package of the product with everything that it may depend on at run time. `ws` is for Node.js 20, which
/// has no WebSocket of its own.
const PACKAGES: [(&str, &[&str]); 4] = [
    ("@greenroom/client", &["ws"]),
    ("@greenroom/native", &[]),
    ("@greenroom/react", &["@greenroom/client", "react"]),
    ("greenroom", &["@greenroom/client", "@greenroom/native"]),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask is a folder of the repository")
        .to_owned()
}

/// The direct dependencies of every crate of the workspace, by name; those of tests only when asked for.
fn crate_dependencies(with_dev: bool) -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .expect("cargo starts");
    assert!(
        output.status.success(),
        "cargo metadata: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo writes JSON");
    let text = |value: &Value| value.as_str().expect("a name is text").to_owned();
    let direct = |package: &Value| {
        let dependencies = package["dependencies"].as_array().expect("a list").iter();
        dependencies
            .filter(|dependency| with_dev || dependency["kind"] != "dev")
            .map(|dependency| text(&dependency["name"]))
            .collect()
    };
    let packages = metadata["packages"].as_array().expect("a list").iter();
    packages
        .map(|package| (text(&package["name"]), direct(package)))
        .collect()
}

#[test]
fn crates_depend_in_one_direction() {
    let table: BTreeMap<&str, &[&str]> = CRATES.into_iter().collect();
    let crates = crate_dependencies(true);
    for (name, dependencies) in crates
        .iter()
        .filter(|(name, _)| !TOOLS.contains(&name.as_str()))
    {
        let allowed = table
            .get(name.as_str())
            .unwrap_or_else(|| panic!("`{name}` has no row in CRATES"));
        let ours = dependencies
            .iter()
            .filter(|dependency| crates.contains_key(*dependency) && *dependency != name);
        for dependency in ours {
            assert!(
                allowed.contains(&dependency.as_str()),
                "`{name}` must not depend on `{dependency}`"
            );
        }
    }
}

#[test]
fn each_layer_keeps_its_ignorance() {
    let crates = crate_dependencies(false);
    for (name, forbidden) in OUT_OF_REACH {
        let reached = reach(&crates, name);
        for dependency in forbidden {
            assert!(
                !reached.contains(*dependency),
                "`{name}` must not reach `{dependency}`"
            );
        }
    }
    for (name, forbidden) in NOT_NAMED {
        let Some(direct) = crates.get(name) else {
            continue;
        };
        for dependency in forbidden {
            assert!(
                !direct.contains(*dependency),
                "`{name}` must not name `{dependency}`"
            );
        }
    }
}

/// All direct dependencies of the crate and of the crates of the workspace under it.
fn reach(crates: &BTreeMap<String, BTreeSet<String>>, from: &str) -> BTreeSet<String> {
    let mut reached = BTreeSet::new();
    let mut open = vec![from.to_owned()];
    while let Some(name) = open.pop() {
        for dependency in crates.get(&name).into_iter().flatten() {
            if reached.insert(dependency.clone()) {
                open.push(dependency.clone());
            }
        }
    }
    reached
}

#[test]
fn npm_packages_depend_on_nothing_but_each_other() {
    let table: BTreeMap<&str, &[&str]> = PACKAGES.into_iter().collect();
    for folder in children(&root().join("packages")) {
        let Ok(text) = fs::read_to_string(folder.join("package.json")) else {
            continue;
        };
        let package: Value = serde_json::from_str(&text).unwrap();
        let name = package["name"].as_str().unwrap();
        let allowed = table
            .get(name)
            .unwrap_or_else(|| panic!("`{name}` has no row in PACKAGES"));
        for field in ["dependencies", "optionalDependencies", "peerDependencies"] {
            for dependency in package[field]
                .as_object()
                .into_iter()
                .flat_map(|object| object.keys())
            {
                assert!(
                    allowed.contains(&dependency.as_str()),
                    "`{name}` must not depend on `{dependency}`"
                );
            }
        }
    }
}

#[test]
fn the_client_runs_in_a_browser() {
    for file in sources(&root().join("packages/client/src")) {
        let text = fs::read_to_string(&file).unwrap();
        let forbidden = [
            "from \"node:",
            "import(\"node:",
            "require(",
            "@greenroom/native",
        ];
        for word in forbidden {
            assert!(!text.contains(word), "{} contains `{word}`", file.display());
        }
    }
}

#[test]
fn every_typescript_project_is_built_by_the_root_project() {
    let solution: Value =
        serde_json::from_str(&fs::read_to_string(root().join("tsconfig.json")).unwrap()).unwrap();
    let references = solution["references"].as_array().unwrap().iter();
    let built: BTreeSet<PathBuf> = references
        .map(|reference| root().join(reference["path"].as_str().unwrap()))
        .collect();
    for parent in ["packages", "examples", "tests"] {
        for folder in children(&root().join(parent))
            .into_iter()
            .filter(|child| child.join("tsconfig.json").is_file())
        {
            assert!(
                built.contains(&folder),
                "{} is missing in the root tsconfig.json",
                folder.display()
            );
        }
    }
}

fn children(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder)
        .into_iter()
        .flatten()
        .map(|entry| entry.expect("the folder can be read").path())
        .collect()
}

/// The TypeScript files under a folder, tests left out: they run on Node.js.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for path in children(folder) {
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|end| end == "ts") && !is_test(&path) {
            files.push(path);
        }
    }
    files
}

fn is_test(path: &Path) -> bool {
    let in_tests = path
        .parent()
        .is_some_and(|folder| folder.ends_with("test") || folder.ends_with("tests"));
    in_tests
        || path
            .file_stem()
            .is_some_and(|stem| stem.to_string_lossy().ends_with(".test"))
}
