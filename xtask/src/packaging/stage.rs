//! A copy of a package's folder with just what is to be published.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::repo;

/// What the compiler makes of one source file.
const COMPILED: [&str; 4] = [".js", ".js.map", ".d.ts", ".d.ts.map"];

/// Copies the sources of a package, what is compiled from them, its README and the licence.
///
/// Files that earlier builds have left in `dist`, whose source is gone, stay out.
///
/// # Errors
/// The package has no README or is not compiled, or a file cannot be copied.
pub(super) fn copy_package(package: &Path, stage: &Path) -> Result<()> {
    if !package.join("README.md").is_file() {
        bail!("{} has no README.md", package.display());
    }
    if !package.join("dist/index.js").is_file() {
        bail!(
            "{} is not compiled; it should be in the root tsconfig.json",
            package.display()
        );
    }
    copy(&package.join("README.md"), &stage.join("README.md"))?;
    copy_license(stage)?;
    for source in files(&package.join("src"))? {
        let relative = source.strip_prefix(package).expect("it is in the package");
        copy(&source, &stage.join(relative))?;
        let in_src = relative.strip_prefix("src").expect("it is in `src`");
        for end in COMPILED.iter().filter(|_| is_compiled(in_src)) {
            let compiled = Path::new("dist").join(in_src).with_extension(&end[1..]);
            copy(&package.join(&compiled), &stage.join(&compiled))?;
        }
    }
    Ok(())
}

/// Whether the compiler makes files of a source: not of one with declarations only.
fn is_compiled(source: &Path) -> bool {
    let name = source.to_string_lossy();
    [".ts", ".tsx"].iter().any(|end| name.ends_with(end)) && !name.ends_with(".d.ts")
}

/// Puts the licence where it belongs.
///
/// # Errors
/// It cannot be copied.
pub(super) fn copy_license(stage: &Path) -> Result<()> {
    copy(&repo::root().join("LICENSE"), &stage.join("LICENSE"))
}

/// Copies a file, making the folder that it comes to.
///
/// # Errors
/// It cannot be copied.
pub(super) fn copy(from: &Path, to: &Path) -> Result<()> {
    let folder = to.parent().expect("a file is in a folder");
    fs::create_dir_all(folder)
        .and_then(|()| fs::copy(from, to))
        .with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))?;
    Ok(())
}

/// All files below a folder.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else {
            found.push(path);
        }
    }
    Ok(found)
}
