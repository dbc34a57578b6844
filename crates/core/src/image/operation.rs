//! Operations as they are read, before they are applied.

use bytes::Bytes;

use super::{
    error::{Malformed, OperationError},
    item::{Cursor, Item},
};

/// One change of the state. The module's documentation says what each does.
pub(super) enum Operation {
    Set {
        path: Path,
        key: Bytes,
        value: Item,
    },
    Delete {
        path: Path,
        key: Bytes,
    },
    Append {
        path: Path,
        values: Vec<Item>,
    },
    Splice {
        path: Path,
        start: u64,
        delete: u64,
        values: Vec<Item>,
    },
    Rearrange {
        path: Path,
        runs: Vec<Run>,
    },
    Add {
        path: Path,
        member: Bytes,
    },
    Clear {
        path: Path,
    },
    Replace {
        value: Item,
    },
}

/// The steps from the root to a container, each one item.
pub(super) struct Path(pub(super) Vec<Bytes>);

/// Neighbouring elements of an array: `len` of them from `start` on, or, when `len` is negative,
/// as many from `start` on downwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) start: u64,
    pub(super) len: i64,
}

impl Operation {
    pub(super) fn read(cursor: &mut Cursor<'_>) -> Result<Self, OperationError> {
        let items = cursor.array()?;
        if items == 0 {
            return Err(cursor.malformed("an operation without an opcode").into());
        }
        let opcode = cursor.unsigned()?;
        check_fields(opcode, items - 1)?;
        Ok(match opcode {
            0 => Self::Set {
                path: Path::read(cursor)?,
                key: cursor.item()?.bytes,
                value: cursor.item()?,
            },
            1 => Self::Delete {
                path: Path::read(cursor)?,
                key: cursor.item()?.bytes,
            },
            2 => Self::Append {
                path: Path::read(cursor)?,
                values: read_values(cursor)?,
            },
            3 => Self::Splice {
                path: Path::read(cursor)?,
                start: cursor.unsigned()?,
                delete: cursor.unsigned()?,
                values: read_values(cursor)?,
            },
            4 => Self::Rearrange {
                path: Path::read(cursor)?,
                runs: read_runs(cursor)?,
            },
            5 => Self::Add {
                path: Path::read(cursor)?,
                member: cursor.item()?.bytes,
            },
            6 => Self::Clear {
                path: Path::read(cursor)?,
            },
            7 => Self::Replace {
                value: cursor.item()?,
            },
            _ => return Err(OperationError::UnknownOpcode(opcode)),
        })
    }
}

impl Path {
    fn read(cursor: &mut Cursor<'_>) -> Result<Self, Malformed> {
        let count = cursor.array()?;
        let mut steps = Vec::new();
        for _ in 0..count {
            steps.push(cursor.item()?.bytes);
        }
        Ok(Self(steps))
    }
}

fn check_fields(opcode: u64, got: u64) -> Result<(), OperationError> {
    let expected = match opcode {
        0 => 3,
        1 | 2 | 4 | 5 => 2,
        3 => 4,
        6 | 7 => 1,
        _ => return Err(OperationError::UnknownOpcode(opcode)),
    };
    if got == expected {
        Ok(())
    } else {
        Err(OperationError::FieldCount {
            opcode,
            expected,
            got,
        })
    }
}

fn read_values(cursor: &mut Cursor<'_>) -> Result<Vec<Item>, Malformed> {
    let count = cursor.array()?;
    let mut values = Vec::new();
    for _ in 0..count {
        values.push(cursor.item()?);
    }
    Ok(values)
}

fn read_runs(cursor: &mut Cursor<'_>) -> Result<Vec<Run>, Malformed> {
    let count = cursor.array()?;
    if count % 2 != 0 {
        return Err(cursor.malformed("a run without a length"));
    }
    let mut runs = Vec::new();
    for _ in 0..count / 2 {
        runs.push(Run {
            start: cursor.unsigned()?,
            len: cursor.signed()?,
        });
    }
    Ok(runs)
}
