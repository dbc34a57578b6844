//! Files of one directory, for web pages that live next to their actors.

use std::path::Path;

use http_body_util::{Either, Empty};
use hyper::{HeaderMap, Method, Request, Uri};
use percent_encoding::percent_decode_str;
use tower_http::services::ServeDir;
use tracing::warn;

use crate::reply::Reply;

/// Serves GET and HEAD for the files of a directory and its subdirectories, `index.html` for a
/// directory. Files and directories whose name begins with a dot do not exist for it. Symbolic
/// links are followed: what the directory links to is meant to be served.
#[derive(Clone, Debug)]
pub(crate) struct StaticFiles(ServeDir);

impl StaticFiles {
    pub(crate) fn new(root: &Path) -> Self {
        Self(ServeDir::new(root))
    }

    /// The file at the path of `uri`. `None` when there is none, or the method asks for more than
    /// reading.
    pub(crate) async fn get(
        &self,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
    ) -> Option<Reply> {
        let reads = method == Method::GET || method == Method::HEAD;
        if !reads || has_hidden_part(uri.path()) {
            return None;
        }
        let mut request = Request::new(Empty::<bytes::Bytes>::new());
        request.method_mut().clone_from(method);
        request.uri_mut().clone_from(uri);
        request.headers_mut().clone_from(headers);
        match self.0.clone().try_call(request).await {
            Ok(reply) if reply.status() == hyper::StatusCode::NOT_FOUND => None,
            Ok(reply) => Some(reply.map(|body| Either::Right(Either::Left(body)))),
            Err(error) => {
                warn!(%error, "cannot read a static file");
                None
            }
        }
    }
}

/// Whether a part of the path begins with a dot, however it is escaped. Covers `..` as well.
fn has_hidden_part(path: &str) -> bool {
    let decoded = percent_decode_str(path).decode_utf8_lossy();
    decoded.split(['/', '\\']).any(|part| part.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_are_hidden_however_they_are_written() {
        for hidden in [
            "/.env",
            "/a/.git/config",
            "/..",
            "/a/../b",
            "/%2eenv",
            "/%2E%2E/x",
            "/a%2f.b",
            "/a%5c..%5cb",
        ] {
            assert!(has_hidden_part(hidden), "{hidden}");
        }
        for open in ["/", "/index.html", "/a.b/c.d", "/a..b"] {
            assert!(!has_hidden_part(open), "{open}");
        }
    }
}
