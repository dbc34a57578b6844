//! Batches of turns, as they come out of JavaScript.
//!
//! The addon's own reader, compiled in: a library for Node.js cannot be linked with.

#![no_main]

use bytes::Bytes;
use greenroom_server::InProcessBody;
use http_body_util::{BodyExt, Empty};
use libfuzzer_sys::fuzz_target;

#[expect(dead_code, unused_imports, reason = "only the reading side is fuzzed")]
#[path = "../../crates/node/src/batch/mod.rs"]
mod batch;

/// What the reader makes that other parts of the addon take.
mod gate {
    use bytes::Bytes;
    use greenroom_types::ActorError;

    pub(crate) type Answer = Result<Option<Bytes>, ActorError>;
}

#[expect(dead_code, reason = "only the reading side is fuzzed")]
#[path = "../../crates/node/src/in_process/request.rs"]
mod request;

mod in_process {
    pub(crate) use crate::request::{Answer, Begin, BeginBody, Requested};
}

fuzz_target!(|input: &[u8]| {
    let mut len = 0;
    let mut turns = batch::Turns::new(Bytes::copy_from_slice(input));
    while let Some(turn) = turns.next() {
        let Ok(handed) = turn else {
            assert!(turns.next().is_none(), "nothing can be read after an error");
            return;
        };
        // Each turn takes the bytes of its head at least.
        len += 13;
        assert!(len <= input.len(), "more turns than there are bytes for");
        for request in handed.requests {
            if let in_process::Requested::Begin(begin) = request {
                let body = Empty::new().map_err(|never| match never {});
                let _ = begin.request(InProcessBody::new(body));
            }
        }
    }
});
