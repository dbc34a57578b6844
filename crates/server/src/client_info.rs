//! What the server knows of whoever calls or connects, for the actor.

use bytes::Bytes;
use greenroom_types::cbor;
use hyper::{
    HeaderMap, Method, Uri,
    header::{HOST, HeaderName, HeaderValue},
};

use crate::{dispatch::CALL_CHAIN, raw::is_hop_by_hop};

/// The URL that a client's `fetch` was called with.
const ORIGINAL_URL: &str = "x-rivet-internal-original-request-url";

/// A request as its actor sees it: under the actor's own path, without what led there.
pub(crate) struct Seen<'a> {
    pub(crate) method: &'a Method,
    /// Raw.
    pub(crate) path: &'a str,
    /// Raw, without the parameters that are the gateway's.
    pub(crate) query: Option<&'a str>,
    pub(crate) headers: &'a HeaderMap,
}

impl Seen<'_> {
    /// The form of [`ClientFacts::request`](greenroom_core::ClientFacts::request).
    pub(crate) fn encode(&self) -> Bytes {
        let lines: Vec<_> = self.lines().collect();
        let mut out = Vec::with_capacity(512);
        cbor::put_array(&mut out, 3);
        cbor::put_text(&mut out, self.method.as_str());
        cbor::put_text(&mut out, &self.url());
        cbor::put_array(&mut out, lines.len());
        for (name, value) in lines {
            cbor::put_array(&mut out, 2);
            cbor::put_text(&mut out, name.as_str());
            cbor::put_text(&mut out, &text(value.as_bytes()));
        }
        out.into()
    }

    /// The header lines that are the actor's business.
    fn lines(&self) -> impl Iterator<Item = (&HeaderName, &HeaderValue)> {
        let (own, headers) = (HeaderName::from_static(ORIGINAL_URL), self.headers);
        headers.iter().filter(move |(name, _)| {
            **name != own && name.as_str() != CALL_CHAIN && !is_hop_by_hop(name, headers)
        })
    }

    /// The URL, with the origin that the client named.
    fn url(&self) -> String {
        let mut url = self.origin();
        url.push_str(self.path);
        if let Some(query) = self.query {
            url.push('?');
            url.push_str(query);
        }
        url
    }

    /// A client that was given a URL says so in a header. Of that only the origin counts: what leads to
    /// the actor and what the actor sees must be the same path.
    fn origin(&self) -> String {
        let original = self.headers.get(ORIGINAL_URL);
        let original = original.and_then(|url| Uri::try_from(url.as_bytes()).ok());
        if let Some(url) = original
            && let (Some(scheme @ ("http" | "https")), Some(authority)) =
                (url.scheme_str(), url.authority())
            && !authority.as_str().contains('@')
        {
            return format!("{scheme}://{authority}");
        }
        let host = self.headers.get(HOST).and_then(|host| host.to_str().ok());
        let host = host.filter(|host| !host.is_empty()).unwrap_or("actor");
        format!("http://{host}")
    }
}

/// The value of a header as text: one character for each byte, as `fetch` has it.
fn text(value: &[u8]) -> String {
    value.iter().map(|&byte| char::from(byte)).collect()
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    #[test]
    fn a_request_is_told_with_all_its_headers() {
        let mut headers = HeaderMap::new();
        headers.append("host", HeaderValue::from_static("a.test:1"));
        headers.append("x", HeaderValue::from_static("1"));
        headers.append("connection", HeaderValue::from_static("close"));
        headers.append("x", HeaderValue::from_bytes(b"\xe9").expect("allowed"));
        let seen = Seen {
            method: &Method::PUT,
            path: "/p%20q",
            query: Some("a=%2C&b"),
            headers: &headers,
        };
        assert_eq!(seen.url(), "http://a.test:1/p%20q?a=%2C&b");
        let expected = b"\x83\x63PUT\x78\x1dhttp://a.test:1/p%20q?a=%2C&b\x83\
            \x82\x64host\x68a.test:1\x82\x61x\x611\x82\x61x\x62\xc3\xa9";
        assert_eq!(seen.encode(), &expected[..]);
    }

    #[test]
    fn the_origin_is_the_one_that_the_client_named() {
        let cases = [
            ("https://b.test:8/other?x", "https://b.test:8/p"),
            ("http://user@b.test/", "http://a.test/p"),
            ("ftp://b.test/", "http://a.test/p"),
            ("/p", "http://a.test/p"),
        ];
        for (original, expected) in cases {
            let mut headers = HeaderMap::new();
            headers.append("host", HeaderValue::from_static("a.test"));
            headers.append(ORIGINAL_URL, HeaderValue::from_static(original));
            let seen = Seen {
                method: &Method::GET,
                path: "/p",
                query: None,
                headers: &headers,
            };
            assert_eq!(seen.url(), expected, "{original}");
        }
    }
}
