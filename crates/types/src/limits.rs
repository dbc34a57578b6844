//! Every limit of the system in one place, with what is answered when it is exceeded.
//!
//! Sizes are in bytes unless the name says otherwise. Where a limit can be configured, the value
//! here is its default.

use std::time::Duration;

/// Longest actor type name, in characters.
pub const NAME_CHARS: usize = 64;
/// Longest single part of an actor key (`actor.key_too_large`).
pub const KEY_PART: usize = 128;
/// Longest actor key, summed over its parts in storage form (`actor.key_too_large`).
pub const KEY_TOTAL: usize = 1024;
/// Largest actor input, as CBOR (`actor.input_too_large`).
pub const INPUT: usize = 4 * 1024 * 1024;
/// Largest connection parameters, as JSON (`message.incoming_too_long`).
pub const CONN_PARAMS: usize = 4 * 1024;
/// Largest frame or HTTP body that an actor accepts (`message.incoming_too_long`). Configurable.
pub const INCOMING_MESSAGE: usize = 64 * 1024;
/// Largest frame or HTTP body that an actor sends (`message.outgoing_too_long`). Configurable.
pub const OUTGOING_MESSAGE: usize = 1024 * 1024;
/// Deepest nesting of arrays and maps in a value that a peer sends (`encoding.invalid`).
pub const NESTING: usize = 128;
/// Largest bignum that is turned into decimal text, in bytes of the number (`encoding.invalid`).
/// The conversion is quadratic, so this also bounds its time.
pub const BIGNUM: usize = 4 * 1024;
/// Ways to read an ambiguous gateway key that a lookup tries.
pub const KEY_GROUPINGS: usize = 64;
/// Longest action or event name, in bytes (`request.invalid`).
pub const MEMBER_NAME: usize = 256;
/// Longest key that a user may choose for a call, in bytes (`request.invalid`).
pub const IDEMPOTENCY_KEY: usize = 256;
/// Answers that an actor records, so that a call that is made again does not run again. Configurable
/// per actor.
pub const CALL_RECORDS: usize = 1_000;
/// Bytes that these may have together, ids included. Configurable per actor.
pub const CALL_RECORDS_SIZE: usize = 1024 * 1024;
/// How long they are kept. Configurable per actor.
pub const CALL_RECORD_AGE: Duration = Duration::from_secs(600);
/// How long a call that is to run once goes on without a caller before its action is told that nobody
/// waits: the caller may have lost its connection and come back.
pub const CALLER_RETURN: Duration = Duration::from_secs(5);
/// Messages that may wait in one actor's mailbox (`actor.overloaded`).
pub const MAILBOX: usize = 4096;
/// Calls that one actor may have in progress at once (`actor.overloaded`).
pub const CALLS_IN_PROGRESS: usize = 8192;
/// Items that whoever takes a stream has taken at most before it says so.
pub const STREAM_CREDIT: u32 = 16;
/// Bytes of items that whoever takes a stream has taken at most, and one item, before it says so. What may
/// be under way is more than that, so that nobody waits for the other.
pub const STREAM_CREDIT_BYTES: usize = 32 * 1024;
/// What a client says about its calls and streams, such as that it gives one up, and its actor has not looked at: it
/// is read no further.
pub const UNHEEDED_WORDS: usize = 64;
/// Subscriptions that one connection may hold (`actor.overloaded`).
pub const SUBSCRIPTIONS_PER_CONN: usize = 1024;
/// Subscriptions that a client which comes back may name in one message; as many say that more follow.
pub const RESUMED_AT_ONCE: usize = 64;
/// Messages that a client may send before it is told that it is connected (`actor.overloaded`).
pub const EARLY_MESSAGES: usize = 32;
/// Bytes that may wait for one slow connection before it is closed. Configurable per actor.
pub const CONN_BACKLOG: usize = 16 * 1024 * 1024;
/// Largest body of a request to an actor's HTTP handler (`message.incoming_too_long`). Configurable.
pub const REQUEST_BODY: usize = 20 * 1024 * 1024;
/// Bytes of a streamed body that may be under way between its writer and its reader.
pub const STREAM_WINDOW: usize = 256 * 1024;
/// Largest piece of a streamed body.
pub const STREAM_PIECE: usize = 64 * 1024;
/// Bytes that one raw WebSocket may have in messages that its actor has not handled; its client is read
/// no further.
pub const SOCKET_WINDOW: usize = 1024 * 1024;
/// Largest group of commits that the embedded engine writes with one sync.
pub const COMMIT_BATCH: usize = 16 * 1024 * 1024;
/// Bytes that the key-value pairs of one actor may have together
/// (`actor.kv_storage_quota_exceeded`): all of them are in memory while it is awake. Configurable
/// per actor.
pub const KV_SIZE: usize = 64 * 1024 * 1024;
/// Events that an actor keeps for clients that come back, if it keeps them. Configurable per actor.
pub const WINDOW_EVENTS: usize = 1000;
/// Bytes of these events, in names, arguments and 64 for each event. Configurable per actor.
pub const WINDOW_BYTES: usize = 1024 * 1024;
/// Age up to which these events are kept. Configurable per actor.
pub const WINDOW_AGE: Duration = Duration::from_secs(300);
/// What an actor may weigh in memory before the log says so. Configurable.
pub const WEIGHT_WARNING: u64 = 64 * 1024 * 1024;
/// Time that an action may take (`actor.action_timed_out`). Configurable per actor.
pub const ACTION_TIMEOUT: Duration = Duration::from_secs(60);
/// Idle time after which an actor is put to sleep. Configurable per actor.
pub const SLEEP_TIMEOUT: Duration = Duration::from_secs(30);
/// Time that an actor's `onSleep` or `onDestroy` may take. Configurable per actor.
pub const SLEEP_GRACE_PERIOD: Duration = Duration::from_secs(15);
/// Longest time that a `relaxed` change waits before it is committed. Configurable per actor.
pub const STATE_SAVE_INTERVAL: Duration = Duration::from_secs(1);
/// Time that an actor may take to start before its callers get `actor.not_ready`.
pub const START_TIMEOUT: Duration = Duration::from_secs(30);
