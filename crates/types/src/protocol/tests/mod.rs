mod actions_over_http;
mod client_frames;
mod encodings;
mod extensions;
mod primitives;
mod queue_over_http;
mod server_frames;

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::{ActorError, ActorId, ActorKey, EventFrame, ShardId, cbor, limits};

/// The bytes of a hexadecimal text; blanks are ignored, and `"text"` stands for its own bytes.
fn hex(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    for (index, part) in text.split('"').enumerate() {
        if index % 2 == 1 {
            out.extend_from_slice(part.as_bytes());
            continue;
        }
        let digits: Vec<char> = part.chars().filter(|c| !c.is_whitespace()).collect();
        for pair in digits.chunks(2) {
            let byte: String = pair.iter().collect();
            out.push(u8::from_str_radix(&byte, 16).expect("hexadecimal"));
        }
    }
    out
}

fn code(error: &ActorError) -> String {
    format!("{}.{}", error.group, error.code)
}

fn request(encoding: Encoding, body: &[u8]) -> Result<ActionRequest, ActorError> {
    decode_action_request(encoding, Bytes::copy_from_slice(body))
}

fn frame(encoding: Encoding, bytes: &[u8]) -> Result<ClientFrame, ActorError> {
    decode_client_frame(encoding, encoding.is_text(), Bytes::copy_from_slice(bytes))
}

fn actor_ref() -> ActorRef {
    let key = ActorKey::new(vec!["a/b".to_owned()]).expect("within limits");
    ActorRef::new(ActorId::new(ShardId::new(1), [7; 13]), 1, &key)
}

fn failure() -> ActorError {
    let metadata = Some(Bytes::from_static(b"\xa2\x61a\x01\x61b\x61x"));
    ActorError {
        metadata,
        ..ActorError::new("user", "my_code", "it failed")
    }
}

/// Bytes that are close to a valid message: a valid one with a few bytes changed or cut off.
fn near_message() -> impl Strategy<Value = Vec<u8>> {
    let valid = prop::sample::select(vec![
        hex("04 00 02 81 03"),
        hex("0400 00 00 09 \"increment\" 02 8101"),
        hex("0400 01 08 \"newCount\" 01"),
        hex("0400 20 07"),
        hex("0400 21 07 10"),
        br#"{"body":{"tag":"StreamCredit","val":{"id":7,"items":16}}}"#.to_vec(),
        hex("b9 0001 64 \"args\" 81 03"),
        hex(
            r#"a1 64"body" a2 63"tag" 6d"ActionRequest" 63"val" a3 62"id" 1b0000000000000007 64"name" 61"a" 64"args" 9f7f6161ffff"#,
        ),
        br#"{"body":{"tag":"ActionRequest","val":{"id":["$BigInt","7"],"name":"a","args":[1,"x"]}}}"#
            .to_vec(),
        br#"{"args":["$Undefined",0]}"#.to_vec(),
    ]);
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4);
    (valid, changes, any::<prop::sample::Index>(), any::<bool>()).prop_map(
        |(mut bytes, changes, end, cut)| {
            for (index, byte) in changes {
                let index = index.index(bytes.len());
                bytes[index] = byte;
            }
            if cut {
                bytes.truncate(end.index(bytes.len()));
            }
            bytes
        },
    )
}

proptest! {
    /// Whatever comes in, decoders answer, and arguments that they hand on are one sound array.
    #[test]
    fn bad_bytes_never_panic_and_never_get_through(
        bytes in prop_oneof![near_message(), prop::collection::vec(any::<u8>(), 0..48)],
        is_text in any::<bool>(),
    ) {
        let bytes = Bytes::from(bytes);
        let is_sound = |args: &Bytes| {
            cbor::validate(args) == Ok(()) && cbor::Reader::new(args).array().is_ok()
        };
        for encoding in Encoding::ALL {
            if let Ok(request) = decode_action_request(encoding, bytes.clone()) {
                prop_assert!(is_sound(&request.args));
            }
            if let Ok(ClientFrame::Action { args, .. }) =
                decode_client_frame(encoding, is_text, bytes.clone())
            {
                prop_assert!(is_sound(&args));
            }
            // Encoders meet the same bytes as values of a host that broke its word.
            encode_server_frame(encoding, ServerFrame::Response { id: 1, output: &bytes });
            encode_server_frame(encoding, ServerFrame::StreamItem { id: 1, item: &bytes });
            let error = ActorError { metadata: Some(bytes.clone()), ..ActorError::internal() };
            encode_error_body(encoding, &error, None);
        }
        let _ = conn_params_from_header(&bytes);
        let text = String::from_utf8_lossy(&bytes);
        let handshake = Handshake::parse(&text);
        let _ = (handshake.encoding(), handshake.conn_params());
    }

    #[test]
    fn actions_arrive_as_they_were_sent(id in any::<u64>(), name in "[a-z.]{0,20}", arg in any::<u32>()) {
        let mut args = Vec::new();
        cbor::put_array(&mut args, 1);
        cbor::put_uint(&mut args, u64::from(arg));
        let expected = |compat| ClientFrame::Action {
            id,
            name: name.clone(),
            args: args.clone().into(),
            compat,
            key: None,
        };
        let json = serde_json::json!({ "body": { "tag": "ActionRequest", "val": {
            "id": ["$BigInt", id.to_string()], "name": name, "args": [arg],
        } } });
        prop_assert_eq!(frame(Encoding::Json, json.to_string().as_bytes()), Ok(expected(true)));
        let mut bare = Vec::new();
        put_version(&mut bare);
        put_uint(&mut bare, 0);
        put_uint(&mut bare, id);
        put_str(&mut bare, &name);
        put_data(&mut bare, &args);
        prop_assert_eq!(frame(Encoding::Bare, &bare), Ok(expected(true)));
    }
}
