//! Reading state form: where one item ends, and whether it is well formed on the way there.

use bytes::Bytes;
use greenroom_types::{
    cbor::{CborProblem, Head, Major, Reader},
    limits,
};

use super::error::Malformed;

pub(super) const TAG_SET: u64 = 258;
pub(super) const TAG_MAP: u64 = 259;
const TAG_BIG_POSITIVE: u64 = 2;
const TAG_BIG_NEGATIVE: u64 = 3;
const TAG_OBJECT: u64 = 27;
const TAG_ILL_FORMED_STRING: u64 = 60001;

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

    /// Reads the head of the next item.
    pub(super) fn head(&mut self) -> Result<Head, Malformed> {
        let mut reader = Reader::new(&self.source[self.at..]);
        let head = reader.head().map_err(|error| match error.problem {
            CborProblem::Truncated => self.malformed("the item ends early"),
            _ => self.malformed("an item that CBOR does not have"),
        })?;
        if head.is_indefinite() || head.is_break() {
            return Err(self.malformed("an item of indefinite length"));
        }
        self.at += reader.position();
        Ok(head)
    }

    /// Reads the head of an array and gives its count.
    pub(super) fn array(&mut self) -> Result<u64, Malformed> {
        let head = self.head()?;
        if head.major != Major::Array {
            return Err(self.malformed("expected an array"));
        }
        Ok(head.arg)
    }

    /// Reads an unsigned number, as state form writes one that is not a bigint.
    pub(super) fn unsigned(&mut self) -> Result<u64, Malformed> {
        let head = self.head()?;
        if head.major != Major::Uint || head.is_wide() {
            return Err(self.malformed("expected an index or a count"));
        }
        Ok(head.arg)
    }

    /// Reads a number of either sign, as state form writes one that is not a bigint.
    pub(super) fn signed(&mut self) -> Result<i64, Malformed> {
        let head = self.head()?;
        let number = head.arg as i64;
        match head.major {
            _ if head.is_wide() => Err(self.malformed("expected a number of elements")),
            Major::Uint => Ok(number),
            Major::Nint => Ok(-1 - number),
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
        if head.major != Major::Tag {
            return self.skip_content(head, nesting);
        }
        let content = self.head()?;
        match (head.arg, content.major) {
            (TAG_MAP, Major::Map) => self.skip_elements(content.arg, nesting, Element::EntryOfMap),
            (TAG_SET, Major::Array) => self.skip_elements(content.arg, nesting, Element::Member),
            // A leaf that looks like a container: it may be where no container may be any more.
            (TAG_OBJECT, Major::Array) => {
                self.skip_elements(content.arg, 1, Element::Part).map(|_| 0)
            }
            (TAG_MAP | TAG_SET | TAG_OBJECT, _) | (_, Major::Array | Major::Map | Major::Tag) => {
                Err(self.malformed("a tag on the wrong kind of item"))
            }
            (TAG_BIG_POSITIVE | TAG_BIG_NEGATIVE | TAG_ILL_FORMED_STRING, major)
                if major != Major::Bytes =>
            {
                Err(self.malformed("a tag on the wrong kind of item"))
            }
            _ => self.skip_content(content, nesting),
        }
    }

    fn skip_content(&mut self, head: Head, nesting: usize) -> Result<usize, Malformed> {
        match head.major {
            Major::Uint | Major::Nint => self.shortest(head).map(|()| 0),
            Major::Bytes => self.take(head.arg).map(|_| 0),
            Major::Text => {
                self.shortest(head)?;
                if head.is_wide() {
                    return Err(self.malformed("a text not in its shortest form"));
                }
                let text = self.take(head.arg)?;
                str::from_utf8(text)
                    .map(|_| 0)
                    .map_err(|_| self.malformed("a text that is not UTF-8"))
            }
            Major::Array => self.skip_elements(head.arg, nesting, Element::Any),
            Major::Map => self.skip_elements(head.arg, nesting, Element::Property),
            Major::Tag => Err(self.malformed("a tag on the wrong kind of item")),
            Major::Simple => match head.info {
                20..=23 | 27 => Ok(0),
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
                Element::Property | Element::Part => is_property_key(&self.source[self.at..]),
                Element::EntryOfMap | Element::Member => is_primitive(&self.source[self.at..]),
            };
            if !key && !self.is_at_end() {
                return Err(self.malformed("a key, member or part of the wrong kind"));
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
        let least = match head.info {
            24 => 24,
            25 => 1 << 8,
            26 => 1 << 16,
            _ => 0,
        };
        if head.arg < least {
            return Err(self.malformed("a number or text not in its shortest form"));
        }
        Ok(())
    }
}

/// What a container is made of.
#[derive(Clone, Copy)]
enum Element {
    Any,
    /// A string and a value.
    Property,
    /// A primitive and a value.
    EntryOfMap,
    /// A primitive.
    Member,
    /// A string.
    Part,
}

/// Whether a well-formed item can be the key of an object: a string.
pub(super) fn is_property_key(item: &[u8]) -> bool {
    match item {
        [0xd9, 0xea, 0x61, ..] => true,
        [first, ..] => first >> 5 == Major::Text as u8,
        [] => false,
    }
}

/// What is not primitive, except for bigints and ill-formed strings.
const COMPOUND: [Major; 4] = [Major::Bytes, Major::Array, Major::Map, Major::Tag];

/// Whether a well-formed item can be the key of a Map or the member of a Set.
pub(super) fn is_primitive(item: &[u8]) -> bool {
    match item {
        [0xc2 | 0xc3, ..] | [0xd9, 0xea, 0x61, ..] => true,
        [first, ..] => COMPOUND.iter().all(|major| first >> 5 != *major as u8),
        [] => false,
    }
}

/// The length of the shortest head with this number.
pub(super) fn head_len(argument: u64) -> usize {
    match argument {
        0..24 => 1,
        24..0x100 => 2,
        0x100..0x1_0000 => 3,
        0x1_0000..0x1_0000_0000 => 5,
        _ => 9,
    }
}
