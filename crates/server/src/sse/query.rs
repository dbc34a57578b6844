//! The parameters that only event streams have.

use std::borrow::Cow;

use greenroom_types::{ActorError, limits};
use percent_encoding::percent_decode_str;

/// What the query of an event stream says beside naming the actor.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct StreamQuery {
    /// `rvt-conn-params`: connection parameters as JSON text.
    pub(crate) params: Option<String>,
    /// `rvt-encoding`: the name of an encoding.
    pub(crate) encoding: Option<String>,
    /// `rvt-event`, each: the name of an event to subscribe to.
    pub(crate) events: Vec<String>,
}

impl StreamQuery {
    /// Takes the parameters of a stream out of a raw query, so that what is left is that of an
    /// ordinary gateway request: these do not make a URL one that names its actor by key. Leaves
    /// the query of every other path alone.
    ///
    /// # Errors
    /// `guard.query_duplicate_param`, `guard.query_invalid_percent_encoding`; for the names of events
    /// `request.invalid`.
    pub(crate) fn split<'q>(
        path: &str,
        query: Option<&'q str>,
    ) -> Result<(Option<Cow<'q, str>>, Self), ActorError> {
        let mut found = Self::default();
        let Some(query) = query else {
            return Ok((None, found));
        };
        if !path.ends_with(super::PATH) {
            return Ok((Some(Cow::Borrowed(query)), found));
        }
        let mut rest = Vec::new();
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let slot = match name {
                "rvt-conn-params" => &mut found.params,
                "rvt-encoding" => &mut found.encoding,
                "rvt-event" => {
                    found.add_event(decode(name, value)?)?;
                    continue;
                }
                _ => {
                    rest.push(pair);
                    continue;
                }
            };
            if slot.is_some() {
                return Err(ActorError::guard(
                    "query_duplicate_param",
                    format!("the parameter `{name}` is given more than once"),
                ));
            }
            *slot = Some(decode(name, value)?);
        }
        let rest = (!rest.is_empty()).then(|| Cow::Owned(rest.join("&")));
        Ok((rest, found))
    }

    fn add_event(&mut self, event: String) -> Result<(), ActorError> {
        if event.len() > limits::MEMBER_NAME {
            return Err(ActorError::member_name_too_long("event", event.len()));
        }
        let limit = limits::SUBSCRIPTIONS_PER_CONN;
        if self.events.len() == limit {
            let message = format!("the query subscribes to more than {limit} events");
            return Err(ActorError::invalid_request(message));
        }
        self.events.push(event);
        Ok(())
    }
}

fn decode(name: &str, value: &str) -> Result<String, ActorError> {
    let spaced = value.replace('+', " ");
    match percent_decode_str(&spaced).decode_utf8() {
        Ok(text) => Ok(text.into_owned()),
        Err(_) => Err(ActorError::guard(
            "query_invalid_percent_encoding",
            format!("the parameter `{name}` is not percent-encoded UTF-8"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, query: &str, rest: Option<&str>, params: &str, encoding: &str) {
        let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let expected = StreamQuery {
            params: given(params),
            encoding: given(encoding),
            events: Vec::new(),
        };
        let split = StreamQuery::split(path, Some(query)).expect(query);
        assert_eq!(split, (rest.map(Cow::Borrowed), expected), "{path}?{query}");
    }

    #[test]
    fn parameters_of_streams_are_taken_out_of_their_queries_only() {
        let path = "/gateway/x/sse";
        check(path, "rvt-conn-params=%7B%7D", None, "{}", "");
        check(
            path,
            "a=1&rvt-encoding=bare&rvt-key=k",
            Some("a=1&rvt-key=k"),
            "",
            "bare",
        );
        check(path, "rvt-conn-params=1+2&b", Some("b"), "1 2", "");
        check(
            "/gateway/x/connect",
            "rvt-encoding=json",
            Some("rvt-encoding=json"),
            "",
            "",
        );
        let nothing = StreamQuery::split(path, None).expect("no query is fine");
        assert_eq!(nothing, (None, StreamQuery::default()));
    }

    #[test]
    fn events_to_subscribe_to_may_be_several() {
        let query = "rvt-event=a&x=1&rvt-event=b%2Cc&rvt-event=";
        let (rest, found) = StreamQuery::split("/gateway/x/sse", Some(query)).expect("it is fine");
        assert_eq!(rest.as_deref(), Some("x=1"));
        assert_eq!(found.events, ["a", "b,c", ""]);
    }

    #[test]
    fn mistakes_have_their_codes() {
        let long = format!("rvt-event={}", "e".repeat(limits::MEMBER_NAME + 1));
        let many = "rvt-event=e&".repeat(limits::SUBSCRIPTIONS_PER_CONN + 1);
        for (query, code) in [
            (long.as_str(), "invalid"),
            (many.as_str(), "invalid"),
            (
                "rvt-encoding=json&rvt-encoding=json",
                "query_duplicate_param",
            ),
            ("rvt-conn-params=%ff", "query_invalid_percent_encoding"),
        ] {
            let error = StreamQuery::split("/gateway/x/sse", Some(query)).expect_err(query);
            assert_eq!(error.code, code);
        }
    }
}
