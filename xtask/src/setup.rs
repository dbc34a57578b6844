//! Everything that a command needs on this machine before it can do its work.
//!
//! Each step is idempotent and quick when there is nothing to do. The order is fixed: Node.js, what npm installs,
//! the native addon, the compiled TypeScript.

mod addon;
mod apt;
mod bun;
mod chromium;
mod fresh;
mod node;
mod npm;
mod valgrind;

use anyhow::Result;

use crate::workspace::Package;
use crate::{process, workspace};

pub(crate) use addon::build as addon;
pub(crate) use bun::ready as bun;
pub(crate) use chromium::{VARIABLE as CHROMIUM_VARIABLE, find_or_install as chromium};
pub(crate) use valgrind::find_or_install as valgrind;

/// Checks Node.js and installs the npm packages of the lockfile.
///
/// # Errors
/// Node.js is missing or too old, or npm failed.
pub(crate) fn javascript_tools() -> Result<()> {
    node::check_version()?;
    npm::install(".")
}

/// Installs what suites use from folders of their own: the newest LTS of Node.js and Deno, the tools that check
/// packed packages, and the web frameworks of the examples.
///
/// In the workspace, the program `node` of a package would come before the Node.js that everything else is to run
/// on, and the tools would bring another TypeScript.
///
/// # Errors
/// npm failed.
pub(crate) fn suite_tools() -> Result<()> {
    npm::install("tests/e2e/runtimes")?;
    npm::install("tests/packages/tools")?;
    npm::install("examples/frameworks")
}

/// Compiles every TypeScript project of the root `tsconfig.json`, then runs the build scripts that do more.
///
/// # Errors
/// A type error, or a script that fails.
pub(crate) fn typescript() -> Result<()> {
    let mut tsc = process::node_tool("typescript/bin/tsc");
    tsc.arg("--build");
    process::run(tsc)?;
    run_build_scripts(&workspace::packages()?)
}

/// All that starting these examples takes, and no more: tools, addon, the packages of `packages/` and themselves,
/// compiled.
///
/// # Errors
/// The first step that fails.
pub(crate) fn examples(chosen: Vec<Package>) -> Result<()> {
    javascript_tools()?;
    addon()?;
    let mut needed = workspace::packages_in("packages")?;
    needed.extend(chosen);
    compile(&needed)?;
    run_build_scripts(&needed)
}

/// Compiles the TypeScript projects of these packages, and what they use.
fn compile(packages: &[Package]) -> Result<()> {
    let mut tsc = process::node_tool("typescript/bin/tsc");
    tsc.arg("--build").args(
        packages
            .iter()
            .map(|package| package.path.join("tsconfig.json"))
            .filter(|project| project.is_file()),
    );
    process::run(tsc)
}

/// Runs the build scripts that do more than compile, where something has changed since they last ran.
fn run_build_scripts(packages: &[Package]) -> Result<()> {
    for package in packages {
        let more = package
            .script("build")
            .is_some_and(|script| script != "tsc -b");
        if more && !fresh::is_built(package)? {
            process::run(package.run_script("build"))?;
            fresh::note_built(package)?;
        }
    }
    Ok(())
}

/// All that running the product takes: tools, addon, compiled packages.
///
/// # Errors
/// The first step that fails.
pub(crate) fn product() -> Result<()> {
    javascript_tools()?;
    addon()?;
    typescript()
}

/// What the npm packages are made of: the addon, and what is compiled.
///
/// # Errors
/// The first step that fails.
pub(crate) fn packages() -> Result<()> {
    javascript_tools()?;
    addon()?;
    compile(&workspace::packages_in("packages")?)
}
