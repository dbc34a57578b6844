//! The npm workspace: which packages there are and which scripts they offer.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::{process, repo};

/// The folders whose children are packages, in the order in which their tests run: what is used before its users.
const PARENTS: [&str; 3] = ["packages", "examples", "tests"];

/// One npm package of the workspace.
#[derive(Debug)]
pub(crate) struct Package {
    /// The folder's own name, such as `client`.
    pub(crate) name: String,
    /// The folder.
    pub(crate) path: PathBuf,
    /// The names and texts of its npm scripts, in the order of its `package.json`.
    pub(crate) scripts: Vec<(String, String)>,
}

impl Package {
    /// The scripts that are its tests: every `test:*` in order, else `test` if there is one.
    pub(crate) fn test_scripts(&self) -> Vec<&str> {
        let names = || self.scripts.iter().map(|(name, _)| name.as_str());
        let several: Vec<&str> = names().filter(|name| name.starts_with("test:")).collect();
        if several.is_empty() {
            names().filter(|name| *name == "test").collect()
        } else {
            several
        }
    }

    /// The command that runs one of its scripts, with the tools of `node_modules` in its path.
    pub(crate) fn run_script(&self, name: &str) -> Command {
        let mut npm = process::npm();
        npm.args(["run", "--silent", name]).current_dir(&self.path);
        npm
    }

    /// Its `start` script, `node <file>...`, without npm or a shell in between: signals reach the program itself.
    ///
    /// # Errors
    /// There is no such script, or it is something else.
    pub(crate) fn start(&self) -> Result<Command> {
        let arguments = self
            .script("start")
            .and_then(|start| start.strip_prefix("node "))
            .with_context(|| {
                format!(
                    "`{}` has no script `start` of the form `node <file>`",
                    self.name
                )
            })?;
        let mut node = process::command("node");
        node.args(arguments.split_whitespace())
            .current_dir(&self.path);
        Ok(node)
    }

    /// The text of one script.
    pub(crate) fn script(&self, name: &str) -> Option<&str> {
        self.scripts
            .iter()
            .find(|(script, _)| script == name)
            .map(|(_, text)| text.as_str())
    }
}

/// All packages, in a fixed order.
///
/// # Errors
/// A `package.json` that cannot be read.
pub(crate) fn packages() -> Result<Vec<Package>> {
    let mut packages = Vec::new();
    for parent in PARENTS {
        packages.extend(packages_in(parent)?);
    }
    Ok(packages)
}

/// The packages that are children of one folder of the repository, by name; none if there is no such folder.
///
/// # Errors
/// A `package.json` that cannot be read.
pub(crate) fn packages_in(parent: &str) -> Result<Vec<Package>> {
    let Ok(entries) = fs::read_dir(repo::root().join(parent)) else {
        return Ok(Vec::new());
    };
    let mut folders: Vec<PathBuf> = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<std::io::Result<_>>()?;
    folders.sort();
    folders
        .iter()
        .filter(|folder| folder.join("package.json").is_file())
        .map(|folder| read(folder))
        .collect()
}

fn read(folder: &Path) -> Result<Package> {
    let file = folder.join("package.json");
    let text =
        fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    let scripts = parse_scripts(&text).with_context(|| format!("in {}", file.display()))?;
    let name = folder.file_name().expect("a child of a folder has a name");
    Ok(Package {
        name: name.to_string_lossy().into_owned(),
        path: folder.to_owned(),
        scripts,
    })
}

/// The scripts of a `package.json` in the order in which it lists them.
fn parse_scripts(text: &str) -> Result<Vec<(String, String)>> {
    let json: Value = serde_json::from_str(text)?;
    let Some(object) = json.get("scripts").and_then(Value::as_object) else {
        return Ok(Vec::new());
    };
    let mut scripts: Vec<(String, String)> = object
        .iter()
        .filter_map(|(name, script)| Some((name.clone(), script.as_str()?.to_owned())))
        .collect();
    let listed = text.find("\"scripts\"").unwrap_or(0);
    scripts.sort_by_key(|(name, _)| text[listed..].find(&format!("\"{name}\"")));
    Ok(scripts)
}

#[cfg(test)]
mod tests {
    use super::{Package, parse_scripts};

    fn package(json: &str) -> Package {
        let scripts = parse_scripts(json).unwrap();
        Package {
            name: "p".into(),
            path: "p".into(),
            scripts,
        }
    }

    #[test]
    fn test_scripts_keep_the_order_of_the_file() {
        let several = package(
            r#"{"name":"test:node","scripts":{"test:node":"a","test":"b","test:bun":"c"}}"#,
        );
        assert_eq!(several.test_scripts(), ["test:node", "test:bun"]);
        assert_eq!(several.script("test:bun"), Some("c"));
        assert_eq!(
            package(r#"{"scripts":{"start":"x","test":"y"}}"#).test_scripts(),
            ["test"]
        );
        assert!(
            package(r#"{"scripts":{"start":"x"}}"#)
                .test_scripts()
                .is_empty()
        );
        assert!(package("{}").test_scripts().is_empty());
    }
}
