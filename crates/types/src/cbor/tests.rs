use proptest::prelude::*;

use super::*;
use crate::limits;

fn problem(bytes: &[u8]) -> CborProblem {
    validate(bytes).expect_err("must be refused").problem
}

#[test]
fn well_formed_items_are_accepted() {
    let cases: &[&[u8]] = &[
        b"\x00",
        b"\x17",
        b"\x18\x18",
        b"\x1b\x00\x00\x00\x00\x00\x00\x00\x01",
        b"\x3b\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x40",
        b"\x43abc",
        b"\x63abc",
        b"\x5f\x41a\x41b\xff",
        b"\x7f\x61a\x60\xff",
        b"\x80",
        b"\x9f\xff",
        b"\x9f\x01\x82\x02\x03\xff",
        b"\xa1\x61a\x01",
        b"\xb9\x00\x01\x61a\x01",
        b"\xbf\x61a\x01\xff",
        b"\xc1\x1a\x65\x53\xf1\x00",
        b"\xd9\x01\x03\xa0",
        b"\xf4",
        b"\xf7",
        b"\xf8\x20",
        b"\xf9\x7e\x00",
        b"\xfa\x00\x00\x00\x00",
        b"\xfb\x00\x00\x00\x00\x00\x00\x00\x00",
    ];
    for case in cases {
        assert_eq!(validate(case), Ok(()), "{case:02x?}");
    }
}

#[test]
fn ill_formed_items_are_refused_with_their_problem() {
    use CborProblem::*;
    let cases: &[(&[u8], CborProblem)] = &[
        (b"", Truncated),
        (b"\x18", Truncated),
        (b"\x1b\x00\x00\x00\x00\x00\x00\x00", Truncated),
        (b"\x62a", Truncated),
        (b"\x5b\xff\xff\xff\xff\xff\xff\xff\xffa", Truncated),
        (b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff\x00", Truncated),
        (b"\xbb\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00", Truncated),
        (b"\xa1\x61a", Truncated),
        (b"\x82\x01", Truncated),
        (b"\x9f\x01", Truncated),
        (b"\x7f\x61a", Truncated),
        (b"\xc1", Truncated),
        (b"\x1c", Reserved),
        (b"\x7d", Reserved),
        (b"\xfe", Reserved),
        (b"\x1f", Reserved),
        (b"\x3f", Reserved),
        (b"\xdf", Reserved),
        (b"\xf8\x1f", Reserved),
        (b"\xff", Break),
        (b"\x81\xff", Break),
        (b"\xbf\x61a\xff", Break),
        (b"\xc1\xff", Break),
        (b"\x7f\x41a\xff", Chunk),
        (b"\x5f\x61a\xff", Chunk),
        (b"\x7f\x7f\x61a\xff\xff", Chunk),
        (b"\x7f\x01\xff", Chunk),
        (b"\x61\xff", Utf8),
        (b"\x7f\x61\xc3\x61\xa9\xff", Utf8),
        (b"\x63\xed\xa0\x80", Utf8),
        (b"\x00\x00", Trailing),
    ];
    for (case, expected) in cases {
        assert_eq!(problem(case), *expected, "{case:02x?}");
    }
}

#[test]
fn nesting_is_bounded_for_arrays_maps_and_tags() {
    for opener in [&b"\x81"[..], b"\x9f", b"\xa1\x00", b"\xbf\x00", b"\xc1"] {
        let nest = |levels: usize| {
            let mut bytes = opener.repeat(levels);
            bytes.push(0);
            bytes.extend(std::iter::repeat_n(
                0xff,
                if opener[0] & 31 == 31 { levels } else { 0 },
            ));
            bytes
        };
        assert_eq!(validate(&nest(limits::NESTING)), Ok(()), "{opener:02x?}");
        assert_eq!(
            problem(&nest(limits::NESTING + 1)),
            CborProblem::TooDeep,
            "{opener:02x?}"
        );
        assert_eq!(
            problem(&nest(100_000)),
            CborProblem::TooDeep,
            "{opener:02x?}"
        );
    }
}

#[test]
fn errors_say_where() {
    let error = validate(b"\x82\x01\x61\xff").expect_err("bad text");
    assert_eq!(error, CborError::new(2, CborProblem::Utf8));
    assert_eq!(error.to_string(), "text that is not UTF-8 at byte 2");
    let wrong = Reader::new(b"\x01").text().expect_err("a number");
    assert_eq!(wrong.to_string(), "expected a text at byte 0");
}

#[test]
fn half_floats_have_their_value() {
    let cases: &[(u16, f64)] = &[
        (0x0000, 0.0),
        (0x0001, 5.960464477539063e-8),
        (0x0400, 6.103515625e-5),
        (0x3c00, 1.0),
        (0x3e00, 1.5),
        (0x7bff, 65504.0),
        (0x7c00, f64::INFINITY),
        (0xfc00, f64::NEG_INFINITY),
        (0xc400, -4.0),
    ];
    for (bits, expected) in cases {
        let bytes = [&[0xf9][..], &bits.to_be_bytes()].concat();
        assert_eq!(
            Reader::new(&bytes).head().expect("a head").float(),
            Some(*expected)
        );
    }
    let nan = Reader::new(b"\xf9\x7e\x00").head().expect("a head").float();
    assert!(nan.expect("a float").is_nan());
}

#[test]
fn numbers_are_integers_up_to_32_bits_and_floats_beyond() {
    let cases: &[(f64, &[u8])] = &[
        (0.0, b"\x00"),
        (-0.0, b"\xfb\x80\0\0\0\0\0\0\0"),
        (23.0, b"\x17"),
        (24.0, b"\x18\x18"),
        (-1.0, b"\x20"),
        (65_536.0, b"\x1a\x00\x01\x00\x00"),
        (4_294_967_295.0, b"\x1a\xff\xff\xff\xff"),
        (-4_294_967_296.0, b"\x3a\xff\xff\xff\xff"),
        (4_294_967_296.0, b"\xfb\x41\xf0\0\0\0\0\0\0"),
        (1.5, b"\xfb\x3f\xf8\0\0\0\0\0\0"),
        (f64::INFINITY, b"\xfb\x7f\xf0\0\0\0\0\0\0"),
    ];
    for (number, expected) in cases {
        let mut out = Vec::new();
        put_number(&mut out, *number);
        assert_eq!(out, *expected, "{number}");
    }
}

#[test]
fn chunked_strings_are_joined_on_request_only() {
    let text = b"\x7f\x61a\x62bc\xff\x01";
    assert!(Reader::new(text).text().is_err());
    let mut reader = Reader::new(text);
    assert_eq!(reader.text_or_chunks().expect("chunks"), "abc");
    assert_eq!(reader.uint(), Ok(1));
    let bytes = b"\x5f\x41\x00\x42\x01\x02\xff";
    assert!(Reader::new(bytes).bytes().is_err());
    assert_eq!(
        *Reader::new(bytes).bytes_or_chunks().expect("chunks"),
        [0, 1, 2]
    );
}

proptest! {
    #[test]
    fn integers_round_trip(number in any::<i64>(), wide in any::<u64>()) {
        let mut out = Vec::new();
        put_int(&mut out, number);
        put_wide_int(&mut out, number);
        put_uint(&mut out, wide);
        put_wide_uint(&mut out, wide);
        let mut reader = Reader::new(&out);
        prop_assert_eq!(reader.int(), Ok(number));
        prop_assert_eq!(reader.int(), Ok(number));
        prop_assert_eq!(reader.uint(), Ok(wide));
        prop_assert!(reader.peek().expect("a head").is_wide());
        prop_assert_eq!(reader.uint(), Ok(wide));
        prop_assert_eq!(reader.finish(), Ok(()));
    }

    #[test]
    fn strings_round_trip(text in ".{0,80}", bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut out = Vec::new();
        put_tag(&mut out, 64);
        put_array(&mut out, 2);
        put_text(&mut out, &text);
        put_bytes(&mut out, &bytes);
        prop_assert_eq!(validate(&out), Ok(()));
        let mut reader = Reader::new(&out);
        prop_assert_eq!(reader.tag(), Ok(64));
        prop_assert_eq!(reader.array().expect("an array").left(), Some(2));
        prop_assert_eq!(reader.text(), Ok(text.as_str()));
        prop_assert_eq!(reader.bytes(), Ok(bytes.as_slice()));
        prop_assert_eq!(reader.finish(), Ok(()));
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let mut reader = Reader::new(&bytes);
        while let Ok(range) = reader.skip_item() {
            prop_assert!(range.end > range.start);
            prop_assert_eq!(validate(&bytes[range]), Ok(()));
        }
    }

    /// Every proper prefix of an item is refused, so no length can be believed too early.
    #[test]
    fn prefixes_are_refused(bytes in prop::collection::vec(any::<u8>(), 1..64)) {
        if let Ok(range) = Reader::new(&bytes).skip_item() {
            for end in 0..range.end {
                prop_assert_eq!(problem(&bytes[..end]), CborProblem::Truncated);
            }
        }
    }
}
