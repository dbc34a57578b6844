//! The actor runtime: registry, actor tasks, turns, the output gate, state images, connections.
//!
//! An actor is its journal. This crate keeps the fold of that journal in memory while the actor is
//! awake, turns what user code produced into commits, and lets nothing out before the commit that
//! it depends on is durable. It never sees HTTP, JavaScript, SQL, the wall clock, OS randomness or
//! threads: store, host, clock and randomness come in as parameters.

mod actor;
mod alarm_clock;
mod client_info;
mod connection;
mod departure;
mod env;
mod error;
mod fetch;
mod generation;
mod host;
pub mod image;
mod inbox;
pub mod kv;
mod mark;
pub mod once;
mod options;
mod outbox;
pub mod queue;
mod registry;
mod reply_stream;
mod runtime;
pub mod schedule;
mod session;
mod shared;
mod socket;
mod stream;
mod weight;
pub mod window;

pub use client_info::{ClientFacts, ClientInfo};
pub use connection::{Connection, Passing};
pub use departure::{Clearance, Departure, departure};
pub use env::Env;
pub(crate) use error::store_error;
pub use fetch::{Fetch, FetchRequest, FetchResponse, ResponseHead};
pub use generation::Generation;
pub use host::{
    ActorHost, AlarmEvent, CallEvent, CallId, ConnKey, ConnectEvent, Durability, FetchEvent,
    HostEvent, Instance, Lane, Output, PublishEvent, RestoredConn, StartEvent, StopReason,
    StreamPart, SubscribeEvent, Turn, WhenSlow,
};
pub use kv::{KvAnswer, KvQuery, KvRange, KvRequest, KvResult};
pub use options::{ActorOptions, CallRecordLimits, CrashPolicy};
pub use outbox::{
    ClientMessage, CloseReason, Outbox, OutboxClosed, OutboxReader, ResumePoint, Resync,
    ResyncReason, outbox, outbox_with_limit,
};
pub use queue::{QueueMessage, QueueUpdate};
pub use reply_stream::{CallOutcome, ReplyStream};
pub use runtime::{CallRequest, ConnRequest, PublishRequest, Published, Runtime, RuntimeConfig};
pub use schedule::{Alarm, AlarmUpdate};
pub use session::{ResumeClaim, Resuming, Session};
pub use socket::{SocketClose, SocketMessage};
pub use stream::{BodyAborted, BodyWriter, ResponseBody};
pub use weight::{Identity, Weight};
pub use window::WindowLimits;
