//! User code for the tests: a `counter` in a few lines of Rust.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use greenroom_core::{
    ActorHost, CallEvent, CallId, ConnKey, HostEvent, Instance, Output, PublishEvent, ResponseHead,
    Runtime, Turn, WhenSlow,
};
use greenroom_types::{ActorError, cbor};
use tokio::sync::{Notify, mpsc};

/// What tests look at from outside.
#[derive(Debug, Default)]
pub(crate) struct Observed {
    /// Calls whose caller went away before the answer.
    pub(crate) cancelled: AtomicUsize,
    /// Connections that were admitted and are not gone.
    pub(crate) connected: AtomicUsize,
    /// Lets all calls that hang be answered.
    pub(crate) release: Notify,
    /// Calls that `hang` has taken.
    pub(crate) hanging: AtomicUsize,
}

/// Hands events to the task that runs the actors.
pub(crate) struct CounterHost(mpsc::UnboundedSender<(Instance, HostEvent)>);

impl ActorHost for CounterHost {
    fn deliver(&self, instance: Instance, event: HostEvent) {
        // Fails only after the test has ended.
        let _ = self.0.send((instance, event));
    }

    fn flush(&self) {}
}

/// The task that runs the actors, before it runs.
pub(crate) struct Counters {
    events: mpsc::UnboundedReceiver<(Instance, HostEvent)>,
    observed: Arc<Observed>,
}

/// A host and the task that does its work.
pub(crate) fn counters() -> (CounterHost, Counters, Arc<Observed>) {
    let (sender, events) = mpsc::unbounded_channel();
    let observed = Arc::new(Observed::default());
    (
        CounterHost(sender),
        Counters {
            events,
            observed: Arc::clone(&observed),
        },
        observed,
    )
}

impl Counters {
    pub(crate) async fn run(mut self, runtime: Runtime) {
        let mut counts: HashMap<Instance, i64> = HashMap::new();
        let mut hanging: Vec<(Instance, CallId)> = Vec::new();
        // Those that are to stop, and wait for the calls that hang.
        let mut stopping: Vec<Instance> = Vec::new();
        loop {
            tokio::select! {
                biased;
                () = self.observed.release.notified() => {
                    for (instance, call) in hanging.drain(..) {
                        let reply = Output::Reply { call, result: Ok(int(0)) };
                        runtime.turn(instance, turn(Bytes::new(), vec![reply]));
                    }
                    for instance in stopping.drain(..) {
                        counts.remove(&instance);
                        runtime.turn(instance, turn(Bytes::new(), vec![Output::Stopped]));
                    }
                }
                Some((instance, event)) = self.events.recv() => {
                    if let HostEvent::Call(call) = &event && call.name == "hang" {
                        hanging.push((instance, call.call));
                    }
                    if matches!(event, HostEvent::Stop(_))
                        && hanging.iter().any(|(other, _)| *other == instance)
                    {
                        stopping.push(instance);
                        continue;
                    }
                    if let Some(turn) = self.turn(&mut counts, instance, event) {
                        runtime.turn(instance, turn);
                    }
                }
                else => return,
            }
        }
    }

    fn turn(
        &self,
        counts: &mut HashMap<Instance, i64>,
        instance: Instance,
        event: HostEvent,
    ) -> Option<Turn> {
        match event {
            HostEvent::Start(start) => {
                let stored = start
                    .state
                    .as_ref()
                    .map(|state| cbor::Reader::new(state).int().unwrap());
                counts.insert(instance, stored.unwrap_or(0));
                let changes = if stored.is_none() {
                    replace_root(0)
                } else {
                    Bytes::new()
                };
                Some(turn(changes, vec![Output::Started]))
            }
            HostEvent::Call(call) => self.call(counts.get_mut(&instance)?, &call),
            HostEvent::Alarm(_) => None,
            HostEvent::Publish(publish) => {
                publish_answer(&publish).map(|reply| turn(Bytes::new(), vec![reply]))
            }
            HostEvent::Credit { .. } | HostEvent::Cancel(_) => {
                self.observed.cancelled.fetch_add(1, Ordering::SeqCst);
                None
            }
            HostEvent::Connect(connect) => {
                // `"refuse me"` in CBOR.
                if connect.client.params.as_deref() == Some(b"\x69refuse me") {
                    let error = ActorError::forbidden("you may not come in");
                    return Some(turn(
                        Bytes::new(),
                        vec![Output::Reject {
                            conn: connect.conn,
                            error,
                        }],
                    ));
                }
                self.observed.connected.fetch_add(1, Ordering::SeqCst);
                Some(turn(
                    Bytes::new(),
                    vec![Output::Accept { conn: connect.conn }],
                ))
            }
            HostEvent::Subscribe(_) => None,
            HostEvent::Disconnect(_) => {
                self.observed.connected.fetch_sub(1, Ordering::SeqCst);
                None
            }
            HostEvent::Stop(_) => {
                counts.remove(&instance);
                Some(turn(Bytes::new(), vec![Output::Stopped]))
            }
            HostEvent::Drop => {
                counts.remove(&instance);
                None
            }
            // Requests are answered with nothing but a header.
            HostEvent::Fetch(fetch) => {
                let head = ResponseHead {
                    status: 299,
                    reason: "Seen".to_owned(),
                    headers: vec![("x-body".to_owned(), fetch.has_body.to_string().into())],
                };
                let output = Output::ResponseHead {
                    call: fetch.call,
                    head,
                    has_body: false,
                };
                Some(turn(Bytes::new(), vec![output]))
            }
            HostEvent::Saved(_)
            | HostEvent::Kv(_)
            | HostEvent::BodyData(..)
            | HostEvent::BodyEnd(_)
            | HostEvent::BodyAbort(_)
            | HostEvent::BodyCredit(..)
            | HostEvent::SocketConnect(_)
            | HostEvent::SocketMessage(..)
            | HostEvent::SocketClosed(..) => None,
        }
    }

    fn call(&self, count: &mut i64, call: &CallEvent) -> Option<Turn> {
        let mut args = cbor::Reader::new(&call.args);
        args.array().unwrap();
        let reply = |result| Output::Reply {
            call: call.call,
            result,
        };
        let outputs = match call.name.as_str() {
            "increment" => {
                *count += args.int().unwrap_or(1);
                let event = event("newCount", &int(*count));
                return Some(turn(
                    replace_root(*count),
                    vec![event, reply(Ok(int(*count)))],
                ));
            }
            "getCount" => vec![reply(Ok(int(*count)))],
            "echo" => vec![reply(Ok(Bytes::copy_from_slice(
                args.item().unwrap_or(b"\xf7"),
            )))],
            "params" => vec![reply(Ok(call
                .client
                .params
                .clone()
                .unwrap_or(Bytes::from_static(b"\xf6"))))],
            "nested.deep" => vec![reply(Ok(int(7)))],
            "fail" => {
                let mut error = ActorError::new("user", "my_code", "it failed");
                error.metadata = Some(Bytes::from_static(b"\xa1\x61a\x61b"));
                vec![reply(Err(error))]
            }
            "text" => vec![reply(Ok(text(args.uint().unwrap())))],
            "sendText" => vec![
                event("text", &text(args.uint().unwrap())),
                reply(Ok(int(0))),
            ],
            "disconnect" => {
                let reason = args.text().unwrap().to_owned();
                let conn = call.conn.unwrap_or(ConnKey(0));
                vec![reply(Ok(int(0))), Output::Disconnect { conn, reason }]
            }
            "destroy" => vec![reply(Ok(int(0))), Output::Destroy],
            "hang" => {
                self.observed.hanging.fetch_add(1, Ordering::SeqCst);
                return None;
            }
            name => vec![reply(Err(ActorError::action_not_found(name)))],
        };
        Some(turn(Bytes::new(), outputs))
    }
}

/// Messages for `echo` come back as the response, those for `slow` time out, those for `fail` are refused, and those
/// for `hang` are not answered. Nothing is stored.
fn publish_answer(publish: &PublishEvent) -> Option<Output> {
    let result = match publish.queue.as_str() {
        "echo" if publish.wait => {
            let mut response = vec![0x81];
            response.extend_from_slice(&publish.body);
            Ok(response.into())
        }
        "echo" => Ok(Bytes::from_static(&[0x80])),
        "slow" => Ok(Bytes::from_static(&[0xf6])),
        "timeout" => {
            let mut response = vec![0x81];
            cbor::put_uint(&mut response, publish.timeout_ms.unwrap_or(0));
            Ok(response.into())
        }
        "params" => {
            let mut response = vec![0x81];
            response.extend_from_slice(publish.client.params.as_deref().unwrap_or(&[0xf6]));
            Ok(response.into())
        }
        "hang" => return None,
        "fail" => Err(ActorError::new("queue", "full", "no more")),
        "busy" => Err(ActorError::overloaded()),
        _ => Err(ActorError::new("queue", "not_found", "no such queue")),
    };
    let call = publish.call;
    Some(Output::Reply { call, result })
}

fn turn(changes: Bytes, outputs: Vec<Output>) -> Turn {
    Turn {
        changes,
        outputs,
        ..Turn::default()
    }
}

/// The state operation that makes `count` the whole state.
fn replace_root(count: i64) -> Bytes {
    const REPLACE_ROOT: u64 = 7;
    let mut out = Vec::new();
    cbor::put_array(&mut out, 2);
    cbor::put_uint(&mut out, REPLACE_ROOT);
    cbor::put_int(&mut out, count);
    out.into()
}

fn int(number: i64) -> Bytes {
    let mut out = Vec::new();
    cbor::put_int(&mut out, number);
    out.into()
}

fn text(len: u64) -> Bytes {
    let mut out = Vec::new();
    cbor::put_text(&mut out, &"x".repeat(usize::try_from(len).unwrap()));
    out.into()
}

fn event(name: &str, arg: &[u8]) -> Output {
    let mut args = Vec::new();
    cbor::put_array(&mut args, 1);
    args.extend_from_slice(arg);
    Output::Event {
        to: None,
        name: name.to_owned(),
        args: args.into(),
        when_slow: WhenSlow::Disconnect,
    }
}
