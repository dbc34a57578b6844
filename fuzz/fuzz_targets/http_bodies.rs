//! Bodies of actions and queue messages over HTTP, in each encoding.
//!
//! The first byte chooses encoding and kind, the rest is the body.

#![no_main]

use bytes::Bytes;
use greenroom_fuzz::encode;
use greenroom_types::{
    cbor,
    protocol::{Encoding, decode_action_request, decode_queue_request, encode_action_response},
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((choice, body)) = input.split_first() else {
        return;
    };
    let encoding = Encoding::ALL[usize::from(choice % 3)];
    let body = Bytes::copy_from_slice(body);
    if choice & 0x80 == 0 {
        action(encoding, body);
    } else {
        message(encoding, body);
    }
});

fn action(encoding: Encoding, body: Bytes) {
    let Ok(request) = decode_action_request(encoding, body) else {
        return;
    };
    assert_eq!(request.compat, encoding.is_compat());
    cbor::validate(&request.args).expect("arguments are one well-formed value");
    cbor::Reader::new(&request.args)
        .array()
        .expect("arguments are an array");
    for encoding in Encoding::ALL {
        if let Some(bytes) = encode::action_request(encoding, &request) {
            let again = decode_action_request(encoding, bytes.into());
            assert_eq!(
                again.as_ref(),
                Ok(&request),
                "written again as {}",
                encoding.name()
            );
        }
        // What an actor was told it can always answer with, except what JSON has no word for.
        let answer = encode_action_response(encoding, &request.args);
        assert!(answer.is_ok() || encoding == Encoding::Json);
    }
}

fn message(encoding: Encoding, body: Bytes) {
    let Ok(request) = decode_queue_request(encoding, body) else {
        return;
    };
    assert_eq!(request.compat, encoding.is_compat());
    cbor::validate(&request.body).expect("a message is one well-formed value");
    for encoding in Encoding::ALL {
        if let Some(bytes) = encode::queue_request(encoding, &request) {
            let again = decode_queue_request(encoding, bytes.into());
            assert_eq!(
                again.as_ref(),
                Ok(&request),
                "written again as {}",
                encoding.name()
            );
        }
    }
}
