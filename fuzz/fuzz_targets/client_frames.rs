//! Messages of a connected client, in each encoding.
//!
//! The first byte chooses encoding and kind of frame, the rest is the frame. What is let through keeps the limits,
//! and means the same when it is written again in any encoding that can say it.

#![no_main]

use bytes::Bytes;
use greenroom_fuzz::encode;
use greenroom_types::{
    cbor, limits,
    protocol::{ClientFrame, Encoding, decode_client_frame},
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((choice, frame)) = input.split_first() else {
        return;
    };
    let encoding = Encoding::ALL[usize::from(choice % 3)];
    let is_text = choice & 0x80 != 0;
    let Ok(frame) = decode_client_frame(encoding, is_text, Bytes::copy_from_slice(frame)) else {
        return;
    };
    assert!(
        encoding == Encoding::Json || !is_text,
        "text on a binary connection"
    );
    check_limits(&frame);
    for encoding in Encoding::ALL {
        if let Some(bytes) = encode::client_frame(encoding, &frame) {
            let again = decode_client_frame(encoding, encoding.is_text(), bytes.into());
            assert_eq!(
                again.as_ref(),
                Ok(&frame),
                "written again as {}",
                encoding.name()
            );
        }
    }
});

fn check_limits(frame: &ClientFrame) {
    match frame {
        ClientFrame::Action { name, args, .. } => {
            assert!(name.len() <= limits::MEMBER_NAME);
            cbor::validate(args).expect("arguments are one well-formed value");
            cbor::Reader::new(args)
                .array()
                .expect("arguments are an array");
        }
        ClientFrame::Subscribe { event, .. } => assert!(event.len() <= limits::MEMBER_NAME),
        ClientFrame::Resume { events } => {
            assert!(events.len() <= limits::SUBSCRIPTIONS_PER_CONN);
            assert!(events.iter().all(|name| name.len() <= limits::MEMBER_NAME));
        }
        ClientFrame::Caller { .. }
        | ClientFrame::Answered { .. }
        | ClientFrame::Cancel { .. }
        | ClientFrame::Credit { .. } => {}
    }
}
