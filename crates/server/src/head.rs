//! How large the head of a request may be.

use greenroom_types::ActorError;
use hyper::{Request, header::HeaderValue};

use crate::{ServerConfig, failure::gateway_error, reply::Reply};

/// HTTP is read up to this many times the limits, so that a head which is over them gets an answer that
/// says so. Beyond that it is cut off with a bare 431.
pub(crate) const LENIENCY: usize = 2;
/// What a header line takes beside its name and its value, in bytes.
const LINE: usize = 4;

/// The answer to a request whose head is too large. The connection ends with it.
pub(crate) fn too_large<B>(config: &ServerConfig, request: &Request<B>) -> Option<Reply> {
    let error = check(config, request).err()?;
    let mut reply = gateway_error(&error);
    let close = HeaderValue::from_static("close");
    reply.headers_mut().insert(hyper::header::CONNECTION, close);
    Some(reply)
}

fn check<B>(config: &ServerConfig, request: &Request<B>) -> Result<(), ActorError> {
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
