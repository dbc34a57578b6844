//! What only clients of ours say and are told.

use super::*;

#[test]
fn only_who_asks_for_the_extensions_is_told_of_them() {
    for (header, expected) in [
        ("rivet, greenroom.1", true),
        ("greenroom.1", true),
        ("rivet, greenroom, greenroom.2, greenroom.1.x", false),
        ("rivet", false),
    ] {
        assert_eq!(Handshake::parse(header).extended, expected, "{header}");
    }
    let actor = ActorId::new(ShardId::new(9), [1; 13]);
    let init = |token| ServerFrame::Init {
        actor,
        conn_id: "c",
        token,
        extended: true,
        resume: None,
    };
    let json = |token| {
        let frame = encode_server_frame(Encoding::Json, init(token));
        String::from_utf8_lossy(&frame).into_owned()
    };
    assert_eq!(
        json(None),
        format!(
            r#"{{"body":{{"tag":"Init","val":{{"actorId":"{actor}","connectionId":"c","extensions":"1"}}}}}}"#
        )
    );
    assert!(json(Some("t")).contains(r#""connectionToken":"t","extensions":"1""#));
    // In BARE everything before the last field has to be there.
    for (token, written) in [(None, "00"), (Some("t"), "01 \"t\"")] {
        let bare = format!("0400 00 1a \"{actor}\" 01 \"c\" {written} 01 \"1\"");
        assert_eq!(encode_server_frame(Encoding::Bare, init(token)), hex(&bare));
    }
}

#[test]
fn streams_are_frames_of_their_own() {
    let frames = [
        ServerFrame::StreamStart { id: 7 },
        ServerFrame::StreamItem {
            id: 7,
            item: b"\x04",
        },
        ServerFrame::StreamEnd { id: 7 },
    ];
    let written: Vec<String> = frames
        .iter()
        .map(|frame| {
            let bytes = encode_server_frame(Encoding::Json, *frame);
            String::from_utf8_lossy(&bytes).into_owned()
        })
        .collect();
    assert_eq!(
        written,
        [
            r#"{"body":{"tag":"StreamStart","val":{"id":["$BigInt","7"]}}}"#,
            r#"{"body":{"tag":"StreamItem","val":{"id":["$BigInt","7"],"item":4}}}"#,
            r#"{"body":{"tag":"StreamEnd","val":{"id":["$BigInt","7"]}}}"#,
        ]
    );
    let bare = ["0400 20 07", "0400 21 07 01 04", "0400 22 07"];
    for (frame, expected) in frames.iter().zip(bare) {
        assert_eq!(encode_server_frame(Encoding::Bare, *frame), hex(expected));
    }
    let item = encode_server_frame(Encoding::Cbor, frames[1]);
    let expected = r#"a1 64"body" a2 63"tag" 6a"StreamItem" 63"val" a2 62"id" 1b0000000000000007
        64"item" 04"#;
    assert_eq!(item, hex(expected));
}

#[test]
fn an_item_that_json_cannot_carry_is_an_error_of_its_call() {
    let frame = ServerFrame::StreamItem {
        id: 7,
        item: b"\xff",
    };
    let written = encode_server_frame(Encoding::Json, frame);
    let written = String::from_utf8_lossy(&written);
    assert!(written.contains("internal_error"), "{written}");
    assert!(
        written.contains(r#""actionId":["$BigInt","7"]"#),
        "{written}"
    );
}

#[test]
fn cancelling_and_crediting_are_read() {
    let cancel = ClientFrame::Cancel { id: 7 };
    let credit = |items| ClientFrame::Credit { id: 7, items };
    let cases: &[(Encoding, Vec<u8>, ClientFrame)] = &[
        (Encoding::Bare, hex("0400 20 07"), cancel.clone()),
        (Encoding::Bare, hex("0400 21 07 10"), credit(16)),
        (
            Encoding::Json,
            br#"{"body":{"tag":"CancelRequest","val":{"id":["$BigInt","7"]}}}"#.to_vec(),
            cancel.clone(),
        ),
        (
            Encoding::Json,
            br#"{"body":{"tag":"StreamCredit","val":{"id":7,"items":99999999999}}}"#.to_vec(),
            credit(u32::MAX),
        ),
        (
            Encoding::Cbor,
            hex(r#"a1 64"body" a2 63"tag" 6d"CancelRequest" 63"val" a1 62"id" 07"#),
            cancel,
        ),
        (
            Encoding::Cbor,
            hex(
                r#"a1 64"body" a2 63"tag" 6c"StreamCredit" 63"val" a2 62"id" 07 65"items" fb4030000000000000"#,
            ),
            credit(16),
        ),
    ];
    for (encoding, bytes, expected) in cases {
        assert_eq!(frame(*encoding, bytes).as_ref(), Ok(expected));
    }
    for (encoding, bytes) in [
        (Encoding::Bare, hex("0400 20")),
        (Encoding::Bare, hex("0400 21 07")),
        (
            Encoding::Json,
            br#"{"body":{"tag":"CancelRequest","val":{}}}"#.to_vec(),
        ),
        (
            Encoding::Json,
            br#"{"body":{"tag":"StreamCredit","val":{"id":7}}}"#.to_vec(),
        ),
        (
            Encoding::Json,
            br#"{"body":{"tag":"StreamCredit","val":{"id":7,"items":-1}}}"#.to_vec(),
        ),
    ] {
        let error = frame(encoding, &bytes).expect_err("incomplete");
        assert!(
            matches!(&*code(&error), "encoding.invalid" | "request.invalid"),
            "{error}"
        );
    }
}

#[test]
fn what_a_client_needs_to_come_back_is_told_with_init() {
    let actor = ActorId::new(ShardId::new(9), [1; 13]);
    for (extended, resume, expected) in [
        (true, Some(("p", 7)), r#","extensions":"1 resume.p.7"}"#),
        (true, None, r#","extensions":"1"}"#),
        (false, Some(("p", 7)), r#""connectionId":"c"}"#),
    ] {
        let init = ServerFrame::Init {
            actor,
            conn_id: "c",
            token: None,
            extended,
            resume,
        };
        let frame = encode_server_frame(Encoding::Json, init);
        let frame = String::from_utf8_lossy(&frame);
        assert!(frame.contains(expected), "{frame}");
    }
    let handshake =
        Handshake::parse("rivet, greenroom.1, greenroom_resume.p.7, greenroom_resume.q.8");
    assert_eq!(handshake.resume.as_deref(), Some("p.7"));
}

#[test]
fn numbers_of_events_are_told_to_whom_they_mean_something() {
    let event = EventFrame::numbered(7, "n".to_owned(), Bytes::from_static(b"\x81\x04"));
    for (encoding, plain, numbered) in [
        (
            Encoding::Bare,
            hex(r#"0400 03 01 "n" 02 8104"#),
            hex(r#"0400 03 01 "n" 02 8104 07"#),
        ),
        (
            Encoding::Json,
            br#"{"body":{"tag":"Event","val":{"name":"n","args":[4]}}}"#.to_vec(),
            br#"{"body":{"tag":"Event","val":{"name":"n","args":[4],"number":["$BigInt","7"]}}}"#
                .to_vec(),
        ),
    ] {
        assert_eq!(encode_event(encoding, false, &event), plain);
        assert_eq!(encode_event(encoding, true, &event), numbered);
        let again = encode_event(encoding, true, &event.clone());
        assert_eq!(
            again.as_ptr(),
            encode_event(encoding, true, &event).as_ptr()
        );
    }
    let unnumbered = EventFrame::new("n".to_owned(), Bytes::from_static(b"\x81\x04"));
    assert_eq!(
        encode_event(Encoding::Bare, true, &unnumbered).as_ptr(),
        encode_event(Encoding::Bare, false, &unnumbered).as_ptr()
    );
}

#[test]
fn where_a_client_is_in_the_events_are_frames_of_their_own() {
    let subscribed = ServerFrame::Subscribed {
        number: 7,
        event: "n",
    };
    let resync = ServerFrame::Resync {
        number: 7,
        reason: "off",
        from: 5,
    };
    for (frame, bare, json) in [
        (
            subscribed,
            "0400 23 07 01 'n'",
            r#"{"body":{"tag":"Subscribed","val":{"number":["$BigInt","7"],"eventName":"n"}}}"#,
        ),
        (
            resync,
            "0400 24 07 03 'off' 05",
            r#"{"body":{"tag":"Resync","val":{"number":["$BigInt","7"],"reason":"off","from":["$BigInt","5"]}}}"#,
        ),
    ] {
        assert_eq!(
            encode_server_frame(Encoding::Bare, frame),
            hex(&bare.replace('\'', "\""))
        );
        assert_eq!(encode_server_frame(Encoding::Json, frame), json.as_bytes());
    }
}

#[test]
fn what_a_client_had_subscribed_to_is_read_and_limited() {
    let resume = |events: &[&str]| ClientFrame::Resume {
        events: events.iter().map(|event| (*event).to_owned()).collect(),
    };
    let json = |events: &str| {
        format!(r#"{{"body":{{"tag":"ResumeRequest","val":{{"events":{events}}}}}}}"#).into_bytes()
    };
    for (encoding, bytes, expected) in [
        (
            Encoding::Bare,
            hex(r#"0400 22 02 01 "a" 00"#),
            resume(&["a", ""]),
        ),
        (Encoding::Bare, hex("0400 22 00"), resume(&[])),
        (Encoding::Json, json(r#"["a",""]"#), resume(&["a", ""])),
        (
            Encoding::Cbor,
            hex(r#"a1 64"body" a2 63"tag" 6d"ResumeRequest" 63"val" a1 66"events" 81 61"a""#),
            resume(&["a"]),
        ),
    ] {
        assert_eq!(frame(encoding, &bytes), Ok(expected));
    }
    let many = vec!["a"; limits::RESUMED_AT_ONCE + 1];
    let mut bare = hex("0400 22 41");
    bare.extend(b"\x01a".repeat(many.len()));
    for (encoding, bytes) in [
        (Encoding::Bare, bare),
        // A count that nothing follows, and one that no memory has room for.
        (Encoding::Bare, hex("0400 22 05")),
        (Encoding::Bare, hex("0400 22 ffffffffffffffffff01")),
        (
            Encoding::Bare,
            [hex("0400 22 01 8102"), vec![b'a'; 257]].concat(),
        ),
        (Encoding::Json, json(&format!("{many:?}"))),
        (Encoding::Json, json(&format!("[{:?}]", "a".repeat(257)))),
        (Encoding::Json, json("[1]")),
        (Encoding::Json, json("\"a\"")),
        (
            Encoding::Json,
            br#"{"body":{"tag":"ResumeRequest","val":{}}}"#.to_vec(),
        ),
    ] {
        let error = frame(encoding, &bytes).expect_err("it is none");
        assert!(
            matches!(&*code(&error), "encoding.invalid" | "request.invalid"),
            "{error}"
        );
    }
}

#[test]
fn whose_calls_run_once_is_read_in_every_encoding() {
    const ID: &str = "000102030405060708090a0b0c0d0e0f";
    let caller = crate::once::CallerId::parse(ID).expect("32 digits");
    let said = ClientFrame::Caller {
        caller,
        next: 300,
        waited_ms: 5,
    };
    let answered = ClientFrame::Answered { first: 300 };
    let keyed = |compat| ClientFrame::Action {
        id: 7,
        name: "say".to_owned(),
        args: Bytes::from_static(b"\x80"),
        compat,
        key: Some("k".into()),
    };
    let json = |tag: &str, val: &str| format!(r#"{{"body":{{"tag":"{tag}","val":{val}}}}}"#);
    let caller = format!(r#"{{"caller":"{ID}","next":300,"waited":5}}"#);
    let action = r#"{"id":7,"name":"say","args":[],"idempotencyKey":"k"}"#;
    for (encoding, bytes, expected) in [
        (
            Encoding::Bare,
            hex(&format!("0400 28 20 \"{ID}\" ac02 05")),
            said.clone(),
        ),
        (Encoding::Bare, hex("0400 2a ac02"), answered.clone()),
        (
            Encoding::Bare,
            hex(r#"0400 29 07 01 "k" 03 "say" 01 80"#),
            keyed(true),
        ),
        (
            Encoding::Json,
            json("CallerRequest", &caller).into_bytes(),
            said,
        ),
        (
            Encoding::Json,
            json("AnsweredRequest", r#"{"first":300}"#).into_bytes(),
            answered,
        ),
        (
            Encoding::Json,
            json("ActionRequest", action).into_bytes(),
            keyed(true),
        ),
    ] {
        assert_eq!(frame(encoding, &bytes), Ok(expected));
    }
    let long = format!(
        r#"{{"id":7,"name":"say","idempotencyKey":"{}"}}"#,
        "k".repeat(257)
    );
    for (encoding, bytes) in [
        (Encoding::Bare, hex("0400 28 01 \"x\" 00 00")),
        (Encoding::Bare, hex(&format!("0400 28 20 \"{ID}\" 00"))),
        (Encoding::Bare, hex("0400 2a")),
        (Encoding::Bare, hex(r#"0400 29 07 00 03 "say" 01 80"#)),
        (
            Encoding::Json,
            json("CallerRequest", r#"{"caller":"x","next":0,"waited":0}"#).into_bytes(),
        ),
        (
            Encoding::Json,
            json("CallerRequest", &caller.replace("5}", "-5}")).into_bytes(),
        ),
        (Encoding::Json, json("AnsweredRequest", "{}").into_bytes()),
        (
            Encoding::Json,
            json("ActionRequest", &action.replace("\"k\"", "7")).into_bytes(),
        ),
        (Encoding::Json, json("ActionRequest", &long).into_bytes()),
    ] {
        let error = frame(encoding, &bytes).expect_err("malformed");
        assert!(
            matches!(&*code(&error), "encoding.invalid" | "request.invalid"),
            "{error}"
        );
    }
}
