//! A store with a history that can be told from any other, and what may be left of it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use greenroom_store::{
    AlarmChange, Commit, EmbeddedConfig, EmbeddedStore, Epoch, OpenError, Snapshot, Store,
    StoreError,
    testing::{block_on, commit, new_actor},
};

const ACTORS: u64 = 3;

/// How many commits there are.
pub const COMMITS: u64 = 24;

/// Every so many commits of an actor are followed by a snapshot.
const SNAPSHOT_EVERY: u64 = 5;

/// The files of a data directory, by their names from there.
pub struct Image {
    /// Names and bytes, sorted.
    pub files: Vec<(String, Vec<u8>)>,
}

/// What a damaged directory is good for.
#[derive(Debug, PartialEq, Eq)]
pub enum Damaged {
    /// It says that it is damaged.
    Refused,
    /// It holds the first so many commits.
    Holds(u64),
}

/// The files that a crash would leave behind the history: all of it in the log; or `merged`, most of it in tables.
///
/// # Panics
/// When there is no room.
pub fn image(merged: bool) -> Image {
    let directory = tempfile::tempdir().expect("there is room");
    let half = if merged { COMMITS - 4 } else { 0 };
    if half > 0 {
        let store = EmbeddedStore::open(config(directory.path())).expect("it can be made");
        block_on(write(&store, 0, half));
        block_on(store.close()).expect("it can be closed");
        merge(directory.path());
    }
    let store = EmbeddedStore::open(config(directory.path())).expect("it can be opened");
    block_on(write(&store, half, COMMITS));
    let mut files = Vec::new();
    read(directory.path(), Path::new(""), &mut files);
    files.sort();
    Image { files }
}

fn config(path: &Path) -> EmbeddedConfig {
    let mut config = EmbeddedConfig::new(path);
    config.reserve_bytes = 0;
    config.cache_bytes = 1024 * 1024;
    config
}

/// Commit number `n` (from 0) is of actor `n % ACTORS`, and moves its alarm to `n`.
async fn write(store: &EmbeddedStore, from: u64, to: u64) {
    let mut epochs = Vec::new();
    for number in 0..ACTORS {
        let actor = actor(number);
        if from == 0 {
            store
                .create(actor.clone())
                .await
                .expect("it can be created");
        }
        let image = store.load(actor.id).await.expect("it can be loaded");
        epochs.push(image.expect("it is there").epoch);
    }
    for n in from..to {
        let (number, seq) = (n % ACTORS, n / ACTORS + 1);
        let epoch = epochs[number as usize];
        append(store, n, epoch).await;
        if seq.is_multiple_of(SNAPSHOT_EVERY) {
            let snapshot = Snapshot {
                seq,
                body: snapshot(number, seq).into(),
            };
            let kept = store.snapshot(actor(number).id, epoch, snapshot);
            kept.await.expect("it can be kept");
        }
    }
}

async fn append(store: &EmbeddedStore, n: u64, epoch: Epoch) {
    let written = Commit {
        alarm: Some(AlarmChange::Set(n as i64)),
        ..commit(actor(n % ACTORS).id, epoch, n / ACTORS + 1, body(n))
    };
    store.append(written).await.expect("it can be appended");
}

fn actor(number: u64) -> greenroom_store::NewActor {
    new_actor(number, "room", &[&number.to_string()])
}

/// Differs from commit to commit, in length too.
fn body(n: u64) -> String {
    format!("commit {n} ").repeat(1 + n as usize % 7)
}

/// All that the commits up to `seq` said.
fn snapshot(number: u64, seq: u64) -> String {
    (0..seq)
        .map(|earlier| body(earlier * ACTORS + number))
        .collect()
}

/// Moves everything from the engine's log to its tables.
fn merge(directory: &Path) {
    let database = fjall::Database::builder(directory.join("db")).open();
    let database = database.expect("it can be opened");
    for name in database.list_keyspace_names() {
        let keyspace = database.keyspace(&name, fjall::KeyspaceCreateOptions::default);
        let moved = keyspace.expect("it is there").rotate_memtable_and_wait();
        moved.expect("there is room");
    }
}

fn read(directory: &Path, below: &Path, files: &mut Vec<(String, Vec<u8>)>) {
    for entry in fs::read_dir(directory.join(below)).expect("it can be read") {
        let name: PathBuf = below.join(entry.expect("it can be read").file_name());
        let path = directory.join(&name);
        if path.is_dir() {
            read(directory, &name, files);
            continue;
        }
        let mut bytes = fs::read(&path).expect("it can be read");
        if path.extension().is_some_and(|extension| extension == "jnl") {
            // The log is made long beforehand. A shorter one says the same.
            let used = bytes.iter().rposition(|byte| *byte != 0);
            bytes.truncate(used.map_or(0, |last| last + 1) + 512);
        }
        files.push((name.to_string_lossy().into_owned(), bytes));
    }
}

/// Opens a directory that was damaged and looks at all of it. What can be opened also has to work.
///
/// # Panics
/// When something is there that was not written, or missing before something that is there.
pub fn open(path: &Path) -> Damaged {
    let store = match EmbeddedStore::open(config(path)) {
        Ok(store) => store,
        Err(OpenError::Corrupt { .. } | OpenError::Version { .. }) => return Damaged::Refused,
        Err(other) => panic!("{other}"),
    };
    let Some(found) = judged(block_on(commits(&store))) else {
        return Damaged::Refused;
    };
    let late = new_actor(77, "room", &["after the damage"]);
    let written = block_on(async {
        store.create(late.clone()).await?;
        let epoch = store.load(late.id).await?.expect("it was created").epoch;
        store.append(commit(late.id, epoch, 1, "x")).await
    });
    drop(store);
    if judged(written).is_none() {
        return Damaged::Refused;
    }
    let store = match EmbeddedStore::open(config(path)) {
        Ok(store) => store,
        // What is damaged need not be noticed at once.
        Err(OpenError::Corrupt { .. }) => return Damaged::Refused,
        Err(other) => panic!("{other}"),
    };
    let again = judged(block_on(async {
        let image = store
            .load(late.id)
            .await?
            .expect("what was acknowledged is there");
        assert_eq!(image.tail.len(), 1);
        commits(&store).await
    }));
    assert!(
        again.is_none_or(|again| again == found),
        "{again:?} of {found} are left"
    );
    Damaged::Holds(found)
}

/// Nothing for damage that was noticed.
///
/// # Panics
/// For errors that are about something else.
fn judged<T>(result: Result<T, StoreError>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(StoreError::Corrupt(_) | StoreError::Failed(_)) => None,
        Err(other) => panic!("{other}"),
    }
}

/// How many commits are there: the first so many, and nothing else.
async fn commits(store: &EmbeddedStore) -> Result<u64, StoreError> {
    let mut found = Vec::new();
    let mut alarms = Vec::new();
    for number in 0..ACTORS {
        let actor = actor(number);
        let Some(image) = store.load(actor.id).await? else {
            let by_key = store.lookup(&actor.name, &actor.key).await?;
            assert_eq!(by_key, None, "a key without its actor");
            continue;
        };
        assert_eq!(image.record, actor);
        assert_eq!(store.lookup(&actor.name, &actor.key).await?, Some(actor));
        let mut last = 0;
        if let Some(kept) = image.snapshot {
            assert!(kept.seq.is_multiple_of(SNAPSHOT_EVERY), "{}", kept.seq);
            assert_eq!(kept.body, snapshot(number, kept.seq));
            last = kept.seq;
        }
        for entry in image.tail {
            last += 1;
            assert_eq!(entry.seq, last);
            assert_eq!(entry.body, body((last - 1) * ACTORS + number));
        }
        found.extend((0..last).map(|earlier| earlier * ACTORS + number));
        let newest = last
            .checked_sub(1)
            .map(|last| (last * ACTORS + number) as i64);
        assert_eq!(image.alarm, newest, "the alarm belongs to the last commit");
        alarms.extend(newest);
    }
    found.sort_unstable();
    let count = found.len() as u64;
    assert!(
        found.into_iter().eq(0..count),
        "a commit is missing before a later one"
    );
    alarms.sort_unstable();
    let due = store.due_alarms(i64::MAX, 100).await?;
    assert!(
        due.iter().map(|alarm| alarm.due_ms).eq(alarms),
        "the alarms are in order"
    );
    Ok(count)
}
