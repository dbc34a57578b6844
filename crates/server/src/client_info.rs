//! What the server knows of whoever calls or connects, for the actor.

use bytes::Bytes;
use greenroom_types::cbor;
use hyper::{HeaderMap, Method, header::HOST};

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
    /// The form of [`ClientInfo::request`](greenroom_core::ClientInfo::request).
    pub(crate) fn encode(&self) -> Bytes {
        let mut out = Vec::with_capacity(512);
        cbor::put_array(&mut out, 3);
        cbor::put_text(&mut out, self.method.as_str());
        cbor::put_text(&mut out, &self.url());
        cbor::put_array(&mut out, self.headers.len());
        for (name, value) in self.headers {
            cbor::put_array(&mut out, 2);
            cbor::put_text(&mut out, name.as_str());
            cbor::put_text(&mut out, &text(value.as_bytes()));
        }
        out.into()
    }

    /// The URL, with the host that the client named.
    fn url(&self) -> String {
        let host = self.headers.get(HOST).and_then(|host| host.to_str().ok());
        let host = host.filter(|host| !host.is_empty()).unwrap_or("actor");
        let mut url = format!("http://{host}{}", self.path);
        if let Some(query) = self.query {
            url.push('?');
            url.push_str(query);
        }
        url
    }
}

/// The value of a header as text: one character for each byte, as `fetch` has it, unless it is UTF-8.
fn text(value: &[u8]) -> String {
    match str::from_utf8(value) {
        Ok(text) => text.to_owned(),
        Err(_) => value.iter().map(|&byte| char::from(byte)).collect(),
    }
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
}
