//! What the Durable Object in `peers/workerd` understands: a small JSON object for each request,
//! reply and event, as such objects commonly speak it.

use anyhow::{Context, Result, bail};
use fastwebsockets::{Frame, Payload};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Dialect, HttpRequest, Message, post};
use crate::action::{Action, Answer, Argument};

/// Objects are addressed by their names, in the path.
#[derive(Debug)]
pub(crate) struct DurableObject;

/// Everything that it says.
#[derive(Deserialize)]
struct Said {
    id: Option<u64>,
    #[serde(default)]
    output: Value,
    said: Option<String>,
}

impl Dialect for DurableObject {
    fn socket_path(&self, actor: &str) -> String {
        format!("/{actor}")
    }

    fn socket_request(&self, id: u64, action: Action<'_>) -> Frame<'static> {
        let args = arguments(action);
        let text = json!({ "id": id, "action": action.name(), "args": args }).to_string();
        Frame::text(Payload::Owned(text.into_bytes()))
    }

    fn read(&self, payload: &[u8]) -> Result<Message> {
        let said: Said = serde_json::from_slice(payload)
            .with_context(|| String::from_utf8_lossy(payload).into_owned())?;
        match said {
            Said {
                said: Some(text), ..
            } => Ok(Message::Event(text)),
            Said {
                id: Some(id),
                output,
                ..
            } => {
                let answer = answer(&output)?;
                Ok(Message::Reply { id, answer })
            }
            Said { .. } => bail!("neither a reply nor an event"),
        }
    }

    fn http_request(&self, actor: &str, action: Action<'_>) -> Result<HttpRequest> {
        let body = json!({ "action": action.name(), "args": arguments(action) });
        let headers = [("content-type", "application/json")];
        post(&format!("/{actor}"), &headers, body.to_string().into())
    }

    fn http_reply(&self, body: &[u8]) -> Result<Answer> {
        let said: Said = serde_json::from_slice(body)?;
        answer(&said.output)
    }
}

fn arguments(action: Action<'_>) -> Vec<Value> {
    let value = |argument| match argument {
        Argument::Number(number) => Value::from(number),
        Argument::Text(text) => Value::from(text),
    };
    action.arguments().map(value).collect()
}

fn answer(output: &Value) -> Result<Answer> {
    match output {
        Value::Null => Ok(Answer::Nothing),
        number => {
            let number = number.as_u64().context("the output is not a number")?;
            Ok(Answer::Number(number))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Dialect, DurableObject, Message};
    use crate::action::{Action, Answer};

    #[test]
    fn requests_name_the_action_and_its_arguments() {
        let publish = Action::Publish {
            text: "hi",
            times: 2,
        };
        let frame = DurableObject.socket_request(7, publish);
        let expected = br#"{"action":"publish","args":["hi",2],"id":7}"#;
        assert_eq!(&*frame.payload, expected);
    }

    #[test]
    fn what_the_object_says_is_told_apart() {
        let read = |text: &str| DurableObject.read(text.as_bytes());
        let reply = |answer| Message::Reply { id: 7, answer };
        let message = read(r#"{"id":7,"output":3}"#).expect("a reply");
        assert_eq!(message, reply(Answer::Number(3)));
        let message = read(r#"{"id":7}"#).expect("a reply");
        assert_eq!(message, reply(Answer::Nothing));
        let message = read(r#"{"said":"hi"}"#).expect("an event");
        assert_eq!(message, Message::Event("hi".to_owned()));
        assert!(read(r#"{"id":7,"output":"3"}"#).is_err());
        assert!(read(r#"{"output":3}"#).is_err());
        assert!(read("not found").is_err());
    }
}
