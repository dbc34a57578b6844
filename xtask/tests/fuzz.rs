//! Checks that the fuzz targets are what their workspace says, and fuzz what is shipped.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask is a folder of the repository")
        .to_owned()
}

fn read(file: &str) -> String {
    let file = root().join(file);
    fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// The versions of each package in a `Cargo.lock`.
fn versions(lock: &str) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut versions: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for package in lock.split("[[package]]").skip(1) {
        let field = |name: &str| {
            let line = package.lines().find_map(|line| line.strip_prefix(name));
            line.map(|value| value.trim_matches(['"', '=', ' ']))
        };
        if let (Some(name), Some(version)) = (field("name"), field("version")) {
            versions.entry(name).or_default().insert(version);
        }
    }
    versions
}

/// The names of a folder's entries without their extensions.
fn stems(folder: &str) -> BTreeSet<String> {
    let folder = root().join(folder);
    let entries =
        fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    entries
        .map(|entry| {
            let path = entry.expect("an entry can be read").path();
            let stem = path.file_stem().expect("an entry has a name");
            stem.to_string_lossy().into_owned()
        })
        .collect()
}

#[test]
fn the_crates_that_are_fuzzed_are_those_that_are_shipped() {
    let (ours, fuzzed) = (read("Cargo.lock"), read("fuzz/Cargo.lock"));
    let (ours, fuzzed) = (versions(&ours), versions(&fuzzed));
    assert!(fuzzed.contains_key("greenroom-server") && ours.len() > 100);
    for (name, fuzzed) in &fuzzed {
        if let Some(ours) = ours.get(name) {
            assert!(
                fuzzed.is_subset(ours),
                "fuzz/Cargo.lock has {name} {fuzzed:?}, Cargo.lock has {ours:?}: \
                 cargo update --manifest-path fuzz/Cargo.toml -p {name} --precise <version>"
            );
        }
    }
}

#[test]
fn each_target_is_listed_and_has_a_corpus() {
    let manifest = read("fuzz/Cargo.toml");
    let targets = stems("fuzz/fuzz_targets");
    for target in &targets {
        assert!(
            manifest.contains(&format!("path = \"fuzz_targets/{target}.rs\"")),
            "{target} is no [[bin]] of fuzz/Cargo.toml"
        );
        let inputs = stems(&format!("fuzz/corpus/{target}"));
        assert!(!inputs.is_empty(), "{target} has no inputs that are kept");
    }
    assert_eq!(stems("fuzz/corpus"), targets);
    assert!(stems("fuzz/dictionaries").is_subset(&targets));
}
