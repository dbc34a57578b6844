//! The configuration that JavaScript hands over: JSON, checked once.

use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroU32,
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use greenroom_core::{ActorOptions, CallRecordLimits, CrashPolicy, WindowLimits};
use greenroom_server::{Display, RateLimit, Secret, ServerConfig};
use greenroom_types::ActorName;
use serde::{Deserialize, Deserializer};
use tracing::level_filters::LevelFilter;

/// Everything that a registry is started with.
#[derive(Debug)]
pub(crate) struct Config {
    /// The data directory.
    pub(crate) data_dir: PathBuf,
    /// The host name or address to listen on.
    pub(crate) host: String,
    /// The port to listen on; 0 means any free one. Absent: it listens nowhere, and is reached from
    /// within the process only.
    pub(crate) port: Option<u16>,
    /// What is logged.
    pub(crate) log_level: LevelFilter,
    /// The actor types.
    pub(crate) actors: BTreeMap<ActorName, ActorOptions>,
    /// The server's part.
    pub(crate) server: ServerConfig,
    /// The time that JavaScript may take to decide about a visitor. Absent: nobody decides.
    pub(crate) auth_timeout: Option<Duration>,
    /// After how long in one piece of code JavaScript counts as blocked. Absent: nobody watches.
    pub(crate) blocked_after: Option<Duration>,
    /// How many threads of JavaScript run actors, the one that starts the registry included.
    pub(crate) workers: NonZeroU32,
}

/// A configuration that cannot be used. The text names the field.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InvalidConfig {
    #[error("invalid configuration: {0}")]
    Json(#[from] serde_json::Error),
    #[error(
        "invalid configuration: `logLevel` is `{0}`, expected `off`, `error`, `warn`, `info`, `debug` or `trace`"
    )]
    LogLevel(String),
    #[error("invalid configuration: `dataDir` is `{0}`, expected an absolute path")]
    DataDir(String),
    #[error("invalid configuration: {0}")]
    ActorName(#[from] greenroom_types::InvalidName),
    #[error("invalid configuration: actor `{0}` is there twice")]
    RepeatedActor(ActorName),
}

impl Config {
    /// Reads the JSON form. Durations are in milliseconds, sizes in bytes; every field must be
    /// there and no other.
    ///
    /// # Errors
    /// [`InvalidConfig`], whose text names the field.
    pub(crate) fn parse(json: &str) -> Result<Self, InvalidConfig> {
        let raw: RawConfig = serde_json::from_str(json)?;
        let data_dir = PathBuf::from(&raw.data_dir);
        if !data_dir.is_absolute() {
            return Err(InvalidConfig::DataDir(raw.data_dir));
        }
        let Ok(log_level) = raw.log_level.parse() else {
            return Err(InvalidConfig::LogLevel(raw.log_level));
        };
        let mut actors = BTreeMap::new();
        let mut displays = BTreeMap::new();
        for actor in raw.actors {
            let name = ActorName::new(&actor.name)?;
            if actors.insert(name.clone(), actor.options.into()).is_some() {
                return Err(InvalidConfig::RepeatedActor(name));
            }
            displays.insert(name, actor.display.into());
        }
        let mut server = ServerConfig::default();
        server.version = raw.version;
        server.namespace = raw.namespace;
        server.displays = displays;
        server.static_dir = raw.static_dir;
        server.management_token = raw.token.map(Secret::new);
        server.development = raw.development;
        server.allowed_hosts = raw.allowed_hosts;
        server.allowed_origins = raw.allowed_origins;
        server.trusted_proxies = raw.trusted_proxies;
        server.rate_limit = raw.rate_limit.map(RateLimit::from);
        server.max_incoming_message = raw.max_incoming_message_size;
        server.max_outgoing_message = raw.max_outgoing_message_size;
        server.max_request_body = raw.max_request_body_size;
        Ok(Self {
            data_dir,
            host: raw.host,
            port: raw.port,
            log_level,
            actors,
            server,
            auth_timeout: raw.auth_timeout.map(Duration::from_millis),
            blocked_after: raw.blocked_after.map(Duration::from_millis),
            workers: raw.workers,
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RawConfig {
    version: String,
    data_dir: String,
    host: String,
    #[serde(deserialize_with = "nullable")]
    port: Option<u16>,
    namespace: String,
    log_level: String,
    max_incoming_message_size: usize,
    max_outgoing_message_size: usize,
    max_request_body_size: usize,
    #[serde(deserialize_with = "nullable")]
    static_dir: Option<PathBuf>,
    #[serde(deserialize_with = "nullable")]
    token: Option<String>,
    development: bool,
    allowed_hosts: Vec<String>,
    #[serde(deserialize_with = "nullable")]
    allowed_origins: Option<Vec<String>>,
    #[serde(deserialize_with = "nullable")]
    auth_timeout: Option<u64>,
    #[serde(deserialize_with = "nullable")]
    rate_limit: Option<RawRateLimit>,
    trusted_proxies: usize,
    #[serde(deserialize_with = "nullable")]
    blocked_after: Option<u64>,
    workers: NonZeroU32,
    actors: Vec<RawActor>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RawRateLimit {
    requests_per_minute: NonZeroU32,
    in_flight: NonZeroU32,
    creations_per_minute: NonZeroU32,
    connections: NonZeroU32,
}

impl From<RawRateLimit> for RateLimit {
    fn from(raw: RawRateLimit) -> Self {
        Self {
            requests_per_minute: raw.requests_per_minute,
            in_flight: raw.in_flight,
            creations_per_minute: raw.creations_per_minute,
            connections: raw.connections,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawActor {
    name: String,
    display: RawDisplay,
    options: RawOptions,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawDisplay {
    #[serde(deserialize_with = "nullable")]
    name: Option<String>,
    #[serde(deserialize_with = "nullable")]
    icon: Option<String>,
}

impl From<RawDisplay> for Display {
    fn from(raw: RawDisplay) -> Self {
        Self {
            name: raw.name,
            icon: raw.icon,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RawOptions {
    #[serde(deserialize_with = "nullable")]
    sleep_timeout: Option<u64>,
    sleep_grace_period: u64,
    state_save_interval: u64,
    start_timeout: u64,
    wants_request: bool,
    notices_departures: bool,
    max_kv_size: usize,
    max_connection_backlog: usize,
    #[serde(deserialize_with = "nullable")]
    action_timeout: Option<u64>,
    #[serde(deserialize_with = "nullable")]
    weight_warning: Option<u64>,
    max_call_records: usize,
    max_call_records_size: usize,
    call_record_timeout: u64,
    guarded_events: BTreeSet<String>,
    crash_policy: RawCrashPolicy,
    #[serde(deserialize_with = "nullable")]
    resume: Option<RawWindow>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RawWindow {
    max_events: usize,
    max_bytes: usize,
    max_age_ms: u64,
}

impl From<RawWindow> for WindowLimits {
    fn from(raw: RawWindow) -> Self {
        Self {
            max_events: raw.max_events,
            max_bytes: raw.max_bytes,
            max_age: Duration::from_millis(raw.max_age_ms),
        }
    }
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
enum RawCrashPolicy {
    Sleep,
    Restart,
    Destroy,
}

impl From<RawCrashPolicy> for CrashPolicy {
    fn from(raw: RawCrashPolicy) -> Self {
        match raw {
            RawCrashPolicy::Sleep => Self::Sleep,
            RawCrashPolicy::Restart => Self::Restart,
            RawCrashPolicy::Destroy => Self::Destroy,
        }
    }
}

impl From<RawOptions> for ActorOptions {
    fn from(raw: RawOptions) -> Self {
        let mut options = Self::default();
        options.sleep_timeout = raw.sleep_timeout.map(Duration::from_millis);
        options.sleep_grace_period = Duration::from_millis(raw.sleep_grace_period);
        options.state_save_interval = Duration::from_millis(raw.state_save_interval);
        options.wants_request = raw.wants_request;
        options.notices_departures = raw.notices_departures;
        options.start_timeout = Duration::from_millis(raw.start_timeout);
        options.max_kv_size = raw.max_kv_size;
        options.max_connection_backlog = raw.max_connection_backlog;
        options.action_timeout = raw.action_timeout.map(Duration::from_millis);
        options.weight_warning = raw.weight_warning;
        options.call_records = CallRecordLimits {
            count: raw.max_call_records,
            size: raw.max_call_records_size,
            age: Duration::from_millis(raw.call_record_timeout),
        };
        options.guarded_events = Arc::new(raw.guarded_events);
        options.crash_policy = raw.crash_policy.into();
        options.resume = raw.resume.map(WindowLimits::from);
        options
    }
}

/// A field that may be `null` but not absent: leaving it out must not mean "never sleep".
fn nullable<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    from: D,
) -> Result<Option<T>, D::Error> {
    Option::deserialize(from)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: &str = r#"{
        "version": "1.2.3", "dataDir": "/data", "host": "127.0.0.1", "port": 6420,
        "namespace": "mine", "logLevel": "warn", "maxIncomingMessageSize": 1000,
        "maxOutgoingMessageSize": 2000, "maxRequestBodySize": 3000, "staticDir": "/site",
        "token": "t", "development": false, "allowedHosts": [".a.test"], "allowedOrigins": ["null"], "authTimeout": 9,
        "rateLimit": { "requestsPerMinute": 5, "inFlight": 6, "creationsPerMinute": 7, "connections": 8 },
        "trustedProxies": 2, "blockedAfter": 200, "workers": 3,
        "actors": [{ "name": "counter", "display": { "name": "Counter", "icon": null }, "options": {
            "sleepTimeout": null, "sleepGracePeriod": 1, "stateSaveInterval": 2, "startTimeout": 3, "wantsRequest": false,
            "noticesDepartures": true, "maxKvSize": 4, "maxCallRecords": 5, "maxCallRecordsSize": 6, "callRecordTimeout": 7, "maxConnectionBacklog": 5, "actionTimeout": 5, "weightWarning": null,
            "guardedEvents": ["note"], "crashPolicy": "restart",
            "resume": { "maxEvents": 5, "maxBytes": 6, "maxAgeMs": 7 }
        } }]
    }"#;

    #[test]
    fn everything_is_carried_over() {
        let config = Config::parse(FULL).expect("it is valid");
        assert_eq!(config.data_dir, PathBuf::from("/data"));
        assert_eq!(
            (config.host.as_str(), config.port),
            ("127.0.0.1", Some(6420))
        );
        assert_eq!(config.log_level, LevelFilter::WARN);
        assert_eq!(config.server.version, "1.2.3");
        assert_eq!(config.server.namespace, "mine");
        assert_eq!(
            (
                config.server.max_incoming_message,
                config.server.max_outgoing_message
            ),
            (1000, 2000)
        );
        assert_eq!(config.server.static_dir, Some(PathBuf::from("/site")));
        assert!(config.server.management_token.is_some() && !config.server.development);
        let limit = config.server.rate_limit.expect("there is one");
        assert_eq!(
            (limit.requests_per_minute.get(), limit.in_flight.get()),
            (5, 6)
        );
        assert_eq!(
            (config.server.trusted_proxies, config.auth_timeout),
            (2, Some(Duration::from_millis(9)))
        );
        assert_eq!(
            (limit.creations_per_minute.get(), limit.connections.get()),
            (7, 8)
        );
        assert_eq!(config.server.allowed_hosts, [".a.test"]);
        assert_eq!(
            config.server.allowed_origins.as_deref(),
            Some(&["null".to_owned()][..])
        );
        let (name, options) = config.actors.first_key_value().expect("there is one actor");
        assert_eq!(name.as_str(), "counter");
        let display = &config.server.displays[name];
        assert_eq!(
            (display.name.as_deref(), display.icon.as_deref()),
            (Some("Counter"), None)
        );
        assert_eq!(options.sleep_timeout, None);
        assert!(options.guarded_events.contains("note"));
        let millis = [
            options.sleep_grace_period,
            options.state_save_interval,
            options.start_timeout,
        ];
        assert_eq!(millis, [1, 2, 3].map(Duration::from_millis));
        assert_eq!(options.max_kv_size, 4);
        assert_eq!(options.max_connection_backlog, 5);
        assert_eq!(options.action_timeout, Some(Duration::from_millis(5)));
        assert_eq!(options.weight_warning, None);
        assert_eq!(config.blocked_after, Some(Duration::from_millis(200)));
        assert_eq!(config.workers.get(), 3);
        let records = options.call_records;
        assert_eq!((records.count, records.size), (5, 6));
        assert_eq!(records.age, Duration::from_millis(7));
        assert_eq!(options.crash_policy, CrashPolicy::Restart);
        let window = options.resume.expect("events are kept");
        assert_eq!((window.max_events, window.max_bytes), (5, 6));
        assert_eq!(window.max_age, Duration::from_millis(7));
    }

    #[test]
    fn mistakes_are_named() {
        let check = |from: &str, to: &str, expected: &str| {
            let json = FULL.replace(from, to);
            assert_ne!(json, FULL);
            let error = Config::parse(&json).expect_err("it is invalid").to_string();
            assert!(error.starts_with("invalid configuration: "), "{error}");
            assert!(error.contains(expected), "{error}");
        };
        check(r#""port": 6420"#, r#""port": 70000"#, "70000");
        check(r#""workers": 3"#, r#""workers": 0"#, "nonzero");
        check(r#""port""#, r#""prot""#, "unknown field `prot`");
        check(
            r#""sleepTimeout": null,"#,
            "",
            "missing field `sleepTimeout`",
        );
        check(r#""restart""#, r#""explode""#, "explode");
        check(r#""warn""#, r#""loud""#, "`logLevel` is `loud`");
        check(r#""/data""#, r#""data""#, "`dataDir` is `data`");
        check(r#""counter""#, r#""""#, "name");
        let actor = FULL
            [FULL.find(r#"{ "name""#).expect("it is there")..FULL.rfind(']').expect("it is there")]
            .to_owned();
        check(
            &actor,
            &format!("{actor}, {actor}"),
            "`counter` is there twice",
        );
    }
}
