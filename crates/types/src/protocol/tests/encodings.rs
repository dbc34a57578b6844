use super::*;

#[test]
fn names_headers_and_slots_agree() {
    for encoding in Encoding::ALL {
        assert_eq!(Encoding::from_name(encoding.name()), Some(encoding));
        assert_eq!(Encoding::from_header(Some(encoding.name())), encoding);
        assert_eq!(Encoding::ALL[encoding.slot()], encoding);
        assert!(encoding.slot() < EventFrame::SLOTS);
    }
    assert_eq!(Encoding::from_header(None), Encoding::Json);
    assert_eq!(Encoding::from_header(Some("msgpack")), Encoding::Json);
    assert_eq!(Encoding::from_name("JSON"), None);
}

#[test]
fn handshakes_are_taken_apart() {
    let handshake = Handshake::parse(
        "rivet, rivet_encoding.cbor, rivet_target.actor, rivet_actor.abc, rivet_token.a.b, \
         rivet_skip_ready_wait, rivet_conn_params.%7B%22user%22%3A%22%C3%A9%22%7D, other.x",
    );
    assert!(handshake.offers_rivet && handshake.skip_ready_wait);
    assert_eq!(handshake.encoding(), Ok(Encoding::Cbor));
    assert_eq!(handshake.target.as_deref(), Some("actor"));
    assert_eq!(handshake.actor.as_deref(), Some("abc"));
    assert_eq!(handshake.token.as_deref(), Some("a.b"));
    let params = handshake.conn_params().expect("valid").expect("present");
    assert_eq!(params, &b"\xa1\x64user\x62\xc3\xa9"[..]);
}

#[test]
fn handshakes_may_say_nothing_or_nonsense() {
    let silent = Handshake::parse("");
    assert_eq!(silent, Handshake::default());
    assert_eq!(silent.encoding(), Ok(Encoding::Json));
    assert_eq!(silent.conn_params(), Ok(None));
    let odd = Handshake::parse("rivet_encoding.xml,rivet_conn_params.%7");
    assert_eq!(
        code(&odd.encoding().expect_err("unknown")),
        "actor.unsupported_websocket_encoding"
    );
    assert_eq!(
        code(&odd.conn_params().expect_err("cut short")),
        "encoding.invalid"
    );
    assert!(
        Handshake::parse("rivet_conn_params.%7B")
            .conn_params()
            .is_err()
    );
}

#[test]
fn conn_params_are_json_within_a_limit() {
    assert_eq!(
        conn_params_from_json(b"{\"a\":1}").expect("JSON"),
        &b"\xa1\x61a\x01"[..]
    );
    assert_eq!(
        conn_params_from_header(b"\"\xe9\"").expect("Latin-1"),
        &b"\x62\xc3\xa9"[..]
    );
    assert_eq!(
        conn_params_from_header(b"\"\xc3\xa9\"").expect("UTF-8"),
        &b"\x62\xc3\xa9"[..]
    );
    assert_eq!(
        code(&conn_params_from_json(b"{").expect_err("no JSON")),
        "encoding.invalid"
    );
    let json = |len: usize| format!("\"{}\"", "x".repeat(len - 2));
    assert!(conn_params_from_json(json(limits::CONN_PARAMS).as_bytes()).is_ok());
    let error = conn_params_from_json(json(limits::CONN_PARAMS + 1).as_bytes());
    assert_eq!(
        code(&error.expect_err("too long")),
        "message.incoming_too_long"
    );
}
