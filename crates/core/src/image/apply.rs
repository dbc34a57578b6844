//! What each operation does to the tree.

use std::ops::Range;

use bytes::Bytes;
use greenroom_types::limits;

use super::{
    error::OperationError,
    item::{self, Item},
    node::{Container, Node},
    operation::{Operation, Path, Run},
};

/// How many bytes one sequence of operations may copy by naming elements repeatedly. Without it a
/// few hundred bytes of operations could double an image over and over.
const COPY_LIMIT: usize = 256 * 1024 * 1024;

/// What each copied element counts on top of its encoding.
const COPY_OVERHEAD: usize = 64;

/// Applies operations to one tree, keeping account of what they copy.
pub(super) struct Applier<'a> {
    root: &'a mut Option<Node>,
    copied: usize,
}

impl<'a> Applier<'a> {
    pub(super) fn new(root: &'a mut Option<Node>) -> Self {
        Self { root, copied: 0 }
    }

    /// Applies one operation. After an error the tree may have been changed in part.
    pub(super) fn apply(&mut self, operation: Operation) -> Result<(), OperationError> {
        match operation {
            Operation::Set { path, key, value } => {
                let value = nested(value, path.0.len() + 1)?;
                set(self.container(&path)?, key, value)
            }
            Operation::Delete { path, key } => delete(self.container(&path)?, &key),
            Operation::Append { path, values } => {
                let values = all_nested(values, path.0.len() + 1)?;
                let elements = array(self.container(&path)?, "append to")?;
                elements.extend(values);
                Ok(())
            }
            Operation::Splice {
                path,
                start,
                delete,
                values,
            } => {
                let values = all_nested(values, path.0.len() + 1)?;
                let elements = array(self.container(&path)?, "splice")?;
                let range = range(elements, start, delete)?;
                elements.splice(range, values);
                Ok(())
            }
            Operation::Rearrange { path, runs } => {
                let mut copied = self.copied;
                let elements = array(self.container(&path)?, "rearrange")?;
                rearrange(elements, &runs, &mut copied)?;
                self.copied = copied;
                Ok(())
            }
            Operation::Add { path, member } => add(self.container(&path)?, member),
            Operation::Clear { path } => clear(self.container(&path)?),
            Operation::Replace { value } => {
                *self.root = Some(nested(value, 0)?);
                Ok(())
            }
        }
    }

    /// The container that `path` leads to.
    fn container(&mut self, path: &Path) -> Result<&mut Container, OperationError> {
        let mut node = self.root.as_mut().ok_or(OperationError::NoRoot)?;
        for (position, step) in path.0.iter().enumerate() {
            let container = node
                .open()?
                .ok_or(OperationError::PathNotFound { step: position })?;
            node = container
                .child(step)?
                .ok_or(OperationError::PathNotFound { step: position })?;
        }
        node.open()?.ok_or(OperationError::WrongContainer {
            what: "change a part of",
            container: "a leaf",
        })
    }
}

/// `value` as a node below `around` containers.
fn nested(value: Item, around: usize) -> Result<Node, OperationError> {
    let depth = around + value.depth;
    if depth > limits::NESTING {
        return Err(OperationError::TooDeep { depth });
    }
    Ok(Node::Raw(value.bytes))
}

fn all_nested(values: Vec<Item>, around: usize) -> Result<Vec<Node>, OperationError> {
    values
        .into_iter()
        .map(|value| nested(value, around))
        .collect()
}

fn array<'a>(
    container: &'a mut Container,
    what: &'static str,
) -> Result<&'a mut Vec<Node>, OperationError> {
    match container {
        Container::Array(elements) => Ok(elements),
        Container::Object(_) | Container::Map(_) | Container::Set(_) => {
            Err(OperationError::WrongContainer {
                what,
                container: container.kind(),
            })
        }
    }
}

fn set(container: &mut Container, key: Bytes, value: Node) -> Result<(), OperationError> {
    container.check_key(&key, "key")?;
    match container {
        Container::Object(entries) | Container::Map(entries) => {
            entries.set(key, value);
            Ok(())
        }
        Container::Array(elements) => {
            let index = item::Cursor::new(&key).unsigned()?;
            let range = range(elements, index, 1)?;
            elements[range.start] = value;
            Ok(())
        }
        Container::Set(_) => Err(OperationError::WrongContainer {
            what: "set an entry of",
            container: "a Set",
        }),
    }
}

fn delete(container: &mut Container, key: &Bytes) -> Result<(), OperationError> {
    container.check_key(key, "key")?;
    match container {
        Container::Object(entries) | Container::Map(entries) => entries.remove(key),
        Container::Set(members) => members.remove(key),
        Container::Array(_) => {
            return Err(OperationError::WrongContainer {
                what: "delete from",
                container: "an array",
            });
        }
    }
    Ok(())
}

fn add(container: &mut Container, member: Bytes) -> Result<(), OperationError> {
    let kind = container.kind();
    let Container::Set(members) = container else {
        return Err(OperationError::WrongContainer {
            what: "add a member to",
            container: kind,
        });
    };
    if !item::is_primitive(&member) {
        return Err(OperationError::WrongKey {
            container: kind,
            what: "member",
        });
    }
    members.set(member, ());
    Ok(())
}

fn clear(container: &mut Container) -> Result<(), OperationError> {
    match container {
        Container::Map(entries) => entries.clear(),
        Container::Set(members) => members.clear(),
        Container::Object(_) | Container::Array(_) => {
            return Err(OperationError::WrongContainer {
                what: "clear",
                container: container.kind(),
            });
        }
    }
    Ok(())
}

/// The elements `start..start + len`, if there are that many.
fn range(elements: &[Node], start: u64, len: u64) -> Result<Range<usize>, OperationError> {
    let end = start.saturating_add(len);
    if end > elements.len() as u64 {
        return Err(OperationError::OutOfRange {
            start,
            end,
            len: elements.len(),
        });
    }
    Ok(start as usize..end as usize)
}

/// The elements that a run names, lowest first.
fn run_range(elements: &[Node], run: Run) -> Result<Range<usize>, OperationError> {
    let len = run.len.unsigned_abs();
    if run.len >= 0 {
        return range(elements, run.start, len);
    }
    match (run.start + 1).checked_sub(len) {
        Some(lowest) => range(elements, lowest, len),
        None => Err(OperationError::OutOfRange {
            start: 0,
            end: len,
            len: elements.len(),
        }),
    }
}

fn rearrange(
    elements: &mut Vec<Node>,
    runs: &[Run],
    copied: &mut usize,
) -> Result<(), OperationError> {
    let ranges = runs
        .iter()
        .map(|run| Ok((run_range(elements, *run)?, run.len < 0)))
        .collect::<Result<Vec<_>, OperationError>>()?;
    let mut old: Vec<Source> = elements.drain(..).map(Source::Unused).collect();
    for (range, descending) in ranges {
        for offset in 0..range.len() {
            let index = if descending {
                range.end - 1 - offset
            } else {
                range.start + offset
            };
            let element = match std::mem::replace(&mut old[index], Source::MovedTo(elements.len()))
            {
                Source::Unused(element) => element,
                Source::MovedTo(first) => {
                    old[index] = Source::MovedTo(first);
                    let element = &elements[first];
                    *copied = copied.saturating_add(element.encoded_len() + COPY_OVERHEAD);
                    if *copied > COPY_LIMIT {
                        return Err(OperationError::TooManyCopies { limit: COPY_LIMIT });
                    }
                    element.clone()
                }
            };
            elements.push(element);
        }
    }
    Ok(())
}

/// Where an element of an array is while the array is rearranged.
enum Source {
    /// Not named by any run so far.
    Unused(Node),
    /// Named before, and now at this place.
    MovedTo(usize),
}
