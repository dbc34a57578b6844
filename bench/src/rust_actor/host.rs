//! Runs the actors: takes what the runtime delivers, one batch after the other, on one task.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use greenroom_core::{ActorHost, CallEvent, CallId, HostEvent, Instance, Output, Runtime, Turn};
use greenroom_types::ActorError;
use tokio::sync::Notify;

use super::counter::Counter;

/// What is delivered and not looked at yet.
#[derive(Clone, Default)]
pub(super) struct Host {
    inbox: Arc<Inbox>,
}

#[derive(Default)]
struct Inbox {
    /// Locked for as long as it takes to push or to swap.
    events: Mutex<Vec<(Instance, HostEvent)>>,
    filled: Notify,
}

impl ActorHost for Host {
    fn deliver(&self, instance: Instance, event: HostEvent) {
        self.inbox.lock().push((instance, event));
    }

    fn flush(&self) {
        self.inbox.filled.notify_one();
    }
}

impl Inbox {
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<(Instance, HostEvent)>> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Host {
    /// Answers everything that is delivered; never ends by itself.
    pub(super) async fn run(self, runtime: Runtime) {
        let mut actors = HashMap::new();
        let mut batch = Vec::new();
        loop {
            self.inbox.filled.notified().await;
            std::mem::swap(&mut batch, &mut *self.inbox.lock());
            for (instance, event) in batch.drain(..) {
                if let Some(turn) = turn(&mut actors, instance, event) {
                    runtime.turn(instance, turn);
                }
            }
        }
    }
}

/// What an instance does about one event. Nothing about those that these actors never asked for.
fn turn(
    actors: &mut HashMap<Instance, Counter>,
    instance: Instance,
    event: HostEvent,
) -> Option<Turn> {
    let mut turn = Turn::default();
    match event {
        HostEvent::Start(start) => {
            let counter = match start.state {
                None => Ok(Counter::create(&mut turn)),
                Some(state) => Counter::decode(&state),
            };
            turn.outputs.push(match counter {
                Ok(counter) => {
                    actors.insert(instance, counter);
                    Output::Started
                }
                Err(error) => Output::StartFailed(ActorError::new(
                    "user",
                    "unreadable_state",
                    error.to_string(),
                )),
            });
        }
        HostEvent::Call(CallEvent {
            call, name, args, ..
        }) => {
            let result = actors.get_mut(&instance)?.act(&name, &args, &mut turn);
            turn.outputs.push(Output::Reply { call, result });
        }
        HostEvent::Connect(connect) => {
            turn.outputs.push(Output::Accept { conn: connect.conn });
        }
        HostEvent::Publish(publish) => refuse(publish.call, &mut turn),
        HostEvent::Fetch(fetch) => refuse(fetch.call, &mut turn),
        HostEvent::SocketConnect(connect) => turn.outputs.push(Output::Reject {
            conn: connect.conn,
            error: absent(),
        }),
        HostEvent::Stop(_) => {
            actors.remove(&instance);
            turn.outputs.push(Output::Stopped);
        }
        HostEvent::Drop => {
            actors.remove(&instance);
            return None;
        }
        HostEvent::Alarm(_)
        | HostEvent::Cancel(_)
        | HostEvent::Credit { .. }
        | HostEvent::Subscribe(_)
        | HostEvent::SocketMessage(..)
        | HostEvent::SocketClosed(..)
        | HostEvent::Disconnect(_)
        | HostEvent::BodyData(..)
        | HostEvent::BodyEnd(_)
        | HostEvent::BodyAbort(_)
        | HostEvent::BodyCredit(..)
        | HostEvent::Saved(_)
        | HostEvent::Kv(_) => return None,
    }
    Some(turn)
}

fn refuse(call: CallId, turn: &mut Turn) {
    turn.outputs.push(Output::Reply {
        call,
        result: Err(absent()),
    });
}

fn absent() -> ActorError {
    ActorError::new("user", "absent", "this actor has actions only")
}
