//! The platforms with a native core, and the npm package of each.

use serde_json::{Value, json};

/// One platform.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Platform {
    /// As Node.js names it, `<process.platform>-<process.arch>`; the addon's file has it in its name.
    pub(super) name: &'static str,
    /// The end of the name of its package.
    package_end: &'static str,
    /// As Rust names it.
    pub(super) target: &'static str,
    os: &'static str,
    cpu: &'static str,
    libc: Option<&'static str>,
}

/// All of them; `packages/native/src/platform.ts` has the same table.
#[rustfmt::skip]
pub(super) const PLATFORMS: [Platform; 6] = [
    platform("linux-x64", "linux-x64-gnu", "x86_64-unknown-linux-gnu", ["linux", "x64"], Some("glibc")),
    platform("linux-arm64", "linux-arm64-gnu", "aarch64-unknown-linux-gnu", ["linux", "arm64"], Some("glibc")),
    platform("darwin-x64", "darwin-x64", "x86_64-apple-darwin", ["darwin", "x64"], None),
    platform("darwin-arm64", "darwin-arm64", "aarch64-apple-darwin", ["darwin", "arm64"], None),
    platform("win32-x64", "win32-x64-msvc", "x86_64-pc-windows-msvc", ["win32", "x64"], None),
    platform("win32-arm64", "win32-arm64-msvc", "aarch64-pc-windows-msvc", ["win32", "arm64"], None),
];

const fn platform(
    name: &'static str,
    package_end: &'static str,
    target: &'static str,
    [os, cpu]: [&'static str; 2],
    libc: Option<&'static str>,
) -> Platform {
    Platform {
        name,
        package_end,
        target,
        os,
        cpu,
        libc,
    }
}

impl Platform {
    /// The name of its package.
    pub(super) fn package(&self) -> String {
        format!("@greenroom/native-{}", self.package_end)
    }

    /// The name of the addon's file, as the build puts it beside `@greenroom/native`.
    pub(super) fn built_file(&self) -> String {
        format!("greenroom.{}.node", self.name)
    }

    /// What its manifest says that others do not: by these fields package managers choose.
    pub(super) fn selectors(&self) -> Vec<(&'static str, Value)> {
        let mut fields = vec![("os", json!([self.os])), ("cpu", json!([self.cpu]))];
        fields.extend(self.libc.map(|libc| ("libc", json!([libc]))));
        fields
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::PLATFORMS;
    use crate::repo;

    #[test]
    fn the_loader_knows_the_same_platforms() {
        let loader = repo::root().join("packages/native/src/platform.ts");
        let text = fs::read_to_string(loader).unwrap();
        let table: Vec<&str> = text
            .lines()
            .map(str::trim)
            .filter(|line| line.starts_with("[\""))
            .collect();
        let expected: Vec<String> = PLATFORMS
            .iter()
            .map(|platform| format!(r#"["{}", "{}"],"#, platform.name, platform.package_end))
            .collect();
        assert_eq!(table, expected);
    }
}
