//! A data directory whose files were changed, opened: a beginning of what was written, or a refusal.
//!
//! What is refused says that it is damaged. What is opened holds a prefix of each actor's history, all rows of an
//! actor belong together, and it works on: what is written then is there after the next opening, too.

#![no_main]

use std::{
    fs,
    path::Path,
    sync::{Once, OnceLock},
};

use arbitrary::Arbitrary;
use greenroom_fuzz::history::{self, Damaged, Image};
use libfuzzer_sys::fuzz_target;

/// How one file is changed; `file` and `at` are taken modulo what there is.
#[derive(Arbitrary, Debug)]
enum Change<'a> {
    Flip {
        file: u8,
        at: u16,
        bit: u8,
    },
    Overwrite {
        file: u8,
        at: u16,
        with: &'a [u8],
    },
    Insert {
        file: u8,
        at: u16,
        what: &'a [u8],
    },
    Cut {
        file: u8,
        at: u16,
    },
    Zero {
        file: u8,
        at: u16,
        len: u16,
    },
    Repeat {
        file: u8,
        at: u16,
        len: u16,
        to: u16,
    },
    Remove {
        file: u8,
    },
    Swap {
        file: u8,
        other: u8,
    },
}

fuzz_target!(|input: (bool, Vec<Change<'_>>)| {
    expect_panics_of_the_engine();
    let (merged, changes) = input;
    let mut files = image(merged).files.clone();
    for change in &changes {
        apply(&mut files, change);
    }
    let directory = tempfile::tempdir().expect("there is room for a directory");
    write(directory.path(), &files);
    let found = history::open(directory.path());
    match found {
        Damaged::Refused => assert!(!changes.is_empty(), "nothing was changed"),
        Damaged::Holds(commits) => {
            assert!(
                !changes.is_empty() || commits == history::COMMITS,
                "nothing was changed"
            );
        }
    }
});

/// A directory with everything in the engine's log, or one with most of it in table files.
fn image(merged: bool) -> &'static Image {
    static IMAGES: [OnceLock<Image>; 2] = [OnceLock::new(), OnceLock::new()];
    IMAGES[usize::from(merged)].get_or_init(|| history::image(merged))
}

type Files = Vec<(String, Vec<u8>)>;

fn apply(files: &mut Files, change: &Change<'_>) {
    if files.is_empty() {
        return;
    }
    let count = files.len();
    let index = |file: &u8| usize::from(*file) % count;
    match change {
        Change::Flip { file, at, bit } => {
            if let (bytes, Some(at)) = place(files, index(file), *at) {
                bytes[at] ^= 1 << (bit % 8);
            }
        }
        Change::Overwrite { file, at, with } => {
            if let (bytes, Some(at)) = place(files, index(file), *at) {
                let len = with.len().min(bytes.len() - at);
                bytes[at..at + len].copy_from_slice(&with[..len]);
            }
        }
        Change::Insert { file, at, what } => {
            if let (bytes, Some(at)) = place(files, index(file), *at) {
                bytes.splice(at..at, what.iter().copied());
            }
        }
        Change::Cut { file, at } => {
            if let (bytes, Some(at)) = place(files, index(file), *at) {
                bytes.truncate(at);
            }
        }
        Change::Zero { file, at, len } => {
            if let (bytes, Some(at)) = place(files, index(file), *at) {
                let end = (at + usize::from(*len)).min(bytes.len());
                bytes[at..end].fill(0);
            }
        }
        Change::Repeat { file, at, len, to } => {
            if let (bytes, Some(at)) = place(files, index(file), *at) {
                let end = (at + usize::from(*len)).min(bytes.len());
                let piece = bytes[at..end].to_vec();
                let to = usize::from(*to) % bytes.len();
                bytes.splice(to..to, piece);
            }
        }
        Change::Remove { file } => {
            files.remove(index(file));
        }
        Change::Swap { file, other } => {
            let (file, other) = (index(file), index(other));
            // Whole table files in each other's places are beyond what disks do: each is sound, and only reading all
            // of them would tell.
            if [file, other]
                .iter()
                .all(|file| files[*file].0.contains("/tables/"))
            {
                return;
            }
            let bytes = files[file].1.clone();
            files[file].1 = std::mem::replace(&mut files[other].1, bytes);
        }
    }
}

/// The bytes of a file, and a place in them if there is one.
fn place(files: &mut Files, file: usize, at: u16) -> (&mut Vec<u8>, Option<usize>) {
    let bytes = &mut files[file].1;
    let at = usize::from(at).checked_rem(bytes.len());
    (bytes, at)
}

fn write(directory: &Path, files: &Files) {
    for (name, bytes) in files {
        let path = directory.join(name);
        fs::create_dir_all(path.parent().expect("it is in the directory")).expect("there is room");
        fs::write(path, bytes).expect("there is room");
    }
}

/// The engine panics over some damage. The store expects that and makes a refusal of it, but libFuzzer's hook would
/// end the process first.
fn expect_panics_of_the_engine() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let end = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let file = panic.location().map_or("", |location| location.file());
            let engine = [
                "/fjall-",
                "/lsm-tree-",
                "/lz4_flex-",
                "/value-log-",
                "/byteview-",
            ];
            if !engine.iter().any(|name| file.contains(name)) {
                end(panic);
            }
        }));
    });
}
