use super::*;

fn request(encoding: Encoding, body: &[u8]) -> Result<QueueRequest, String> {
    decode_queue_request(encoding, Bytes::copy_from_slice(body))
        .map_err(|error| format!("{}.{}", error.group, error.code))
}

#[test]
fn documented_requests_are_read() {
    use Encoding::{Bare, Cbor, Json};
    let message = hex("b9 0001 61 78 01");
    let plain = hex("a1 61 78 01");
    let cases = [
        (
            Bare,
            hex("0400 06 b90001617801 01 04 6a6f6273 0100 00"),
            &message,
            false,
            None,
        ),
        (
            Bare,
            hex("0400 06 b90001617801 01 04 6a6f6273 0101 01 8813000000000000"),
            &message,
            true,
            Some(5000),
        ),
        (
            Json,
            br#"{"body":{"x":1},"name":"jobs","wait":true,"timeout":5000}"#.to_vec(),
            &plain,
            true,
            Some(5000),
        ),
        (
            Json,
            br#"{"body":{"x":1},"name":"jobs","wait":false}"#.to_vec(),
            &plain,
            false,
            None,
        ),
        (
            Cbor,
            hex(
                "b9 0004 64 \"body\" b90001617801 64 \"name\" 64 \"jobs\" 64 \"wait\" f4 67 \"timeout\" f7",
            ),
            &message,
            false,
            None,
        ),
    ];
    for (encoding, body, message, wait, timeout_ms) in cases {
        let expected = QueueRequest {
            body: message.to_vec().into(),
            compat: encoding != Cbor,
            wait,
            timeout_ms,
        };
        assert_eq!(request(encoding, &body), Ok(expected));
    }
}

#[test]
fn lenient_requests_are_read() {
    use Encoding::{Bare, Cbor, Json};
    let cases = [
        (Json, br#"{"body":null}"#.to_vec(), false, None),
        (
            Json,
            br#"{"body":1,"wait":null,"timeout":null,"more":[]}"#.to_vec(),
            false,
            None,
        ),
        (
            Json,
            br#"{"timeout":1.6,"body":1}"#.to_vec(),
            false,
            Some(2),
        ),
        (
            Cbor,
            hex("a2 64 \"body\" f7 67 \"timeout\" fb 4014000000000000"),
            false,
            Some(5),
        ),
        (Bare, hex("0100 01 f6 00 00 00"), false, None),
        (Bare, hex("0400 01 f6 00 01 01 00 ff"), true, None),
    ];
    for (encoding, body, wait, timeout_ms) in cases {
        let read = request(encoding, &body).expect("lenient");
        assert_eq!(
            (read.wait, read.timeout_ms),
            (wait, timeout_ms),
            "{body:x?}"
        );
    }
}

#[test]
fn bad_requests_are_refused() {
    use Encoding::{Bare, Cbor, Json};
    let cases: &[(Encoding, Vec<u8>, &str)] = &[
        (Json, b"".to_vec(), "encoding.invalid"),
        (Json, b"[1]".to_vec(), "request.invalid"),
        (Json, b"{}".to_vec(), "request.invalid"),
        (Json, br#"{"x":1}"#.to_vec(), "request.invalid"),
        (Json, br#"{"body":1,"wait":1}"#.to_vec(), "request.invalid"),
        (
            Json,
            br#"{"body":1,"wait":"yes"}"#.to_vec(),
            "request.invalid",
        ),
        (
            Json,
            br#"{"body":1,"timeout":-1}"#.to_vec(),
            "request.invalid",
        ),
        (
            Json,
            br#"{"body":1,"timeout":"5"}"#.to_vec(),
            "request.invalid",
        ),
        (
            Json,
            br#"{"body":1,"timeout":[]}"#.to_vec(),
            "request.invalid",
        ),
        (Json, br#"{"body":1} 2"#.to_vec(), "encoding.invalid"),
        (Cbor, hex("a1 64 \"body\""), "encoding.invalid"),
        (Cbor, hex("a1 64 \"body\" 61 ff"), "encoding.invalid"),
        (
            Cbor,
            hex("a2 64 \"body\" 01 67 \"timeout\" f97e00"),
            "request.invalid",
        ),
        (
            Cbor,
            hex("a2 64 \"body\" 01 67 \"timeout\" f97c00"),
            "request.invalid",
        ),
        (Cbor, hex("a0 00"), "encoding.invalid"),
        (Bare, b"".to_vec(), "encoding.invalid"),
        (Bare, hex("0500 01 f6 00 00 00"), "encoding.invalid"),
        (Bare, hex("0400 00 00 00 00"), "encoding.invalid"),
        (Bare, hex("0400 02 f6f6 00 00 00"), "encoding.invalid"),
        (Bare, hex("0400 01 f6"), "encoding.invalid"),
        (Bare, hex("0400 01 f6 02"), "encoding.invalid"),
        (Bare, hex("0400 01 f6 00 00 01 00"), "encoding.invalid"),
    ];
    for (encoding, body, expected) in cases {
        assert_eq!(
            request(*encoding, body),
            Err((*expected).to_owned()),
            "{encoding:?} {body:x?}"
        );
    }
}

#[test]
fn answers_are_written_in_every_encoding() {
    let answer = |encoding, status, response| {
        encode_queue_response(encoding, status, response).expect("a sound response")
    };
    use QueueStatus::{Completed, TimedOut};
    assert_eq!(
        answer(Encoding::Json, Completed, Some(&[0x81, 0x01])),
        &br#"{"status":"completed","response":[1]}"#[..]
    );
    assert_eq!(
        answer(Encoding::Json, TimedOut, None),
        &br#"{"status":"timedOut"}"#[..]
    );
    assert_eq!(
        answer(Encoding::Cbor, Completed, None),
        hex("a1 66 \"status\" 69 \"completed\"")
    );
    assert_eq!(
        answer(Encoding::Bare, Completed, Some(&[0x01])),
        hex("0400 09 \"completed\" 01 01 01")
    );
    assert_eq!(
        answer(Encoding::Bare, TimedOut, None),
        hex("0400 08 \"timedOut\" 00")
    );
    assert!(encode_queue_response(Encoding::Json, Completed, Some(&[0x61, 0xff])).is_err());
}
