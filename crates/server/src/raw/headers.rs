//! Which headers pass between a client and an actor's own handler: all but those of one connection.

use bytes::Bytes;
use hyper::{
    HeaderMap,
    header::{CONNECTION, HeaderName, HeaderValue},
};

/// Headers that speak of one connection only (RFC 9110, 7.6.1).
const HOP_BY_HOP: [&str; 9] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Whether `name` speaks of the connection that `headers` came over.
pub(crate) fn is_hop_by_hop(name: &HeaderName, headers: &HeaderMap) -> bool {
    HOP_BY_HOP.contains(&name.as_str())
        || headers.get_all(CONNECTION).iter().any(|line| {
            let named = line.to_str().unwrap_or_default().split(',');
            named
                .map(str::trim)
                .any(|option| option.eq_ignore_ascii_case(name.as_str()))
        })
}

/// Adds what a handler answered. Names and values that cannot be headers are left out: the host has
/// checked them.
pub(super) fn put(headers: &mut HeaderMap, lines: Vec<(String, Bytes)>) {
    for (name, value) in lines {
        let name = HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_maybe_shared(value))
            && !HOP_BY_HOP.contains(&name.as_str())
        {
            headers.append(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_the_connection_are_known() {
        let mut headers = HeaderMap::new();
        headers.append(CONNECTION, HeaderValue::from_static("close, X-Mine"));
        let is_hop = |name: &'static str| is_hop_by_hop(&HeaderName::from_static(name), &headers);
        assert!(is_hop("connection") && is_hop("transfer-encoding") && is_hop("x-mine"));
        assert!(!is_hop("content-length") && !is_hop("x-yours"));
    }

    #[test]
    fn answers_keep_their_headers_in_order() {
        let mut headers = HeaderMap::new();
        let line = |name: &str, value: &'static [u8]| (name.to_owned(), Bytes::from_static(value));
        put(
            &mut headers,
            vec![
                line("set-cookie", b"a=1"),
                line("set-cookie", b"b=2"),
                line("x", b"\xe9"),
                line("Transfer-Encoding", b"chunked"),
                line("not a name", b"1"),
                line("y", b"no\nvalue"),
            ],
        );
        let lines: Vec<_> = headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_bytes()))
            .collect();
        assert_eq!(
            lines,
            [
                ("set-cookie", &b"a=1"[..]),
                ("set-cookie", b"b=2"),
                ("x", b"\xe9")
            ]
        );
    }
}
