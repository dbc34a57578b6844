//! The primitives of BARE that the protocol uses.
//!
//! `uint` is LEB128 of at most 64 bits in its shortest form; `str` and `data` are a `uint` length
//! and that many bytes; `optional` is `00`, or `01` and the value; `bool` is `00` or `01`.

use bytes::BufMut;

use crate::ActorError;

/// The protocol version that the server speaks.
pub(super) const VERSION: u16 = 4;

/// Bytes that are not the BARE value that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("BARE: expected {expected} at byte {offset}")]
pub struct BareError {
    /// Where the value starts, in bytes.
    pub offset: usize,
    /// What should be there.
    pub expected: &'static str,
}

impl From<BareError> for ActorError {
    fn from(error: BareError) -> Self {
        Self::invalid_encoding(error.to_string())
    }
}

/// A position in a BARE message. What it returns borrows from the message.
#[derive(Clone, Debug)]
pub struct BareReader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> BareReader<'a> {
    /// Starts at the first of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Reads the version that starts every message, one of 1 to 4.
    ///
    /// # Errors
    /// Any other version, or the end of the input.
    pub fn version(&mut self) -> Result<u16, BareError> {
        let error = self.error("a protocol version from 1 to 4 (u16)");
        let bytes = self.take(2).ok_or(error)?;
        match u16::from_le_bytes([bytes[0], bytes[1]]) {
            version @ 1..=VERSION => Ok(version),
            _ => Err(error),
        }
    }

    /// Reads a `uint`.
    ///
    /// # Errors
    /// More than 64 bits, a longer form than needed, or the end of the input.
    pub fn uint(&mut self) -> Result<u64, BareError> {
        let error = self.error("a uint");
        let mut number = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1).ok_or(error)?[0];
            let low = u64::from(byte & 0x7f);
            let overlong = byte == 0 && shift > 0;
            if overlong || low << shift >> shift != low {
                return Err(error);
            }
            number |= low << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(error)
    }

    /// Reads a `u64`.
    ///
    /// # Errors
    /// The end of the input.
    pub fn u64(&mut self) -> Result<u64, BareError> {
        let error = self.error("a u64");
        let bytes = self.take(8).ok_or(error)?;
        Ok(u64::from_le_bytes(
            bytes.try_into().expect("eight bytes were taken"),
        ))
    }

    /// Reads a `bool`.
    ///
    /// # Errors
    /// Anything but 0 and 1.
    pub fn boolean(&mut self) -> Result<bool, BareError> {
        let error = self.error("a bool");
        match self.take(1) {
            Some([0]) => Ok(false),
            Some([1]) => Ok(true),
            _ => Err(error),
        }
    }

    /// Reads a `data`.
    ///
    /// # Errors
    /// A length that the input does not have.
    pub fn data(&mut self) -> Result<&'a [u8], BareError> {
        let error = self.error("data of the promised length");
        let len = self.uint()?;
        usize::try_from(len)
            .ok()
            .and_then(|len| self.take(len))
            .ok_or(error)
    }

    /// Reads a `str`.
    ///
    /// # Errors
    /// As [`BareReader::data`], and bytes that are not UTF-8.
    pub fn string(&mut self) -> Result<&'a str, BareError> {
        let error = self.error("a str in UTF-8");
        str::from_utf8(self.data()?).map_err(|_| error)
    }

    /// Reads the flag of an `optional`; when it says yes, the value follows.
    ///
    /// # Errors
    /// Anything but 0 and 1.
    pub fn optional(&mut self) -> Result<bool, BareError> {
        self.boolean()
    }

    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let taken = self.bytes[self.at..].get(..len)?;
        self.at += len;
        Some(taken)
    }

    fn error(&self, expected: &'static str) -> BareError {
        BareError {
            offset: self.at,
            expected,
        }
    }
}

/// Writes the version that starts every message of the server.
pub fn put_version(out: &mut impl BufMut) {
    out.put_u16_le(VERSION);
}

/// Writes a `uint`.
pub fn put_uint(out: &mut impl BufMut, mut number: u64) {
    while number > 0x7f {
        out.put_u8(number as u8 | 0x80);
        number >>= 7;
    }
    out.put_u8(number as u8);
}

/// Writes a `data`.
pub fn put_data(out: &mut impl BufMut, bytes: &[u8]) {
    put_uint(out, bytes.len() as u64);
    out.put_slice(bytes);
}

/// Writes a `str`.
pub fn put_str(out: &mut impl BufMut, text: &str) {
    put_data(out, text.as_bytes());
}

/// Writes the flag of an `optional`; when `present`, the value has to follow.
pub fn put_optional(out: &mut impl BufMut, present: bool) {
    out.put_u8(u8::from(present));
}
