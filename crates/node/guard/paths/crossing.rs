//! The crossing into JavaScript and back, without JavaScript: what is written for it, and what is read of it.

use std::{
    hint::black_box,
    sync::{Arc, atomic::AtomicBool},
};

use anyhow::{Result, ensure};
use bytes::Bytes;
use greenroom_core::{
    ActorHost, CallEvent, CallId, ClientInfo, ConnKey, HostEvent, Instance, Output,
};

use crate::{
    batch::Turns,
    host::{Bell, JsHost},
    measure::measured,
    path::Path,
};

/// Records of a batch.
const BATCH: u32 = 64;

pub(super) const PATHS: &[Path] = &[
    Path {
        name: "crossing-events",
        operations: 64 * BATCH,
        about: "write one call into a batch of 64 for JavaScript",
        run: events,
    },
    Path {
        name: "crossing-turns",
        operations: 64 * BATCH,
        about: "read one turn, a change and a reply, of a batch of 64 from JavaScript",
        run: turns,
    },
];

fn events(operations: u32) -> Result<()> {
    let host = JsHost::default();
    host.attach(Bell::new(|| (), Arc::new(AtomicBool::new(true))));
    let one_batch = || {
        for call in 0..BATCH {
            host.deliver(Instance(1), HostEvent::Call(call_event(call)));
        }
        host.flush();
        let batch = host.take();
        let length = batch.len();
        host.recycle(batch);
        length
    };
    // Both buffers have the room that they need after two.
    let length = one_batch().min(one_batch());
    let written = measured(|| (0..operations / BATCH).map(|_| one_batch()).sum::<usize>());
    ensure!(
        written == length * (operations / BATCH) as usize && length > 64 * 30,
        "batches of {length} bytes come to {written}"
    );
    Ok(())
}

fn call_event(call: u32) -> CallEvent {
    CallEvent {
        call: CallId(call),
        conn: Some(ConnKey(1)),
        name: "increment".to_owned(),
        args: Bytes::from_static(&[0x81, 0x01]),
        compat: true,
        streams: true,
        client: ClientInfo::default(),
        once: false,
    }
}

fn turns(operations: u32) -> Result<()> {
    let mut batch = Vec::new();
    for call in 0..BATCH {
        put_turn(&mut batch, call);
    }
    let batch = Bytes::from(batch);
    let read = measured(|| -> Result<u32> {
        let mut replies = 0;
        for _ in 0..operations / BATCH {
            for handed in Turns::new(black_box(&batch).clone()) {
                let turn = handed?.turn;
                replies += u32::from(matches!(turn.outputs[..], [Output::Reply { .. }]));
            }
        }
        Ok(replies)
    })?;
    ensure!(read == operations, "{read} replies of {operations}");
    Ok(())
}

/// A strict turn of instance 1 that sets `count` and answers the call, as `batch::turns` documents it.
fn put_turn(batch: &mut Vec<u8>, call: u32) {
    let changes = b"\x84\x00\x80\x65count\x18\x2a";
    let value = b"\x18\x2a";
    let mut outputs = vec![3];
    outputs.extend(call.to_le_bytes());
    put_bytes(&mut outputs, value);
    batch.extend(1u32.to_le_bytes());
    batch.push(0);
    put_bytes(batch, changes);
    put_bytes(batch, &outputs);
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    let length = u32::try_from(bytes.len()).expect("it is short");
    out.extend(length.to_le_bytes());
    out.extend_from_slice(bytes);
}
