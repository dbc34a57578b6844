//! A look at the lists of the engine's table files before the engine reads them.
//!
//! Each keyspace has a file that lists its tables, and the engine writes a checksum of it down without ever comparing
//! it. A changed list can hide tables, whose rows are then gone without a word, and can make the engine panic while it
//! panics, which nobody survives. So it is compared here. The layout is that of format version 3 of the engine, integers
//! little endian:
//!
//! ```text
//! current      number u64 | XXH3-128 of the file `v{number}` u128 | kind of checksum u8, 0
//! v{number}    the list
//! ```
//!
//! `current` is replaced as a whole when the list that it names is on disk, so a crash leaves both in step.

use std::{fs, io, path::Path};

use xxhash_rust::xxh3::xxh3_128;

const CURRENT: &str = "current";

/// Checks the lists of all keyspaces of a database. `Ok(Some(..))` says what is wrong. What is missing is left to the
/// engine.
pub(super) fn check(db: &Path) -> io::Result<Option<String>> {
    for entry in fs::read_dir(db.join("keyspaces"))? {
        let keyspace = entry?.path();
        if !keyspace.is_dir() {
            continue;
        }
        if let Some(problem) = check_keyspace(&keyspace)? {
            return Ok(Some(format!("{}: {problem}", keyspace.display())));
        }
    }
    Ok(None)
}

fn check_keyspace(keyspace: &Path) -> io::Result<Option<&'static str>> {
    let current = match fs::read(keyspace.join(CURRENT)) {
        Ok(current) => current,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let Some((number, sum)) = read_current(&current) else {
        return Ok(Some(
            "the file that names the list of its tables is damaged",
        ));
    };
    let list = fs::read(keyspace.join(format!("v{number}")))?;
    Ok((xxh3_128(&list) != sum).then_some("the list of its tables is damaged"))
}

/// The number of the list, and its checksum.
fn read_current(bytes: &[u8]) -> Option<(u64, u128)> {
    let (number, rest) = bytes.split_first_chunk()?;
    let (sum, kind) = rest.split_first_chunk()?;
    (kind == [0]).then_some((u64::from_le_bytes(*number), u128::from_le_bytes(*sum)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_that_is_not_the_one_that_was_written_is_noticed() {
        let dir = tempfile::tempdir().expect("there is room");
        let keyspace = dir.path().join("keyspaces/0");
        fs::create_dir_all(&keyspace).expect("there is room");
        let check = || check(dir.path()).expect("it can be read");
        assert_eq!(check(), None, "the engine says what is missing");
        let (list, sum) = (b"a list", xxh3_128(b"a list"));
        let current = [&7u64.to_le_bytes()[..], &sum.to_le_bytes(), &[0]].concat();
        let write = |name: &str, bytes: &[u8]| {
            fs::write(keyspace.join(name), bytes).expect("there is room");
        };
        write("v7", list);
        write("current", &current);
        assert_eq!(check(), None);
        for (at, bytes) in [(0, &list[..]), (0, &current), (8, &current)] {
            let name = if bytes.len() == list.len() {
                "v7"
            } else {
                "current"
            };
            let mut damaged = bytes.to_vec();
            damaged[at] ^= 1;
            write(name, &damaged);
            let found = super::check(dir.path());
            assert!(!matches!(found, Ok(None)), "{name} at {at}: {found:?}");
            write(name, bytes);
        }
        write("current", &current[..24]);
        assert!(check().is_some_and(|problem| problem.contains("is damaged")));
    }
}
