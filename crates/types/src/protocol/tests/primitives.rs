use super::*;

#[test]
fn uints_have_one_form() {
    let cases: &[(&[u8], Option<u64>)] = &[
        (b"\x00", Some(0)),
        (b"\x7f", Some(127)),
        (b"\x80\x01", Some(128)),
        (b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", Some(u64::MAX)),
        (b"", None),
        (b"\x80", None),
        (b"\x80\x00", None),
        (b"\xff\x80\x00", None),
        (b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", None),
        (b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f", None),
        (b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x81\x01", None),
        (b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", None),
    ];
    for (bytes, expected) in cases {
        assert_eq!(
            BareReader::new(bytes).uint().ok(),
            *expected,
            "{bytes:02x?}"
        );
    }
}

#[test]
fn strings_and_flags_are_checked() {
    assert_eq!(BareReader::new(b"\x02hi").string(), Ok("hi"));
    assert!(BareReader::new(b"\x03hi").string().is_err());
    assert!(BareReader::new(b"\x01\xff").string().is_err());
    assert!(
        BareReader::new(b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")
            .data()
            .is_err()
    );
    assert_eq!(BareReader::new(b"\x01").boolean(), Ok(true));
    assert!(BareReader::new(b"\x02").boolean().is_err());
    assert!(BareReader::new(b"").optional().is_err());
    let error = BareReader::new(b"\x05\x00").version().expect_err("unknown");
    assert_eq!(
        error.to_string(),
        "BARE: expected a protocol version from 1 to 4 (u16) at byte 0"
    );
}

proptest! {
    #[test]
    fn what_is_written_reads_back(number in any::<u64>(), text in ".{0,40}") {
        let mut out = Vec::new();
        put_uint(&mut out, number);
        put_optional(&mut out, true);
        put_str(&mut out, &text);
        let mut reader = BareReader::new(&out);
        prop_assert_eq!(reader.uint(), Ok(number));
        prop_assert_eq!(reader.optional(), Ok(true));
        prop_assert_eq!(reader.string(), Ok(text.as_str()));
    }
}
