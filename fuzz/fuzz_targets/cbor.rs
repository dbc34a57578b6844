//! The reader of CBOR against RFC 8949 as its appendix C has it.

#![no_main]

use greenroom_fuzz::well_formed::well_formed;
use greenroom_types::{
    cbor::{self, Reader},
    limits,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let expected = well_formed(input, limits::NESTING);
    let mut reader = Reader::new(input);
    let read = reader.skip_item();
    assert_eq!(read.as_ref().ok().map(|range| range.end), expected);
    assert_eq!(cbor::validate(input).is_ok(), expected == Some(input.len()));
    if let Ok(range) = read {
        assert_eq!(range.start, 0);
        assert_eq!(reader.position(), range.end);
        assert_eq!(Reader::new(input).item(), Ok(&input[range]));
    }
    // Whatever is asked for: an answer or an error, and never a step beyond the end.
    let ask: [fn(&mut Reader<'_>) -> bool; 12] = [
        |reader| reader.peek().is_ok(),
        |reader| reader.head().is_ok(),
        |reader| reader.uint().is_ok(),
        |reader| reader.int().is_ok(),
        |reader| reader.boolean().is_ok(),
        |reader| reader.tag().is_ok(),
        |reader| reader.text().is_ok(),
        |reader| reader.text_or_chunks().is_ok(),
        |reader| reader.bytes().is_ok(),
        |reader| reader.bytes_or_chunks().is_ok(),
        |reader| {
            reader
                .array()
                .is_ok_and(|items| items.left() <= Some(reader.rest().len()))
        },
        |reader| {
            reader
                .map()
                .is_ok_and(|items| items.left() <= Some(reader.rest().len() / 2))
        },
    ];
    for ask in ask {
        let mut reader = Reader::new(input);
        ask(&mut reader);
        assert!(reader.position() <= input.len());
    }
});
