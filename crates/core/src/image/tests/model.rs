//! The plainest possible state: everything in vectors, everything copied.

use super::{array, int, ints, map, object, op, set, text};
use bytes::Bytes;

#[derive(Clone, Debug)]
pub(super) enum Value {
    Leaf(Vec<u8>),
    Array(Vec<Value>),
    Object(Vec<(Vec<u8>, Value)>),
    Map(Vec<(Vec<u8>, Value)>),
    Set(Vec<Vec<u8>>),
}

/// A supply of decisions. Shrinks well: all zeros mean the simplest of everything.
pub(super) struct Choices<'a>(pub(super) std::slice::Iter<'a, u8>);

impl Choices<'_> {
    pub(super) fn below(&mut self, limit: usize) -> usize {
        usize::from(*self.0.next().unwrap_or(&0)) % limit.max(1)
    }
}

impl Value {
    pub(super) fn encode(&self) -> Vec<u8> {
        let encode = |entries: &[(Vec<u8>, Value)]| -> Vec<_> {
            entries
                .iter()
                .map(|(key, value)| (key.clone(), value.encode()))
                .collect()
        };
        match self {
            Self::Leaf(bytes) => bytes.clone(),
            Self::Array(elements) => array(&elements.iter().map(Self::encode).collect::<Vec<_>>()),
            Self::Object(entries) => object(&encode(entries)),
            Self::Map(entries) => map(&encode(entries)),
            Self::Set(members) => set(members),
        }
    }

    pub(super) fn random(choices: &mut Choices<'_>, nesting: usize) -> Self {
        let kinds = if nesting == 0 { 1 } else { 5 };
        let entries = |choices: &mut Choices<'_>, key: fn(&mut Choices<'_>) -> Vec<u8>| {
            let mut entries: Vec<(Vec<u8>, Self)> = Vec::new();
            for _ in 0..choices.below(25) {
                put(
                    &mut entries,
                    key(choices),
                    Self::random(choices, nesting - 1),
                );
            }
            entries
        };
        match choices.below(kinds) {
            0 => Self::Leaf(primitive(choices)),
            1 => Self::Array(
                (0..choices.below(6))
                    .map(|_| Self::random(choices, nesting - 1))
                    .collect(),
            ),
            2 => Self::Object(entries(choices, property)),
            3 => Self::Map(entries(choices, primitive)),
            _ => {
                let mut members = Vec::new();
                for _ in 0..choices.below(25) {
                    let member = primitive(choices);
                    if !members.contains(&member) {
                        members.push(member);
                    }
                }
                Self::Set(members)
            }
        }
    }

    /// Makes one random change somewhere and tells it as an operation.
    pub(super) fn mutate(&mut self, choices: &mut Choices<'_>) -> Bytes {
        let mut path = Vec::new();
        let target = self.descend(choices, &mut path);
        let path = array(&path);
        match target {
            Self::Leaf(_) => {
                *target = Self::random(choices, 3);
                op(7, &[target.encode()])
            }
            Self::Array(elements) => mutate_array(elements, path, choices),
            Self::Object(entries) => mutate_entries(entries, path, choices, property),
            Self::Map(entries) => {
                if choices.below(8) == 7 {
                    entries.clear();
                    return op(6, &[path]);
                }
                mutate_entries(entries, path, choices, primitive)
            }
            Self::Set(members) => {
                let member = primitive(choices);
                match choices.below(8) {
                    0..4 => {
                        if !members.contains(&member) {
                            members.push(member.clone());
                        }
                        op(5, &[path, member])
                    }
                    4..7 => {
                        members.retain(|own| *own != member);
                        op(1, &[path, member])
                    }
                    _ => {
                        members.clear();
                        op(6, &[path])
                    }
                }
            }
        }
    }

    /// A random container, or the root.
    fn descend(&mut self, choices: &mut Choices<'_>, path: &mut Vec<Vec<u8>>) -> &mut Self {
        let children: Vec<(Vec<u8>, usize)> = match self {
            Self::Leaf(_) | Self::Set(_) => Vec::new(),
            Self::Array(elements) => children(
                elements
                    .iter()
                    .enumerate()
                    .map(|(at, value)| (int(at as i64), value)),
            ),
            Self::Object(entries) | Self::Map(entries) => {
                children(entries.iter().map(|(key, value)| (key.clone(), value)))
            }
        };
        if children.is_empty() || choices.below(3) == 0 {
            return self;
        }
        let (step, position) = children[choices.below(children.len())].clone();
        path.push(step);
        match self {
            Self::Array(elements) => elements[position].descend(choices, path),
            Self::Object(entries) | Self::Map(entries) => {
                entries[position].1.descend(choices, path)
            }
            Self::Leaf(_) | Self::Set(_) => unreachable!("these have no children"),
        }
    }
}

/// The containers among these values, with their steps and positions.
fn children<'a>(values: impl Iterator<Item = (Vec<u8>, &'a Value)>) -> Vec<(Vec<u8>, usize)> {
    let containers = values
        .enumerate()
        .filter(|(_, (_, value))| !matches!(value, Value::Leaf(_)));
    containers
        .map(|(position, (step, _))| (step, position))
        .collect()
}

fn mutate_array(elements: &mut Vec<Value>, path: Vec<u8>, choices: &mut Choices<'_>) -> Bytes {
    let values = |choices: &mut Choices<'_>| -> Vec<Value> {
        (0..choices.below(4))
            .map(|_| Value::random(choices, 2))
            .collect()
    };
    let encoded = |values: &[Value]| array(&values.iter().map(Value::encode).collect::<Vec<_>>());
    match choices.below(4) {
        1 if !elements.is_empty() => {
            let index = choices.below(elements.len());
            elements[index] = Value::random(choices, 2);
            op(0, &[path, int(index as i64), elements[index].encode()])
        }
        2 => {
            let start = choices.below(elements.len() + 1);
            let count = choices.below(elements.len() - start + 1);
            let values = values(choices);
            let operation = op(
                3,
                &[path, int(start as i64), int(count as i64), encoded(&values)],
            );
            elements.splice(start..start + count, values);
            operation
        }
        3 if !elements.is_empty() => {
            let (mut runs, mut result) = (Vec::new(), Vec::new());
            for _ in 0..choices.below(5) {
                let start = choices.below(elements.len());
                if choices.below(2) == 0 {
                    let len = choices.below(elements.len() - start + 1);
                    result.extend_from_slice(&elements[start..start + len]);
                    runs.extend([start as i64, len as i64]);
                } else {
                    let len = choices.below(start + 2);
                    result.extend(elements[start + 1 - len..=start].iter().rev().cloned());
                    runs.extend([start as i64, -(len as i64)]);
                }
            }
            *elements = result;
            op(4, &[path, ints(&runs)])
        }
        _ => {
            let values = values(choices);
            let operation = op(2, &[path, encoded(&values)]);
            elements.extend(values);
            operation
        }
    }
}

fn mutate_entries(
    entries: &mut Vec<(Vec<u8>, Value)>,
    path: Vec<u8>,
    choices: &mut Choices<'_>,
    key: fn(&mut Choices<'_>) -> Vec<u8>,
) -> Bytes {
    let key = key(choices);
    if choices.below(2) == 0 {
        let value = Value::random(choices, 2);
        let operation = op(0, &[path, key.clone(), value.encode()]);
        put(entries, key, value);
        operation
    } else {
        entries.retain(|(own, _)| *own != key);
        op(1, &[path, key])
    }
}

fn put(entries: &mut Vec<(Vec<u8>, Value)>, key: Vec<u8>, value: Value) {
    match entries.iter_mut().find(|(own, _)| *own == key) {
        Some((_, existing)) => *existing = value,
        None => entries.push((key, value)),
    }
}

fn property(choices: &mut Choices<'_>) -> Vec<u8> {
    text(&format!("k{}", choices.below(30)))
}

fn primitive(choices: &mut Choices<'_>) -> Vec<u8> {
    let number = choices.below(30) as i64;
    match choices.below(5) {
        0 => int(number - 10),
        1 => text(&"ä".repeat(number as usize)),
        2 => vec![0xf4 + (number % 4) as u8],
        3 => [&[0xfb][..], &(number as f64 / 4.0).to_be_bytes()].concat(),
        _ => [&[0x1b][..], &number.to_be_bytes()].concat(),
    }
}
