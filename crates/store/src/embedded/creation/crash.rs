//! A file system that crashes, and what it may have kept.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard},
};

use super::super::files::Files;
use crate::testing::model::Random;

/// What is on a disk: files with their bytes, directories without.
pub(super) type Image = BTreeMap<PathBuf, Option<Vec<u8>>>;

/// What a crash takes of what was not synced. Each change of a directory and of a file is kept or lost by itself; a
/// rename is one change.
pub(super) enum Loss {
    /// The process ends, and the system goes on.
    Nothing,
    Everything,
    /// The power fails. Of bytes that were being written, some may be there.
    Some(Random),
}

/// A data directory in memory. Fails when its steps are used up.
pub(super) struct Model(Mutex<State>);

struct State {
    /// The first is the data directory.
    nodes: Vec<Node>,
    steps_left: usize,
}

enum Node {
    Dir { durable: Names, changes: Vec<Names> },
    File { durable: Vec<u8>, now: Vec<u8> },
}

/// Names in a directory and their nodes; those without one are removed.
type Names = BTreeMap<String, Option<usize>>;

impl Loss {
    fn keeps(&mut self) -> bool {
        match self {
            Self::Nothing => true,
            Self::Everything => false,
            Self::Some(random) => random.below(2) == 0,
        }
    }

    fn cut(&mut self, durable: &[u8], now: &[u8]) -> Vec<u8> {
        let kept = if self.keeps() { now } else { durable };
        let len = match self {
            Self::Some(random) if durable != now => random.below(kept.len() as u64 + 1) as usize,
            _ => kept.len(),
        };
        kept[..len].to_vec()
    }
}

impl Model {
    /// A data directory with this in it, and so many steps until it crashes.
    pub(super) fn new(image: &Image, steps: usize) -> Self {
        let mut state = State {
            nodes: vec![Node::dir()],
            steps_left: usize::MAX,
        };
        for (path, bytes) in image {
            let node = match bytes {
                None => Node::dir(),
                Some(bytes) => Node::File {
                    durable: bytes.clone(),
                    now: bytes.clone(),
                },
            };
            state.put(path, node).unwrap();
            state.sync_dir(path.parent().unwrap()).unwrap();
        }
        state.steps_left = steps;
        Self(Mutex::new(state))
    }

    /// The process was killed, and another one has so many steps. What was not synced is not lost for now.
    pub(super) fn restart(&self, steps: usize) {
        self.lock().steps_left = steps;
    }

    pub(super) fn steps_left(&self) -> usize {
        self.lock().steps_left
    }

    /// What there is after a crash.
    pub(super) fn after(&self, mut loss: Loss) -> Image {
        let mut image = Image::new();
        self.lock().collect(0, Path::new(""), &mut loss, &mut image);
        image
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}

/// Makes a directory of an image.
pub(super) fn write(image: &Image, to: &Path) {
    for (path, bytes) in image {
        match bytes {
            None => fs::create_dir(to.join(path)).unwrap(),
            Some(bytes) => fs::write(to.join(path), bytes).unwrap(),
        }
    }
}

impl Node {
    fn dir() -> Self {
        Self::Dir {
            durable: Names::new(),
            changes: Vec::new(),
        }
    }
}

impl State {
    fn step(&mut self) -> io::Result<()> {
        let left = self.steps_left.checked_sub(1);
        self.steps_left = left.ok_or_else(|| io::Error::other("it has crashed"))?;
        Ok(())
    }

    /// A path's node.
    fn find(&self, path: &Path) -> io::Result<usize> {
        let mut at = 0;
        for name in path.iter() {
            let names = self.names(at);
            let found = names.get(name.to_str().unwrap()).copied().flatten();
            at = found.ok_or(io::ErrorKind::NotFound)?;
        }
        Ok(at)
    }

    /// What is in a directory.
    fn names(&self, dir: usize) -> Names {
        let Node::Dir { durable, changes } = &self.nodes[dir] else {
            panic!("it is a file");
        };
        let mut names = durable.clone();
        names.extend(
            changes
                .iter()
                .flatten()
                .map(|(name, at)| (name.clone(), *at)),
        );
        names
    }

    fn change(&mut self, dir: &Path, change: Names) -> io::Result<()> {
        let dir = self.find(dir)?;
        let Node::Dir { changes, .. } = &mut self.nodes[dir] else {
            panic!("it is a file");
        };
        changes.push(change);
        Ok(())
    }

    fn put(&mut self, path: &Path, node: Node) -> io::Result<usize> {
        self.nodes.push(node);
        let at = self.nodes.len() - 1;
        self.change(
            path.parent().unwrap(),
            Names::from([(name(path), Some(at))]),
        )?;
        Ok(at)
    }

    fn remove(&mut self, path: &Path) -> io::Result<()> {
        self.change(path.parent().unwrap(), Names::from([(name(path), None)]))
    }

    fn sync_dir(&mut self, path: &Path) -> io::Result<()> {
        let dir = self.find(path)?;
        let names = self.names(dir);
        self.nodes[dir] = Node::Dir {
            durable: names,
            changes: Vec::new(),
        };
        Ok(())
    }

    fn write(&mut self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.step()?;
        let file = match self.find(path) {
            Ok(file) => file,
            Err(_) => self.put(
                path,
                Node::File {
                    durable: Vec::new(),
                    now: Vec::new(),
                },
            )?,
        };
        self.step()?;
        let Node::File { now, .. } = &mut self.nodes[file] else {
            panic!("it is a directory");
        };
        *now = bytes.to_vec();
        self.step()?;
        let Node::File { durable, now } = &mut self.nodes[file] else {
            panic!("it is a directory");
        };
        durable.clone_from(now);
        Ok(())
    }

    fn collect(&self, node: usize, path: &Path, loss: &mut Loss, image: &mut Image) {
        let (durable, changes) = match &self.nodes[node] {
            Node::Dir { durable, changes } => (durable, changes),
            Node::File { durable, now } => {
                image.insert(path.to_owned(), Some(loss.cut(durable, now)));
                return;
            }
        };
        if node > 0 {
            image.insert(path.to_owned(), None);
        }
        let mut names = durable.clone();
        for change in changes {
            if loss.keeps() {
                names.extend(change.clone());
            }
        }
        for (name, child) in names {
            if let Some(child) = child {
                self.collect(child, &path.join(name), loss, image);
            }
        }
    }
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

impl Files for Model {
    fn exists(&self, path: &Path) -> io::Result<bool> {
        Ok(self.lock().find(path).is_ok())
    }

    fn make_dir(&self, path: &Path) -> io::Result<()> {
        let mut state = self.lock();
        state.step()?;
        assert!(state.find(path).is_err(), "it exists");
        state.put(path, Node::dir()).map(drop)
    }

    fn write(&self, files: &[(PathBuf, &[u8])]) -> io::Result<()> {
        let mut state = self.lock();
        let mut write = |(path, bytes): &(PathBuf, &[u8])| state.write(path, bytes);
        files.iter().try_for_each(&mut write)
    }

    fn sync_dirs(&self, dirs: &[PathBuf]) -> io::Result<()> {
        let mut state = self.lock();
        dirs.iter().try_for_each(|dir| {
            state.step()?;
            state.sync_dir(dir)
        })
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.lock();
        state.step()?;
        let node = state.find(from)?;
        let change = Names::from([(name(from), None), (name(to), Some(node))]);
        state.change(from.parent().unwrap(), change)
    }

    fn remove_file(&self, path: &Path) -> io::Result<bool> {
        let mut state = self.lock();
        state.step()?;
        let exists = state.find(path).is_ok();
        if exists {
            state.remove(path)?;
        }
        Ok(exists)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<bool> {
        let mut state = self.lock();
        state.step()?;
        let Ok(dir) = state.find(path) else {
            return Ok(false);
        };
        // What is in it goes first, one after the other.
        let names = state.names(dir);
        for (name, _) in names.iter().filter(|(_, node)| node.is_some()) {
            state.step()?;
            state.remove(&path.join(name))?;
        }
        state.remove(path)?;
        Ok(true)
    }
}
