//! The one place that turns errors into HTTP statuses.

use greenroom_types::ActorError;
use hyper::StatusCode;

/// The status under which `error` is answered. Clients go by the error's group and code; the
/// status is for proxies, logs and people.
pub(crate) fn status_of(error: &ActorError) -> StatusCode {
    match (&*error.group, &*error.code) {
        ("connection" | "queue", "not_found") => StatusCode::NOT_FOUND,
        ("request", "content_encoding_unsupported") => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ("request", "headers_too_large") => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        ("request", "timed_out") => StatusCode::REQUEST_TIMEOUT,
        (
            "user" | "message" | "queue" | "encoding" | "request" | "validation" | "api"
            | "namespace",
            _,
        ) => StatusCode::BAD_REQUEST,
        ("auth", "unauthorized") => StatusCode::UNAUTHORIZED,
        ("auth", _) => StatusCode::FORBIDDEN,
        ("actor", code) => actor_status(code),
        ("guard", code) => guard_status(code),
        ("kv", "closed") => StatusCode::SERVICE_UNAVAILABLE,
        ("kv", _) => StatusCode::BAD_REQUEST,
        ("feature", _) => StatusCode::NOT_IMPLEMENTED,
        (_, _) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn actor_status(code: &str) -> StatusCode {
    match code {
        "not_found" | "not_registered" | "action_not_found" => StatusCode::NOT_FOUND,
        "method_not_allowed" => StatusCode::METHOD_NOT_ALLOWED,
        "action_timed_out" | "callback_timed_out" => StatusCode::REQUEST_TIMEOUT,
        "aborted"
        | "duplicate_key"
        | "empty_key"
        | "input_too_large"
        | "invalid_name"
        | "invalid_request"
        | "key_too_large"
        | "stream_not_supported"
        | "validation_error" => StatusCode::BAD_REQUEST,
        "call_cycle" | "call_interrupted" | "call_mismatch" => StatusCode::CONFLICT,
        "call_expired" => StatusCode::GONE,
        "overloaded" => StatusCode::TOO_MANY_REQUESTS,
        "kv_storage_quota_exceeded" => StatusCode::INSUFFICIENT_STORAGE,
        "destroying"
        | "dropped_reply"
        | "not_ready"
        | "restarting"
        | "starting"
        | "state_version_unsupported"
        | "stopped"
        | "stopping"
        | "store_failed"
        | "store_unavailable" => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn guard_status(code: &str) -> StatusCode {
    match code {
        "host_not_allowed" | "origin_not_allowed" => StatusCode::FORBIDDEN,
        "no_route" => StatusCode::NOT_FOUND,
        "rate_limit" => StatusCode::TOO_MANY_REQUESTS,
        "service_unavailable" => StatusCode::SERVICE_UNAVAILABLE,
        "upgrade_required" => StatusCode::UPGRADE_REQUIRED,
        // All that is left is about the syntax of a query.
        _ => StatusCode::BAD_REQUEST,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_follow_the_protocol() {
        let cases: &[(&'static str, &'static str, u16)] = &[
            ("user", "user_error", 400),
            ("user", "anything_else", 400),
            ("message", "incoming_too_long", 400),
            ("message", "outgoing_too_long", 400),
            ("queue", "full", 400),
            ("queue", "not_found", 404),
            ("encoding", "invalid", 400),
            ("request", "invalid", 400),
            ("request", "content_encoding_unsupported", 415),
            ("request", "headers_too_large", 431),
            ("request", "timed_out", 408),
            ("namespace", "not_found", 400),
            ("auth", "unauthorized", 401),
            ("auth", "forbidden", 403),
            ("connection", "not_found", 404),
            ("actor", "not_found", 404),
            ("actor", "not_registered", 404),
            ("actor", "action_not_found", 404),
            ("actor", "method_not_allowed", 405),
            ("actor", "action_timed_out", 408),
            ("actor", "duplicate_key", 400),
            ("actor", "key_too_large", 400),
            ("actor", "input_too_large", 400),
            ("actor", "overloaded", 429),
            ("actor", "call_expired", 410),
            ("actor", "call_interrupted", 409),
            ("actor", "call_mismatch", 409),
            ("actor", "validation_error", 400),
            ("actor", "state_version_unsupported", 503),
            ("actor", "kv_storage_quota_exceeded", 507),
            ("kv", "value_too_large", 400),
            ("kv", "closed", 503),
            ("actor", "call_cycle", 409),
            ("actor", "stopping", 503),
            ("actor", "restarting", 503),
            ("actor", "not_ready", 503),
            ("actor", "store_unavailable", 503),
            ("actor", "store_failed", 503),
            ("guard", "no_route", 404),
            ("guard", "query_invalid_params", 400),
            ("guard", "upgrade_required", 426),
            ("feature", "unsupported", 501),
            ("rivetkit", "internal_error", 500),
            ("something", "else", 500),
        ];
        for (group, code, status) in cases {
            let error = ActorError::new(group, code, "");
            assert_eq!(status_of(&error).as_u16(), *status, "{group}.{code}");
        }
    }

    #[test]
    fn the_reference_names_the_statuses() {
        let reference = include_str!("../../../docs/reference.md");
        let errors = reference
            .lines()
            .filter_map(|line| line.strip_prefix("| `")?.split_once("` | "));
        let mut compared = 0;
        for (names, rest) in errors {
            let Some(status) = rest.get(..3).and_then(|digits| digits.parse::<u16>().ok()) else {
                continue;
            };
            for name in names.split("`, `") {
                let Some((group, code)) = name.split_once('.') else {
                    continue;
                };
                let mut error = ActorError::new("", "", "");
                error.group = group.to_owned().into();
                error.code = code.to_owned().into();
                assert_eq!(status_of(&error).as_u16(), status, "{name}");
                compared += 1;
            }
        }
        assert!(compared > 60, "the table was read: {compared}");
    }
}
