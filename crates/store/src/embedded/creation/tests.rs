use std::{collections::BTreeSet, fs};

use fjall::{AbstractTree, SeqNo};
use lsm_tree::Guard;
use tempfile::TempDir;

use super::{
    super::{
        EmbeddedConfig, EmbeddedStore,
        data_dir::{open_database, write_incarnation},
        files::Disk,
        tables::Tables,
    },
    crash::{self, Image, Loss, Model},
    *,
};
use crate::{
    Store,
    testing::{block_on, model::Random, new_actor},
};

fn directory() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// An empty database, made by the engine, which clears up when it opens it again.
fn made_by_the_engine() -> TempDir {
    let dir = directory();
    let config = EmbeddedConfig::new(dir.path());
    let open = || open_database(&config, &dir.path().join(DB)).unwrap();
    let tables = Tables::new(open()).unwrap();
    write_incarnation(&tables, 0).unwrap();
    drop(tables);
    drop(open());
    dir
}

/// What is in a directory.
fn read(dir: &Path) -> Image {
    let mut image = Image::new();
    let mut todo = vec![dir.to_owned()];
    while let Some(next) = todo.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            let bytes = path.is_file().then(|| fs::read(&path).unwrap());
            image.insert(path.strip_prefix(dir).unwrap().to_owned(), bytes);
            todo.extend(path.is_dir().then_some(path));
        }
    }
    image
}

fn pack(image: &Image) -> Vec<u8> {
    let mut packed = Vec::new();
    for (path, bytes) in image {
        let end = if bytes.is_none() { "/" } else { "" };
        let names: Vec<_> = path.iter().map(|name| name.to_str().unwrap()).collect();
        let path = names.join("/") + end;
        let bytes = bytes.as_deref().unwrap_or_default();
        packed.push(path.len() as u8);
        packed.extend(path.as_bytes());
        packed.extend((bytes.len() as u32).to_le_bytes());
        packed.extend(bytes);
    }
    packed
}

/// The engine's own table, in which it keeps names and settings of all others.
const OWN_TABLE: &str = "keyspaces/0";

fn rows_of_its_own(db: &Path) -> Vec<(Vec<u8>, Vec<u8>)> {
    let (seq, visible) = Default::default();
    let tree = lsm_tree::Config::new(db.join(OWN_TABLE), seq, visible).open();
    let rows = tree.unwrap().iter(SeqNo::MAX, None);
    rows.map(|row| row.into_inner().unwrap())
        .map(|(key, value)| (key.to_vec(), value.to_vec()))
        .collect()
}

/// The files of the engine's own table have the time in them at which they were made, so their rows are compared.
#[test]
fn the_empty_database_is_what_the_engine_makes() {
    let made = made_by_the_engine();
    if std::env::var_os("GREENROOM_WRITE_EMPTY").is_some() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/src/embedded/empty.bin");
        fs::write(file, pack(&read(&made.path().join(DB)))).unwrap();
        return;
    }
    let kept = directory();
    create(&Disk, kept.path()).unwrap();
    let [made, kept] = [made, kept].map(|dir| {
        let db = dir.path().join(DB);
        let (paths, contents): (BTreeSet<_>, Vec<_>) = read(&db)
            .into_iter()
            .map(|(path, bytes)| (path.clone(), (path, bytes)))
            .unzip();
        let contents = contents
            .into_iter()
            .filter(|(path, _)| !path.starts_with(OWN_TABLE));
        (paths, contents.collect::<Vec<_>>(), rows_of_its_own(&db))
    });
    assert!(!made.2.is_empty());
    assert!(
        made == kept,
        "tables, their settings or the engine have changed; write it anew by running this test with \
         GREENROOM_WRITE_EMPTY=1"
    );
}

/// Begins to create, and crashes after so many steps. Says whether it was created.
fn create_until_crash(before: &Image, steps: usize) -> (Model, bool) {
    let model = Model::new(before, steps);
    let created = create(&model, Path::new("")).is_ok();
    (model, created)
}

/// What creation leaves, and after how many steps.
fn whole() -> (Image, usize) {
    let (model, created) = create_until_crash(&Image::new(), usize::MAX);
    assert!(created);
    (model.after(Loss::Nothing), usize::MAX - model.steps_left())
}

/// Checks what a crash has left: nothing, a whole database, or what is recognised as unfinished.
fn check(image: &Image, whole: &Image, context: &str) {
    let has = |name: &str| image.contains_key(Path::new(name));
    if has(DB) {
        let of_it = |image: &Image| {
            let names = [DB, FORMAT].map(Path::new);
            let mut of_it = image.clone();
            of_it.retain(|path, _| names.iter().any(|name| path.starts_with(name)));
            of_it
        };
        assert!(of_it(image) == of_it(whole), "{context}: a part is missing");
    } else if has(FORMAT) {
        let format = Path::new(FORMAT);
        assert_eq!(image[format], whole[format], "{context}");
        assert!(has(UNFINISHED), "{context}: a database seems to be lost");
    }
}

#[test]
fn a_crash_at_any_point_leaves_what_the_next_start_recognises() {
    let nothing = Image::new();
    let (whole, all_steps) = whole();
    for steps in 0..=all_steps {
        let (model, created) = create_until_crash(&nothing, steps);
        assert_eq!(created, steps == all_steps);
        let losses = (0..20).map(|seed| Loss::Some(Random(seed)));
        for (number, loss) in losses.chain([Loss::Nothing, Loss::Everything]).enumerate() {
            let image = model.after(loss);
            let context = format!("crash {number} after {steps} steps");
            check(&image, &whole, &context);
            if created {
                assert!(image == whole, "{context}: something was not synced");
                continue;
            }
            if image.contains_key(Path::new(DB)) {
                continue;
            }
            // The next start crashes, too.
            let mut random = Random((steps * 100 + number) as u64);
            let again = random.below(all_steps as u64 * 3 / 2) as usize;
            let (model, created) = create_until_crash(&image, again);
            let image = model.after(Loss::Some(random));
            let context = format!("{context}, then after {again}");
            check(&image, &whole, &context);
            assert!(
                !created || image == whole,
                "{context}: something was not synced"
            );
        }
    }
}

/// Starts as opening does: a database that is there is kept, and otherwise one is made.
fn start(model: &Model) -> bool {
    let here = Path::new("");
    match model.exists(Path::new(DB)).unwrap() {
        true => keep(model, here).is_ok(),
        false => create(model, here).is_ok(),
    }
}

#[test]
fn processes_that_are_killed_leave_nothing_that_a_power_failure_takes_from_a_later_one() {
    let (whole, all_steps) = whole();
    let check_after = |steps: &[usize], seed: u64| {
        let model = Model::new(&Image::new(), 0);
        let mut started = false;
        for steps in steps {
            model.restart(*steps);
            started |= start(&model);
        }
        let image = model.after(Loss::Some(Random(seed)));
        let context = format!("killed after {steps:?}, seed {seed}");
        check(&image, &whole, &context);
        // Whoever has started may have stored something.
        assert!(
            !started || image == whole,
            "{context}: something was not synced"
        );
    };
    // What is found and what is not depends on the last steps of the one before, and on the first of the next.
    for first in all_steps - 6..=all_steps {
        for second in 0..4 {
            for third in (0..=all_steps).step_by(5) {
                (0..6).for_each(|seed| check_after(&[first, second, third], seed));
            }
        }
    }
    for seed in 0..500 {
        let mut random = Random(seed);
        let mut steps = || random.below(all_steps as u64 * 3 / 2) as usize;
        check_after(&[steps(), steps(), steps()], seed);
    }
}

#[test]
fn what_a_crash_of_the_first_start_leaves_can_be_opened() {
    let (_, all_steps) = whole();
    // Most steps are much like those before them. The last ones are not.
    for steps in (0..all_steps).step_by(9).chain(all_steps - 6..=all_steps) {
        let (model, _) = create_until_crash(&Image::new(), steps);
        let dir = directory();
        crash::write(&model.after(Loss::Some(Random(steps as u64))), dir.path());
        let mut config = EmbeddedConfig::new(dir.path());
        config.reserve_bytes = 0;
        let store = EmbeddedStore::open(config).unwrap_or_else(|error| panic!("{steps}: {error}"));
        let actor = new_actor(1, "room", &["a"]);
        block_on(store.create(actor.clone())).unwrap();
        assert!(block_on(store.load(actor.id)).unwrap().is_some());
    }
}
