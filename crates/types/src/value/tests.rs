use proptest::prelude::*;

use super::{number::put_js_number, *};
use crate::{cbor, limits};

fn to_cbor(json: &str) -> Vec<u8> {
    json_to_cbor(json.as_bytes())
        .unwrap_or_else(|e| panic!("{json}: {e}"))
        .to_vec()
}

fn to_json(cbor: &[u8]) -> String {
    let mut out = b"before".to_vec();
    cbor_to_json(cbor, &mut out).unwrap_or_else(|e| panic!("{cbor:02x?}: {e}"));
    String::from_utf8(out)
        .expect("UTF-8")
        .strip_prefix("before")
        .expect("appended")
        .to_owned()
}

#[test]
fn json_becomes_cbor() {
    let cases: &[(&str, &[u8])] = &[
        ("null", b"\xf6"),
        (" true ", b"\xf5"),
        ("0", b"\x00"),
        ("-0", b"\xfb\x80\0\0\0\0\0\0\0"),
        ("-1", b"\x20"),
        ("24", b"\x18\x18"),
        ("3.0", b"\x03"),
        ("1.5", b"\xfb\x3f\xf8\0\0\0\0\0\0"),
        ("4294967295", b"\x1a\xff\xff\xff\xff"),
        ("4294967296", b"\xfb\x41\xf0\0\0\0\0\0\0"),
        ("-4294967296", b"\x3a\xff\xff\xff\xff"),
        ("-4294967297", b"\xfb\xc1\xf0\0\0\0\x10\0\0"),
        ("18446744073709551615", b"\xfb\x43\xf0\0\0\0\0\0\0"),
        (
            "100000000000000000000",
            b"\xfb\x44\x15\xaf\x1d\x78\xb5\x8c\x40",
        ),
        (
            r#""a\u00e9\ud83d\ude00\n""#,
            b"\x68a\xc3\xa9\xf0\x9f\x98\x80\n",
        ),
        ("[]", b"\x80"),
        ("[1,[2],{}]", b"\x83\x01\x81\x02\xa0"),
        (r#"{"args":[3]}"#, b"\xa1\x64args\x81\x03"),
        (r#"["$BigInt","5"]"#, b"\x82\x67$BigInt\x615"),
        (r#"["$$x",1]"#, b"\x82\x63$$x\x01"),
    ];
    for (json, expected) in cases {
        assert_eq!(to_cbor(json), *expected, "{json}");
    }
}

#[test]
fn long_json_arrays_and_objects_get_the_right_head() {
    for len in [23, 24, 255, 256, 65_535, 65_536] {
        let items = to_cbor(&format!("[{}]", vec!["0"; len].join(",")));
        let members = to_cbor(&format!("{{{}}}", vec![r#""a":0"#; len].join(",")));
        for (bytes, is_map) in [(items, false), (members, true)] {
            assert_eq!(cbor::validate(&bytes), Ok(()), "{len}");
            let mut reader = cbor::Reader::new(&bytes);
            let head = if is_map { reader.map() } else { reader.array() };
            assert_eq!(head.expect("a container").left(), Some(len));
        }
    }
}

#[test]
fn bad_json_is_refused() {
    let cases = [
        "",
        " ",
        "tru",
        "[1",
        "[1,]",
        "{1:2}",
        "1 2",
        "\"\\ud800\"",
        "01",
        "NaN",
        "\"\u{1}\"",
        "1e999",
    ];
    for json in cases {
        assert!(
            matches!(json_to_cbor(json.as_bytes()), Err(ValueError::Json(_))),
            "{json}"
        );
    }
    assert!(json_to_cbor(b"\"\xff\"").is_err());
    let error = json_to_cbor(b"[1,x]").expect_err("no value");
    assert_eq!(error.to_string(), "JSON: expected value at line 1 column 4");
}

#[test]
fn json_nesting_is_bounded() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let nest = |levels| format!("{}0{}", open.repeat(levels), close.repeat(levels));
        assert_eq!(cbor::validate(&to_cbor(&nest(limits::NESTING))), Ok(()));
        for levels in [limits::NESTING + 1, 100_000] {
            let error = json_to_cbor(nest(levels).as_bytes()).expect_err("too deep");
            assert!(
                error.to_string().contains("nesting deeper than 128 levels"),
                "{error}"
            );
        }
    }
    assert!(json_to_cbor(&vec![b'['; 100_000]).is_err());
}

#[test]
fn cbor_becomes_what_stringify_prints() {
    let cases: &[(&[u8], &str)] = &[
        (b"\xf6", "null"),
        (b"\xf4", "false"),
        (b"\x18\x2a", "42"),
        (b"\x1a\xff\xff\xff\xff", "4294967295"),
        (b"\x3a\xff\xff\xff\xff", "-4294967296"),
        (b"\x1b\0\0\0\0\0\0\0\x07", r#"["$BigInt","7"]"#),
        (
            b"\x3b\xff\xff\xff\xff\xff\xff\xff\xff",
            r#"["$BigInt","-18446744073709551616"]"#,
        ),
        (
            b"\xc2\x49\x01\0\0\0\0\0\0\0\0",
            r#"["$BigInt","18446744073709551616"]"#,
        ),
        (
            b"\xc3\x49\x01\0\0\0\0\0\0\0\0",
            r#"["$BigInt","-18446744073709551617"]"#,
        ),
        (b"\xc3\x41\xff", r#"["$BigInt","-256"]"#),
        (b"\xc2\x40", r#"["$BigInt","0"]"#),
        (b"\xfb\x41\xf2\xa0\x5f\x20\0\0\0", "5000000000"),
        (b"\xf9\x7e\x00", "null"),
        (b"\xf9\x3e\x00", "1.5"),
        (b"\xfa\x3d\xcc\xcc\xcd", "0.10000000149011612"),
        (b"\xfb\x7f\xf0\0\0\0\0\0\0", "null"),
        (b"\xfb\x80\0\0\0\0\0\0\0", "0"),
        (b"\x66a\"\\\n\x01\x7f", "\"a\\\"\\\\\\n\\u0001\x7f\""),
        (b"\x62\xc3\xa9", "\"\u{e9}\""),
        (b"\x7f\x61a\x61b\xff", "\"ab\""),
        (b"\x43\x01\x02\x03", r#"["$ArrayBuffer","AQID"]"#),
        (b"\xd8\x40\x43\x01\x02\x03", r#"["$Uint8Array","AQID"]"#),
        (b"\xd8\x4d\x44\xff\xff\x02\x00", r#"{"0":-1,"1":2}"#),
        (b"\xd8\x44\x42\x01\xff", r#"{"0":1,"1":255}"#),
        (b"\xd8\x48\x41\xff", r#"{"0":-1}"#),
        (b"\xd8\x45\x42\xff\xff", r#"{"0":65535}"#),
        (b"\xd8\x46\x44\xff\xff\xff\xff", r#"{"0":4294967295}"#),
        (b"\xd8\x4e\x44\xff\xff\xff\xff", r#"{"0":-1}"#),
        (
            b"\xd8\x47\x48\xff\xff\xff\xff\xff\xff\xff\xff",
            r#"{"0":["$BigInt","18446744073709551615"]}"#,
        ),
        (
            b"\xd8\x4f\x48\xff\xff\xff\xff\xff\xff\xff\xff",
            r#"{"0":["$BigInt","-1"]}"#,
        ),
        (b"\xd8\x55\x44\x00\x00\xc0\x3f", r#"{"0":1.5}"#),
        (b"\xd8\x56\x48\0\0\0\0\0\0\xf8\x7f", r#"{"0":null}"#),
        (b"\xd8\x56\x40", "{}"),
        (
            b"\xc1\xfb\x41\xd9\x54\xfc\x40\x07\xdf\x3b",
            "\"2023-11-14T22:13:20.123Z\"",
        ),
        (b"\xc1\x00", "\"1970-01-01T00:00:00.000Z\""),
        (b"\xc1\xf9\x7e\x00", "null"),
        (b"\xd9\x01\x03\xa1\x01\x02", "{}"),
        (b"\xd9\x01\x02\x81\x01", "{}"),
        (b"\xd8\x1b\x83\x66RegExp\x61a\x61g", "{}"),
        (b"\xd8\x1b\x82\x65Error\x61x", "{}"),
        (b"\xd9\xd9\xf7\x81\x01", "[1]"),
        (b"\xf7", r#"["$Undefined",0]"#),
        (b"\x83\x01\xf7\x02", "[1,null,2]"),
        (b"\xa3\x61a\xf7\x61b\x01\x61c\xf7", r#"{"b":1}"#),
        (b"\xa1\x61a\xf7", "{}"),
        (b"\xbf\x61a\x01\x61b\x02\xff", r#"{"a":1,"b":2}"#),
        (b"\x9f\x01\x9f\xff\xff", "[1,[]]"),
        (
            b"\xa4\x01\x02\x20\x03\xf9\x3e\x00\x04\x1b\0\0\0\0\0\0\0\x09\x05",
            r#"{"1":2,"-1":3,"1.5":4,"9":5}"#,
        ),
        (b"\x82\x67$BigInt\x615", r#"["$BigInt","5"]"#),
        (
            b"\xb9\x00\x01\x61x\x82\x6a$Undefined\x00",
            r#"{"x":["$Undefined",0]}"#,
        ),
    ];
    for (cbor, expected) in cases {
        assert_eq!(to_json(cbor), *expected, "{cbor:02x?}");
    }
}

#[test]
fn dates_print_like_to_iso_string() {
    let cases: &[(f64, Option<&str>)] = &[
        (1_700_000_000.123, Some("2023-11-14T22:13:20.123Z")),
        (-0.001, Some("1969-12-31T23:59:59.999Z")),
        (951_782_400.0, Some("2000-02-29T00:00:00.000Z")),
        (951_868_800.0, Some("2000-03-01T00:00:00.000Z")),
        (4_107_542_400.0, Some("2100-03-01T00:00:00.000Z")),
        (4_107_456_000.0, Some("2100-02-28T00:00:00.000Z")),
        (1_735_603_200.0, Some("2024-12-31T00:00:00.000Z")),
        (1_709_164_800.0, Some("2024-02-29T00:00:00.000Z")),
        (-62_167_219_200.0, Some("0000-01-01T00:00:00.000Z")),
        (-62_167_219_200.001, Some("-000001-12-31T23:59:59.999Z")),
        (253_402_300_799.999, Some("9999-12-31T23:59:59.999Z")),
        (253_402_300_800.0, Some("+010000-01-01T00:00:00.000Z")),
        (8.64e12, Some("+275760-09-13T00:00:00.000Z")),
        (-8.64e12, Some("-271821-04-20T00:00:00.000Z")),
        (8.640000000001e12, None),
        (f64::NAN, None),
        (f64::INFINITY, None),
    ];
    for (seconds, expected) in cases {
        assert_eq!(date::iso_date(*seconds).as_deref(), *expected, "{seconds}");
    }
}

#[test]
fn numbers_print_like_javascript() {
    let cases: &[(f64, &str)] = &[
        (0.0, "0"),
        (-0.0, "0"),
        (1.0, "1"),
        (-1.5, "-1.5"),
        (5e9, "5000000000"),
        (9_007_199_254_740_993.0, "9007199254740992"),
        (123_456_789_012_345_680_000.0, "123456789012345680000"),
        (1e20, "100000000000000000000"),
        (1e21, "1e+21"),
        (1.5e300, "1.5e+300"),
        (0.1, "0.1"),
        (123.456, "123.456"),
        (0.000001, "0.000001"),
        (0.00000123, "0.00000123"),
        (1e-7, "1e-7"),
        (1.25e-7, "1.25e-7"),
        (5e-324, "5e-324"),
        (f64::MAX, "1.7976931348623157e+308"),
        (2_014_278_609_089_963.2, "2014278609089963.2"),
        (-148_880_043_957_254.62, "-148880043957254.62"),
        (f64::NEG_INFINITY, "null"),
    ];
    for (number, expected) in cases {
        let mut out = Vec::new();
        put_js_number(&mut out, *number);
        assert_eq!(String::from_utf8_lossy(&out), *expected);
    }
}

#[test]
fn meaningless_cbor_is_refused_and_leaves_nothing() {
    let cases: &[&[u8]] = &[
        b"",
        b"\x01\x02",
        b"\x82\x01",
        b"\x81\xff",
        b"\xff",
        b"\xa1\x81\x00\x01",
        b"\xa1\x41a\x01",
        b"\xa1\xf7\x01",
        b"\xa1\xf9\x7e\x00\x01",
        b"\xc1\x61a",
        b"\xc2\x01",
        b"\xd8\x4d\x43\x01\x02\x03",
        b"\xd8\x40\x01",
        b"\xf8\x63",
        b"\xe0",
        b"\x82\x61a\x61\xff",
    ];
    for cbor in cases {
        let mut out = b"before".to_vec();
        assert!(cbor_to_json(cbor, &mut out).is_err(), "{cbor:02x?}");
        assert_eq!(out, b"before");
    }
    let mut big = vec![0xc2, 0x59, 0x10, 0x01];
    big.resize(4 + 0x1001, 0xff);
    assert!(cbor_to_json(&big, &mut Vec::new()).is_err());
}

#[test]
fn cbor_nesting_is_bounded() {
    for opener in [
        &b"\x81"[..],
        b"\x9f",
        b"\xa1\x61a",
        b"\xd9\xd9\xf7",
        b"\xd9\x01\x03\x81",
    ] {
        assert!(cbor_to_json(&opener.repeat(100_000), &mut Vec::new()).is_err());
    }
}

#[test]
fn what_is_left_out_counts_as_nesting_too() {
    // A `Map` that JSON has no word for, with arrays around it and in it.
    let value = |around: usize, within: usize| {
        [
            &b"\x81".repeat(around)[..],
            b"\xd9\x01\x03",
            &b"\x81".repeat(within),
            b"\x00",
        ]
        .concat()
    };
    let limit = limits::NESTING - 1;
    assert!(to_json(&value(100, limit - 100)).contains("{}"));
    assert!(cbor_to_json(&value(100, limit - 99), &mut Vec::new()).is_err());
}

/// JSON texts with everything in them that survives the way to CBOR and back unchanged.
fn json_text() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<u32>().prop_map(Into::into),
        any::<i32>().prop_map(Into::into),
        any::<f64>()
            .prop_filter("JSON has no others", |n| n.is_finite())
            .prop_map(Into::into),
        ".{0,12}".prop_map(Into::into),
    ];
    leaf.prop_recursive(5, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..30).prop_map(Into::into),
            prop::collection::btree_map(".{0,6}", inner, 0..30)
                .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Equal as JavaScript sees it: every number is a double, and 0 is -0.
fn same(a: &serde_json::Value, b: &serde_json::Value) -> bool {
    use serde_json::Value::{Array, Number, Object};
    match (a, b) {
        (Number(a), Number(b)) => a.as_f64() == b.as_f64(),
        (Array(a), Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Object(a), Object(b)) => {
            a.len() == b.len() && a.iter().all(|(k, a)| b.get(k).is_some_and(|b| same(a, b)))
        }
        _ => a == b,
    }
}

proptest! {
    #[test]
    fn json_survives_the_round_trip(value in json_text()) {
        let text = value.to_string();
        let cbor = json_to_cbor(text.as_bytes()).expect("JSON");
        prop_assert_eq!(cbor::validate(&cbor), Ok(()));
        let back = to_json(&cbor);
        let parsed: serde_json::Value = serde_json::from_str(&back).expect("JSON");
        prop_assert!(same(&parsed, &value), "{} became {}", text, back);
    }

    #[test]
    fn printed_numbers_read_back_exactly(bits in any::<u64>()) {
        let number = f64::from_bits(bits);
        prop_assume!(number.is_finite());
        let mut out = Vec::new();
        put_js_number(&mut out, number);
        let text = String::from_utf8(out).expect("ASCII");
        prop_assert_eq!(text.parse::<f64>(), Ok(number));
    }

    #[test]
    fn bignums_agree_with_machine_integers(number in any::<u128>()) {
        let bytes = number.to_be_bytes();
        prop_assert_eq!(number::decimal(&bytes), number.to_string());
        let mut next = bytes.to_vec();
        number::increment(&mut next);
        if let Some(sum) = number.checked_add(1) {
            prop_assert_eq!(number::decimal(&next), sum.to_string());
        }
    }

    #[test]
    fn dates_agree_with_counting_days(day in -100_000_000i64..100_000_000) {
        // The day after a date is the next day of the month, or the first of the next month.
        let text = |day: i64| date::iso_date(day as f64 * 86_400.0).expect("in range");
        let (today, tomorrow) = (text(day), text(day + 1));
        let parts = |text: &str| {
            let (date, _) = text.rsplit_once('T').expect("a T");
            let mut parts = date.rsplitn(3, '-').map(|p| p.parse::<i64>().expect("a number"));
            let mut next = || parts.next().expect("three parts");
            let (day, month) = (next(), next());
            (next(), month, day)
        };
        let ((y, m, d), after) = (parts(&today), parts(&tomorrow));
        let leap = y % 4 == 0 && (y % 100 != 0 || y % 400 == 0);
        let length = match m { 2 if leap => 29, 2 => 28, 4 | 6 | 9 | 11 => 30, _ => 31 };
        let expected = if d < length { (y, m, d + 1) } else if m < 12 { (y, m + 1, 1) } else { (y + 1, 1, 1) };
        prop_assert_eq!(after, expected);
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let mut out = Vec::new();
        if cbor_to_json(&bytes, &mut out).is_ok() {
            prop_assert_eq!(cbor::validate(&bytes), Ok(()));
            prop_assert!(serde_json::from_slice::<serde_json::Value>(&out).is_ok());
        }
        if let Ok(cbor) = json_to_cbor(&bytes) {
            prop_assert_eq!(cbor::validate(&cbor), Ok(()));
        }
    }
}
