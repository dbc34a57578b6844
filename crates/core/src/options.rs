//! Per-actor-type settings.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use greenroom_types::limits;

use crate::WindowLimits;

/// Settings of one actor type. `Default` gives the documented defaults.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ActorOptions {
    /// Idle time after which the actor goes to sleep; `None` never. Default 30 s.
    pub sleep_timeout: Option<Duration>,
    /// Time that the actor may take to stop, with everything that it has in progress. Default 15 s.
    pub sleep_grace_period: Duration,
    /// Longest time that a relaxed change waits for its commit. Default 1 s.
    pub state_save_interval: Duration,
    /// Time that the actor may take to start. Default 30 s.
    pub start_timeout: Duration,
    /// Events that only those get whom the host allows it, one subscription at a time. Default: none.
    pub guarded_events: Arc<BTreeSet<String>>,
    /// Whether the host is told the requests behind calls and connections. Default `false`.
    pub wants_request: bool,
    /// Whether the host is told of connections that ended while the actor slept. Default `false`.
    pub notices_departures: bool,
    /// Bytes that the actor's key-value pairs may have together. Default 64 MiB.
    pub max_kv_size: usize,
    /// Bytes that may wait for one connection, or one message. A client for which more waits is too slow,
    /// and disconnected. Default 16 MiB.
    pub max_connection_backlog: usize,
    /// Time that an action may take. The host counts it; the runtime does only when the host comes to run
    /// nothing, see [`Runtime::stalled`](crate::Runtime::stalled). `None`: no limit. Default 60 s.
    pub action_timeout: Option<Duration>,
    /// What the actor may weigh, in bytes, before the log says so; `None` never does. Default 64 MiB.
    pub weight_warning: Option<u64>,
    /// What becomes of an actor whose instance was lost. Default [`CrashPolicy::Sleep`].
    pub crash_policy: CrashPolicy,
    /// How much is kept of the actor's events, for clients that come back and missed some. Default: nothing.
    pub resume: Option<WindowLimits>,
    /// Which answers are recorded, so that calls that are made again do not run again.
    pub call_records: CallRecordLimits,
}

/// How many answers of calls that run once an actor keeps. What it cannot keep any more, it refuses to
/// answer again (`actor.call_expired`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallRecordLimits {
    /// Answers; with 0 none is recorded, and whatever is made again is refused. Default 1,000.
    pub count: usize,
    /// Bytes that they have together, their ids included. Default 1 MiB.
    pub size: usize,
    /// How long they are kept. Default 10 minutes.
    pub age: Duration,
}

impl Default for CallRecordLimits {
    fn default() -> Self {
        Self {
            count: limits::CALL_RECORDS,
            size: limits::CALL_RECORDS_SIZE,
            age: limits::CALL_RECORD_AGE,
        }
    }
}

/// What becomes of an actor whose instance was lost without going to sleep: because the process died, a
/// commit failed, or the actor could not start again after one of these.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CrashPolicy {
    /// It is asleep, and wakes for the next call, connection or alarm. One that had asked to be woken
    /// again ([`Output::Awake`](crate::Output::Awake)) is woken as with [`CrashPolicy::Restart`].
    #[default]
    Sleep,
    /// It is woken at once; after several losses in a row it is given longer and longer pauses.
    Restart,
    /// It is destroyed. No hook runs: there is no instance left to run it.
    Destroy,
}

impl CrashPolicy {
    /// Its name in the management API: `sleep`, `restart` or `destroy`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sleep => "sleep",
            Self::Restart => "restart",
            Self::Destroy => "destroy",
        }
    }
}

impl Default for ActorOptions {
    fn default() -> Self {
        Self {
            sleep_timeout: Some(limits::SLEEP_TIMEOUT),
            sleep_grace_period: limits::SLEEP_GRACE_PERIOD,
            state_save_interval: limits::STATE_SAVE_INTERVAL,
            start_timeout: limits::START_TIMEOUT,
            guarded_events: Arc::default(),
            wants_request: false,
            notices_departures: false,
            max_kv_size: limits::KV_SIZE,
            max_connection_backlog: limits::CONN_BACKLOG,
            action_timeout: Some(limits::ACTION_TIMEOUT),
            weight_warning: Some(limits::WEIGHT_WARNING),
            crash_policy: CrashPolicy::default(),
            resume: None,
            call_records: CallRecordLimits::default(),
        }
    }
}
