//! What a workload finds out: the figures by name, with their units.

/// One figure of a workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Metric {
    /// What it is called in result files.
    pub(crate) name: &'static str,
    /// The head of its column, with the unit.
    pub(crate) title: &'static str,
    /// Digits after the point.
    pub(crate) digits: usize,
    /// Whether it is worth a picture.
    pub(crate) plotted: bool,
}

impl Metric {
    const fn new(name: &'static str, title: &'static str, digits: usize) -> Self {
        Self {
            name,
            title,
            digits,
            plotted: false,
        }
    }

    /// The same, worth a picture.
    pub(crate) const fn plotted(self) -> Self {
        Self {
            plotted: true,
            ..self
        }
    }
}

/// Processors that other programs kept busy on average: 0 on a quiet machine.
pub(crate) const OTHER_LOAD: Metric = Metric::new("other_load", "other load", 2);

/// Server CPU time per operation, user and system.
pub(crate) const CPU: Metric = Metric::new("server_cpu_us", "server CPU µs/op", 1);
/// Replies per second.
pub(crate) const RATE: Metric = Metric::new("per_second", "ops/s", 0);
/// Median time from request to reply.
pub(crate) const P50: Metric = Metric::new("latency_p50_us", "p50 µs", 0);
/// 99th percentile of the same.
pub(crate) const P99: Metric = Metric::new("latency_p99_us", "p99 µs", 0);

/// Server CPU time per event and subscriber.
pub(crate) const CPU_DELIVERY: Metric =
    Metric::new("server_cpu_us_per_delivery", "server CPU µs/delivery", 2);
/// Events that arrived per second, at all subscribers together.
pub(crate) const DELIVERIES: Metric = Metric::new("deliveries_per_second", "deliveries/s", 0);
/// Median time from asking for an event to the last subscriber's having it.
pub(crate) const ALL_P50: Metric = Metric::new("until_all_p50_us", "until all have it, p50 µs", 0);

/// Median latency of a call that wakes the actor, beyond that of a call to the same actor awake.
pub(crate) const WAKE_EXTRA: Metric = Metric::new("wake_extra_us", "wake over warm, p50 µs", 0);
/// Median latency of a call that wakes the actor.
pub(crate) const WAKE_P50: Metric = Metric::new("wake_p50_us", "wake p50 µs", 0);
/// Median latency of a call to the same actor awake.
pub(crate) const WARM_P50: Metric = Metric::new("warm_p50_us", "warm p50 µs", 0);

/// Bytes that the server handed to the kernel per byte that was appended.
pub(crate) const WRITTEN: Metric =
    Metric::new("written_per_byte", "bytes written per byte of change", 1);
/// Bytes of whole pages that went to the disk per byte that was appended.
pub(crate) const DISK: Metric = Metric::new("disk_per_byte", "bytes to disk per byte of change", 1);

/// What the list weighs at the end, which was of the workload's size at first.
pub(crate) const LIST: Metric = Metric::new("list_kb", "kB in the list at the end", 0);

/// Memory in RAM for one actor that is awake and has nothing to do.
pub(crate) const ACTOR_MEMORY: Metric = Metric::new("bytes_per_actor", "bytes/idle actor", 0);
/// JavaScript heap for the same.
pub(crate) const ACTOR_HEAP: Metric =
    Metric::new("heap_bytes_per_actor", "of it JavaScript heap", 0);
/// Memory in RAM for one open connection that nothing happens on.
pub(crate) const CONNECTION_MEMORY: Metric =
    Metric::new("bytes_per_connection", "bytes/idle connection", 0);
/// JavaScript heap for the same.
pub(crate) const CONNECTION_HEAP: Metric =
    Metric::new("heap_bytes_per_connection", "of it JavaScript heap", 0);
/// Memory in RAM for one actor that sleeps.
pub(crate) const SLEEPER_MEMORY: Metric =
    Metric::new("bytes_per_sleeper", "bytes/sleeping actor", 0);
/// Memory in RAM before the first actor.
pub(crate) const EMPTY_MEMORY: Metric = Metric::new("empty_mb", "MB before the first actor", 1);

/// Time from starting the process to the reply of the first durable action.
pub(crate) const FIRST_ACTION: Metric = Metric::new("first_action_ms", "ms to first action", 1);
/// Time from starting the process to its listening.
pub(crate) const LISTENS: Metric = Metric::new("listens_ms", "ms to listening", 1);
/// CPU time of the server until then.
pub(crate) const START_CPU: Metric = Metric::new("server_cpu_ms", "server CPU ms", 0);

/// Acknowledged writes that were not there afterwards.
pub(crate) const LOST: Metric = Metric::new("lost_writes", "acknowledged writes lost", 0);
/// Time from starting the process again to a reply that reads the state.
pub(crate) const READABLE: Metric = Metric::new("readable_ms", "ms until readable again", 1);

/// What an installation for production takes on disk.
pub(crate) const INSTALL: Metric = Metric::new("install_mb", "node_modules MB", 1);
/// Packages in it.
pub(crate) const PACKAGES: Metric = Metric::new("packages", "packages", 0);
/// The client for browsers, bundled, minified and compressed.
pub(crate) const BROWSER: Metric = Metric::new("browser_client_kb", "browser client kB gzip", 1);
