//! A live actor: one task that owns the actor's mailbox, connections, calls and journal.

mod alarms;
mod answers;
mod asks;
mod conns;
mod destroy;
mod events;
mod exchanges;
mod following;
mod gate;
mod journal;
mod kv;
mod live;
mod mail;
mod message;
mod once;
mod revival;
mod snapshot;
mod sockets;
mod stall;
mod starting;
mod stopping;
mod task;
mod turns;
mod wake;

pub(crate) use exchanges::ExchangeEvent;
pub(crate) use message::{Answer, Control, Message, OnceWord, StreamKey, Word};
pub(crate) use sockets::cost;
pub(crate) use task::ActorTask;
pub(crate) use wake::Woken;
