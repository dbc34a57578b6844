use super::*;

#[test]
fn documented_requests_are_read() {
    let cases: &[(Encoding, Vec<u8>, &[u8])] = &[
        (Encoding::Bare, hex("04 00 02 81 03"), b"\x81\x03"),
        (
            Encoding::Cbor,
            hex("b9 0001 64 61726773 81 03"),
            b"\x81\x03",
        ),
        (Encoding::Json, br#"{"args":[3]}"#.to_vec(), b"\x81\x03"),
    ];
    for (encoding, body, args) in cases {
        let decoded = request(*encoding, body).expect("documented");
        assert_eq!(decoded.args, *args);
        assert_eq!(decoded.compat, *encoding != Encoding::Cbor);
    }
}

#[test]
fn lenient_requests_are_read() {
    use Encoding::{Bare, Cbor, Json};
    let cases: &[(Encoding, Vec<u8>, &[u8])] = &[
        (Json, b"{}".to_vec(), b"\x80"),
        (Json, br#"{"args":null}"#.to_vec(), b"\x80"),
        (Json, br#"{"args":["$Undefined",0]}"#.to_vec(), b"\x80"),
        (
            Json,
            br#"{"x":{"args":1},"args":[],"y":[]}"#.to_vec(),
            b"\x80",
        ),
        (Json, br#"{"args":7}"#.to_vec(), b"\x81\x07"),
        (Json, br#"{"args":{"a":1}}"#.to_vec(), b"\x81\xa1\x61a\x01"),
        (
            Json,
            br#"{"args":["$BigInt","5"]}"#.to_vec(),
            b"\x81\x82\x67$BigInt\x615",
        ),
        (Json, br#"{"args":["$$x",5]}"#.to_vec(), b"\x82\x63$$x\x05"),
        (
            Json,
            br#"{"args":["$x",5,6]}"#.to_vec(),
            b"\x83\x62$x\x05\x06",
        ),
        (Cbor, hex("a0"), b"\x80"),
        (Cbor, hex("a1 64 \"args\" f6"), b"\x80"),
        (Cbor, hex("a1 64 \"args\" f7"), b"\x80"),
        (Cbor, hex("a1 64 \"args\" 07"), b"\x81\x07"),
        (Cbor, hex("bf 64 \"args\" 9f 01 ff ff"), b"\x9f\x01\xff"),
        (Cbor, hex("a2 01 02 64 \"args\" 81 03"), b"\x81\x03"),
        (Cbor, hex("a1 78 04 \"args\" 81 03"), b"\x81\x03"),
        (
            Cbor,
            hex("a1 64 \"args\" 82 67 \"$BigInt\" 61 \"5\""),
            b"\x82\x67$BigInt\x615",
        ),
        (Bare, hex("01 00 02 81 03"), b"\x81\x03"),
        (Bare, hex("02 00 02 81 03 ff ff"), b"\x81\x03"),
        (Bare, hex("03 00 01 f6"), b"\x80"),
        (Bare, hex("04 00 01 07"), b"\x81\x07"),
        (Bare, hex("04 00 0e 9f 6a \"$Undefined\" 00 ff"), b"\x80"),
    ];
    for (encoding, body, args) in cases {
        let body_text = String::from_utf8_lossy(body);
        let decoded = request(*encoding, body).unwrap_or_else(|e| panic!("{body_text}: {e}"));
        assert_eq!(decoded.args, *args, "{body_text}");
        assert_eq!(cbor::validate(&decoded.args), Ok(()));
    }
}

#[test]
fn bad_requests_are_refused() {
    use Encoding::{Bare, Cbor, Json};
    let cases: &[(Encoding, Vec<u8>, &str)] = &[
        (Json, b"".to_vec(), "encoding.invalid"),
        (Json, b"{".to_vec(), "encoding.invalid"),
        (Json, b"[1]".to_vec(), "request.invalid"),
        (Json, b"{} {}".to_vec(), "encoding.invalid"),
        (Json, b"{\"args\":[\"\xff\"]}".to_vec(), "encoding.invalid"),
        (Cbor, b"".to_vec(), "encoding.invalid"),
        (Cbor, hex("81 01"), "request.invalid"),
        (Cbor, hex("81"), "encoding.invalid"),
        (Cbor, hex("a0 00"), "encoding.invalid"),
        (Cbor, hex("a1 64 \"args\" 81 62 61 ff"), "encoding.invalid"),
        (
            Cbor,
            hex("a1 64 \"args\" 9b ffffffffffffffff"),
            "encoding.invalid",
        ),
        (Bare, b"".to_vec(), "encoding.invalid"),
        (Bare, hex("04"), "encoding.invalid"),
        (Bare, hex("00 00 01 80"), "encoding.invalid"),
        (Bare, hex("05 00 01 80"), "encoding.invalid"),
        (Bare, hex("04 01 01 80"), "encoding.invalid"),
        (Bare, hex("04 00 02 80"), "encoding.invalid"),
        (Bare, hex("04 00 00"), "encoding.invalid"),
        (Bare, hex("04 00 02 80 80"), "encoding.invalid"),
        (Bare, hex("04 00 01 ff"), "encoding.invalid"),
    ];
    for (encoding, body, expected) in cases {
        let error = request(*encoding, body).expect_err(&String::from_utf8_lossy(body));
        assert_eq!(code(&error), *expected, "{encoding:?} {body:02x?}: {error}");
    }
}

#[test]
fn arguments_may_be_as_deep_as_the_limit_in_every_encoding() {
    let args = |levels: usize| [vec![0x81; levels], vec![0]].concat();
    let json = |levels: usize| format!("{}0{}", "[".repeat(levels), "]".repeat(levels));
    let body = |encoding, levels| match encoding {
        Encoding::Json => format!(r#"{{"args":{}}}"#, json(levels)).into_bytes(),
        Encoding::Cbor => [hex("a1 64 \"args\""), args(levels)].concat(),
        Encoding::Bare => {
            let mut out = hex("04 00");
            put_data(&mut out, &args(levels));
            out
        }
    };
    let in_frame = |encoding, levels| match encoding {
        Encoding::Json => format!(
            r#"{{"body":{{"tag":"ActionRequest","val":{{"id":1,"name":"a","args":{}}}}}}}"#,
            json(levels)
        )
        .into_bytes(),
        Encoding::Cbor => [
            hex("a1 64 \"body\" a2 63 \"tag\" 6d \"ActionRequest\" 63 \"val\""),
            hex("a3 62 \"id\" 01 64 \"name\" 61 \"a\" 64 \"args\""),
            args(levels),
        ]
        .concat(),
        Encoding::Bare => {
            let mut out = hex("04 00 00 01 01 \"a\"");
            put_data(&mut out, &args(levels));
            out
        }
    };
    for encoding in Encoding::ALL {
        assert!(
            request(encoding, &body(encoding, limits::NESTING)).is_ok(),
            "{encoding:?}"
        );
        assert!(
            frame(encoding, &in_frame(encoding, limits::NESTING)).is_ok(),
            "{encoding:?}"
        );
        for levels in [limits::NESTING + 1, 100_000] {
            for error in [
                request(encoding, &body(encoding, levels)).map(drop),
                frame(encoding, &in_frame(encoding, levels)).map(drop),
            ] {
                let error = error.expect_err("too deep");
                assert!(
                    error.message.contains("deeper than 128"),
                    "{encoding:?}: {error}"
                );
            }
        }
    }
}

#[test]
fn a_single_argument_may_be_a_level_less_deep() {
    // An object in an object in an object: what is no array becomes the only argument, in an array of its own.
    let json = |levels: usize| format!(r#"{}0{}"#, r#"{"":"#.repeat(levels), "}".repeat(levels));
    let cbor = |levels: usize| [hex("a1 60").repeat(levels), hex("00")].concat();
    let bodies = |levels: usize| {
        let value = cbor(levels);
        let mut bare = hex("04 00");
        put_data(&mut bare, &value);
        [
            (
                Encoding::Json,
                format!(r#"{{"args":{}}}"#, json(levels)).into_bytes(),
            ),
            (Encoding::Cbor, [hex("a1 64 \"args\""), value].concat()),
            (Encoding::Bare, bare),
        ]
    };
    for (encoding, body) in bodies(limits::NESTING - 1) {
        let args = request(encoding, &body).expect("within the limit").args;
        assert_eq!(cbor::validate(&args), Ok(()), "{encoding:?}");
    }
    for (encoding, body) in bodies(limits::NESTING) {
        let error = request(encoding, &body).expect_err("one level more than the limit");
        assert_eq!(code(&error), "encoding.invalid", "{encoding:?}");
    }
}

#[test]
fn arguments_are_not_copied() {
    for (encoding, body) in [
        (Encoding::Cbor, hex("b9 0001 64 \"args\" 81 03")),
        (Encoding::Bare, hex("04 00 02 81 03")),
    ] {
        let body = Bytes::from(body);
        let args = decode_action_request(encoding, body.clone())
            .expect("valid")
            .args;
        assert_eq!(args.as_ptr(), body[body.len() - 2..].as_ptr());
    }
}

#[test]
fn responses_are_as_documented() {
    let cases = [
        (Encoding::Bare, &b"\x03"[..], hex("04 00 01 03")),
        (Encoding::Cbor, b"\x03", hex("a1 66 6f7574707574 03")),
        (Encoding::Json, b"\x03", br#"{"output":3}"#.to_vec()),
        (
            Encoding::Json,
            b"\x82\x6a$Undefined\x00",
            br#"{"output":["$Undefined",0]}"#.to_vec(),
        ),
    ];
    for (encoding, output, expected) in cases {
        assert_eq!(
            encode_action_response(encoding, output).expect("valid"),
            expected
        );
    }
    assert!(encode_action_response(Encoding::Json, b"\x81").is_err());
}

#[test]
fn errors_are_as_documented() {
    let id = actor_ref().id.to_string();
    let json = encode_error_body(Encoding::Json, &failure(), Some(&actor_ref()));
    assert_eq!(
        String::from_utf8_lossy(&json),
        format!(
            r#"{{"group":"user","code":"my_code","message":"it failed","metadata":{{"a":1,"b":"x"}},"actor":{{"actorId":"{id}","generation":1,"key":"a\\/b"}}}}"#
        )
    );
    let cbor = encode_error_body(Encoding::Cbor, &failure(), Some(&actor_ref()));
    let expected = format!(
        r#"a5 65 "group" 64 "user" 64 "code" 67 "my_code" 67 "message" 69 "it failed"
        68 "metadata" a2 61 "a" 01 61 "b" 61 "x"
        65 "actor" a3 67 "actorId" 78 1a "{id}" 6a "generation" 01 63 "key" 64 "a\/b""#
    );
    assert_eq!(cbor, hex(&expected));
    let bare = encode_error_body(Encoding::Bare, &failure(), Some(&actor_ref()));
    let expected = format!(
        r#"0400 04 "user" 07 "my_code" 09 "it failed" 01 08 a2 61 "a" 01 61 "b" 61 "x"
        01 1a "{id}" 01 01 04 "a\/b""#
    );
    assert_eq!(bare, hex(&expected));
}

#[test]
fn absent_parts_of_errors_are_left_out() {
    let error = ActorError::new("g", "c", "m");
    let body = |encoding, actor| encode_error_body(encoding, &error, actor);
    assert_eq!(
        body(Encoding::Json, None),
        &br#"{"group":"g","code":"c","message":"m"}"#[..]
    );
    let plain = hex(r#"a3 65 "group" 61 "g" 64 "code" 61 "c" 67 "message" 61 "m""#);
    assert_eq!(body(Encoding::Cbor, None), plain);
    assert_eq!(body(Encoding::Bare, None), hex("0400 0167 0163 016d 00 00"));
    let keyless = ActorRef {
        key: None,
        ..actor_ref()
    };
    let id = keyless.id.to_string();
    assert_eq!(
        String::from_utf8_lossy(&body(Encoding::Json, Some(&keyless))),
        format!(
            r#"{{"group":"g","code":"c","message":"m","actor":{{"actorId":"{id}","generation":1}}}}"#
        )
    );
    let bare = hex(&format!("0400 0167 0163 016d 00 01 1a \"{id}\" 01 00"));
    assert_eq!(body(Encoding::Bare, Some(&keyless)), bare);
}

#[test]
fn broken_metadata_is_left_out() {
    let broken = ActorError {
        metadata: Some(Bytes::from_static(b"\xa1")),
        ..failure()
    };
    let without = ActorError {
        metadata: None,
        ..failure()
    };
    for encoding in Encoding::ALL {
        let body = encode_error_body(encoding, &broken, None);
        assert_eq!(body, encode_error_body(encoding, &without, None));
    }
}
