//! The counts that are kept.

use std::collections::BTreeMap;
use std::env::consts;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::repo;

/// What every file begins with.
const HEAD: &str = "\
# Instructions per operation of each hot path. Written by `cargo xtask guard --accept`.
";

/// Instructions per operation, by path. There is one for each platform, because each has other instructions.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Baseline(pub(crate) BTreeMap<String, u64>);

impl Baseline {
    /// The one of this platform; `None` if there is none yet.
    ///
    /// # Errors
    /// The file cannot be read, or is not one of ours.
    pub(crate) fn load() -> Result<Option<Self>> {
        let file = file();
        if !file.is_file() {
            return Ok(None);
        }
        let text =
            fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let read = parse(&text).with_context(|| format!("in {}", file.display()))?;
        Ok(Some(read))
    }

    /// Replaces the one of this platform.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(crate) fn save(&self) -> Result<()> {
        let file = file();
        fs::write(&file, self.to_text()).with_context(|| format!("cannot write {}", file.display()))
    }

    /// Takes these counts for what is kept from now on, and with `whole` nothing else. Returns what was kept before.
    pub(crate) fn take_in(&mut self, counts: &BTreeMap<String, u64>, whole: bool) -> Self {
        let before = self.0.clone();
        if whole {
            self.0.clear();
        }
        self.0
            .extend(counts.iter().map(|(path, &count)| (path.clone(), count)));
        Self(before)
    }

    fn to_text(&self) -> String {
        let lines = self
            .0
            .iter()
            .map(|(path, count)| format!("{path} {count}\n"));
        HEAD.to_owned() + &lines.collect::<String>()
    }
}

/// The name of this platform, as in the name of its file.
pub(crate) fn platform() -> String {
    let libc = if cfg!(target_env = "musl") {
        "-musl"
    } else {
        ""
    };
    format!("{}-{}{libc}", consts::OS, consts::ARCH)
}

fn file() -> PathBuf {
    let name = format!("crates/node/guard/baseline/{}.txt", platform());
    repo::root().join(name)
}

fn parse(text: &str) -> Result<Baseline> {
    let mut counts = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (path, count) = line
            .split_once(' ')
            .with_context(|| format!("`{line}` is not a path and a count"))?;
        let count = count
            .parse()
            .with_context(|| format!("`{line}` has no count"))?;
        if count == 0 || counts.insert(path.to_owned(), count).is_some() {
            bail!("`{line}` has no count above 0, or its path was there before");
        }
    }
    Ok(Baseline(counts))
}

#[cfg(test)]
mod tests {
    use super::{Baseline, parse};

    #[test]
    fn what_is_written_is_read() {
        let counts = [("wake".to_owned(), 120_000), ("key".to_owned(), 99)];
        let baseline = Baseline(counts.into());
        assert_eq!(parse(&baseline.to_text()).unwrap(), baseline);
    }

    #[test]
    fn counts_of_some_paths_leave_the_others_and_counts_of_all_do_not() {
        let kept = || Baseline([("wake".to_owned(), 5), ("key".to_owned(), 7)].into());
        let counts = [("wake".to_owned(), 6)].into();
        let (mut some, mut all) = (kept(), kept());
        assert_eq!(some.take_in(&counts, false), kept());
        assert_eq!(some.to_text().lines().last(), Some("wake 6"));
        assert_eq!(some.0.len(), 2);
        all.take_in(&counts, true);
        assert_eq!(all.0, counts);
    }

    #[test]
    fn what_is_not_a_baseline_is_refused() {
        for text in ["wake", "wake x", "wake 0", "wake 7\nwake 8", "wake -1"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
