//! What the head of a request may be: its size, and what HTTP/1.1 asks of it beyond what is needed to read it.

use greenroom_types::ActorError;
use hyper::{
    HeaderMap, Method, Request, Version,
    header::{CONNECTION, HOST, HeaderValue, TRANSFER_ENCODING},
};

use crate::{ServerConfig, failure::gateway_error, reply::Reply};

/// HTTP is read up to this many times the limits, so that a head which is over them gets an answer that
/// says so. Beyond that it is cut off with a bare 431.
pub(crate) const LENIENCY: usize = 2;
/// What a header line takes beside its name and its value, in bytes.
const LINE: usize = 4;

/// The answer to a request whose head is too large or malformed. The connection ends with it.
pub(crate) fn refusal<B>(config: &ServerConfig, request: &Request<B>) -> Option<Reply> {
    let checked = check_size(config, request).and_then(|()| check_form(request));
    let mut reply = gateway_error(&checked.err()?);
    let close = HeaderValue::from_static("close");
    reply.headers_mut().insert(CONNECTION, close);
    Some(reply)
}

/// Refuses what two servers on the way of a request could understand differently, and methods that are for proxies.
fn check_form<B>(request: &Request<B>) -> Result<(), ActorError> {
    let headers = request.headers();
    if let Method::CONNECT | Method::TRACE = *request.method() {
        let method = request.method().as_str();
        return Err(ActorError::method_not_allowed(method, "another method"));
    }
    if request.version() == Version::HTTP_11 && headers.get_all(HOST).iter().count() != 1 {
        return Err(ActorError::invalid_request(
            "a request has exactly one `host` header (RFC 9112, 3.2)",
        ));
    }
    if !is_chunked_at_most(headers) {
        return Err(ActorError::invalid_request(
            "the only transfer encoding that is understood is `chunked`, once",
        ));
    }
    Ok(())
}

fn is_chunked_at_most(headers: &HeaderMap) -> bool {
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    let Some(coding) = codings.next() else {
        return true;
    };
    coding
        .as_bytes()
        .trim_ascii()
        .eq_ignore_ascii_case(b"chunked")
        && codings.next().is_none()
}

fn check_size<B>(config: &ServerConfig, request: &Request<B>) -> Result<(), ActorError> {
    let headers = request.headers();
    let count = headers.len();
    if count > config.max_headers {
        let limit = config.max_headers;
        return Err(error(format!(
            "the request has {count} header lines, limit is {limit}"
        )));
    }
    let lines = headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + LINE);
    let uri = request.uri().path_and_query();
    let bytes = lines.sum::<usize>() + uri.map_or(0, |uri| uri.as_str().len());
    if bytes > config.max_header_bytes {
        let limit = config.max_header_bytes;
        return Err(error(format!(
            "the head of the request has {bytes} bytes, limit is {limit}"
        )));
    }
    Ok(())
}

fn error(message: String) -> ActorError {
    ActorError::new("request", "headers_too_large", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_that_can_be_misunderstood_are_refused() {
        type Lines = &'static [(&'static str, &'static str)];
        let cases: &[(&str, Version, Lines, bool)] = &[
            ("GET", Version::HTTP_11, &[("host", "a")], true),
            ("GET", Version::HTTP_11, &[], false),
            (
                "GET",
                Version::HTTP_11,
                &[("host", "a"), ("host", "a")],
                false,
            ),
            ("GET", Version::HTTP_10, &[], true),
            ("GET", Version::HTTP_2, &[], true),
            ("TRACE", Version::HTTP_11, &[("host", "a")], false),
            ("CONNECT", Version::HTTP_11, &[("host", "a")], false),
            (
                "POST",
                Version::HTTP_2,
                &[("transfer-encoding", "Chunked")],
                true,
            ),
            (
                "POST",
                Version::HTTP_2,
                &[("transfer-encoding", "gzip, chunked")],
                false,
            ),
            (
                "POST",
                Version::HTTP_2,
                &[
                    ("transfer-encoding", "chunked"),
                    ("transfer-encoding", "chunked"),
                ],
                false,
            ),
        ];
        for (method, version, headers, is_fine) in cases {
            let mut request = Request::builder().method(*method).version(*version);
            for (name, value) in *headers {
                request = request.header(*name, *value);
            }
            let request = request.body(()).expect("these can be requests");
            assert_eq!(check_form(&request).is_ok(), *is_fine, "{request:?}");
        }
    }
}
