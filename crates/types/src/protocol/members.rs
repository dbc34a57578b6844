//! Walks over the members of a CBOR object.

use crate::{
    ActorError,
    cbor::{Major, Reader},
};

/// Calls `member` with every name of the map that comes next, positioned at the value, which it has
/// to read. Names that are not text are ignored.
pub(super) fn each_member<'a>(
    reader: &mut Reader<'a>,
    what: &str,
    mut member: impl FnMut(&mut Reader<'a>, &str) -> Result<(), ActorError>,
) -> Result<(), ActorError> {
    if reader.peek()?.major != Major::Map {
        reader.skip_item()?;
        return Err(ActorError::invalid_request(format!(
            "{what} is not an object"
        )));
    }
    let mut members = reader.map()?;
    while members.more(reader)? {
        if reader.peek()?.major == Major::Text {
            let name = reader.text_or_chunks()?;
            member(reader, &name)?;
        } else {
            reader.skip_item()?;
            reader.skip_item()?;
        }
    }
    Ok(())
}
