//! Reading state form: where one item ends, and whether it is well formed on the way there.

use bytes::Bytes;
use greenroom_types::limits;

use super::error::Malformed;

pub(super) const UNSIGNED: u8 = 0;
pub(super) const NEGATIVE: u8 = 1;
pub(super) const BYTES: u8 = 2;
pub(super) const TEXT: u8 = 3;
pub(super) const ARRAY: u8 = 4;
pub(super) const MAP: u8 = 5;
pub(super) const TAG: u8 = 6;

pub(super) const TAG_SET: u64 = 258;
pub(super) const TAG_MAP: u64 = 259;
const TAG_BIG_POSITIVE: u64 = 2;
const TAG_BIG_NEGATIVE: u64 = 3;
const TAG_ILL_FORMED_STRING: u64 = 60001;

/// The width that marks an 8-byte argument: a double, or a bigint instead of a number.
const EIGHT_BYTES: u8 = 27;

/// The first bytes of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// The upper three bits of the first byte.
    pub(super) major: u8,
    /// The lower five bits of the first byte.
    width: u8,
    /// The number that follows: a value, a length, a count or a tag.
    pub(super) argument: u64,
}

/// One complete item.
#[derive(Clone, Debug)]
pub(super) struct Item {
    /// Its encoding.
    pub(super) bytes: Bytes,
    /// How many containers are around its innermost value: 0 for a primitive.
    pub(super) depth: usize,
}

/// A position in bytes that hold items one after the other.
pub(super) struct Cursor<'a> {
    source: &'a Bytes,
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(source: &'a Bytes) -> Self {
        Self { source, at: 0 }
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.at == self.source.len()
    }

    pub(super) fn malformed(&self, what: &'static str) -> Malformed {
        Malformed { at: self.at, what }
    }

    /// Reads the first bytes of the next item.
    pub(super) fn head(&mut self) -> Result<Head, Malformed> {
        let first = self.take(1)?[0];
        let (major, width) = (first >> 5, first & 0x1f);
        let argument = match width {
            0..24 => u64::from(width),
            24..=EIGHT_BYTES => {
                let bytes = self.take(1 << (width - 24))?;
                bytes
                    .iter()
                    .fold(0, |number, byte| number << 8 | u64::from(*byte))
            }
            _ => return Err(self.malformed("an item of indefinite length")),
        };
        Ok(Head {
            major,
            width,
            argument,
        })
    }

    /// Reads the head of an array and gives its count.
    pub(super) fn array(&mut self) -> Result<u64, Malformed> {
        self.container(ARRAY, "expected an array")
    }

    /// Reads the head of a container of kind `major` and gives its count.
    pub(super) fn container(
        &mut self,
        major: u8,
        expected: &'static str,
    ) -> Result<u64, Malformed> {
        let head = self.head()?;
        if head.major != major {
            return Err(self.malformed(expected));
        }
        Ok(head.argument)
    }

    /// Reads an unsigned number, as state form writes one that is not a bigint.
    pub(super) fn unsigned(&mut self) -> Result<u64, Malformed> {
        let head = self.head()?;
        if head.major != UNSIGNED || head.width == EIGHT_BYTES {
            return Err(self.malformed("expected an index or a count"));
        }
        Ok(head.argument)
    }

    /// Reads a number of either sign, as state form writes one that is not a bigint.
    pub(super) fn signed(&mut self) -> Result<i64, Malformed> {
        let head = self.head()?;
        let number = head.argument as i64;
        match head.major {
            _ if head.width == EIGHT_BYTES => Err(self.malformed("expected a number of elements")),
            UNSIGNED => Ok(number),
            NEGATIVE => Ok(-1 - number),
            _ => Err(self.malformed("expected a number of elements")),
        }
    }

    /// Reads one whole item and checks all of it.
    pub(super) fn item(&mut self) -> Result<Item, Malformed> {
        let start = self.at;
        let depth = self.skip(limits::NESTING)?;
        Ok(Item {
            bytes: self.source.slice(start..self.at),
            depth,
        })
    }

    fn take(&mut self, len: u64) -> Result<&'a [u8], Malformed> {
        let rest = &self.source[self.at..];
        if len > rest.len() as u64 {
            return Err(self.malformed("the item ends early"));
        }
        self.at += len as usize;
        Ok(&rest[..len as usize])
    }

    /// Passes one item that may hold `nesting` containers inside each other, and tells how many
    /// it holds. Costs no memory, whatever lengths the item claims to have: each element that is
    /// counted takes a byte at least, so a lie ends at the end of the source.
    fn skip(&mut self, nesting: usize) -> Result<usize, Malformed> {
        let head = self.head()?;
        if head.major != TAG {
            return self.skip_content(head, nesting);
        }
        let content = self.head()?;
        match (head.argument, content.major) {
            (_, TAG) => Err(self.malformed("a tag on a tag")),
            (TAG_MAP, MAP) => self.skip_elements(content.argument, nesting, Element::EntryOfMap),
            (TAG_SET, ARRAY) => self.skip_elements(content.argument, nesting, Element::Member),
            (TAG_BIG_POSITIVE | TAG_BIG_NEGATIVE | TAG_ILL_FORMED_STRING, BYTES) => {
                self.skip_content(content, nesting)
            }
            (
                TAG_MAP | TAG_SET | TAG_BIG_POSITIVE | TAG_BIG_NEGATIVE | TAG_ILL_FORMED_STRING,
                _,
            ) => Err(self.malformed("a tag on the wrong kind of item")),
            _ => self.skip_content(content, nesting),
        }
    }

    fn skip_content(&mut self, head: Head, nesting: usize) -> Result<usize, Malformed> {
        match head.major {
            UNSIGNED | NEGATIVE => self.shortest(head).map(|()| 0),
            BYTES => self.take(head.argument).map(|_| 0),
            TEXT => {
                self.shortest(head)?;
                if head.width == EIGHT_BYTES {
                    return Err(self.malformed("a text not in its shortest form"));
                }
                let text = self.take(head.argument)?;
                str::from_utf8(text)
                    .map(|_| 0)
                    .map_err(|_| self.malformed("a text that is not UTF-8"))
            }
            ARRAY => self.skip_elements(head.argument, nesting, Element::Any),
            MAP => self.skip_elements(head.argument, nesting, Element::Property),
            _ => match head.width {
                20..=23 | EIGHT_BYTES => Ok(0),
                _ => Err(self.malformed("a simple value that state form does not have")),
            },
        }
    }

    fn skip_elements(
        &mut self,
        count: u64,
        nesting: usize,
        element: Element,
    ) -> Result<usize, Malformed> {
        let Some(inner) = nesting.checked_sub(1) else {
            return Err(self.malformed("nested too deep"));
        };
        let mut deepest = 0;
        for _ in 0..count {
            let key = match element {
                Element::Any => true,
                Element::Property => is_property_key(&self.source[self.at..]),
                Element::EntryOfMap | Element::Member => is_primitive(&self.source[self.at..]),
            };
            if !key && !self.is_at_end() {
                return Err(self.malformed("a key or member of the wrong kind"));
            }
            deepest = deepest.max(self.skip(inner)?);
            if matches!(element, Element::Property | Element::EntryOfMap) {
                deepest = deepest.max(self.skip(inner)?);
            }
        }
        Ok(deepest + 1)
    }

    /// Keys are compared by their bytes, so what a key can be made of has one encoding only.
    fn shortest(&self, head: Head) -> Result<(), Malformed> {
        let least = match head.width {
            24 => 24,
            25 => 1 << 8,
            26 => 1 << 16,
            _ => 0,
        };
        if head.argument < least {
            return Err(self.malformed("a number or text not in its shortest form"));
        }
        Ok(())
    }
}

/// What a container is made of.
#[derive(Clone, Copy)]
enum Element {
    Any,
    Property,
    EntryOfMap,
    Member,
}

/// Whether a well-formed item can be the key of an object: a string.
pub(super) fn is_property_key(item: &[u8]) -> bool {
    match item {
        [0xd9, 0xea, 0x61, ..] => true,
        [first, ..] => first >> 5 == TEXT,
        [] => false,
    }
}

/// Whether a well-formed item can be the key of a Map or the member of a Set.
pub(super) fn is_primitive(item: &[u8]) -> bool {
    match item {
        [0xc2 | 0xc3, ..] | [0xd9, 0xea, 0x61, ..] => true,
        [first, ..] => !matches!(first >> 5, BYTES | ARRAY | MAP | TAG),
        [] => false,
    }
}

/// Appends the shortest head of an item.
pub(super) fn put_head(out: &mut Vec<u8>, major: u8, argument: u64) {
    let major = major << 5;
    match argument {
        0..24 => out.push(major | argument as u8),
        24..0x100 => out.extend_from_slice(&[major | 24, argument as u8]),
        0x100..0x1_0000 => {
            out.push(major | 25);
            out.extend_from_slice(&(argument as u16).to_be_bytes());
        }
        0x1_0000..0x1_0000_0000 => {
            out.push(major | 26);
            out.extend_from_slice(&(argument as u32).to_be_bytes());
        }
        _ => {
            out.push(major | EIGHT_BYTES);
            out.extend_from_slice(&argument.to_be_bytes());
        }
    }
}

/// The length of what [`put_head`] appends.
pub(super) fn head_len(argument: u64) -> usize {
    match argument {
        0..24 => 1,
        24..0x100 => 2,
        0x100..0x1_0000 => 3,
        0x1_0000..0x1_0000_0000 => 5,
        _ => 9,
    }
}
