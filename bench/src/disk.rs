//! What a server's processes have written, from `/proc`.

use std::fs;

use anyhow::{Context, Result};

use crate::family;

/// Bytes written so far, or between two moments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Written {
    /// Handed to calls of the kind of `write`: to files, and in part to sockets.
    pub(crate) by_calls: u64,
    /// On their way to the disk, in whole pages of memory: one that is synced, changed and synced
    /// again counts twice.
    pub(crate) to_disk: u64,
}

impl Written {
    /// What came after that moment.
    pub(crate) fn since(self, before: Self) -> Self {
        Self {
            by_calls: self.by_calls.saturating_sub(before.by_calls),
            to_disk: self.to_disk.saturating_sub(before.to_disk),
        }
    }
}

/// By the process and its living descendants.
///
/// # Errors
/// The process is gone, or this is not Linux.
pub(crate) fn written(pid: u32) -> Result<Written> {
    let mut sum = Written::default();
    let mut found = false;
    for member in family::descendants(pid)? {
        // Processes come and go while this runs.
        let Ok(text) = fs::read_to_string(format!("/proc/{member}/io")) else {
            continue;
        };
        let one = parse(&text).with_context(|| format!("unreadable /proc/{member}/io"))?;
        sum.by_calls += one.by_calls;
        sum.to_disk += one.to_disk;
        found |= member == pid;
    }
    anyhow::ensure!(found, "the server (process {pid}) is gone");
    Ok(sum)
}

fn parse(text: &str) -> Option<Written> {
    let field = |name: &str| {
        let mut lines = text.lines();
        lines.find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
    };
    Some(Written {
        by_calls: field("wchar:")?,
        to_disk: field("write_bytes:")?,
    })
}

#[cfg(test)]
mod tests {
    use super::{Written, parse, written};

    #[test]
    fn fields_are_found_by_their_whole_names() {
        let text = "rchar: 1\nwchar: 22\nsyscr: 3\nsyscw: 4\nread_bytes: 5\nwrite_bytes: 66\n\
                    cancelled_write_bytes: 7\n";
        let expected = Written {
            by_calls: 22,
            to_disk: 66,
        };
        assert_eq!(parse(text), Some(expected));
        assert_eq!(parse("rchar: 1\n"), None);
    }

    #[test]
    fn what_this_process_writes_is_counted() {
        let folder = tempfile::tempdir().unwrap();
        let before = written(std::process::id()).unwrap();
        std::fs::write(folder.path().join("file"), [7; 4096]).unwrap();
        let after = written(std::process::id()).unwrap();
        assert!(after.since(before).by_calls >= 4096);
        assert!(written(u32::MAX).is_err());
    }
}
