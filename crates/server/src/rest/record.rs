//! Actors as the lookup API shows them.

use greenroom_core::Runtime;
use greenroom_store::ActorRecord;
use serde::Serialize;

/// One actor.
#[derive(Debug, Serialize)]
pub(crate) struct ActorJson {
    actor_id: String,
    name: String,
    /// In storage form.
    key: String,
    /// Creation time in milliseconds since the Unix epoch.
    create_ts: i64,
    /// That of its type.
    crash_policy: &'static str,
    /// Never set: an actor that could not start says so to its callers.
    error: Option<&'static str>,
    /// Never set: destroyed actors are not shown.
    destroy_ts: Option<i64>,
}

impl ActorJson {
    /// `runtime` knows its type.
    pub(crate) fn new(record: &ActorRecord, runtime: &Runtime) -> Self {
        Self {
            actor_id: record.id.to_string(),
            name: record.name.as_str().to_owned(),
            key: record.key.to_storage(),
            create_ts: record.created_at_ms,
            crash_policy: runtime.crash_policy(&record.name).name(),
            error: None,
            destroy_ts: None,
        }
    }
}

/// Where a listing goes on.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Pagination {
    pub(crate) cursor: Option<String>,
}
