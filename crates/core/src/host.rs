//! The seam to user code: what an actor instance is told, and what it hands back.
//!
//! The runtime speaks to user code through [`ActorHost`] alone. Values that belong to users cross
//! as opaque bytes: CBOR in the protocol's compat form for arguments, results, events, input and
//! parameters, and the host's own form for state.

use std::num::NonZeroU32;

use bytes::Bytes;
use greenroom_types::{ActorError, ActorId, ActorKey, ActorName};

use crate::{
    Alarm, AlarmUpdate, ClientInfo, Departure, KvAnswer, KvRequest, QueueMessage, QueueUpdate,
    ResponseHead, SocketClose, SocketMessage,
};

/// One life of an actor in memory, from start to stop. Never reused within a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instance(pub u32);

/// One of the threads that a host runs instances on, counted from 0.
///
/// Every instance of an actor runs on the same one, which its id tells: events need no table to get there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lane(pub u32);

impl Lane {
    /// The lane of an actor, out of so many.
    pub fn of(actor: ActorId, lanes: NonZeroU32) -> Self {
        let [.., a, b, c, d] = *actor.as_bytes();
        Self(u32::from_be_bytes([a, b, c, d]) % lanes)
    }

    /// The lane of an instance: the runtime numbers them so.
    pub fn of_instance(instance: Instance, lanes: NonZeroU32) -> Self {
        Self(instance.0 % lanes)
    }
}

/// A call in progress. Unique within an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub u32);

/// A connection of an actor. Unique within the actor for as long as the connection lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnKey(pub u32);

/// Runs user code. Implemented by the Node addon, by tests, and later by the Rust SDK and the
/// simulator.
///
/// `deliver` must not block and must not call back into the runtime before it returns. Events of
/// one instance arrive in order. The host answers through
/// [`Runtime::turn`](crate::Runtime::turn).
pub trait ActorHost: Send + Sync + 'static {
    /// Takes one event for one instance. It need not be looked at before [`ActorHost::flush`].
    fn deliver(&self, instance: Instance, event: HostEvent);

    /// How many threads it runs instances on, always the same. By default there is one, whatever it is.
    fn lanes(&self) -> NonZeroU32 {
        NonZeroU32::MIN
    }

    /// Whoever delivered has nothing more to deliver for now. Comes after every `deliver`, sooner or
    /// later, and lets the host wake up once for many events.
    fn flush(&self);
}

/// What an instance is told.
#[derive(Clone, Debug)]
pub enum HostEvent {
    /// Begin. The host answers with [`Output::Started`], [`Output::StartFailed`] or
    /// [`Output::StartRefused`].
    Start(Box<StartEvent>),
    /// Run an action. Answered with [`Output::Reply`], exactly once unless the instance stops.
    Call(CallEvent),
    /// An alarm is due. Answered with [`Output::Reply`], whose value nobody looks at; the turn that
    /// completes it also replaces or removes the alarm ([`Turn::alarms`]).
    Alarm(AlarmEvent),
    /// Somebody puts a message into a queue. Answered with [`Output::Reply`], exactly once unless the
    /// instance stops; what its value says is in [`Published`](crate::Published).
    Publish(PublishEvent),
    /// The caller of an action or of the HTTP handler has gone away or lost patience; its reply, or
    /// what is left of its response, is not waited for.
    Cancel(CallId),
    /// Whoever takes a stream has taken so many of its items.
    Credit {
        /// The call that streams.
        call: CallId,
        /// How many more.
        items: u32,
    },
    /// Decide whether to accept a connection: [`Output::Accept`] or [`Output::Reject`].
    Connect(ConnectEvent),
    /// Decide whether a connection may subscribe to a guarded event: [`Output::Subscribe`] or
    /// [`Output::RefuseSubscription`].
    Subscribe(SubscribeEvent),
    /// Decide whether to accept a raw WebSocket: [`Output::AcceptSocket`] or [`Output::Reject`].
    SocketConnect(ConnectEvent),
    /// A message on a raw WebSocket. Answered with [`Output::SocketHandled`], in order.
    SocketMessage(ConnKey, SocketMessage),
    /// A raw WebSocket has ended, whoever ended it.
    SocketClosed(ConnKey, SocketClose),
    /// An accepted connection is gone. Not told of raw WebSockets.
    Disconnect(ConnKey),
    /// Answer an HTTP request: with [`Output::ResponseHead`] and, if that announces a body,
    /// [`Output::ResponseData`] up to [`Output::ResponseEnd`] or [`Output::ResponseAbort`]; or with an
    /// error as [`Output::Reply`].
    Fetch(FetchEvent),
    /// A piece of a request's body. So much more of it follows as [`Output::RequestCredit`] grants,
    /// beyond the first [`STREAM_WINDOW`](greenroom_types::limits::STREAM_WINDOW) bytes.
    BodyData(CallId, Bytes),
    /// A request's body is complete.
    BodyEnd(CallId),
    /// A request's body breaks off.
    BodyAbort(CallId),
    /// So many bytes of a response were read: as many more may be put out, beyond the first
    /// [`STREAM_WINDOW`](greenroom_types::limits::STREAM_WINDOW).
    BodyCredit(CallId, usize),
    /// Changes up to the [`Output::Save`] with this token are durable.
    Saved(u32),
    /// The answer to a request of the key-value pairs ([`Turn::kv`]). Answers come in the order of the
    /// requests.
    Kv(KvAnswer),
    /// Finish within the actor's grace period: tell what is in progress that the end has come, run the
    /// hook for `reason`, answer calls, hand over what is left, and answer [`Output::Stopped`]. No call
    /// or alarm comes any more.
    Stop(StopReason),
    /// The instance is dead to the runtime; forget it without running any hook.
    Drop,
}

/// How an instance begins.
#[derive(Clone, Debug)]
pub struct StartEvent {
    /// The actor's id.
    pub id: ActorId,
    /// Its type.
    pub name: ActorName,
    /// Its key.
    pub key: ActorKey,
    /// What its creator passed, if anything.
    pub input: Option<Bytes>,
    /// The state image, in the host's form. Absent when none was ever stored: in an actor's first
    /// life, when it keeps no state, and when its state is ephemeral.
    pub state: Option<Bytes>,
    /// Whether this is the actor's first life: no start of it has ever been committed.
    pub created: bool,
    /// Whether it is awake for its end only, which comes as soon as it has started: of what happens in a life,
    /// nothing is to begin.
    pub ending: bool,
    /// Counts the lives of this actor; higher is later.
    pub generation: u64,
    /// Connections that outlived the previous instance.
    pub conns: Vec<RestoredConn>,
    /// The alarms that are set, earliest first.
    pub alarms: Vec<Alarm>,
    /// The bytes of all key-value pairs.
    pub kv_size: usize,
    /// The version of the state ([`Turn::state_version`]). Absent when none was ever stored.
    pub state_version: Option<u32>,
    /// The messages that wait in its queues, in order.
    pub messages: Vec<QueueMessage>,
    /// The highest number that a message ever had; 0 before the first.
    pub last_message: u64,
}

/// A connection that outlived the previous instance.
#[derive(Clone, Debug)]
pub struct RestoredConn {
    /// The runtime's handle.
    pub conn: ConnKey,
    /// The public id.
    pub id: String,
    /// Who opened it. The request behind it is kept only for raw WebSockets.
    pub client: ClientInfo,
    /// Its state as of the last [`Output::ConnState`], in the host's form.
    pub state: Option<Bytes>,
    /// Whether it is a raw WebSocket. Then the request behind it is told again.
    pub raw: bool,
}

/// A call to an action.
#[derive(Clone, Debug)]
pub struct CallEvent {
    /// To answer by.
    pub call: CallId,
    /// The connection that it came over; absent for a stateless call.
    pub conn: Option<ConnKey>,
    /// The dotted action name, unchecked.
    pub name: String,
    /// The arguments: one CBOR array.
    pub args: Bytes,
    /// Whether `args` are in compat form (`$` escapes inside) or plain CBOR.
    pub compat: bool,
    /// Whether the caller can take a result that streams ([`Output::Stream`]).
    pub streams: bool,
    /// Who makes a stateless call; empty for one over a connection.
    pub client: ClientInfo,
    /// Whether the call is to run once: then the host says if it goes on ([`Output::GoesOn`]), and
    /// the end of the connection that it came over is not the end of its caller.
    pub once: bool,
}

/// A request to the actor's own HTTP handler.
#[derive(Clone, Debug)]
pub struct FetchEvent {
    /// To answer by.
    pub call: CallId,
    /// Who asks, and in [`ClientFacts::request`](crate::ClientFacts::request) what for.
    pub client: ClientInfo,
    /// Whether a body follows.
    pub has_body: bool,
}

/// An alarm that is due. It is told again in the next life of the actor unless a commit has
/// replaced or removed it by then.
#[derive(Clone, Debug)]
pub struct AlarmEvent {
    /// To answer by.
    pub call: CallId,
    /// The alarm.
    pub alarm: Alarm,
    /// The time at which it is told, in milliseconds since the Unix epoch. Never before it is due.
    pub now_ms: i64,
}

/// A message for a queue.
#[derive(Clone, Debug)]
pub struct PublishEvent {
    /// To answer by.
    pub call: CallId,
    /// The name of the queue, unchecked.
    pub queue: String,
    /// The message: one CBOR value.
    pub body: Bytes,
    /// Whether `body` is in compat form (`$` escapes inside) or plain CBOR.
    pub compat: bool,
    /// Who sends it.
    pub client: ClientInfo,
    /// Whether the answer waits until the message is finished, and not only stored.
    pub wait: bool,
    /// How long to wait for that, in milliseconds; absent for as long as an action may take.
    pub timeout_ms: Option<u64>,
}

/// A connection that asks to be admitted.
#[derive(Clone, Debug)]
pub struct ConnectEvent {
    /// The runtime's handle.
    pub conn: ConnKey,
    /// The public id.
    pub id: String,
    /// Who asks.
    pub client: ClientInfo,
}

/// A connection that wants to hear a guarded event
/// ([`ActorOptions::guarded_events`](crate::ActorOptions::guarded_events)).
#[derive(Clone, Debug)]
pub struct SubscribeEvent {
    /// To answer by. An answer that comes when the client has changed its mind is ignored.
    pub ticket: u32,
    /// The connection.
    pub conn: ConnKey,
    /// The event's name.
    pub event: String,
}

/// Why an instance has to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// Idle, asked for, or the process is shutting down: `onSleep`.
    Sleep,
    /// For ever: `onDestroy`.
    Destroy,
}

/// When a change has to be durable, relative to the outputs of its turn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// Outputs wait until the change is durable.
    #[default]
    Strict,
    /// Outputs leave at once; the change is committed within the actor's `stateSaveInterval`.
    Relaxed,
    /// Outputs leave at once; the change asks for no commit. It is stored along with the next
    /// change that does, because later operations build on it.
    Ephemeral,
}

/// Everything that a turn produced, in the order in which it happened. One turn is one commit.
#[derive(Clone, Debug, Default)]
pub struct Turn {
    /// Changes to the state, as a sequence of operations (`image`). Empty for a read-only turn.
    pub changes: Bytes,
    /// Changes to the actor's alarms, in order. Part of the same commit.
    pub alarms: Vec<AlarmUpdate>,
    /// What to do with the actor's key-value pairs, in order. Writes are part of the same commit.
    pub kv: Vec<KvRequest>,
    /// Changes to the actor's queues, in order. Part of the same commit, which is then a strict one:
    /// who has put a message there relies on it.
    pub queue: Vec<QueueUpdate>,
    /// The version that the host gives the state as `changes` leave it. Part of the same commit.
    pub state_version: Option<u32>,
    /// How `changes` and the outputs relate. Alarms and pairs are stored within the actor's
    /// `stateSaveInterval` at the latest, whatever it says.
    pub durability: Durability,
    /// What leaves the actor.
    pub outputs: Vec<Output>,
}

/// A part of an answer that streams. The first is always the start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamPart {
    /// The call will be answered with a stream.
    Start,
    /// A value in compat form.
    Item(Bytes),
    /// Nothing follows.
    End,
}

/// What becomes of an event that waits for a client which does not read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum WhenSlow {
    /// It waits for as long as there is room, and then the client is disconnected.
    #[default]
    Disconnect,
    /// The oldest of these are left out when there is no room, and the client is told so. One that cannot be
    /// told, because it does not know our extensions, is disconnected.
    Drop,
    /// It gives way to the next event of the same name that is about the same.
    Coalesce {
        /// What it is about.
        about: String,
    },
}

/// Something that an instance hands to the runtime.
#[derive(Clone, Debug)]
pub enum Output {
    /// The instance is ready for calls.
    Started,
    /// The instance could not start; it is gone.
    StartFailed(ActorError),
    /// The instance refuses what it was created from; it is gone. In the actor's first life, which has
    /// not been committed, the actor goes with it as if it had never been created.
    StartRefused(ActorError),
    /// The answer to a call: a value in compat form, or an error.
    Reply {
        /// Which call.
        call: CallId,
        /// What it came to.
        result: Result<Bytes, ActorError>,
    },
    /// A call that is to run once ([`CallEvent::once`]) has begun, and is not over with this turn. Whatever
    /// is stored until it is answered may be of it.
    GoesOn {
        /// Which call.
        call: CallId,
    },
    /// A part of an answer that streams, to a caller that can take it. An [`Output::Reply`] with an
    /// error ends it as well.
    Stream {
        /// Which call.
        call: CallId,
        /// Which part.
        part: StreamPart,
    },
    /// An event for all its subscribers, or for one connection whether subscribed or not.
    Event {
        /// The connection; absent for all subscribers.
        to: Option<ConnKey>,
        /// The event's name.
        name: String,
        /// One CBOR array in compat form.
        args: Bytes,
        /// What becomes of it where it has to wait.
        when_slow: WhenSlow,
    },
    /// Admit a connection.
    Accept {
        /// Which.
        conn: ConnKey,
    },
    /// Admit a raw WebSocket.
    AcceptSocket {
        /// Which.
        conn: ConnKey,
        /// Whether the actor may sleep while it is open, and get it back when it wakes.
        hibernates: bool,
    },
    /// Send a message on a raw WebSocket.
    SocketSend {
        /// Which.
        conn: ConnKey,
        /// What to send.
        message: SocketMessage,
    },
    /// Close a raw WebSocket. Answered with [`HostEvent::SocketClosed`].
    SocketClose {
        /// Which.
        conn: ConnKey,
        /// How.
        close: SocketClose,
    },
    /// The oldest messages of a raw WebSocket are handled: they are not told again once this turn is
    /// durable.
    SocketHandled {
        /// Which.
        conn: ConnKey,
        /// How many.
        count: u32,
    },
    /// Refuse a connection.
    Reject {
        /// Which.
        conn: ConnKey,
        /// Why; the client is told.
        error: ActorError,
    },
    /// Let a connection hear a guarded event from now on.
    Subscribe {
        /// Which connection.
        conn: ConnKey,
        /// The question that this answers.
        ticket: u32,
    },
    /// Do not let a connection hear a guarded event. It stays open.
    RefuseSubscription {
        /// Which connection.
        conn: ConnKey,
        /// The question that this answers.
        ticket: u32,
        /// Why; the client is told.
        error: ActorError,
    },
    /// What to give back as [`RestoredConn::state`] when the actor wakes.
    ConnState {
        /// Which connection.
        conn: ConnKey,
        /// Its state, in the host's form.
        state: Bytes,
    },
    /// Close a connection.
    Disconnect {
        /// Which.
        conn: ConnKey,
        /// The reason that the client sees.
        reason: String,
    },
    /// Say when everything so far is durable, to something that leaves the actor on a way of its own.
    Depart(Departure),
    /// The response to a request begins. Without a body that is all of it.
    ResponseHead {
        /// Which call.
        call: CallId,
        /// Status and headers.
        head: ResponseHead,
        /// Whether a body follows.
        has_body: bool,
    },
    /// A piece of a response, of at most
    /// [`STREAM_PIECE`](greenroom_types::limits::STREAM_PIECE) bytes.
    ResponseData {
        /// Which call.
        call: CallId,
        /// The piece.
        data: Bytes,
    },
    /// A response is complete.
    ResponseEnd {
        /// Which call.
        call: CallId,
    },
    /// A response breaks off; its reader is told so, after what was put out before.
    ResponseAbort {
        /// Which call.
        call: CallId,
    },
    /// So many bytes of a request's body were read.
    RequestCredit {
        /// Which call.
        call: CallId,
        /// How many.
        bytes: u32,
    },
    /// Commit everything so far now, and answer [`HostEvent::Saved`] when it is durable.
    Save {
        /// To answer by.
        token: u32,
    },
    /// Commit everything so far within this many milliseconds.
    SaveWithin {
        /// The longest wait.
        max_wait_ms: u32,
    },
    /// What the instance is about besides its calls, as of now. At first nothing.
    Awake {
        /// Something is in progress that the actor must not be put to sleep over for being idle.
        held: bool,
        /// The actor is to be woken if its instance is lost, and in the next process if this one
        /// shuts down before it has finished.
        resumes: bool,
    },
    /// Put the actor to sleep: it is told to stop at once, and finishes what is in progress.
    Sleep,
    /// Destroy the actor: it is told to stop at once, and finishes what is in progress.
    Destroy,
    /// The instance has finished stopping; nothing follows.
    Stopped,
}
