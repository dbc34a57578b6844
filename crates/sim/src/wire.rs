//! The few values that actors of the simulation keep and exchange, as CBOR.

use bytes::Bytes;
use greenroom_types::cbor::{self, CborError, Reader};

/// An array with one text: the arguments of an action or of an event.
pub(crate) fn args(text: &str) -> Bytes {
    let mut out = Vec::new();
    cbor::put_array(&mut out, 1);
    cbor::put_text(&mut out, text);
    out.into()
}

/// A text: the result of an action, or a message.
pub(crate) fn text(text: &str) -> Bytes {
    let mut out = Vec::new();
    cbor::put_text(&mut out, text);
    out.into()
}

/// Reads what [`args`] writes.
pub(crate) fn read_args(bytes: &[u8]) -> Result<String, CborError> {
    let mut reader = Reader::new(bytes);
    reader.array()?;
    reader.text().map(str::to_owned)
}

/// Reads what [`text`] writes.
pub(crate) fn read_text(bytes: &[u8]) -> Result<String, CborError> {
    Reader::new(bytes).text().map(str::to_owned)
}

/// What an actor keeps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) log: Vec<String>,
    pub(crate) loose: Vec<String>,
    /// What was never promised to be kept.
    pub(crate) faint: Vec<String>,
    /// Said to be the length of `log`, by an operation of its own.
    pub(crate) count: u64,
}

impl Kept {
    /// The operation that makes an empty one.
    pub(crate) fn create(out: &mut Vec<u8>) {
        cbor::put_array(out, 2);
        cbor::put_uint(out, 7);
        cbor::put_map(out, 4);
        for name in ["log", "loose", "faint"] {
            cbor::put_text(out, name);
            cbor::put_array(out, 0);
        }
        cbor::put_text(out, "count");
        cbor::put_uint(out, 0);
    }

    /// The operation that appends `entry` to one of the lists.
    pub(crate) fn append(out: &mut Vec<u8>, list: &str, entry: &str) {
        cbor::put_array(out, 3);
        cbor::put_uint(out, 2);
        cbor::put_array(out, 1);
        cbor::put_text(out, list);
        cbor::put_array(out, 1);
        cbor::put_text(out, entry);
    }

    /// The operation that sets the count.
    pub(crate) fn set_count(out: &mut Vec<u8>, count: usize) {
        cbor::put_array(out, 4);
        cbor::put_uint(out, 0);
        cbor::put_array(out, 0);
        cbor::put_text(out, "count");
        cbor::put_uint(out, count as u64);
    }

    /// Reads a state image.
    pub(crate) fn read(image: &[u8]) -> Result<Self, CborError> {
        let mut reader = Reader::new(image);
        let mut kept = Self::default();
        let mut members = reader.map()?;
        while members.more(&mut reader)? {
            match reader.text()? {
                "log" => kept.log = read_list(&mut reader)?,
                "loose" => kept.loose = read_list(&mut reader)?,
                "faint" => kept.faint = read_list(&mut reader)?,
                _ => kept.count = reader.uint()?,
            }
        }
        Ok(kept)
    }
}

fn read_list(reader: &mut Reader<'_>) -> Result<Vec<String>, CborError> {
    let mut list = Vec::new();
    let mut entries = reader.array()?;
    while entries.more(reader)? {
        list.push(reader.text()?.to_owned());
    }
    Ok(list)
}

#[cfg(test)]
mod tests {
    use greenroom_core::image::StateImage;

    use super::*;

    #[test]
    fn what_the_runtime_folds_is_what_was_kept() {
        let mut ops = Vec::new();
        Kept::create(&mut ops);
        for entry in ["a1", "a2"] {
            Kept::append(&mut ops, "log", entry);
        }
        Kept::append(&mut ops, "loose", "l3");
        Kept::set_count(&mut ops, 2);
        let mut image = StateImage::empty();
        image.apply(&ops.into()).unwrap();
        let expected = Kept {
            log: vec!["a1".to_owned(), "a2".to_owned()],
            loose: vec!["l3".to_owned()],
            faint: Vec::new(),
            count: 2,
        };
        assert_eq!(Kept::read(&image.encode().unwrap()), Ok(expected));
        assert_eq!(read_args(&args("x y")).as_deref(), Ok("x y"));
        assert_eq!(read_text(&text("x y")).as_deref(), Ok("x y"));
    }
}
