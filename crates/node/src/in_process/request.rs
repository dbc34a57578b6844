//! What JavaScript says of its requests, and what it is told of their answers.

use std::net::IpAddr;

use bytes::Bytes;
use greenroom_core::Clearance;
use greenroom_server::{InProcessBody, Origin};
use greenroom_types::ActorError;
use hyper::{
    HeaderMap, Request,
    header::{HeaderName, HeaderValue},
    http::response,
};

/// Something about a request.
#[derive(Debug)]
pub(crate) enum Requested {
    Begin(Box<Begin>),
    /// A connection begins, instead of a request. What the client says on it are the parts of its body,
    /// and what it is told are those of an answer without a head. After its `Answer::End` it goes on
    /// until `Answer::Failed`: the client may have something to say yet.
    Connect {
        request: u32,
        peer: Option<IpAddr>,
    },
    /// More of its body.
    Part {
        request: u32,
        part: Bytes,
    },
    /// The end of its body.
    End {
        request: u32,
    },
    /// Nobody waits for the answer, or for the rest of it, any more.
    GiveUp {
        request: u32,
    },
    /// Bytes of the answer were taken: as many may follow.
    Taken {
        request: u32,
        bytes: u32,
    },
}

/// A request as JavaScript describes it, unchecked.
#[derive(Debug)]
pub(crate) struct Begin {
    pub(crate) request: u32,
    pub(crate) origin: Origin,
    /// Where it comes from, if that is known.
    pub(crate) peer: Option<IpAddr>,
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    /// Values have a character for each byte, as `fetch` has it.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: BeginBody,
    /// To wait for before anything else.
    pub(crate) clearance: Option<Clearance>,
}

/// The body of a request.
#[derive(Debug)]
pub(crate) enum BeginBody {
    Whole(Bytes),
    /// It comes in parts.
    Follows,
}

/// Something about an answer.
#[derive(Debug)]
pub(crate) enum Answer {
    Head {
        head: Box<response::Parts>,
        /// Present if it is all there, so that nothing follows.
        body: Option<Bytes>,
    },
    Part(Bytes),
    End,
    /// There is no answer, or no more of it.
    Failed(ActorError),
    /// Bytes of the request's body were taken: as many may follow.
    Taken(u32),
}

impl Begin {
    /// The request itself.
    ///
    /// # Errors
    /// `request.invalid`, naming what cannot be sent.
    pub(crate) fn request(
        &self,
        body: InProcessBody,
    ) -> Result<Request<InProcessBody>, ActorError> {
        let invalid = |what: String| ActorError::invalid_request(what);
        let mut request = Request::new(body);
        *request.method_mut() = self
            .method
            .parse()
            .map_err(|_| invalid(format!("`{}` is no method", self.method)))?;
        *request.uri_mut() = self
            .target
            .parse()
            .map_err(|_| invalid("the path and query cannot be read".to_owned()))?;
        let headers = request.headers_mut();
        for (name, value) in &self.headers {
            add(headers, name, value)
                .ok_or_else(|| invalid(format!("the header `{name}` cannot be sent")))?;
        }
        Ok(request)
    }
}

fn add(headers: &mut HeaderMap, name: &str, value: &str) -> Option<()> {
    let name = HeaderName::try_from(name).ok()?;
    let value = if value.is_ascii() {
        HeaderValue::try_from(value).ok()?
    } else {
        let bytes: Result<Vec<u8>, _> = value.chars().map(u8::try_from).collect();
        HeaderValue::try_from(bytes.ok()?).ok()?
    };
    headers.append(name, value);
    Some(())
}

#[cfg(test)]
mod tests {
    use http_body_util::{BodyExt, Empty};

    use super::*;

    fn begin(method: &str, target: &str, header: (&str, &str)) -> Begin {
        Begin {
            request: 1,
            origin: Origin::Public,
            peer: None,
            method: method.to_owned(),
            target: target.to_owned(),
            headers: vec![(header.0.to_owned(), header.1.to_owned())],
            body: BeginBody::Follows,
            clearance: None,
        }
    }

    fn request(begin: &Begin) -> Result<Request<InProcessBody>, ActorError> {
        begin.request(Empty::new().map_err(|never| match never {}).boxed())
    }

    #[test]
    fn a_header_is_what_its_characters_say() {
        let request = request(&begin("POST", "/a?b=%20", ("x-a", "é"))).expect("it is valid");
        assert_eq!(request.method(), "POST");
        assert_eq!(request.uri(), "/a?b=%20");
        assert_eq!(request.headers()["x-a"].as_bytes(), b"\xe9");
    }

    #[test]
    fn what_cannot_be_sent_is_named() {
        let check = |begin: Begin, expected: &str| {
            let error = request(&begin).expect_err("it is invalid");
            assert!(error.message.contains(expected), "{}", error.message);
        };
        check(begin("A B", "/", ("a", "b")), "`A B` is no method");
        check(begin("GET", "/ä b", ("a", "b")), "path and query");
        check(begin("GET", "/", ("a b", "b")), "the header `a b`");
        check(begin("GET", "/", ("a", "b\nc")), "the header `a`");
        check(begin("GET", "/", ("a", "€")), "the header `a`");
    }
}
