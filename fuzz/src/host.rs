//! User code for the server targets: an actor that does with whatever it gets what one could do with it.

use std::collections::BTreeSet;

use bytes::Bytes;
use greenroom_core::{
    ActorHost, CallEvent, ConnKey, HostEvent, Instance, KvQuery, KvRange, KvRequest, Output,
    ResponseHead, Runtime, StreamPart, Turn, WhenSlow,
};
use greenroom_types::{ActorError, cbor, limits};
use tokio::sync::mpsc;

/// The name of its type.
pub const NAME: &str = "echo";

/// The event for which each subscription is asked about.
pub const GUARDED: &str = "guarded";

/// Hands events to the task that runs the actors.
pub struct EchoHost(mpsc::UnboundedSender<(Instance, HostEvent)>);

impl ActorHost for EchoHost {
    fn deliver(&self, instance: Instance, event: HostEvent) {
        // Fails only when all is over.
        let _ = self.0.send((instance, event));
    }

    fn flush(&self) {}
}

/// The task that runs the actors, before it runs.
pub struct Echo(mpsc::UnboundedReceiver<(Instance, HostEvent)>);

/// A host and the task that does its work.
pub fn echo() -> (EchoHost, Echo) {
    let (sender, events) = mpsc::unbounded_channel();
    (EchoHost(sender), Echo(events))
}

impl Echo {
    /// Runs the actors until the runtime is gone.
    pub async fn run(mut self, runtime: Runtime) {
        while let Some((instance, event)) = self.0.recv().await {
            if let Some(turn) = turn(event) {
                runtime.turn(instance, turn);
            }
        }
    }
}

fn turn(event: HostEvent) -> Option<Turn> {
    Some(match event {
        HostEvent::Start(start) => Turn {
            changes: if start.state.is_none() {
                replace_root(b"\x00")
            } else {
                Bytes::new()
            },
            ..says(vec![Output::Started])
        },
        HostEvent::Call(event) => call(&event),
        HostEvent::Publish(event) => {
            let mut response = vec![0x81];
            response.extend_from_slice(&event.body);
            says(vec![Output::Reply {
                call: event.call,
                result: match event.wait {
                    true => Ok(response.into()),
                    false => Ok(Bytes::from_static(&[0x80])),
                },
            }])
        }
        HostEvent::Connect(event) => match event.client.params.as_deref() {
            // `false`
            Some([0xf4]) => says(vec![Output::Reject {
                conn: event.conn,
                error: ActorError::forbidden("not you"),
            }]),
            _ => says(vec![Output::Accept { conn: event.conn }]),
        },
        HostEvent::Subscribe(event) => says(vec![if event.ticket % 2 == 0 {
            Output::Subscribe {
                conn: event.conn,
                ticket: event.ticket,
            }
        } else {
            Output::RefuseSubscription {
                conn: event.conn,
                ticket: event.ticket,
                error: ActorError::forbidden("not this time"),
            }
        }]),
        HostEvent::SocketConnect(event) => says(vec![Output::AcceptSocket {
            conn: event.conn,
            hibernates: event.conn.0 % 2 == 0,
        }]),
        HostEvent::SocketMessage(conn, message) => says(vec![
            Output::SocketSend { conn, message },
            Output::SocketHandled { conn, count: 1 },
        ]),
        HostEvent::Fetch(event) => says(vec![Output::ResponseHead {
            call: event.call,
            head: ResponseHead {
                status: 200,
                reason: String::new(),
                headers: vec![("x-body".to_owned(), Bytes::from_static(b"as it came"))],
            },
            has_body: event.has_body,
        }]),
        HostEvent::BodyData(call, data) => {
            let bytes = u32::try_from(data.len()).expect("a piece is small");
            let pieces = data.chunks(limits::STREAM_PIECE);
            let mut outputs: Vec<_> = pieces
                .map(|piece| Output::ResponseData {
                    call,
                    data: data.slice_ref(piece),
                })
                .collect();
            outputs.push(Output::RequestCredit { call, bytes });
            says(outputs)
        }
        HostEvent::BodyEnd(call) => says(vec![Output::ResponseEnd { call }]),
        HostEvent::BodyAbort(call) => says(vec![Output::ResponseAbort { call }]),
        HostEvent::Stop(_) => says(vec![Output::Stopped]),
        HostEvent::Alarm(event) => says(vec![Output::Reply {
            call: event.call,
            result: Ok(Bytes::from_static(&[0xf6])),
        }]),
        HostEvent::Cancel(_)
        | HostEvent::Credit { .. }
        | HostEvent::SocketClosed(..)
        | HostEvent::Disconnect(_)
        | HostEvent::BodyCredit(..)
        | HostEvent::Saved(_)
        | HostEvent::Kv(_)
        | HostEvent::Drop => return None,
    })
}

/// Actions by name; the others are answered with their arguments.
fn call(event: &CallEvent) -> Turn {
    let call = event.call;
    let args = event.args.clone();
    let reply = |value: Bytes| Output::Reply {
        call,
        result: Ok(value),
    };
    let null = Bytes::from_static(&[0xf6]);
    match event.name.as_str() {
        "say" => says(vec![
            Output::Event {
                to: None,
                name: "said".to_owned(),
                args,
                when_slow: WhenSlow::Disconnect,
            },
            reply(null),
        ]),
        "guarded" => says(vec![
            Output::Event {
                to: None,
                name: GUARDED.to_owned(),
                args,
                when_slow: WhenSlow::Coalesce {
                    about: String::new(),
                },
            },
            reply(null),
        ]),
        "write" => Turn {
            kv: vec![
                KvRequest::Put {
                    token: Some(1),
                    pairs: vec![(args.clone(), args.clone())],
                },
                KvRequest::Read {
                    token: 2,
                    query: KvQuery::List(KvRange {
                        start: Bytes::new(),
                        end: None,
                        reverse: true,
                        limit: 9,
                    }),
                },
            ],
            ..says(vec![reply(null)])
        },
        "stream" if event.streams => says(vec![
            Output::Stream {
                call,
                part: StreamPart::Start,
            },
            Output::Stream {
                call,
                part: StreamPart::Item(args),
            },
            Output::Stream {
                call,
                part: StreamPart::End,
            },
        ]),
        "fail" => {
            let mut error = ActorError::new("user", "failed", "as it was asked to");
            error.metadata = Some(args);
            says(vec![Output::Reply {
                call,
                result: Err(error),
            }])
        }
        "leave" => says(vec![
            reply(null),
            Output::Disconnect {
                conn: event.conn.unwrap_or(ConnKey(0)),
                reason: "as it was asked to".to_owned(),
            },
        ]),
        "sleep" => says(vec![reply(null), Output::Sleep]),
        "destroy" => says(vec![reply(null), Output::Destroy]),
        _ => Turn {
            changes: replace_root(b"\x01"),
            ..says(vec![reply(args)])
        },
    }
}

/// The events that are guarded.
pub fn guarded_events() -> BTreeSet<String> {
    BTreeSet::from([GUARDED.to_owned()])
}

fn says(outputs: Vec<Output>) -> Turn {
    Turn {
        outputs,
        ..Turn::default()
    }
}

/// The state operation that makes `value` the whole state.
fn replace_root(value: &[u8]) -> Bytes {
    const REPLACE_ROOT: u64 = 7;
    let mut out = Vec::new();
    cbor::put_array(&mut out, 2);
    cbor::put_uint(&mut out, REPLACE_ROOT);
    out.extend_from_slice(value);
    out.into()
}
