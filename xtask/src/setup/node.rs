//! Node.js itself, which we do not install.

use anyhow::{Context, Result, anyhow, bail};

use crate::process;

/// The oldest Node.js that works: see `engines` in `package.json`.
const OLDEST_MAJOR: u32 = 20;

/// Checks that `node` and `npm` are there and new enough.
pub(super) fn check_version() -> Result<()> {
    let mut node = process::command("node");
    node.arg("--version");
    let version = process::output(node).map_err(|cause| {
        anyhow!("Node.js {OLDEST_MAJOR} or later is needed and `node` does not run ({cause:#}); see https://nodejs.org")
    })?;
    let version = version.trim();
    let major = major(version).with_context(|| format!("`node --version` printed `{version}`"))?;
    if major < OLDEST_MAJOR {
        bail!(
            "Node.js {OLDEST_MAJOR} or later is needed, this is {version}; see https://nodejs.org"
        );
    }
    Ok(())
}

fn major(version: &str) -> Option<u32> {
    version.strip_prefix('v')?.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::major;

    #[test]
    fn major_version_is_read_from_what_node_prints() {
        assert_eq!(major("v20.20.2"), Some(20));
        assert_eq!(major("v25.0.0-nightly2026"), Some(25));
        assert_eq!(major("20"), None);
        assert_eq!(major("v"), None);
    }
}
