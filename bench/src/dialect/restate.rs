//! What Restate's ingress understands: an invocation of a handler of a virtual object for each
//! action, with its argument and its result in JSON.

use anyhow::{Context, Result, bail, ensure};
use fastwebsockets::Frame;
use serde_json::Value;

use super::{Dialect, HttpRequest, Message, request};
use crate::action::{Action, Answer, Argument};

/// Objects are addressed by their keys, in the path. There are no WebSockets.
#[derive(Debug)]
pub(crate) struct Restate;

impl Dialect for Restate {
    fn socket_path(&self, _actor: &str) -> String {
        "/".to_owned()
    }

    fn socket_request(&self, _id: u64, _action: Action<'_>) -> Frame<'static> {
        unreachable!("the system's row says that it takes no WebSockets")
    }

    fn read(&self, _payload: &[u8]) -> Result<Message> {
        bail!("a WebSocket message from a system without WebSockets")
    }

    fn http_request(&self, actor: &str, action: Action<'_>) -> Result<HttpRequest> {
        let path = format!("/counter/{actor}/{}", action.name());
        let mut arguments = action.arguments();
        ensure!(arguments.len() <= 1, "a handler takes one argument");
        // Without an argument there is neither a body nor a type of one.
        let (headers, body): (&[_], _) = match arguments.next() {
            None => (&[], String::new()),
            Some(Argument::Number(number)) => (&JSON, Value::from(number).to_string()),
            Some(Argument::Text(text)) => (&JSON, Value::from(text).to_string()),
        };
        request("POST", &path, headers, body.into())
    }

    fn http_reply(&self, body: &[u8]) -> Result<Answer> {
        let output: Value = serde_json::from_slice(body)?;
        let number = output.as_u64().context("the output is not a number")?;
        Ok(Answer::Number(number))
    }
}

const JSON: [(&str, &str); 1] = [("content-type", "application/json")];

#[cfg(test)]
mod tests {
    use super::{Dialect, Restate};
    use crate::action::{Action, Answer};

    #[test]
    fn an_action_is_an_invocation() {
        let request = |action| Restate.http_request("a-key", action).expect("a request");
        let increment = request(Action::Increment);
        assert_eq!(increment.uri(), "/counter/a-key/increment");
        assert_eq!(increment.headers()["content-type"], "application/json");
        let read = request(Action::Read);
        assert_eq!(read.uri(), "/counter/a-key/getCount");
        assert!(!read.headers().contains_key("content-type"));
    }

    #[test]
    fn only_numbers_are_answers() {
        assert_eq!(
            Restate.http_reply(b"42").expect("a number"),
            Answer::Number(42)
        );
        assert!(Restate.http_reply(b"\"42\"").is_err());
        assert!(Restate.http_reply(b"").is_err());
    }
}
