//! The least that can be the host of an actor: a counter, on a task of its own.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use greenroom_core::{
    ActorHost, CallEvent, HostEvent, Instance, Output, Runtime, StartEvent, Turn, WhenSlow,
};
use greenroom_types::{
    ActorError,
    cbor::{self, Reader},
};
use tokio::sync::Notify;

/// Keeps what it is told until its task takes it, as the one for JavaScript does.
#[derive(Default)]
pub(crate) struct CounterHost {
    events: Mutex<Vec<(Instance, HostEvent)>>,
    bell: Notify,
}

impl CounterHost {
    fn events(&self) -> MutexGuard<'_, Vec<(Instance, HostEvent)>> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs the actors for as long as the task is not dropped.
    pub(crate) async fn run(self: Arc<Self>, runtime: Runtime) {
        let mut counters = HashMap::new();
        loop {
            self.bell.notified().await;
            let events = std::mem::take(&mut *self.events());
            for (instance, event) in events {
                if let Some(turn) = handle(&mut counters, instance, event) {
                    runtime.turn(instance, turn);
                }
            }
        }
    }
}

impl ActorHost for CounterHost {
    fn deliver(&self, instance: Instance, event: HostEvent) {
        self.events().push((instance, event));
    }

    fn flush(&self) {
        self.bell.notify_one();
    }
}

/// What an instance answers. Events that need no answer, or do not occur here, have none.
fn handle(
    counters: &mut HashMap<Instance, u64>,
    instance: Instance,
    event: HostEvent,
) -> Option<Turn> {
    let mut turn = Turn::default();
    match event {
        HostEvent::Start(start) => {
            counters.insert(instance, restore(&start, &mut turn));
            turn.outputs.push(Output::Started);
        }
        HostEvent::Call(call) => {
            let count = counters.entry(instance).or_default();
            let result = act(count, &call, &mut turn);
            turn.outputs.push(Output::Reply {
                call: call.call,
                result,
            });
        }
        HostEvent::Connect(connect) => turn.outputs.push(Output::Accept { conn: connect.conn }),
        HostEvent::Stop(_) => {
            counters.remove(&instance);
            turn.outputs.push(Output::Stopped);
        }
        _ => return None,
    }
    Some(turn)
}

/// The count of an actor that wakes; a new one gets its state.
fn restore(start: &StartEvent, turn: &mut Turn) -> u64 {
    let Some(state) = &start.state else {
        turn.changes = first_state();
        return 0;
    };
    let mut reader = Reader::new(state);
    let mut members = reader.map().expect("the state is an object");
    members.more(&mut reader).expect("it has a member");
    assert_eq!(reader.text(), Ok("count"));
    reader.uint().expect("it is a count")
}

/// `increment` adds 1 and stores it, `getCount` reads, `tell` broadcasts 100 bytes.
fn act(count: &mut u64, call: &CallEvent, turn: &mut Turn) -> Result<Bytes, ActorError> {
    match call.name.as_str() {
        "increment" => {
            *count += 1;
            turn.changes = set_count(*count);
        }
        "getCount" => {}
        "tell" => turn.outputs.push(Output::Event {
            to: None,
            name: "told".to_owned(),
            args: Bytes::from_static(&TOLD),
            when_slow: WhenSlow::Disconnect,
        }),
        other => return Err(ActorError::action_not_found(other)),
    }
    let mut value = Vec::with_capacity(9);
    cbor::put_uint(&mut value, *count);
    Ok(value.into())
}

/// An array of one text of 97 bytes.
const TOLD: [u8; 100] = {
    let mut told = [b'x'; 100];
    told[0] = 0x81;
    told[1] = 0x78;
    told[2] = 97;
    told
};

/// Replaces the root by `{ count: 0 }`.
fn first_state() -> Bytes {
    let mut out = Vec::new();
    cbor::put_array(&mut out, 2);
    cbor::put_uint(&mut out, 7);
    cbor::put_map(&mut out, 1);
    cbor::put_text(&mut out, "count");
    cbor::put_uint(&mut out, 0);
    out.into()
}

/// Sets `count` of the root.
fn set_count(count: u64) -> Bytes {
    let mut out = Vec::with_capacity(24);
    cbor::put_array(&mut out, 4);
    cbor::put_uint(&mut out, 0);
    cbor::put_array(&mut out, 0);
    cbor::put_text(&mut out, "count");
    cbor::put_uint(&mut out, count);
    out.into()
}
