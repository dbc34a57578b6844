//! The npm packages: every package of `packages/` that is not private, and one for each platform with the addon.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value, json};

use super::manifest::Manifest;
use super::platform::{PLATFORMS, Platform};
use super::{Made, empty_folder, machine_code, notices, stage};
use crate::{process, repo, workspace};

/// The package that finds the one for its platform, by its folder in `packages/`.
const NATIVE: &str = "native";

/// The addon in the package of a platform.
const ADDON: &str = "greenroom.node";

/// The licences of what the addon has in it.
const NOTICES: &str = "THIRD-PARTY-LICENSES.txt";

/// What the manifest of a platform has in common with that of [`NATIVE`].
const SHARED: [&str; 3] = ["version", "license", "engines"];

/// Packs everything into `dist/npm`, which holds nothing else afterwards. Takes what is built.
///
/// There is a package for each platform whose addon is beside `packages/native`: that of this machine, and those that
/// were brought here from others. `@greenroom/native` names them as its optional dependencies.
///
/// # Errors
/// Something is not built, a package is not complete, or npm failed.
pub(crate) fn pack() -> Result<Vec<Made>> {
    if cfg!(target_env = "musl") {
        bail!("there are no packages for Linux with musl; use a system with glibc");
    }
    let tarballs = empty_folder("npm")?;
    let stages = empty_folder("stage")?;
    let native = repo::root().join("packages").join(NATIVE);
    let platforms: Vec<&Platform> = PLATFORMS
        .iter()
        .filter(|platform| native.join(platform.built_file()).is_file())
        .collect();
    if platforms.is_empty() {
        bail!("there is no addon in packages/native; run `cargo xtask build`");
    }
    let mut made = Vec::new();
    for platform in &platforms {
        let folder = stages.join(format!("{NATIVE}-{}", platform.name));
        stage_platform(platform, &native, &folder)?;
        made.push(npm_pack(&folder, &tarballs)?);
    }
    for package in workspace::packages_in("packages")? {
        let mut manifest = Manifest::read(&package.path)?;
        if manifest.is_private() {
            continue;
        }
        manifest.publish()?;
        if package.name == NATIVE {
            manifest.set(
                "optionalDependencies",
                &optional(&platforms, &manifest.text("version")?),
            )?;
        }
        let folder = stages.join(&package.name);
        stage::copy_package(&package.path, &folder)?;
        manifest.write(&folder)?;
        made.push(npm_pack(&folder, &tarballs)?);
    }
    fs::remove_dir_all(&stages).with_context(|| format!("cannot remove {}", stages.display()))?;
    Ok(made)
}

/// The platforms as dependencies; each in the version of the package that loads it.
fn optional(platforms: &[&Platform], version: &str) -> Value {
    let names = platforms.iter().map(|platform| platform.package());
    Value::Object(
        names
            .map(|name| (name, Value::from(version)))
            .collect::<Map<_, _>>(),
    )
}

/// Makes the package of a platform: its addon and little else.
fn stage_platform(platform: &Platform, native: &Path, folder: &Path) -> Result<()> {
    let name = platform.package();
    let mut manifest = Manifest::read(native)?.only(&SHARED);
    manifest.publish()?;
    let description = format!("The native core of Greenroom for {}", platform.name);
    manifest.set("name", &json!(name))?;
    manifest.set("description", &json!(description))?;
    manifest.set("main", &json!(ADDON))?;
    manifest.set("files", &json!([ADDON, NOTICES]))?;
    // An addon is loaded from a file of its own, so package managers that keep packages in archives have to unpack it.
    manifest.set("preferUnplugged", &json!(true))?;
    for (field, value) in platform.selectors() {
        manifest.set(field, &value)?;
    }
    let readme = format!(
        "# {name}\n\n{description}. `@greenroom/native` loads it; nobody needs to install it by name.\n"
    );
    let addon = native.join(platform.built_file());
    check_addon(&addon, platform)?;
    let notices = notices::collect(platform.target)?;
    stage::copy(&addon, &folder.join(ADDON))?;
    stage::copy_license(folder)?;
    fs::write(folder.join("README.md"), readme)
        .and_then(|()| fs::write(folder.join(NOTICES), notices))
        .with_context(|| format!("cannot write into {}", folder.display()))?;
    manifest.write(folder)
}

/// Checks that an addon is for the platform that its name says.
fn check_addon(addon: &Path, platform: &Platform) -> Result<()> {
    let code = fs::read(addon).with_context(|| format!("cannot read {}", addon.display()))?;
    let found = machine_code::platform_of(&code);
    if found != Some(platform.name) {
        bail!(
            "{} is {}, though its name says {}",
            addon.display(),
            found.map_or("no addon".to_owned(), |name| format!("for {name}")),
            platform.name
        );
    }
    Ok(())
}

/// Packs a folder as npm would when it publishes it.
fn npm_pack(folder: &Path, tarballs: &Path) -> Result<Made> {
    let mut npm = process::npm();
    npm.args(["pack", "--json", "--loglevel=error", "--pack-destination"])
        .arg(tarballs)
        .current_dir(folder);
    let output = process::output(npm)?;
    made(&output, tarballs).with_context(|| format!("npm pack printed `{output}`"))
}

/// Reads what `npm pack --json` prints: a list with one package, or an object with it by its name.
fn made(output: &str, tarballs: &Path) -> Result<Made> {
    let packages: Vec<Value> = match serde_json::from_str(output)? {
        Value::Array(list) => list,
        Value::Object(by_name) => by_name.into_iter().map(|(_, package)| package).collect(),
        other => bail!("{other} is no package"),
    };
    let [packed] = packages.as_slice() else {
        bail!("this is not one package");
    };
    let text = |field| {
        packed[field]
            .as_str()
            .with_context(|| format!("no `{field}`"))
    };
    Ok(Made {
        package: text("id")?.to_owned(),
        file: tarballs.join(text("filename")?),
        packed: packed["size"].as_u64().context("no `size`")?,
        unpacked: packed["unpackedSize"].as_u64(),
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::made;

    #[test]
    fn both_forms_of_what_npm_prints_are_read() {
        let package =
            r#"{"id":"@a/b@1.0.0","filename":"a-b-1.0.0.tgz","size":10,"unpackedSize":20}"#;
        for output in [format!("[{package}]"), format!(r#"{{"@a/b":{package}}}"#)] {
            let made = made(&output, Path::new("/t")).unwrap();
            assert_eq!(made.package, "@a/b@1.0.0");
            assert_eq!(made.file, Path::new("/t/a-b-1.0.0.tgz"));
            assert_eq!((made.packed, made.unpacked), (10, Some(20)));
        }
        for output in ["[]", "1", "no", r#"[{"id":"a"}]"#] {
            assert!(made(output, Path::new("/t")).is_err(), "{output}");
        }
    }
}
