//! What a client says when it opens a connection: subprotocols and parameters.

#![no_main]

use greenroom_types::{
    cbor, limits,
    protocol::{Encoding, Handshake, conn_params_from_header, conn_params_from_json},
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let from_header = conn_params_from_header(input);
    if let Ok(params) = &from_header {
        cbor::validate(params).expect("parameters are one well-formed value");
    }
    let Ok(text) = str::from_utf8(input) else {
        return;
    };
    // What is UTF-8 is taken as such.
    assert_eq!(from_header, conn_params_from_json(input));

    let handshake = Handshake::parse(text);
    let offers: Vec<&str> = text.split(',').map(str::trim).collect();
    assert_eq!(
        handshake.offers_rivet,
        offers
            .iter()
            .any(|offer| matches!(*offer, "rivet" | "rivet."))
    );
    assert_eq!(handshake.extended, offers.contains(&"greenroom.1"));
    let encoding = offers.iter().find_map(|offer| match offer.split_once('.') {
        Some(("rivet_encoding", name)) => Some(name),
        Some(_) => None,
        None => (*offer == "rivet_encoding").then_some(""),
    });
    match (encoding, handshake.encoding()) {
        (None, chosen) => assert_eq!(chosen, Ok(Encoding::Json)),
        (Some(name), Ok(chosen)) => assert_eq!(chosen.name(), name),
        (Some(name), Err(_)) => assert_eq!(Encoding::from_name(name), None),
    }
    if let Ok(Some(params)) = handshake.conn_params() {
        assert!(
            params.len() <= 9 * limits::CONN_PARAMS,
            "a few bytes of JSON are no more than a double"
        );
        cbor::validate(&params).expect("parameters are one well-formed value");
    }
    // Saying the same things twice changes nothing: the first counts.
    assert_eq!(Handshake::parse(&format!("{text},{text}")), handshake);
});
