//! Opening a data directory that is in use, of another version, damaged, or no directory at all.

use std::{
    fs,
    io::{BufRead, BufReader, Lines, Write},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
};

use greenroom_store::{
    EmbeddedConfig, EmbeddedStore, OpenError, Store,
    testing::{block_on, new_actor},
};

use crate::{directory, open};

fn open_error(path: &Path) -> OpenError {
    match EmbeddedStore::open(EmbeddedConfig::new(path)) {
        Ok(_) => panic!("{} can be opened", path.display()),
        Err(error) => {
            let text = error.to_string();
            assert!(
                text.contains(&path.display().to_string()),
                "the text names the directory: {text}"
            );
            assert!(!text.contains('\n'), "the text is one paragraph: {text}");
            error
        }
    }
}

/// A directory with one actor, closed.
fn written() -> tempfile::TempDir {
    let dir = directory();
    let store = open(dir.path());
    block_on(async {
        store.create(new_actor(1, "room", &["a"])).await.unwrap();
        store.close().await.unwrap();
    });
    dir
}

fn actor_is_there(path: &Path) {
    let store = open(path);
    let found = block_on(store.record(new_actor(1, "room", &["a"]).id)).unwrap();
    assert!(found.is_some());
}

#[test]
fn a_second_open_in_the_same_process_is_refused_until_the_first_is_closed() {
    let dir = written();
    let first = open(dir.path());
    assert!(matches!(open_error(dir.path()), OpenError::Locked { .. }));
    block_on(first.close()).unwrap();
    actor_is_there(dir.path());
    let second = open(dir.path());
    drop(first);
    assert!(
        matches!(open_error(dir.path()), OpenError::Locked { .. }),
        "the first has let go already"
    );
    drop(second);
    actor_is_there(dir.path());
}

const CHILD_DIR: &str = "GREENROOM_TEST_CHILD_DIR";

/// What the other process of the tests below does. In the test process itself it does nothing.
#[test]
fn child_process() {
    let Some(path) = std::env::var_os(CHILD_DIR) else {
        return;
    };
    match EmbeddedStore::open(EmbeddedConfig::new(path)) {
        Ok(_store) => {
            println!("child: open");
            // Holds it until the parent kills the process.
            std::io::stdin().lines().for_each(drop);
        }
        Err(error) => println!("child: {error}"),
    }
}

/// Another process that opens the directory, and the line that it reports.
struct Opener {
    process: Child,
    report: String,
    // Without a reader the process could not finish.
    _rest: Lines<BufReader<ChildStdout>>,
}

fn start_child(path: &Path, stdout: Stdio) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "data_dir::child_process", "--nocapture"])
        .env(CHILD_DIR, path)
        .stdin(Stdio::piped())
        .stdout(stdout)
        .spawn()
        .unwrap()
}

fn open_in_child(path: &Path) -> Opener {
    let mut process = start_child(path, Stdio::piped());
    let mut rest = BufReader::new(process.stdout.take().unwrap()).lines();
    let report = rest
        .by_ref()
        .map_while(Result::ok)
        .find_map(|line| line.find("child: ").map(|at| line[at..].to_owned()));
    Opener {
        process,
        report: report.expect("the process says what came of it"),
        _rest: rest,
    }
}

#[test]
fn a_second_process_is_refused() {
    let dir = written();
    let store = open(dir.path());
    let mut child = open_in_child(dir.path());
    assert!(
        child.report.contains("in use by another process"),
        "{}",
        child.report
    );
    assert!(child.process.wait().unwrap().success());
    drop(store);
}

#[test]
fn a_killed_process_leaves_no_lock_behind() {
    let dir = written();
    let mut child = open_in_child(dir.path());
    assert_eq!(child.report, "child: open");
    assert!(matches!(open_error(dir.path()), OpenError::Locked { .. }));
    child.process.kill().unwrap();
    child.process.wait().unwrap();
    actor_is_there(dir.path());
}

const ALONE: &str = "GREENROOM_TEST_ALONE";

/// What creating a database leaves after each of its steps is the matter of its own tests; here the process is real.
#[test]
fn a_process_that_is_killed_while_it_starts_for_the_first_time_leaves_no_obstacle() {
    // A process that is being started has the open files of the one that starts it for a moment, locks included. So
    // what starts many has no other tests beside it.
    if std::env::var_os(ALONE).is_none() {
        let name = "data_dir::a_process_that_is_killed_while_it_starts_for_the_first_time_leaves_no_obstacle";
        let alone = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", name])
            .env(ALONE, "")
            .output()
            .unwrap();
        let output = String::from_utf8_lossy(&alone.stdout);
        assert!(output.contains("1 passed"), "{output}");
        return;
    }
    let moments = [
        "LOCK",
        "db.new",
        "db.new/keyspaces/1",
        "FORMAT.new",
        "db.new/version",
        "FORMAT",
        "db",
    ];
    let kill_when_there_is = |path: &Path, moment: &str| {
        let mut child = start_child(path, Stdio::null());
        while !path.join(moment).exists() && !path.join("db").exists() {
            assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
    };
    let is_usable = |path: &Path| {
        let store = open(path);
        block_on(store.create(new_actor(1, "room", &["a"]))).unwrap();
        drop(store);
        actor_is_there(path);
    };
    let again_and_again = directory();
    for moment in moments {
        let once = directory();
        kill_when_there_is(once.path(), moment);
        is_usable(once.path());
        kill_when_there_is(again_and_again.path(), moment);
    }
    is_usable(again_and_again.path());
}

#[test]
fn another_format_version_is_refused_by_name() {
    let dir = written();
    fs::write(dir.path().join("FORMAT"), "greenroom store 2\n").unwrap();
    match open_error(dir.path()) {
        OpenError::Version {
            found, supported, ..
        } => assert_eq!((found.as_str(), supported), ("2", 1)),
        other => panic!("{other}"),
    }
    fs::write(dir.path().join("FORMAT"), "greenroom store 1\n").unwrap();
    actor_is_there(dir.path());
}

#[test]
fn a_damaged_format_file_is_reported_and_nothing_is_touched() {
    for text in [
        &b""[..],
        b"greenroom store 1",
        b"greenroom store x\n",
        b"\xff\xfe\n",
        b"something else\n",
    ] {
        let dir = written();
        fs::write(dir.path().join("FORMAT"), text).unwrap();
        assert!(
            matches!(open_error(dir.path()), OpenError::Corrupt { .. }),
            "{text:?}"
        );
        assert_eq!(fs::read(dir.path().join("FORMAT")).unwrap(), text);
    }
    let dir = written();
    fs::remove_file(dir.path().join("FORMAT")).unwrap();
    assert!(matches!(open_error(dir.path()), OpenError::Corrupt { .. }));
}

#[test]
fn a_database_that_lost_files_is_reported() {
    let lose = |what: &dyn Fn(&Path)| {
        let dir = written();
        what(&dir.path().join("db"));
        let error = open_error(dir.path());
        assert!(matches!(error, OpenError::Corrupt { .. }), "{error}");
    };
    lose(&|db| fs::remove_file(db.join("version")).unwrap());
    lose(&|db| fs::write(db.join("version"), "nonsense").unwrap());
    lose(&|db| fs::remove_dir_all(db.join("keyspaces")).unwrap());
    lose(&|db| fs::write(db.join("not-a-number.jnl"), "nonsense").unwrap());
    lose(&|db| fs::create_dir(db.join("keyspaces").join("stray")).unwrap());
    lose(&|db| fs::create_dir(db.join("7.jnl")).unwrap());
    for number in 0..8 {
        lose(&|db| fs::remove_dir_all(db.join("keyspaces").join(number.to_string())).unwrap());
        lose(&|db| {
            fs::remove_file(
                db.join("keyspaces")
                    .join(number.to_string())
                    .join("current"),
            )
            .unwrap()
        });
    }
    lose(&|db| {
        fs::remove_dir_all(db).unwrap();
        fs::create_dir(db).unwrap();
        fs::write(db.join("0.jnl"), "nonsense").unwrap();
    });
}

#[test]
fn a_creation_that_was_cut_short_is_started_again() {
    let dir = directory();
    fs::create_dir(dir.path().join("db.new")).unwrap();
    fs::write(dir.path().join("db.new").join("0.jnl"), "half").unwrap();
    fs::write(dir.path().join("FORMAT.new"), "gre").unwrap();
    drop(open(dir.path()));
    assert!(!dir.path().join("db.new").exists());
    // Between the last two steps.
    fs::rename(dir.path().join("db"), dir.path().join("db.new")).unwrap();
    drop(open(dir.path()));
    assert!(!dir.path().join("db.new").exists());
}

#[test]
fn a_database_that_is_missing_is_no_empty_one() {
    let dir = written();
    fs::rename(dir.path().join("db"), dir.path().join("elsewhere")).unwrap();
    for _ in 0..2 {
        let error = open_error(dir.path());
        assert!(matches!(error, OpenError::Corrupt { .. }), "{error}");
        assert!(error.to_string().contains("`db`, is missing"), "{error}");
    }
    fs::rename(dir.path().join("elsewhere"), dir.path().join("db")).unwrap();
    actor_is_there(dir.path());
    fs::remove_dir_all(dir.path().join("db")).unwrap();
    fs::remove_file(dir.path().join("FORMAT")).unwrap();
    drop(open(dir.path()));
}

#[test]
fn a_place_that_cannot_be_a_directory_is_unusable() {
    let dir = directory();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    let lock_is_directory = dir.path().join("locked");
    fs::create_dir_all(lock_is_directory.join("LOCK")).unwrap();
    let mut places = vec![file.clone(), file.join("below"), lock_is_directory];
    if cfg!(target_os = "linux") {
        // Not even the superuser creates anything here.
        places.push("/proc/greenroom".into());
    }
    for place in places {
        let error = open_error(&place);
        assert!(matches!(error, OpenError::Unusable { .. }), "{error}");
    }
}

#[test]
fn directories_above_are_created_too() {
    let dir = directory();
    let place = dir.path().join("a/b/../c");
    drop(open(&place));
    assert!(dir.path().join("a/c/db").is_dir());
}

#[cfg(unix)]
#[test]
fn a_directory_in_one_that_may_not_be_read_is_usable() {
    use std::os::unix::fs::PermissionsExt;

    let dir = directory();
    let above = dir.path().join("above");
    fs::create_dir(&above).unwrap();
    fs::set_permissions(&above, fs::Permissions::from_mode(0o300)).unwrap();
    drop(open(&above.join("data")));
    fs::set_permissions(&above, fs::Permissions::from_mode(0o700)).unwrap();
}

#[cfg(unix)]
#[test]
fn a_read_only_directory_is_unusable() {
    use std::os::unix::fs::PermissionsExt;

    let dir = directory();
    let place = dir.path().join("data");
    fs::create_dir(&place).unwrap();
    fs::set_permissions(&place, fs::Permissions::from_mode(0o555)).unwrap();
    let superuser = fs::File::create(place.join("probe"))
        .and_then(|mut file| file.write_all(b"x"))
        .is_ok();
    if superuser {
        // Permissions do not bind this user, so the directory is not read-only for it.
        drop(open(&place));
    } else {
        let error = open_error(&place);
        assert!(matches!(error, OpenError::Unusable { .. }), "{error}");
    }
    fs::set_permissions(&place, fs::Permissions::from_mode(0o755)).unwrap();
}
