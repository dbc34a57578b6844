use super::*;

fn encode(encoding: Encoding, frame: ServerFrame<'_>) -> Bytes {
    encode_server_frame(encoding, frame)
}

#[test]
fn init_names_actor_and_connection() {
    let actor = ActorId::new(ShardId::new(9), [1; 13]);
    let conn_id = "0b0d3c6e-5f0b-4a5e-9d7c-2b8f0a1c3e4d";
    let init = ServerFrame::Init {
        actor,
        conn_id,
        token: None,
        extended: false,
        resume: None,
    };
    assert_eq!(
        String::from_utf8_lossy(&encode(Encoding::Json, init)),
        format!(
            r#"{{"body":{{"tag":"Init","val":{{"actorId":"{actor}","connectionId":"{conn_id}"}}}}}}"#
        )
    );
    let cbor = format!(
        r#"a1 64 "body" a2 63 "tag" 64 "Init" 63 "val" a2
        67 "actorId" 78 1a "{actor}" 6c "connectionId" 78 24 "{conn_id}""#
    );
    assert_eq!(encode(Encoding::Cbor, init), hex(&cbor));
    let bare = format!("0400 00 1a \"{actor}\" 24 \"{conn_id}\"");
    assert_eq!(encode(Encoding::Bare, init), hex(&bare));
}

#[test]
fn the_token_of_a_connection_comes_last() {
    let actor = ActorId::new(ShardId::new(9), [1; 13]);
    let init = ServerFrame::Init {
        actor,
        conn_id: "c",
        token: Some("t"),
        extended: false,
        resume: None,
    };
    assert_eq!(
        String::from_utf8_lossy(&encode(Encoding::Json, init)),
        format!(
            r#"{{"body":{{"tag":"Init","val":{{"actorId":"{actor}","connectionId":"c","connectionToken":"t"}}}}}}"#
        )
    );
    let cbor = format!(
        r#"a1 64 "body" a2 63 "tag" 64 "Init" 63 "val" a3 67 "actorId" 78 1a "{actor}"
        6c "connectionId" 61 "c" 6f "connectionToken" 61 "t""#
    );
    assert_eq!(encode(Encoding::Cbor, init), hex(&cbor));
    let bare = format!("0400 00 1a \"{actor}\" 01 \"c\" 01 \"t\"");
    assert_eq!(encode(Encoding::Bare, init), hex(&bare));
}

#[test]
fn responses_and_events_are_as_documented() {
    let response = ServerFrame::Response {
        id: 0,
        output: b"\x04",
    };
    let event = ServerFrame::Event {
        name: "newCount",
        args: b"\x81\x04",
        number: None,
    };
    let cases = [
        (Encoding::Bare, response, hex("0400 02 00 01 04")),
        (
            Encoding::Bare,
            event,
            hex("0400 03 08 6e6577436f756e74 02 8104"),
        ),
        (
            Encoding::Cbor,
            response,
            hex(
                r#"a1 64"body" a2 63"tag" 6e"ActionResponse" 63"val" a2 62"id"
                1b0000000000000000 66"output" 04"#,
            ),
        ),
        (
            Encoding::Cbor,
            event,
            hex(
                r#"a1 64"body" a2 63"tag" 65"Event" 63"val" a2 64"name" 68"newCount" 64"args" 8104"#,
            ),
        ),
        (
            Encoding::Json,
            ServerFrame::Response {
                id: 7,
                output: b"\x04",
            },
            br#"{"body":{"tag":"ActionResponse","val":{"id":["$BigInt","7"],"output":4}}}"#
                .to_vec(),
        ),
        (
            Encoding::Json,
            event,
            br#"{"body":{"tag":"Event","val":{"name":"newCount","args":[4]}}}"#.to_vec(),
        ),
    ];
    for (encoding, frame, expected) in cases {
        assert_eq!(encode(encoding, frame), expected, "{encoding:?} {frame:?}");
    }
}

#[test]
fn action_errors_are_as_documented() {
    let (error, actor) = (failure(), actor_ref());
    let id = actor.id;
    let frame = ServerFrame::Error {
        action_id: Some(2),
        error: &error,
        actor: Some(&actor),
    };
    let bare = format!(
        r#"0400 01 04 75736572 07 6d795f636f6465 09 6974206661696c6564
        01 08 a261610161626178 01 02 01 1a "{id}" 01 01 04 "a\/b""#
    );
    assert_eq!(encode(Encoding::Bare, frame), hex(&bare));
    let cbor = format!(
        r#"a1 64"body" a2 63"tag" 65"Error" 63"val" a6 65"group" 64"user" 64"code" 67"my_code"
        67"message" 69"it failed" 68"metadata" a261610161626178
        68"actionId" 1b0000000000000002
        65"actor" a3 67"actorId" 781a"{id}" 6a"generation" 01 63"key" 64"a\/b""#
    );
    assert_eq!(encode(Encoding::Cbor, frame), hex(&cbor));
    assert_eq!(
        String::from_utf8_lossy(&encode(Encoding::Json, frame)),
        format!(
            r#"{{"body":{{"tag":"Error","val":{{"group":"user","code":"my_code","message":"it failed","metadata":{{"a":1,"b":"x"}},"actionId":["$BigInt","2"],"actor":{{"actorId":"{id}","generation":1,"key":"a\\/b"}}}}}}}}"#
        )
    );
}

#[test]
fn connection_errors_have_a_null_action_id() {
    let error = ActorError::new("g", "c", "m");
    let frame = ServerFrame::Error {
        action_id: None,
        error: &error,
        actor: None,
    };
    assert_eq!(
        encode(Encoding::Json, frame),
        &br#"{"body":{"tag":"Error","val":{"group":"g","code":"c","message":"m","actionId":null}}}"#[..]
    );
    let cbor = r#"a1 64"body" a2 63"tag" 65"Error" 63"val" a4 65"group" 61"g" 64"code" 61"c"
        67"message" 61"m" 68"actionId" f6"#;
    assert_eq!(encode(Encoding::Cbor, frame), hex(cbor));
    assert_eq!(
        encode(Encoding::Bare, frame),
        hex("0400 01 0167 0163 016d 00 00 00")
    );
}

#[test]
fn values_that_json_cannot_carry_become_errors() {
    let response = encode(
        Encoding::Json,
        ServerFrame::Response {
            id: 3,
            output: b"\x81",
        },
    );
    let event = encode(
        Encoding::Json,
        ServerFrame::Event {
            name: "e",
            args: b"\xff",
            number: None,
        },
    );
    for (bytes, id) in [(response, r#"["$BigInt","3"]"#), (event, "null")] {
        assert_eq!(
            String::from_utf8_lossy(&bytes),
            format!(
                r#"{{"body":{{"tag":"Error","val":{{"group":"rivetkit","code":"internal_error","message":"An internal error occurred","actionId":{id}}}}}}}"#
            )
        );
    }
}

#[test]
fn an_event_is_encoded_once_per_encoding() {
    let event = EventFrame::new("newCount".to_owned(), Bytes::from_static(b"\x81\x04"));
    for encoding in Encoding::ALL {
        let first = encode_event(encoding, false, &event);
        let direct = ServerFrame::Event {
            name: "newCount",
            args: b"\x81\x04",
            number: None,
        };
        assert_eq!(first, encode(encoding, direct));
        assert_eq!(
            encode_event(encoding, false, &event.clone()).as_ptr(),
            first.as_ptr()
        );
    }
}
