//! What a restart finds: after a drop, after a crash, and after damage to the engine's log.

use std::{
    fs,
    path::{Path, PathBuf},
};

use greenroom_store::{
    AlarmChange, Commit, EmbeddedConfig, EmbeddedStore, OpenError, Store, StoreError,
    testing::{actor_key, block_on, commit, model::Random, new_actor},
};
use tempfile::TempDir;

use crate::{directory, open};

const ACTORS: u64 = 4;

/// The commits of a run, one acknowledged after the other: number `n` (from 0) goes to actor
/// `n % ACTORS` and moves its alarm to `n`.
async fn write_history(store: &EmbeddedStore, commits: u64) {
    let mut epochs = Vec::new();
    for number in 0..ACTORS {
        let actor = new_actor(number, "room", &[&number.to_string()]);
        store.create(actor.clone()).await.unwrap();
        epochs.push((actor.id, store.load(actor.id).await.unwrap().unwrap().epoch));
    }
    for n in 0..commits {
        let (id, epoch) = epochs[(n % ACTORS) as usize];
        let alarm = Some(AlarmChange::Set(n as i64));
        store
            .append(Commit {
                alarm,
                ..commit(id, epoch, n / ACTORS + 1, body(n))
            })
            .await
            .unwrap();
    }
}

/// Differs from commit to commit, in length too.
fn body(n: u64) -> String {
    format!("commit {n} ").repeat(1 + n as usize % 7)
}

/// How much of the history is there. Checks that it is exactly the history's beginning.
async fn read_history(store: &EmbeddedStore) -> Result<u64, StoreError> {
    let mut found = Vec::new();
    let mut alarms = Vec::new();
    for number in 0..ACTORS {
        let actor = new_actor(number, "room", &[&number.to_string()]);
        let Some(image) = store.load(actor.id).await? else {
            assert_eq!(
                store.lookup(&actor.name, &actor.key).await?,
                None,
                "a key without its actor"
            );
            continue;
        };
        assert_eq!(store.lookup(&actor.name, &actor.key).await?, Some(actor));
        for entry in &image.tail {
            let n = (entry.seq - 1) * ACTORS + number;
            assert_eq!(entry.body, body(n));
            found.push(n);
        }
        let last = image
            .tail
            .last()
            .map(|entry| ((entry.seq - 1) * ACTORS + number) as i64);
        assert_eq!(image.alarm, last, "the alarm belongs to the last commit");
        alarms.extend(last);
    }
    found.sort_unstable();
    let count = found.len() as u64;
    assert_eq!(
        found,
        (0..count).collect::<Vec<_>>(),
        "a commit is missing before a later one"
    );
    alarms.sort_unstable();
    let due = store.due_alarms(i64::MAX, 100).await?;
    assert_eq!(
        due.into_iter()
            .map(|alarm| alarm.due_ms)
            .collect::<Vec<_>>(),
        alarms
    );
    Ok(count)
}

fn copy_dir(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_dir(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A data directory as a crash of the process would leave it: files of an open store, with a
/// history of this many commits.
fn crashed(commits: u64) -> TempDir {
    let dir = directory();
    let copy = directory();
    let store = open(dir.path());
    block_on(write_history(&store, commits));
    copy_dir(dir.path(), copy.path());
    // The log is made long beforehand. A shorter one says the same and is faster to copy.
    let (log, used) = log_file(copy.path());
    fs::File::options()
        .write(true)
        .open(log)
        .unwrap()
        .set_len(used as u64 + 10_000)
        .unwrap();
    copy
}

/// The engine's log, of which there is one file, and how many bytes of it are in use.
fn log_file(dir: &Path) -> (PathBuf, usize) {
    let files = fs::read_dir(dir.join("db"))
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut logs: Vec<_> = files
        .filter(|path| path.extension().is_some_and(|ext| ext == "jnl"))
        .collect();
    let log = logs.pop().expect("the engine keeps a log");
    assert_eq!(
        logs,
        Vec::<PathBuf>::new(),
        "small stores have one log file"
    );
    let used = fs::read(&log)
        .unwrap()
        .iter()
        .rposition(|byte| *byte != 0)
        .unwrap()
        + 1;
    (log, used)
}

#[test]
fn everything_is_there_after_a_drop_without_close() {
    let dir = directory();
    let store = open(dir.path());
    block_on(write_history(&store, 100));
    drop(store);
    assert_eq!(block_on(read_history(&open(dir.path()))), Ok(100));
}

#[test]
fn a_drop_finishes_what_was_accepted() {
    let dir = directory();
    let store = open(dir.path());
    block_on(async {
        let actor = new_actor(1, "room", &["a"]);
        store.create(actor.clone()).await.unwrap();
        let epoch = store.load(actor.id).await.unwrap().unwrap().epoch;
        let answers: Vec<_> = (1..=200)
            .map(|seq| store.append(commit(actor.id, epoch, seq, "x")))
            .collect();
        drop(store);
        for answer in answers {
            answer.await.unwrap();
        }
        let store = open(dir.path());
        assert_eq!(store.load(actor.id).await.unwrap().unwrap().tail.len(), 200);
    });
}

#[test]
fn everything_acknowledged_is_there_after_a_crash() {
    let copy = crashed(200);
    let store = open(copy.path());
    block_on(async {
        assert_eq!(read_history(&store).await, Ok(200));
        let query = greenroom_store::ListQuery {
            name: new_actor(0, "room", &[]).name,
            prefix: actor_key(&[]),
            cursor: None,
            limit: 100,
        };
        assert_eq!(store.list(query).await.unwrap().actors.len() as u64, ACTORS);
    });
}

#[test]
fn a_log_cut_anywhere_gives_a_beginning_of_the_history() {
    let image = crashed(100);
    let (log, used) = log_file(image.path());
    let original = fs::read(&log).unwrap();
    let mut random = Random(1);
    let mut seen = Vec::new();
    for round in 0..60 {
        let cut = random.below(used as u64 + 1) as usize;
        let mut damaged = original.clone();
        match round % 3 {
            0 => damaged.truncate(cut),
            1 => damaged[cut..].fill(0),
            _ => {
                // Torn: some of the last sectors made it, others are what was there before.
                let end = (cut + 700).min(used);
                damaged[cut..end]
                    .iter_mut()
                    .for_each(|byte| *byte = random.next_u64() as u8);
                damaged[end..].fill(0);
            }
        }
        let copy = directory();
        copy_dir(image.path(), copy.path());
        fs::write(
            copy.path().join(log.strip_prefix(image.path()).unwrap()),
            damaged,
        )
        .unwrap();
        let found = check_damaged(
            copy.path(),
            &format!("round {round}, cut at {cut} of {used}"),
        );
        seen.extend(found.map(|count| (cut, count)));
    }
    seen.sort_unstable();
    assert!(
        seen.is_sorted_by_key(|(_, count)| *count),
        "a longer log has no shorter history: {seen:?}"
    );
    assert!(seen.len() > 30, "most cuts are survived: {seen:?}");
    assert!(
        seen.iter().any(|(_, count)| (10..90).contains(count)),
        "cuts hit the middle: {seen:?}"
    );
}

#[test]
fn a_flipped_bit_in_the_log_is_noticed_or_cuts_the_history() {
    let image = crashed(60);
    let (log, used) = log_file(image.path());
    let original = fs::read(&log).unwrap();
    let mut random = Random(2);
    let mut refused = 0;
    for round in 0..60 {
        let place = random.below(used as u64) as usize;
        let mut damaged = original.clone();
        damaged[place] ^= 1 << random.below(8);
        let copy = directory();
        copy_dir(image.path(), copy.path());
        fs::write(
            copy.path().join(log.strip_prefix(image.path()).unwrap()),
            damaged,
        )
        .unwrap();
        if check_damaged(
            copy.path(),
            &format!("round {round}, bit at {place} of {used}"),
        )
        .is_none()
        {
            refused += 1;
        }
    }
    assert!(refused > 0, "the engine notices most of them");
}

#[test]
fn a_file_that_is_emptied_is_damage_and_no_matter_of_permissions() {
    let image = crashed(20);
    let mut refused = 0;
    for file in files(image.path()) {
        let copy = directory();
        copy_dir(image.path(), copy.path());
        let emptied = copy.path().join(file.strip_prefix(image.path()).unwrap());
        fs::write(&emptied, b"").unwrap();
        if check_damaged(copy.path(), &emptied.display().to_string()).is_none() {
            refused += 1;
        }
    }
    assert!(refused > 0, "most files cannot be done without");
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

/// Opens a damaged directory: either a beginning of the history is there and the store works, or
/// it says that it is damaged.
fn check_damaged(path: &Path, context: &str) -> Option<u64> {
    let mut config = EmbeddedConfig::new(path);
    config.reserve_bytes = 0;
    let store = match EmbeddedStore::open(config) {
        Ok(store) => store,
        Err(OpenError::Corrupt { .. }) => return None,
        Err(other) => panic!("{context}: {other}"),
    };
    block_on(async {
        let found = match read_history(&store).await {
            Ok(found) => found,
            Err(StoreError::Corrupt(_)) => return None,
            Err(other) => panic!("{context}: {other}"),
        };
        let actor = new_actor(77, "room", &["after the damage"]);
        store.create(actor.clone()).await.unwrap();
        let epoch = store.load(actor.id).await.unwrap().unwrap().epoch;
        store.append(commit(actor.id, epoch, 1, "x")).await.unwrap();
        drop(store);
        let store = open(path);
        assert_eq!(
            read_history(&store).await,
            Ok(found),
            "{context}: nothing else is lost later"
        );
        assert_eq!(
            store.load(actor.id).await.unwrap().unwrap().tail.len(),
            1,
            "{context}"
        );
        Some(found)
    })
}
