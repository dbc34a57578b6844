//! The tree: containers that were entered, and everything else as the bytes that it came as.

use bytes::Bytes;
use greenroom_types::cbor::{self, Major};

use super::{
    entries::Entries,
    error::{Malformed, OperationError},
    item::{self, Cursor, TAG_MAP, TAG_SET},
};

/// A value of the state. Nothing is taken apart before an operation goes into it.
#[derive(Clone, Debug)]
pub(super) enum Node {
    /// A well-formed item, as it was read.
    Raw(Bytes),
    /// A container that an operation went into.
    Open(Box<Container>),
}

/// A value that operations can go into.
#[derive(Clone, Debug)]
pub(super) enum Container {
    Object(Entries<Node>),
    Array(Vec<Node>),
    Map(Entries<Node>),
    Set(Entries<()>),
}

impl Node {
    /// The container that this value is, taken apart if it was not yet. `None` for a leaf.
    pub(super) fn open(&mut self) -> Result<Option<&mut Container>, Malformed> {
        if let Self::Raw(bytes) = self {
            match Container::read(bytes)? {
                Some(container) => *self = Self::Open(Box::new(container)),
                None => return Ok(None),
            }
        }
        match self {
            Self::Open(container) => Ok(Some(container)),
            Self::Raw(_) => Ok(None),
        }
    }

    pub(super) fn encoded_len(&self) -> usize {
        match self {
            Self::Raw(bytes) => bytes.len(),
            Self::Open(container) => container.encoded_len(),
        }
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Raw(bytes) => out.extend_from_slice(bytes),
            Self::Open(container) => container.encode(out),
        }
    }
}

impl Container {
    /// What to call it in a message, with an article.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Object(_) => "an object",
            Self::Array(_) => "an array",
            Self::Map(_) => "a Map",
            Self::Set(_) => "a Set",
        }
    }

    /// The value that a step of a path leads to. `None` when there is none.
    pub(super) fn child(&mut self, step: &Bytes) -> Result<Option<&mut Node>, OperationError> {
        self.check_key(step, "step")?;
        match self {
            Self::Object(entries) | Self::Map(entries) => Ok(entries.get_mut(step)),
            Self::Array(elements) => {
                let index = Cursor::new(step).unsigned()?;
                Ok(usize::try_from(index)
                    .ok()
                    .and_then(|index| elements.get_mut(index)))
            }
            Self::Set(_) => Err(OperationError::WrongContainer {
                what: "go into",
                container: "a Set",
            }),
        }
    }

    /// Checks that `key` is of the kind by which this container names what it holds.
    pub(super) fn check_key(&self, key: &Bytes, what: &'static str) -> Result<(), OperationError> {
        let fits = match self {
            Self::Object(_) => item::is_property_key(key),
            Self::Array(_) => Cursor::new(key).unsigned().is_ok(),
            Self::Map(_) | Self::Set(_) => item::is_primitive(key),
        };
        if fits {
            Ok(())
        } else {
            Err(OperationError::WrongKey {
                container: self.kind(),
                what,
            })
        }
    }

    /// Takes apart the outermost container of a well-formed item. `None` for a leaf.
    fn read(source: &Bytes) -> Result<Option<Self>, Malformed> {
        let mut cursor = Cursor::new(source);
        let mut head = cursor.head()?;
        let mut tag = None;
        if head.major == Major::Tag {
            tag = Some(head.arg);
            head = cursor.head()?;
        }
        Ok(match (tag, head.major) {
            (None, Major::Array) => {
                let mut elements = Vec::new();
                for _ in 0..head.arg {
                    elements.push(Node::Raw(cursor.item()?.bytes));
                }
                Some(Self::Array(elements))
            }
            (None, Major::Map) => Some(Self::Object(read_entries(&mut cursor, head.arg)?)),
            (Some(TAG_MAP), Major::Map) => Some(Self::Map(read_entries(&mut cursor, head.arg)?)),
            (Some(TAG_SET), Major::Array) => {
                let mut members = Entries::new();
                for _ in 0..head.arg {
                    if !members.set(cursor.item()?.bytes, ()) {
                        return Err(cursor.malformed("a member that comes twice"));
                    }
                }
                Some(Self::Set(members))
            }
            _ => None,
        })
    }

    fn encoded_len(&self) -> usize {
        match self {
            Self::Object(entries) => entries_len(entries),
            Self::Map(entries) => item::head_len(TAG_MAP) + entries_len(entries),
            Self::Array(elements) => {
                let content: usize = elements.iter().map(Node::encoded_len).sum();
                item::head_len(elements.len() as u64) + content
            }
            Self::Set(members) => {
                let content: usize = members.iter().map(|(member, ())| member.len()).sum();
                item::head_len(TAG_SET) + item::head_len(members.len() as u64) + content
            }
        }
    }

    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Object(entries) => encode_entries(entries, out),
            Self::Map(entries) => {
                cbor::put_tag(out, TAG_MAP);
                encode_entries(entries, out);
            }
            Self::Array(elements) => {
                cbor::put_array(out, elements.len());
                for element in elements {
                    element.encode(out);
                }
            }
            Self::Set(members) => {
                cbor::put_tag(out, TAG_SET);
                cbor::put_array(out, members.len());
                for (member, ()) in members.iter() {
                    out.extend_from_slice(member);
                }
            }
        }
    }
}

fn read_entries(cursor: &mut Cursor<'_>, count: u64) -> Result<Entries<Node>, Malformed> {
    let mut entries = Entries::new();
    for _ in 0..count {
        let key = cursor.item()?.bytes;
        if !entries.set(key, Node::Raw(cursor.item()?.bytes)) {
            return Err(cursor.malformed("a key that comes twice"));
        }
    }
    Ok(entries)
}

fn entries_len(entries: &Entries<Node>) -> usize {
    let content: usize = entries
        .iter()
        .map(|(key, value)| key.len() + value.encoded_len())
        .sum();
    item::head_len(entries.len() as u64) + content
}

fn encode_entries(entries: &Entries<Node>, out: &mut Vec<u8>) {
    cbor::put_map(out, entries.len());
    for (key, value) in entries.iter() {
        out.extend_from_slice(key);
        value.encode(out);
    }
}
