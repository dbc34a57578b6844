//! Faults below the engine: a full disk, failing syncs, damaged rows and files.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
        mpsc,
    },
    task::{Context, Poll, Waker},
    thread::{self, ThreadId},
};

use bytes::Bytes;
use greenroom_types::ActorId;
use tempfile::TempDir;

use super::{
    EmbeddedConfig, EmbeddedStore, due_window,
    layout::{self, Table},
    medium::Medium,
};
use crate::{
    AlarmChange, Commit, DueAlarm, Epoch, NewActor, OpenError, Snapshot, Store, StoreError,
    StoreFuture,
    testing::{block_on, commit, model::Random, new_actor},
};

fn config(dir: &TempDir) -> EmbeddedConfig {
    EmbeddedConfig {
        reserve_bytes: 0,
        ..EmbeddedConfig::new(dir.path())
    }
}

fn directory() -> TempDir {
    tempfile::tempdir().unwrap()
}

async fn awake(store: &EmbeddedStore, number: u64) -> (NewActor, Epoch) {
    let actor = new_actor(number, "room", &[&number.to_string()]);
    store.create(actor.clone()).await.unwrap();
    let epoch = store.load(actor.id).await.unwrap().unwrap().epoch;
    (actor, epoch)
}

#[test]
fn a_full_disk_refuses_writes_until_there_is_room() {
    let dir = directory();
    let free = Arc::new(AtomicU64::new(u64::MAX));
    let probe = Arc::clone(&free);
    let medium = Medium {
        free_bytes: Box::new(move || Ok(probe.load(SeqCst))),
        ..Medium::of(dir.path().to_owned(), 1_000_000)
    };
    let store = EmbeddedStore::open_with(config(&dir), medium).unwrap();
    block_on(async {
        let (actor, epoch) = awake(&store, 1).await;
        store
            .append(commit(actor.id, epoch, 1, "fits"))
            .await
            .unwrap();
        free.store(1_000_001, SeqCst);
        let refused = store.append(commit(actor.id, epoch, 2, "does not")).await;
        assert!(matches!(refused, Err(StoreError::Full(_))), "{refused:?}");
        let created = store.create(new_actor(2, "room", &["2"])).await;
        assert!(matches!(created, Err(StoreError::Full(_))), "{created:?}");
        free.store(2_000_000, SeqCst);
        let behind = store.append(commit(actor.id, epoch, 3, "behind")).await;
        assert_eq!(
            behind,
            Err(StoreError::Fenced { actor: actor.id }),
            "the claim is over"
        );
        let image = store.load(actor.id).await.unwrap().unwrap();
        assert_eq!(image.tail.len(), 1);
        store
            .append(commit(actor.id, image.epoch, 2, "fits again"))
            .await
            .unwrap();
    });
}

#[test]
fn a_directory_that_is_gone_takes_no_writes() {
    let dir = directory();
    let store = EmbeddedStore::open(config(&dir)).unwrap();
    block_on(async {
        let (actor, epoch) = awake(&store, 1).await;
        store
            .append(commit(actor.id, epoch, 1, "kept"))
            .await
            .unwrap();
        let (db, aside) = (dir.path().join("db"), dir.path().join("aside"));
        fs::rename(&db, &aside).unwrap();
        let refused = store.append(commit(actor.id, epoch, 2, "nowhere")).await;
        assert!(matches!(refused, Err(StoreError::Failed(_))), "{refused:?}");
        fs::rename(&aside, &db).unwrap();
        assert!(matches!(store.failure(), Some(StoreError::Failed(_))));
        assert_eq!(store.read(actor.id).await.unwrap().unwrap().1.len(), 1);
        store.close().await.unwrap();
        let store = EmbeddedStore::open(config(&dir)).unwrap();
        assert_eq!(store.read(actor.id).await.unwrap().unwrap().1.len(), 1);
    });
}

fn alarm(actor: ActorId, epoch: Epoch, seq: u64, change: AlarmChange) -> Commit {
    Commit {
        alarm: Some(change),
        ..commit(actor, epoch, seq, "")
    }
}

/// The result of a future that is done when it is asked for the first time. There is no runtime here whose threads could
/// read: a search of the table would panic.
fn at_once<T>(mut future: StoreFuture<T>) -> T {
    match future
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
    {
        Poll::Ready(result) => result.unwrap(),
        Poll::Pending => panic!("it waits for something"),
    }
}

/// Alarms that passed, and those that were moved or cleared before, leave tombstones in the table.
#[test]
fn no_search_reads_what_is_left_of_earlier_alarms() {
    let dir = directory();
    let store = EmbeddedStore::open(config(&dir)).unwrap();
    let due = |actor, due_ms| DueAlarm { actor, due_ms };
    let set = |(actor, epoch), seq, change| {
        block_on(store.append(alarm(actor, epoch, seq, change))).unwrap();
    };
    let [bell, timeout, steady] = [1, 2, 3].map(|number| {
        let (actor, epoch) = block_on(awake(&store, number));
        (actor.id, epoch)
    });
    set(steady, 1, AlarmChange::Set(5_000));
    let first = block_on(store.due_alarms(i64::MAX, 256)).unwrap();
    assert_eq!(first, [due(steady.0, 5_000)]);
    for turn in 0..200 {
        set(bell, 2 * turn + 1, AlarmChange::Set(turn as i64));
        set(timeout, turn + 1, AlarmChange::Set(9_000 + turn as i64));
        let found = at_once(store.due_alarms(turn as i64, 256));
        assert_eq!(found, [due(bell.0, turn as i64)]);
        set(bell, 2 * turn + 2, AlarmChange::Clear);
        let found = at_once(store.due_alarms(i64::MAX, 256));
        assert_eq!(
            found,
            [due(steady.0, 5_000), due(timeout.0, 9_000 + turn as i64)]
        );
    }
}

#[test]
fn more_alarms_than_are_kept_in_memory_are_found_in_order() {
    const ALARMS: u64 = 3 * due_window::SIZE as u64 + 5;
    let dir = directory();
    let store = EmbeddedStore::open(config(&dir)).unwrap();
    block_on(async {
        // All at once, so that they share syncs.
        let set: Vec<_> = (0..ALARMS)
            .map(|number| {
                let actor = new_actor(number, "room", &[&number.to_string()]);
                let id = actor.id;
                let epoch = store.create_claimed(actor).unwrap().epoch;
                let due_ms = (number * 7 % ALARMS) as i64;
                let answer = store.append(alarm(id, epoch, 1, AlarmChange::Set(due_ms)));
                (id, epoch, answer)
            })
            .collect();
        let mut epochs = BTreeMap::new();
        for (id, epoch, answer) in set {
            answer.await.unwrap();
            epochs.insert(id, epoch);
        }
        let mut passed = Vec::new();
        loop {
            let found = store.due_alarms(i64::MAX, 100).await.unwrap();
            let cleared: Vec<_> = found
                .iter()
                .map(|due| {
                    store.append(alarm(due.actor, epochs[&due.actor], 2, AlarmChange::Clear))
                })
                .collect();
            for answer in cleared {
                answer.await.unwrap();
            }
            if found.is_empty() {
                break;
            }
            passed.extend(found.into_iter().map(|due| due.due_ms));
        }
        assert!(passed.into_iter().eq(0..ALARMS as i64));
    });
}

/// A store whose writes wait for a message, and fail if that says so.
fn gated(dir: &TempDir) -> (EmbeddedStore, mpsc::Sender<fjall::Result<()>>) {
    let (sender, gate) = mpsc::channel::<fjall::Result<()>>();
    let write = move |staging: super::staging::Staging<'_>| {
        gate.recv().unwrap_or(Ok(()))?;
        staging.commit()
    };
    let medium = Medium {
        write: Box::new(write),
        ..Medium::of(dir.path().to_owned(), 0)
    };
    (
        EmbeddedStore::open_with(config(dir), medium).unwrap(),
        sender,
    )
}

#[test]
fn after_a_failed_sync_nothing_is_written_and_reads_go_on() {
    for (error, full) in [(5, false), (28, true)] {
        let dir = directory();
        let (store, gate) = gated(&dir);
        block_on(async {
            gate.send(Ok(())).unwrap();
            let (actor, epoch) = awake(&store, 1).await;
            gate.send(Ok(())).unwrap();
            store
                .append(commit(actor.id, epoch, 1, "good"))
                .await
                .unwrap();
            gate.send(Err(std::io::Error::from_raw_os_error(error).into()))
                .unwrap();
            let failed = store.append(commit(actor.id, epoch, 2, "bad")).await;
            assert_eq!(
                matches!(failed, Err(StoreError::Full(_))),
                full,
                "{failed:?}"
            );
            assert_eq!(
                matches!(failed, Err(StoreError::Failed(_))),
                !full,
                "{failed:?}"
            );
            assert!(matches!(store.failure(), Some(StoreError::Failed(_))));
            let later = store.append(commit(actor.id, epoch, 3, "later")).await;
            assert!(matches!(later, Err(StoreError::Failed(_))), "{later:?}");
            let created = store.create(new_actor(2, "room", &["2"])).await;
            assert!(matches!(created, Err(StoreError::Failed(_))), "{created:?}");
            let image = store.load(actor.id).await.unwrap().unwrap();
            assert_eq!(image.tail.len(), 1);
            store.close().await.unwrap();
        });
        let store = EmbeddedStore::open(config(&dir)).unwrap();
        block_on(async {
            let actor = new_actor(1, "room", &["1"]);
            let image = store.load(actor.id).await.unwrap().unwrap();
            store
                .append(commit(
                    actor.id,
                    image.epoch,
                    image.tail.len() as u64 + 1,
                    "x",
                ))
                .await
                .unwrap();
        });
    }
}

#[test]
fn a_failing_batch_takes_those_behind_it_along() {
    let dir = directory();
    let (store, gate) = gated(&dir);
    block_on(async {
        gate.send(Ok(())).unwrap();
        let (actor, epoch) = awake(&store, 1).await;
        let answers: Vec<_> = (1..=50)
            .map(|seq| store.append(commit(actor.id, epoch, seq, "x")))
            .collect();
        let load = store.load(actor.id);
        // However the fifty fall into batches, the first one fails.
        gate.send(Err(std::io::Error::from_raw_os_error(5).into()))
            .unwrap();
        for answer in answers {
            assert!(matches!(answer.await, Err(StoreError::Failed(_))));
        }
        let _ = load.await;
        assert_eq!(store.read(actor.id).await.unwrap().unwrap().1, []);
    });
}

#[test]
fn no_answer_comes_before_the_write() {
    let dir = directory();
    let (store, gate) = gated(&dir);
    block_on(async {
        gate.send(Ok(())).unwrap();
        let (actor, epoch) = awake(&store, 1).await;
        let answered = Arc::new(AtomicBool::new(false));
        let append = store.append(commit(actor.id, epoch, 1, "x"));
        let seen = Arc::clone(&answered);
        let waiting = tokio::spawn(async move {
            let result = append.await;
            seen.store(true, SeqCst);
            result
        });
        // The read goes over another thread and back, and it does not see the commit either.
        assert_eq!(store.read(actor.id).await.unwrap().unwrap().1, []);
        assert!(!answered.load(SeqCst));
        gate.send(Ok(())).unwrap();
        waiting.await.unwrap().unwrap();
        assert_eq!(store.read(actor.id).await.unwrap().unwrap().1.len(), 1);
    });
}

#[test]
fn more_than_the_backlog_is_refused_without_waiting() {
    let dir = directory();
    let (store, gate) = gated(&dir);
    block_on(async {
        gate.send(Ok(())).unwrap();
        let (actor, epoch) = awake(&store, 1).await;
        let body = bytes::Bytes::from(vec![0; 15 * 1024 * 1024]);
        let mut answers = Vec::new();
        let mut refused = None;
        for seq in 1..=12 {
            let answer = store.append(commit(actor.id, epoch, seq, body.clone()));
            match refused {
                None if seq > 8 => refused = Some(answer.await),
                None => answers.push(answer),
                Some(_) => assert!(answer.await.is_err(), "the claim is over"),
            }
        }
        assert!(
            matches!(refused, Some(Err(StoreError::Full(_)))),
            "{refused:?}"
        );
        drop(gate);
        for answer in answers {
            answer.await.unwrap();
        }
    });
}

/// Bytes that say which thread has freed them.
struct Traced(mpsc::Sender<ThreadId>);

impl AsRef<[u8]> for Traced {
    fn as_ref(&self) -> &[u8] {
        b"written"
    }
}

impl Drop for Traced {
    fn drop(&mut self) {
        let _ = self.0.send(thread::current().id());
    }
}

#[test]
fn what_was_written_is_freed_by_those_who_hear_that_it_is() {
    let dir = directory();
    let store = EmbeddedStore::open(config(&dir)).unwrap();
    let (freed, by) = mpsc::channel();
    block_on(async {
        let (actor, epoch) = awake(&store, 1).await;
        let written = Commit {
            body: Bytes::from_owner(Traced(freed.clone())),
            ..commit(actor.id, epoch, 1, "")
        };
        store.append(written).await.unwrap();
        let snapshot = Snapshot {
            seq: 1,
            body: Bytes::from_owner(Traced(freed)),
        };
        store.snapshot(actor.id, epoch, snapshot).await.unwrap();
    });
    let here = thread::current().id();
    assert_eq!(by.into_iter().collect::<Vec<_>>(), [here, here]);
}

#[test]
fn futures_that_nobody_polls_do_not_keep_the_store_open() {
    let dir = directory();
    let store = EmbeddedStore::open(config(&dir)).unwrap();
    block_on(async {
        let (actor, _) = awake(&store, 1).await;
        let load = store.load(actor.id);
        let read = store.read(actor.id);
        store.close().await.unwrap();
        drop(EmbeddedStore::open(config(&dir)).unwrap());
        assert_eq!(load.await.err(), Some(StoreError::Closed));
        assert_eq!(read.await, Err(StoreError::Closed));
    });
}

#[test]
fn a_panic_of_the_writer_is_a_failure_for_all() {
    let dir = directory();
    let medium = Medium {
        write: Box::new(|_| panic!("a test's panic")),
        ..Medium::of(dir.path().to_owned(), 0)
    };
    let store = EmbeddedStore::open_with(config(&dir), medium).unwrap();
    block_on(async {
        for number in 1..=2 {
            let created = store.create(new_actor(number, "room", &["x"])).await;
            assert!(matches!(created, Err(StoreError::Failed(_))), "{created:?}");
        }
        store.close().await.unwrap();
    });
}

#[test]
fn a_damaged_row_is_reported_and_others_are_not_affected() {
    let dir = directory();
    let store = EmbeddedStore::open(config(&dir)).unwrap();
    block_on(async {
        let (actor, epoch) = awake(&store, 1).await;
        let (other, other_epoch) = awake(&store, 2).await;
        for seq in 1..=3 {
            store
                .append(commit(actor.id, epoch, seq, "body"))
                .await
                .unwrap();
            store
                .append(commit(other.id, other_epoch, seq, "body"))
                .await
                .unwrap();
        }
        let engine = store.shared.lock().engine().unwrap();
        let rows = [
            (Table::Journal, layout::journal_key(actor.id, 2).to_vec()),
            (Table::Record, actor.id.as_bytes().to_vec()),
            (
                Table::Key,
                layout::index_key(&actor.name, &actor.key.to_storage()),
            ),
        ];
        for (table, key) in rows {
            let keyspace = engine.tables.keyspace(table);
            let good = keyspace.get(&key).unwrap().unwrap();
            let mut bad = good.to_vec();
            *bad.last_mut().unwrap() ^= 1;
            keyspace.insert(key.clone(), bad).unwrap();
            let found = match table {
                Table::Key => store.lookup(&actor.name, &actor.key).await.map(drop),
                _ => store.load(actor.id).await.map(drop),
            };
            assert!(
                matches!(found, Err(StoreError::Corrupt(_))),
                "{table:?}: {found:?}"
            );
            keyspace.insert(key, good).unwrap();
        }
        let missing = layout::journal_key(actor.id, 2);
        engine
            .tables
            .keyspace(Table::Journal)
            .remove(missing)
            .unwrap();
        let found = store.load(actor.id).await;
        assert!(
            matches!(&found, Err(StoreError::Corrupt(text)) if text.contains("commit 2 is missing"))
        );
        assert_eq!(store.load(other.id).await.unwrap().unwrap().tail.len(), 3);
    });
}

/// All files below a directory.
fn files(path: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(path).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path))
        } else {
            found.push(path)
        }
    }
    found.sort();
    found
}

fn copy_dir(from: &Path, to: &Path) {
    for file in files(from) {
        let target = to.join(file.strip_prefix(from).unwrap());
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(&file, target).unwrap();
    }
}

#[test]
fn memory_is_what_is_in_no_file_yet_and_what_was_read() {
    const BODY: usize = 100_000;
    let dir = directory();
    let store = EmbeddedStore::open(config(&dir)).unwrap();
    block_on(async {
        let before = store.memory().unwrap();
        let (actor, epoch) = awake(&store, 1).await;
        let body = "x".repeat(BODY);
        store
            .append(commit(actor.id, epoch, 1, body.clone()))
            .await
            .unwrap();
        let written = store.memory().unwrap();
        assert!(written.tables >= before.tables + BODY as u64);
        let engine = store.shared.lock().engine().unwrap();
        for table in Table::ALL {
            let keyspace = engine.tables.keyspace(table);
            keyspace.rotate_memtable_and_wait().unwrap();
        }
        drop(engine);
        // The engine says that a table is in a file a moment before it counts it as gone, and tells nobody of the latter.
        while store.memory().unwrap().tables >= BODY as u64 {
            std::thread::yield_now();
        }
        store.read(actor.id).await.unwrap().unwrap();
        assert!(store.memory().unwrap().cache >= BODY as u64);
        store.close().await.unwrap();
        assert_eq!(store.memory(), None);
    });
}

/// Damages each file of a database whose rows are all in table files, one after the other. What is
/// read then must be right, or an error.
#[test]
fn damaged_table_files_never_give_wrong_data() {
    const ACTORS: u64 = 20;
    let dir = directory();
    let body = |number: u64, seq: u64| format!("body {seq} of {number} ").repeat(20);
    let store = EmbeddedStore::open(config(&dir)).unwrap();
    block_on(async {
        for number in 0..ACTORS {
            let (actor, epoch) = awake(&store, number).await;
            for seq in 1..=6 {
                store
                    .append(commit(actor.id, epoch, seq, body(number, seq)))
                    .await
                    .unwrap();
            }
            let snapshot = Snapshot {
                seq: 3,
                body: body(number, 3).repeat(50).into(),
            };
            store.snapshot(actor.id, epoch, snapshot).await.unwrap();
        }
        let engine = store.shared.lock().engine().unwrap();
        for table in Table::ALL {
            engine
                .tables
                .keyspace(table)
                .rotate_memtable_and_wait()
                .unwrap();
        }
        drop(engine);
        store.close().await.unwrap();
    });
    drop(store);
    lists_of_tables_are_compared(&dir);
    let mut random = Random(1);
    let (mut refused, mut noticed, mut fine) = (0, 0, 0);
    for file in files(dir.path()) {
        if fs::metadata(&file).unwrap().len() == 0
            || file.extension().is_some_and(|ext| ext == "jnl")
        {
            continue;
        }
        for damage in 0..4 {
            let copy = directory();
            copy_dir(dir.path(), copy.path());
            let target = copy.path().join(file.strip_prefix(dir.path()).unwrap());
            let mut bytes = fs::read(&target).unwrap();
            let place = random.below(bytes.len() as u64) as usize;
            match damage {
                0 => bytes[place..].fill(0),
                1 => bytes.truncate(place),
                _ => bytes[place] ^= 1 << random.below(8),
            }
            fs::write(&target, bytes).unwrap();
            let context = format!("{} with damage {damage} at {place}", file.display());
            let store = match EmbeddedStore::open(config(&copy)) {
                Ok(store) => store,
                Err(OpenError::Locked { .. }) => panic!("{context}: nobody else has it"),
                Err(_) => {
                    refused += 1;
                    continue;
                }
            };
            block_on(async {
                for number in 0..ACTORS {
                    let actor = new_actor(number, "room", &[&number.to_string()]);
                    match store.load(actor.id).await {
                        Ok(Some(image)) => {
                            assert_eq!(image.record, actor, "{context}");
                            let snapshot = image.snapshot.unwrap();
                            assert_eq!((snapshot.seq, image.tail.len()), (3, 3), "{context}");
                            assert!(snapshot.body == body(number, 3).repeat(50), "{context}");
                            for entry in image.tail {
                                assert_eq!(entry.body, body(number, entry.seq), "{context}");
                            }
                            fine += 1;
                        }
                        Ok(None) => panic!("{context}: an actor is gone without an error"),
                        Err(_) => noticed += 1,
                    }
                }
            });
        }
    }
    assert!(
        refused > 0 && noticed > 0 && fine > 0,
        "{refused} {noticed} {fine}"
    );
}

/// Changes each byte of the files that say which tables there are. The engine would not notice all of it: tables that
/// are not listed are gone, and some of it ends the process.
fn lists_of_tables_are_compared(dir: &TempDir) {
    let named = files(dir.path())
        .into_iter()
        .filter(|file| file.ends_with("current"));
    let lists = named.flat_map(|current| {
        let number = u64::from_le_bytes(fs::read(&current).unwrap()[..8].try_into().unwrap());
        [current.with_file_name(format!("v{number}")), current]
    });
    let mut changed = 0;
    for file in lists {
        let bytes = fs::read(&file).unwrap();
        for at in (0..bytes.len()).step_by(3) {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << (at % 8);
            fs::write(&file, damaged).unwrap();
            let opened = EmbeddedStore::open(config(dir)).map(drop);
            assert!(
                matches!(opened, Err(OpenError::Corrupt { .. })),
                "{} at {at}: {opened:?}",
                file.display()
            );
            changed += 1;
        }
        fs::write(&file, bytes).unwrap();
    }
    assert!(changed > 500, "each of seven tables has a list: {changed}");
}
