//! CBOR to JSON text, as `JSON.stringify` would print the value.

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{
    ValueError,
    date::iso_date,
    number::{decimal, increment, put_js_number},
};
use crate::{
    cbor::{CborError, CborProblem, Head, Major, Reader},
    limits,
};

/// Appends the JSON text of one CBOR value in compat form to `out`.
///
/// What JSON has no word for becomes what JavaScript makes of it: NaN and infinities `null`, dates
/// their ISO text, maps, sets, regular expressions and errors `{}`, typed arrays an object of their
/// elements, an undefined member nothing, an undefined element `null`. Where the protocol has an
/// escape it is used instead: bigints (integers of 8 bytes and bignums), byte strings, Uint8Array,
/// and undefined as the whole value. Unknown tags are ignored.
///
/// # Errors
/// Bytes that are not exactly one such value. `out` is then as it was before.
pub fn cbor_to_json(cbor: &[u8], out: &mut Vec<u8>) -> Result<(), ValueError> {
    let before = out.len();
    let mut writer = Writer {
        reader: Reader::new(cbor),
        out,
    };
    let written = writer.whole();
    if written.is_err() {
        out.truncate(before);
    }
    written
}

struct Writer<'a, 'o> {
    reader: Reader<'a>,
    out: &'o mut Vec<u8>,
}

impl Writer<'_, '_> {
    fn whole(&mut self) -> Result<(), ValueError> {
        if self.reader.peek()?.is_undefined() {
            self.reader.head()?;
            self.push(br#"["$Undefined",0]"#);
        } else {
            self.value(limits::NESTING)?;
        }
        Ok(self.reader.finish()?)
    }

    fn value(&mut self, levels: usize) -> Result<(), ValueError> {
        let start = self.reader.position();
        let head = self.reader.peek()?;
        let inner = || {
            levels
                .checked_sub(1)
                .ok_or(CborError::new(start, CborProblem::TooDeep))
        };
        match head.major {
            Major::Uint | Major::Nint => {
                self.reader.head()?;
                self.integer(head);
            }
            Major::Bytes => {
                let bytes = self.reader.bytes_or_chunks()?;
                self.escaped_bytes("$ArrayBuffer", &bytes);
            }
            Major::Text => {
                let text = self.reader.text_or_chunks()?;
                self.text(&text);
            }
            Major::Array => self.array(inner()?)?,
            Major::Map => self.map(inner()?)?,
            Major::Tag => self.tagged(start, inner()?)?,
            Major::Simple => {
                self.reader.head()?;
                self.simple(start, head)?;
            }
        }
        Ok(())
    }

    fn integer(&mut self, head: Head) {
        let magnitude = i128::from(head.arg);
        let number = if matches!(head.major, Major::Nint) {
            -1 - magnitude
        } else {
            magnitude
        };
        if head.is_wide() {
            self.bigint(&number.to_string());
        } else {
            self.push(number.to_string().as_bytes());
        }
    }

    fn array(&mut self, levels: usize) -> Result<(), ValueError> {
        let mut items = self.reader.array()?;
        let mut separator: &[u8] = b"[";
        while items.more(&mut self.reader)? {
            self.push(std::mem::replace(&mut separator, b","));
            self.value(levels)?;
        }
        self.push(if separator == b"[" { b"[]" } else { b"]" });
        Ok(())
    }

    fn map(&mut self, levels: usize) -> Result<(), ValueError> {
        let mut members = self.reader.map()?;
        let mut separator: &[u8] = b"{";
        while members.more(&mut self.reader)? {
            let before = self.out.len();
            self.push(separator);
            self.key()?;
            if self.reader.peek()?.is_undefined() {
                self.reader.head()?;
                self.out.truncate(before);
                continue;
            }
            self.push(b":");
            self.value(levels)?;
            separator = b",";
        }
        self.push(if separator == b"{" { b"{}" } else { b"}" });
        Ok(())
    }

    /// A map key, as JavaScript makes a property name of it.
    fn key(&mut self) -> Result<(), ValueError> {
        let start = self.reader.position();
        let head = self.reader.peek()?;
        let problem = "a map key that is no text or number";
        match head.major {
            Major::Text => {
                let text = self.reader.text_or_chunks()?;
                self.text(&text);
            }
            Major::Uint | Major::Nint => {
                self.reader.head()?;
                self.push(b"\"");
                self.integer(Head { info: 0, ..head });
                self.push(b"\"");
            }
            Major::Simple if head.float().is_some_and(f64::is_finite) => {
                self.reader.head()?;
                self.push(b"\"");
                self.simple(start, head)?;
                self.push(b"\"");
            }
            Major::Simple | Major::Bytes | Major::Array | Major::Map | Major::Tag => {
                return Err(ValueError::Meaning {
                    offset: start,
                    problem,
                });
            }
        }
        Ok(())
    }

    fn tagged(&mut self, start: usize, levels: usize) -> Result<(), ValueError> {
        let tag = self.reader.tag()?;
        match tag {
            1 => self.date(start),
            2 | 3 => self.bignum(start, tag == 3),
            27 | 258 | 259 => {
                self.reader.skip_item_within(levels)?;
                self.push(b"{}");
                Ok(())
            }
            64 => {
                let bytes = self.reader.bytes_or_chunks()?;
                self.escaped_bytes("$Uint8Array", &bytes);
                Ok(())
            }
            68..=72 | 77..=79 | 85 | 86 => self.typed_array(start, tag),
            _ => self.value(levels),
        }
    }

    fn date(&mut self, start: usize) -> Result<(), ValueError> {
        let head = self.reader.head()?;
        let seconds = match (head.major, head.float()) {
            (Major::Uint, _) => head.arg as f64,
            (Major::Nint, _) => -1.0 - head.arg as f64,
            (_, Some(seconds)) => seconds,
            _ => {
                let problem = "a date that is no number";
                return Err(ValueError::Meaning {
                    offset: start,
                    problem,
                });
            }
        };
        match iso_date(seconds) {
            Some(text) => self.text(&text),
            None => self.push(b"null"),
        }
        Ok(())
    }

    fn bignum(&mut self, start: usize, negative: bool) -> Result<(), ValueError> {
        let mut bytes = self.reader.bytes_or_chunks()?.into_owned();
        if bytes.len() > limits::BIGNUM {
            let problem = "a bignum that is too large for decimal text";
            return Err(ValueError::Meaning {
                offset: start,
                problem,
            });
        }
        if negative {
            // The item says n, the value is -1 - n.
            increment(&mut bytes);
            self.bigint(&format!("-{}", decimal(&bytes)));
        } else {
            self.bigint(&decimal(&bytes));
        }
        Ok(())
    }

    fn typed_array(&mut self, start: usize, tag: u64) -> Result<(), ValueError> {
        let bytes = self.reader.bytes_or_chunks()?;
        let width = match tag {
            68 | 72 => 1,
            69 | 77 => 2,
            70 | 78 | 85 => 4,
            _ => 8,
        };
        if bytes.len() % width != 0 {
            let problem = "a typed array with a broken last element";
            return Err(ValueError::Meaning {
                offset: start,
                problem,
            });
        }
        for (index, element) in bytes.chunks_exact(width).enumerate() {
            self.push(if index == 0 { b"{" } else { b"," });
            self.push(format!("\"{index}\":").as_bytes());
            let mut wide = [0; 8];
            wide[..width].copy_from_slice(element);
            self.element(tag, u64::from_le_bytes(wide));
        }
        self.push(if bytes.is_empty() { b"{}" } else { b"}" });
        Ok(())
    }

    /// One element of a typed array, of which `bits` are the little-endian bytes.
    fn element(&mut self, tag: u64, bits: u64) {
        match tag {
            71 => self.bigint(&bits.to_string()),
            79 => self.bigint(&(bits as i64).to_string()),
            72 => self.push((bits as i8).to_string().as_bytes()),
            77 => self.push((bits as i16).to_string().as_bytes()),
            78 => self.push((bits as i32).to_string().as_bytes()),
            85 => put_js_number(self.out, f64::from(f32::from_bits(bits as u32))),
            86 => put_js_number(self.out, f64::from_bits(bits)),
            _ => self.push(bits.to_string().as_bytes()),
        }
    }

    fn simple(&mut self, start: usize, head: Head) -> Result<(), ValueError> {
        if let Some(number) = head.float() {
            put_js_number(self.out, number);
        } else if let Some(value) = head.boolean() {
            self.push(if value { b"true" } else { b"false" });
        } else if head.is_null() || head.is_undefined() {
            self.push(b"null");
        } else if head.is_break() {
            return Err(CborError::new(start, CborProblem::Break).into());
        } else {
            let problem = "an unknown simple value";
            return Err(ValueError::Meaning {
                offset: start,
                problem,
            });
        }
        Ok(())
    }

    fn bigint(&mut self, digits: &str) {
        self.push(format!(r#"["$BigInt","{digits}"]"#).as_bytes());
    }

    fn escaped_bytes(&mut self, escape: &str, bytes: &[u8]) {
        self.push(format!(r#"["{escape}",""#).as_bytes());
        self.push(STANDARD.encode(bytes).as_bytes());
        self.push(br#""]"#);
    }

    fn text(&mut self, text: &str) {
        serde_json::to_writer(&mut *self.out, text).expect("writing text to memory cannot fail");
    }

    fn push(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }
}
