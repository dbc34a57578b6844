//! What clients send, written from what the server has read of it.
//!
//! Each function gives nothing where an encoding cannot say the same: values in compat form are not plain ones, and
//! JSON lacks most of what CBOR has.

use greenroom_types::{
    cbor,
    once::CallerId,
    protocol::{
        ActionRequest, ClientFrame, Encoding, QueueRequest, put_data, put_optional, put_str,
        put_uint, put_version,
    },
    value::{cbor_to_json, json_to_cbor_within},
};

/// More than any value here is nested.
const DEEP: usize = 1024;

/// One frame of a client.
pub fn client_frame(encoding: Encoding, frame: &ClientFrame) -> Option<Vec<u8>> {
    match encoding {
        Encoding::Json => json_frame(frame),
        Encoding::Cbor => cbor_frame(frame),
        Encoding::Bare => bare_frame(frame),
    }
}

/// The body of an action over HTTP.
pub fn action_request(encoding: Encoding, request: &ActionRequest) -> Option<Vec<u8>> {
    if encoding.is_compat() != request.compat {
        return None;
    }
    Some(match encoding {
        Encoding::Json => format!(r#"{{"args":{}}}"#, json_value(&request.args)?).into_bytes(),
        Encoding::Cbor => {
            let mut out = Vec::new();
            cbor::put_map(&mut out, 1);
            put_member(&mut out, "args", &request.args);
            out
        }
        Encoding::Bare => {
            let mut out = Vec::new();
            put_version(&mut out);
            put_data(&mut out, &request.args);
            out
        }
    })
}

/// The body of a queue message over HTTP.
pub fn queue_request(encoding: Encoding, request: &QueueRequest) -> Option<Vec<u8>> {
    if encoding.is_compat() != request.compat {
        return None;
    }
    // In the other encodings a timeout is a number of JavaScript's.
    let exact = request.timeout_ms.is_none_or(|timeout| timeout <= 1 << 53);
    match encoding {
        Encoding::Json if exact => {
            let timeout = request
                .timeout_ms
                .map(|timeout| format!(r#","timeout":{timeout}"#));
            let (body, wait) = (json_value(&request.body)?, request.wait);
            Some(
                format!(
                    r#"{{"body":{body},"wait":{wait}{}}}"#,
                    timeout.unwrap_or_default()
                )
                .into_bytes(),
            )
        }
        Encoding::Json => None,
        Encoding::Cbor => {
            let mut out = Vec::new();
            cbor::put_map(&mut out, if request.timeout_ms.is_some() { 3 } else { 2 });
            put_member(&mut out, "body", &request.body);
            cbor::put_text(&mut out, "wait");
            cbor::put_bool(&mut out, request.wait);
            if let Some(timeout) = request.timeout_ms {
                cbor::put_text(&mut out, "timeout");
                cbor::put_uint(&mut out, timeout);
            }
            Some(out)
        }
        Encoding::Bare => {
            let mut out = Vec::new();
            put_version(&mut out);
            put_data(&mut out, &request.body);
            put_optional(&mut out, true);
            put_str(&mut out, "a name that means nothing");
            put_optional(&mut out, true);
            put_optional(&mut out, request.wait);
            put_optional(&mut out, request.timeout_ms.is_some());
            if let Some(timeout) = request.timeout_ms {
                out.extend(timeout.to_le_bytes());
            }
            Some(out)
        }
    }
}

/// A value in compat form as JSON, if that says all of it.
fn json_value(value: &[u8]) -> Option<String> {
    let mut json = Vec::new();
    cbor_to_json(value, &mut json).ok()?;
    let again = json_to_cbor_within(&json, DEEP).expect("our own JSON");
    (again == value).then(|| String::from_utf8(json).expect("JSON is text"))
}

fn json_text(text: &str) -> String {
    serde_json::to_string(text).expect("text is JSON")
}

fn json_frame(frame: &ClientFrame) -> Option<Vec<u8>> {
    let (tag, val) = match frame {
        ClientFrame::Action {
            id,
            name,
            args,
            compat: true,
            key,
        } => (
            "ActionRequest",
            format!(
                r#""id":["$BigInt","{id}"],"name":{},"args":{}{}"#,
                json_text(name),
                json_value(args)?,
                key.as_ref()
                    .map(|key| format!(r#","idempotencyKey":{}"#, json_text(key)))
                    .unwrap_or_default()
            ),
        ),
        ClientFrame::Action { compat: false, .. } => return None,
        ClientFrame::Subscribe { event, on } => (
            "SubscriptionRequest",
            format!(r#""eventName":{},"subscribe":{on}"#, json_text(event)),
        ),
        ClientFrame::Cancel { id } => ("CancelRequest", format!(r#""id":["$BigInt","{id}"]"#)),
        ClientFrame::Caller {
            caller,
            next,
            waited_ms,
        } => (
            "CallerRequest",
            format!(
                r#""caller":"{}","next":["$BigInt","{next}"],"waited":["$BigInt","{waited_ms}"]"#,
                hexadecimal(caller)
            ),
        ),
        ClientFrame::Answered { first } => (
            "AnsweredRequest",
            format!(r#""first":["$BigInt","{first}"]"#),
        ),
        ClientFrame::Resume { events } => {
            let names: Vec<String> = events.iter().map(|name| json_text(name)).collect();
            (
                "ResumeRequest",
                format!(r#""events":[{}]"#, names.join(",")),
            )
        }
        ClientFrame::Credit { id, items } => (
            "StreamCredit",
            format!(r#""id":["$BigInt","{id}"],"items":{items}"#),
        ),
    };
    Some(format!(r#"{{"body":{{"tag":"{tag}","val":{{{val}}}}}}}"#).into_bytes())
}

fn cbor_frame(frame: &ClientFrame) -> Option<Vec<u8>> {
    let mut val = Vec::new();
    let tag = match frame {
        ClientFrame::Action {
            id,
            name,
            args,
            compat: false,
            key,
        } => {
            cbor::put_map(&mut val, if key.is_some() { 4 } else { 3 });
            if let Some(key) = key {
                put_text_member(&mut val, "idempotencyKey", key);
            }
            cbor::put_text(&mut val, "id");
            cbor::put_wide_uint(&mut val, *id);
            put_text_member(&mut val, "name", name);
            put_member(&mut val, "args", args);
            "ActionRequest"
        }
        ClientFrame::Action { compat: true, .. } => return None,
        ClientFrame::Subscribe { event, on } => {
            cbor::put_map(&mut val, 2);
            put_text_member(&mut val, "eventName", event);
            cbor::put_text(&mut val, "subscribe");
            cbor::put_bool(&mut val, *on);
            "SubscriptionRequest"
        }
        ClientFrame::Cancel { id } => {
            cbor::put_map(&mut val, 1);
            cbor::put_text(&mut val, "id");
            cbor::put_uint(&mut val, *id);
            "CancelRequest"
        }
        ClientFrame::Caller {
            caller,
            next,
            waited_ms,
        } => {
            cbor::put_map(&mut val, 3);
            put_text_member(&mut val, "caller", &hexadecimal(caller));
            cbor::put_text(&mut val, "next");
            cbor::put_uint(&mut val, *next);
            cbor::put_text(&mut val, "waited");
            cbor::put_uint(&mut val, *waited_ms);
            "CallerRequest"
        }
        ClientFrame::Answered { first } => {
            cbor::put_map(&mut val, 1);
            cbor::put_text(&mut val, "first");
            cbor::put_uint(&mut val, *first);
            "AnsweredRequest"
        }
        ClientFrame::Resume { events } => {
            cbor::put_map(&mut val, 1);
            cbor::put_text(&mut val, "events");
            cbor::put_array(&mut val, events.len());
            for name in events {
                cbor::put_text(&mut val, name);
            }
            "ResumeRequest"
        }
        ClientFrame::Credit { id, items } => {
            cbor::put_map(&mut val, 2);
            cbor::put_text(&mut val, "id");
            cbor::put_uint(&mut val, *id);
            cbor::put_text(&mut val, "items");
            cbor::put_uint(&mut val, u64::from(*items));
            "StreamCredit"
        }
    };
    let mut out = Vec::new();
    cbor::put_map(&mut out, 1);
    cbor::put_text(&mut out, "body");
    cbor::put_map(&mut out, 2);
    put_text_member(&mut out, "tag", tag);
    put_member(&mut out, "val", &val);
    Some(out)
}

fn bare_frame(frame: &ClientFrame) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    put_version(&mut out);
    match frame {
        ClientFrame::Action {
            id,
            name,
            args,
            compat: true,
            key,
        } => {
            put_uint(&mut out, if key.is_some() { 41 } else { 0 });
            put_uint(&mut out, *id);
            if let Some(key) = key {
                put_str(&mut out, key);
            }
            put_str(&mut out, name);
            put_data(&mut out, args);
        }
        ClientFrame::Action { compat: false, .. } => return None,
        ClientFrame::Subscribe { event, on } => {
            put_uint(&mut out, 1);
            put_str(&mut out, event);
            put_optional(&mut out, *on);
        }
        ClientFrame::Cancel { id } => {
            put_uint(&mut out, 32);
            put_uint(&mut out, *id);
        }
        ClientFrame::Caller {
            caller,
            next,
            waited_ms,
        } => {
            put_uint(&mut out, 40);
            put_str(&mut out, &hexadecimal(caller));
            put_uint(&mut out, *next);
            put_uint(&mut out, *waited_ms);
        }
        ClientFrame::Answered { first } => {
            put_uint(&mut out, 42);
            put_uint(&mut out, *first);
        }
        ClientFrame::Resume { events } => {
            put_uint(&mut out, 34);
            put_uint(&mut out, events.len() as u64);
            for name in events {
                put_str(&mut out, name);
            }
        }
        ClientFrame::Credit { id, items } => {
            put_uint(&mut out, 33);
            put_uint(&mut out, *id);
            put_uint(&mut out, u64::from(*items));
        }
    }
    Some(out)
}

fn hexadecimal(caller: &CallerId) -> String {
    caller.0.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn put_member(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    cbor::put_text(out, name);
    out.extend_from_slice(value);
}

fn put_text_member(out: &mut Vec<u8>, name: &str, text: &str) {
    cbor::put_text(out, name);
    cbor::put_text(out, text);
}
