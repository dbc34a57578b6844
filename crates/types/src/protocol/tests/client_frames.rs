use super::*;

fn action(id: u64, name: &str, args: &'static [u8], compat: bool) -> ClientFrame {
    ClientFrame::Action {
        id,
        name: name.to_owned(),
        args: Bytes::from_static(args),
        compat,
        key: None,
    }
}

fn cbor_action(id: &str) -> Vec<u8> {
    hex(&format!(
        r#"b9 0001 64 "body" b9 0002 63 "tag" 6d "ActionRequest" 63 "val" b9 0003
        62 "id" {id} 64 "name" 69 "increment" 64 "args" 81 01"#
    ))
}

#[test]
fn documented_frames_are_read() {
    let subscribe = ClientFrame::Subscribe {
        event: "newCount".to_owned(),
        on: true,
    };
    let cases: &[(Encoding, Vec<u8>, ClientFrame)] = &[
        (Encoding::Bare, hex("0400 01 08 6e6577436f756e74 01"), subscribe.clone()),
        (
            Encoding::Bare,
            hex("0400 00 00 09 696e6372656d656e74 02 8101"),
            action(0, "increment", b"\x81\x01", true),
        ),
        (
            Encoding::Cbor,
            cbor_action("1b 0000000000000007"),
            action(7, "increment", b"\x81\x01", false),
        ),
        (
            Encoding::Cbor,
            hex(r#"a1 64 "body" a2 63 "val" a2 69 "eventName" 68 "newCount"
                69 "subscribe" f5 63 "tag" 73 "SubscriptionRequest""#),
            subscribe,
        ),
        (
            Encoding::Json,
            br#"{"body":{"tag":"ActionRequest","val":{"id":["$BigInt","7"],"name":"increment","args":[1]}}}"#.to_vec(),
            action(7, "increment", b"\x81\x01", true),
        ),
        (
            Encoding::Json,
            br#"{"body":{"tag":"SubscriptionRequest","val":{"eventName":"newCount","subscribe":false}}}"#.to_vec(),
            ClientFrame::Subscribe { event: "newCount".to_owned(), on: false },
        ),
    ];
    for (encoding, bytes, expected) in cases {
        assert_eq!(frame(*encoding, bytes).as_ref(), Ok(expected));
    }
}

#[test]
fn json_comes_in_text_and_binary_frames_but_binary_never_in_text() {
    let json = Bytes::from_static(
        br#"{"body":{"tag":"ActionRequest","val":{"id":1,"name":"a","args":null},"x":0},"y":0}"#,
    );
    for is_text in [true, false] {
        let decoded = decode_client_frame(Encoding::Json, is_text, json.clone());
        assert_eq!(decoded, Ok(action(1, "a", b"\x80", true)));
    }
    for (encoding, bytes) in [
        (Encoding::Cbor, cbor_action("01")),
        (Encoding::Bare, hex("0400 01 08 \"newCount\" 01")),
    ] {
        let error = decode_client_frame(encoding, true, bytes.into()).expect_err("a text frame");
        assert_eq!(code(&error), "encoding.invalid");
    }
}

#[test]
fn ids_are_read_in_every_form() {
    let cases: &[(&str, Option<u64>)] = &[
        ("07", Some(7)),
        ("1b ffffffffffffffff", Some(u64::MAX)),
        ("fb 401c000000000000", Some(7)),
        ("f9 0000", Some(0)),
        ("c2 41 07", Some(7)),
        ("c2 49 00 ffffffffffffffff", Some(u64::MAX)),
        ("82 67 \"$BigInt\" 61 \"7\"", Some(7)),
        (
            "82 67 \"$BigInt\" 74 \"18446744073709551615\"",
            Some(u64::MAX),
        ),
        ("82 67 \"$BigInt\" 74 \"18446744073709551616\"", None),
        ("82 67 \"$BigInt\" 62 \"+7\"", None),
        ("82 67 \"$BigInt\" 60", None),
        ("82 67 \"$BigXnt\" 61 \"7\"", None),
        ("80", None),
        ("20", None),
        ("c2 49 01 ffffffffffffffff", None),
        ("c2 01", None),
        ("fb 401e000000000000", None),
        ("fb bff0000000000000", None),
        ("fb 7ff8000000000000", None),
        ("61 \"7\"", None),
        ("f6", None),
    ];
    for (id, expected) in cases {
        match (frame(Encoding::Cbor, &cbor_action(id)), expected) {
            (Ok(decoded), Some(id)) => {
                assert_eq!(decoded, action(*id, "increment", b"\x81\x01", false));
            }
            (Err(error), None) => assert_eq!(code(&error), "request.invalid", "{id}"),
            (decoded, _) => panic!("{id}: {decoded:?}"),
        }
    }
}

#[test]
fn bad_frames_are_refused() {
    use Encoding::{Bare, Cbor, Json};
    let long = "x".repeat(limits::MEMBER_NAME + 1);
    let json =
        |tag: &str, val: &str| format!(r#"{{"body":{{"tag":"{tag}","val":{val}}}}}"#).into_bytes();
    let long_name = format!(r#"{{"id":1,"name":"{long}","args":[]}}"#);
    let long_event = format!(r#"{{"eventName":"{long}","subscribe":true}}"#);
    let cases: &[(Encoding, Vec<u8>, &str)] = &[
        (Json, b"".to_vec(), "encoding.invalid"),
        (Json, b"hello".to_vec(), "encoding.invalid"),
        (Json, b"[]".to_vec(), "request.invalid"),
        (Json, b"{}".to_vec(), "request.invalid"),
        (Json, br#"{"body":[]}"#.to_vec(), "request.invalid"),
        (
            Json,
            br#"{"body":{"tag":1,"val":{}}}"#.to_vec(),
            "request.invalid",
        ),
        (Json, json("Nonsense", "{}"), "request.invalid"),
        (Json, json("ActionRequest", "null"), "request.invalid"),
        (
            Json,
            json("ActionRequest", r#"{"name":"a","args":[]}"#),
            "request.invalid",
        ),
        (
            Json,
            json("ActionRequest", r#"{"id":-1,"name":"a","args":[]}"#),
            "request.invalid",
        ),
        (
            Json,
            json("ActionRequest", r#"{"id":1,"args":[]}"#),
            "request.invalid",
        ),
        (
            Json,
            json("ActionRequest", r#"{"id":1,"name":{},"args":[]}"#),
            "request.invalid",
        ),
        (Json, json("ActionRequest", &long_name), "request.invalid"),
        (
            Json,
            json("SubscriptionRequest", &long_event),
            "request.invalid",
        ),
        (
            Json,
            json("SubscriptionRequest", r#"{"eventName":"e"}"#),
            "request.invalid",
        ),
        (
            Json,
            json("SubscriptionRequest", r#"{"eventName":"e","subscribe":1}"#),
            "request.invalid",
        ),
        (Cbor, b"".to_vec(), "encoding.invalid"),
        (
            Cbor,
            [cbor_action("07"), vec![0]].concat(),
            "encoding.invalid",
        ),
        (Cbor, cbor_action("07")[..40].to_vec(), "encoding.invalid"),
        (Cbor, cbor_action("ff"), "encoding.invalid"),
        (Cbor, hex("81 01"), "request.invalid"),
        (Bare, b"".to_vec(), "encoding.invalid"),
        (Bare, hex("0900 01 01 61 01"), "encoding.invalid"),
        (Bare, hex("0400 02 00"), "request.invalid"),
        (Bare, hex("0400 01 01 61 02"), "encoding.invalid"),
        (Bare, hex("0400 01 05 61 01"), "encoding.invalid"),
        (Bare, hex("0400 00 00 01 61 02 8201"), "encoding.invalid"),
        (Bare, hex("0400 00 8000 01 61 01 80"), "encoding.invalid"),
        (
            Bare,
            hex(&format!("0400 01 8102 \"{long}\" 01")),
            "request.invalid",
        ),
    ];
    for (encoding, bytes, expected) in cases {
        let error = frame(*encoding, bytes).expect_err(&String::from_utf8_lossy(bytes));
        assert_eq!(
            code(&error),
            *expected,
            "{encoding:?} {bytes:02x?}: {error}"
        );
    }
}

#[test]
fn names_may_be_as_long_as_the_limit() {
    let name = "x".repeat(limits::MEMBER_NAME);
    let bytes = hex(&format!("0400 01 8002 \"{name}\" 00"));
    assert_eq!(
        frame(Encoding::Bare, &bytes),
        Ok(ClientFrame::Subscribe {
            event: name,
            on: false
        })
    );
}
