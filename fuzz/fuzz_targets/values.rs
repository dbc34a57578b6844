//! User values between JSON and CBOR: from each to the other and back, compared with another parser.

#![no_main]

use greenroom_fuzz::json::{self, Json};
use greenroom_types::{
    cbor, limits,
    value::{cbor_to_json, json_to_cbor, json_to_cbor_within},
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    from_json(input);
    from_cbor(input);
});

fn from_json(text: &[u8]) {
    let expected = json::parse(text);
    let Ok(value) = json_to_cbor(text) else {
        // Ours is bounded in depth and takes no half surrogate pairs; the other takes no more than that.
        assert!(
            expected.is_none_or(|value| json::depth(&value) > 128),
            "a value that is not taken"
        );
        return;
    };
    cbor::validate(&value).expect("it is one well-formed value");
    let written = to_json(&value).expect("what was JSON can be JSON");
    let expected = expected.expect("a value that the other parser does not take");
    let again = json::parse(&written).expect("what is written is JSON");
    assert!(
        Json(&again) == Json(&expected),
        "{again} instead of {expected}"
    );
    // Once written by us it stays as it is.
    let second = json_to_cbor(&written).expect("what is written can be read");
    assert_eq!(to_json(&second).as_deref(), Some(&written[..]));
}

fn from_cbor(bytes: &[u8]) {
    let Some(written) = to_json(bytes) else {
        return;
    };
    cbor::validate(bytes).expect("only one well-formed value can become JSON");
    json::parse(&written).expect("what is written is JSON");
    // An escape is an array around a value that had none.
    let value = json_to_cbor_within(&written, limits::NESTING + 1);
    let value = value.expect("what is written can be read");
    if let Some(again) = to_json(&value) {
        assert_eq!(again, written);
    } else {
        assert!(cbor::validate(&value).is_err(), "it is too deep");
    }
}

fn to_json(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut out = b"kept".to_vec();
    let written = cbor_to_json(bytes, &mut out);
    assert!(out.starts_with(b"kept"));
    match written {
        Ok(()) => Some(out.split_off(4)),
        Err(_) => {
            assert_eq!(out, b"kept", "an error leaves nothing behind");
            None
        }
    }
}
