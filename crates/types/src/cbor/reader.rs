//! Reads CBOR in place.

use std::{borrow::Cow, ops::Range};

use super::{CborError, CborProblem, Head, Major};
use crate::limits;

/// A position in bytes that hold CBOR items one after the other. What it returns borrows from
/// those bytes.
///
/// After an error the position is unspecified; start again or give up.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// How much of an array or map is still to come. Made by [`Reader::array`] and [`Reader::map`].
#[derive(Clone, Debug)]
pub struct Items {
    /// Elements or pairs left; absent while an indefinite item is open.
    left: Option<u64>,
}

/// Checks that `bytes` are exactly one well-formed item and nothing more, nested at most
/// [`limits::NESTING`] levels deep.
///
/// # Errors
/// The first problem found.
pub fn validate(bytes: &[u8]) -> Result<(), CborError> {
    let mut reader = Reader::new(bytes);
    reader.skip_item()?;
    reader.finish()
}

impl<'a> Reader<'a> {
    /// Starts at the first of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Bytes read so far: the offset of the next item.
    pub fn position(&self) -> usize {
        self.at
    }

    /// The bytes that are still to be read.
    pub fn rest(&self) -> &'a [u8] {
        &self.bytes[self.at..]
    }

    /// Whether everything has been read.
    pub fn is_empty(&self) -> bool {
        self.at == self.bytes.len()
    }

    /// Checks that everything has been read.
    ///
    /// # Errors
    /// [`CborProblem::Trailing`] when not.
    pub fn finish(&self) -> Result<(), CborError> {
        if self.is_empty() {
            Ok(())
        } else {
            Err(self.error(CborProblem::Trailing))
        }
    }

    /// The next head, without moving.
    ///
    /// # Errors
    /// Truncated or reserved heads.
    pub fn peek(&self) -> Result<Head, CborError> {
        self.clone().head()
    }

    /// Reads one head and stops right behind it: at the string's bytes, the first element, the
    /// tagged item, or the next item.
    ///
    /// # Errors
    /// Truncated or reserved heads. A break is returned like any other head.
    pub fn head(&mut self) -> Result<Head, CborError> {
        let start = self.at;
        let truncated = CborError::new(start, CborProblem::Truncated);
        let first = *self.bytes.get(start).ok_or(truncated)?;
        let major = match first >> 5 {
            0 => Major::Uint,
            1 => Major::Nint,
            2 => Major::Bytes,
            3 => Major::Text,
            4 => Major::Array,
            5 => Major::Map,
            6 => Major::Tag,
            _ => Major::Simple,
        };
        let info = first & 0x1f;
        let reserved = CborError::new(start, CborProblem::Reserved);
        let width = match info {
            0..=23 => 0,
            24..=27 => 1usize << (info - 24),
            Head::INDEFINITE if !matches!(major, Major::Uint | Major::Nint | Major::Tag) => 0,
            _ => return Err(reserved),
        };
        let tail = self
            .bytes
            .get(start + 1..start + 1 + width)
            .ok_or(truncated)?;
        let arg = match info {
            0..=23 => u64::from(info),
            _ => tail
                .iter()
                .fold(0, |number, byte| number << 8 | u64::from(*byte)),
        };
        if matches!(major, Major::Simple) && info == 24 && arg < 32 {
            return Err(reserved);
        }
        self.at += 1 + width;
        Ok(Head { major, info, arg })
    }

    /// Reads a number from 0 up, however wide it is written.
    ///
    /// # Errors
    /// Anything else.
    pub fn uint(&mut self) -> Result<u64, CborError> {
        let start = self.at;
        match self.head()? {
            Head {
                major: Major::Uint,
                arg,
                ..
            } => Ok(arg),
            _ => Err(CborError::new(
                start,
                CborProblem::Expected("an unsigned integer"),
            )),
        }
    }

    /// Reads an integer that fits, however wide it is written.
    ///
    /// # Errors
    /// Anything else, including integers that need more than 64 bits with their sign.
    pub fn int(&mut self) -> Result<i64, CborError> {
        let start = self.at;
        let head = self.head()?;
        match (head.major, i64::try_from(head.arg)) {
            (Major::Uint, Ok(number)) => Ok(number),
            (Major::Nint, Ok(number)) => Ok(-1 - number),
            _ => Err(CborError::new(
                start,
                CborProblem::Expected("an integer of 64 bits"),
            )),
        }
    }

    /// Reads a boolean.
    ///
    /// # Errors
    /// Anything else.
    pub fn boolean(&mut self) -> Result<bool, CborError> {
        let start = self.at;
        let value = self.head()?.boolean();
        value.ok_or(CborError::new(start, CborProblem::Expected("a boolean")))
    }

    /// Reads a tag number and stops at the tagged item.
    ///
    /// # Errors
    /// Anything else.
    pub fn tag(&mut self) -> Result<u64, CborError> {
        let start = self.at;
        match self.head()? {
            Head {
                major: Major::Tag,
                arg,
                ..
            } => Ok(arg),
            _ => Err(CborError::new(start, CborProblem::Expected("a tag"))),
        }
    }

    /// Reads a text of definite length.
    ///
    /// # Errors
    /// Anything else, including text in chunks (see [`Reader::text_or_chunks`]).
    pub fn text(&mut self) -> Result<&'a str, CborError> {
        let start = self.at;
        match self.head()? {
            head if matches!(head.major, Major::Text) && !head.is_indefinite() => {
                self.text_body(start, head.arg)
            }
            _ => Err(CborError::new(start, CborProblem::Expected("a text"))),
        }
    }

    /// Reads a text; if it comes in chunks, they are joined.
    ///
    /// # Errors
    /// Anything else.
    pub fn text_or_chunks(&mut self) -> Result<Cow<'a, str>, CborError> {
        if !matches!(self.peek()?, head if head.is_indefinite() && head.major == Major::Text) {
            return self.text().map(Cow::Borrowed);
        }
        self.head()?;
        let mut joined = String::new();
        while let Some((start, len)) = self.chunk(Major::Text)? {
            joined.push_str(self.text_body(start, len)?);
        }
        Ok(Cow::Owned(joined))
    }

    /// Reads a byte string of definite length.
    ///
    /// # Errors
    /// Anything else, including strings in chunks (see [`Reader::bytes_or_chunks`]).
    pub fn bytes(&mut self) -> Result<&'a [u8], CborError> {
        let start = self.at;
        match self.head()? {
            head if matches!(head.major, Major::Bytes) && !head.is_indefinite() => {
                self.take(start, head.arg)
            }
            _ => Err(CborError::new(
                start,
                CborProblem::Expected("a byte string"),
            )),
        }
    }

    /// Reads a byte string; if it comes in chunks, they are joined.
    ///
    /// # Errors
    /// Anything else.
    pub fn bytes_or_chunks(&mut self) -> Result<Cow<'a, [u8]>, CborError> {
        if !matches!(self.peek()?, head if head.is_indefinite() && head.major == Major::Bytes) {
            return self.bytes().map(Cow::Borrowed);
        }
        self.head()?;
        let mut joined = Vec::new();
        while let Some((start, len)) = self.chunk(Major::Bytes)? {
            joined.extend_from_slice(self.take(start, len)?);
        }
        Ok(Cow::Owned(joined))
    }

    /// Reads the head of an array. Then read an element for each [`Items::more`] that says yes.
    ///
    /// # Errors
    /// Anything else, or a length that the remaining bytes cannot hold.
    pub fn array(&mut self) -> Result<Items, CborError> {
        let start = self.at;
        match self.head()? {
            head if matches!(head.major, Major::Array) => self.items(start, head),
            _ => Err(CborError::new(start, CborProblem::Expected("an array"))),
        }
    }

    /// Reads the head of a map. Then read a key and a value for each [`Items::more`] that says yes.
    ///
    /// # Errors
    /// Anything else, or a length that the remaining bytes cannot hold.
    pub fn map(&mut self) -> Result<Items, CborError> {
        let start = self.at;
        match self.head()? {
            head if matches!(head.major, Major::Map) => self.items(start, head),
            _ => Err(CborError::new(start, CborProblem::Expected("a map"))),
        }
    }

    /// Checks one whole item, moves behind it, and returns where it was.
    ///
    /// # Errors
    /// Whatever makes the item ill-formed, or nested more than [`limits::NESTING`] levels of
    /// arrays, maps and tags.
    pub fn skip_item(&mut self) -> Result<Range<usize>, CborError> {
        self.skip_item_within(limits::NESTING)
    }

    /// Like [`Reader::skip_item`] with another bound on nesting, for items inside others.
    ///
    /// # Errors
    /// The same.
    pub fn skip_item_within(&mut self, levels: usize) -> Result<Range<usize>, CborError> {
        let start = self.at;
        self.skip(levels)?;
        Ok(start..self.at)
    }

    /// Like [`Reader::skip_item`], but returns the item's bytes.
    ///
    /// # Errors
    /// The same.
    pub fn item(&mut self) -> Result<&'a [u8], CborError> {
        let range = self.skip_item()?;
        Ok(&self.bytes[range])
    }

    fn skip(&mut self, levels: usize) -> Result<(), CborError> {
        let start = self.at;
        let head = self.head()?;
        let inner = || {
            levels
                .checked_sub(1)
                .ok_or(CborError::new(start, CborProblem::TooDeep))
        };
        match head.major {
            Major::Uint | Major::Nint => Ok(()),
            Major::Bytes | Major::Text if head.is_indefinite() => {
                while let Some((start, len)) = self.chunk(head.major)? {
                    self.string_body(head.major, start, len)?;
                }
                Ok(())
            }
            Major::Bytes | Major::Text => self.string_body(head.major, start, head.arg),
            Major::Array => {
                let levels = inner()?;
                let mut items = self.items(start, head)?;
                while items.more(self)? {
                    self.skip(levels)?;
                }
                Ok(())
            }
            Major::Map => {
                let levels = inner()?;
                let mut items = self.items(start, head)?;
                while items.more(self)? {
                    self.skip(levels)?;
                    self.skip(levels)?;
                }
                Ok(())
            }
            Major::Tag => self.skip(inner()?),
            Major::Simple if head.is_break() => Err(CborError::new(start, CborProblem::Break)),
            Major::Simple => Ok(()),
        }
    }

    /// The elements after `head`. A length that cannot be true is refused before anyone reserves
    /// memory for it: every element takes a byte at least.
    fn items(&self, start: usize, head: Head) -> Result<Items, CborError> {
        if head.is_indefinite() {
            return Ok(Items { left: None });
        }
        let least = if matches!(head.major, Major::Map) {
            2
        } else {
            1
        };
        if head.arg > (self.rest().len() / least) as u64 {
            return Err(CborError::new(start, CborProblem::Truncated));
        }
        Ok(Items {
            left: Some(head.arg),
        })
    }

    /// The start and length of the next chunk of an indefinite string, positioned at its bytes.
    fn chunk(&mut self, major: Major) -> Result<Option<(usize, u64)>, CborError> {
        let start = self.at;
        let head = self.head()?;
        if head.is_break() {
            Ok(None)
        } else if head.major == major && !head.is_indefinite() {
            Ok(Some((start, head.arg)))
        } else {
            Err(CborError::new(start, CborProblem::Chunk))
        }
    }

    fn string_body(&mut self, major: Major, start: usize, len: u64) -> Result<(), CborError> {
        match major {
            Major::Text => self.text_body(start, len).map(drop),
            _ => self.take(start, len).map(drop),
        }
    }

    fn text_body(&mut self, start: usize, len: u64) -> Result<&'a str, CborError> {
        let bytes = self.take(start, len)?;
        str::from_utf8(bytes).map_err(|_| CborError::new(start, CborProblem::Utf8))
    }

    fn take(&mut self, start: usize, len: u64) -> Result<&'a [u8], CborError> {
        let rest = self.rest();
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        let taken = rest
            .get(..len)
            .ok_or(CborError::new(start, CborProblem::Truncated))?;
        self.at += len;
        Ok(taken)
    }

    fn error(&self, problem: CborProblem) -> CborError {
        CborError::new(self.at, problem)
    }
}

impl Items {
    /// Whether another element (or pair) follows, which the caller then reads. Moves behind the
    /// break when it is the end of an indefinite item.
    ///
    /// # Errors
    /// The input ends before the break.
    pub fn more(&mut self, reader: &mut Reader<'_>) -> Result<bool, CborError> {
        match &mut self.left {
            Some(0) => Ok(false),
            Some(left) => {
                *left -= 1;
                Ok(true)
            }
            None => {
                let at_break = reader.peek()?.is_break();
                if at_break {
                    reader.head()?;
                    self.left = Some(0);
                }
                Ok(!at_break)
            }
        }
    }

    /// Elements (or pairs) still to come; absent when only the break will tell. Never more than
    /// the input can hold, so it is safe to reserve memory by.
    pub fn left(&self) -> Option<usize> {
        // At most the number of bytes of the input, hence it fits.
        self.left.map(|left| left as usize)
    }
}
