//! The client protocol that Greenroom shares with RivetKit, in BARE.

use anyhow::{Context, Result, bail, ensure};
use fastwebsockets::{Frame, Payload};
use greenroom_types::{
    cbor::{self, Major, Reader},
    protocol::{BareReader, put_data, put_str, put_uint},
};
use serde_json::{Value, json};

use super::{Dialect, HttpRequest, Message, post, request};
use crate::action::{Action, Answer, Argument, EVENT};

/// One of its versions.
#[derive(Debug)]
pub(crate) struct Rivet {
    /// The first two bytes of every message.
    version: u16,
    /// How actors are addressed.
    addressing: Addressing,
    /// Whether replies come in the order of requests.
    in_order: bool,
}

#[derive(Clone, Copy, Debug)]
enum Addressing {
    /// By their keys, in the gateway's query.
    Key,
    /// By ids, which the server tells who asks for the actor with a key.
    Id,
}

/// Numbers of the client's messages.
const ACTION_REQUEST: u64 = 0;
const SUBSCRIPTION_REQUEST: u64 = 1;
/// Numbers of the server's messages.
const INIT: u64 = 0;
const ERROR: u64 = 1;
const ACTION_RESPONSE: u64 = 2;
const EVENT_MESSAGE: u64 = 3;

const HEADERS: [(&str, &str); 2] = [
    ("content-type", "application/octet-stream"),
    ("x-rivet-encoding", "bare"),
];

impl Rivet {
    /// What Greenroom speaks.
    pub(crate) const CURRENT: Self = Self {
        version: 4,
        addressing: Addressing::Key,
        in_order: true,
    };
    /// What RivetKit 2.3 speaks: the same, but it runs actions of one connection concurrently.
    pub(crate) const OF_2_3: Self = Self {
        in_order: false,
        ..Self::CURRENT
    };
    /// What RivetKit 2.0 speaks.
    pub(crate) const OF_2_0: Self = Self {
        version: 2,
        addressing: Addressing::Id,
        in_order: true,
    };

    fn gateway(&self, rest: &str, actor: &str) -> String {
        match self.addressing {
            Addressing::Key => format!(
                "/gateway/counter/{rest}?rvt-namespace=default&rvt-method=getOrCreate\
                 &rvt-runner=default&rvt-key={actor}&rvt-crash-policy=sleep"
            ),
            Addressing::Id => format!("/gateway/{actor}/{rest}"),
        }
    }
}

impl Dialect for Rivet {
    fn lookup(&self, key: &str) -> Option<Result<HttpRequest>> {
        match self.addressing {
            Addressing::Key => None,
            Addressing::Id => {
                let body = json!({
                    "name": "counter",
                    "key": key,
                    "runner_name_selector": "default",
                    "crash_policy": "sleep",
                });
                let headers = [("content-type", "application/json")];
                Some(request("PUT", "/actors", &headers, body.to_string().into()))
            }
        }
    }

    fn looked_up(&self, body: &[u8]) -> Result<String> {
        let answer: Value = serde_json::from_slice(body)?;
        let id = answer["actor"]["actor_id"].as_str();
        Ok(id.context("the answer names no actor id")?.to_owned())
    }

    fn subprotocols(&self) -> Option<&'static str> {
        Some("rivet, rivet_encoding.bare")
    }

    fn greets(&self) -> bool {
        true
    }

    fn in_order(&self) -> bool {
        self.in_order
    }

    fn socket_path(&self, actor: &str) -> String {
        self.gateway("connect", actor)
    }

    fn socket_request(&self, id: u64, action: Action<'_>) -> Frame<'static> {
        let mut out = Vec::with_capacity(32);
        out.extend(self.version.to_le_bytes());
        put_uint(&mut out, ACTION_REQUEST);
        put_uint(&mut out, id);
        put_str(&mut out, action.name());
        put_data(&mut out, &arguments(action));
        Frame::binary(Payload::Owned(out))
    }

    fn subscribe(&self) -> Option<Frame<'static>> {
        let mut out = Vec::with_capacity(16);
        out.extend(self.version.to_le_bytes());
        put_uint(&mut out, SUBSCRIPTION_REQUEST);
        put_str(&mut out, EVENT);
        out.push(1);
        Some(Frame::binary(Payload::Owned(out)))
    }

    fn read(&self, payload: &[u8]) -> Result<Message> {
        let mut reader = BareReader::new(payload);
        reader.version()?;
        match reader.uint()? {
            INIT => Ok(Message::Greeting),
            ERROR => Err(server_error(&mut reader)?),
            ACTION_RESPONSE => Ok(Message::Reply {
                id: reader.uint()?,
                answer: answer(reader.data()?)?,
            }),
            EVENT_MESSAGE => {
                let name = reader.string()?;
                ensure!(name == EVENT, "an event `{name}`, which nobody asked for");
                Ok(Message::Event(only_text(reader.data()?)?.to_owned()))
            }
            number => bail!("unexpected message number {number}"),
        }
    }

    fn http_request(&self, actor: &str, action: Action<'_>) -> Result<HttpRequest> {
        let path = self.gateway(&format!("action/{}", action.name()), actor);
        let mut body = Vec::with_capacity(8);
        body.extend(self.version.to_le_bytes());
        put_data(&mut body, &arguments(action));
        post(&path, &HEADERS, body)
    }

    fn http_reply(&self, body: &[u8]) -> Result<Answer> {
        let mut reader = BareReader::new(body);
        reader.version()?;
        answer(reader.data()?)
    }
}

/// An array in CBOR.
fn arguments(action: Action<'_>) -> Vec<u8> {
    let arguments = action.arguments();
    let mut out = Vec::with_capacity(16);
    cbor::put_array(&mut out, arguments.len());
    for argument in arguments {
        match argument {
            Argument::Number(number) => cbor::put_uint(&mut out, number),
            Argument::Text(text) => cbor::put_text(&mut out, text),
        }
    }
    out
}

fn answer(output: &[u8]) -> Result<Answer> {
    cbor::validate(output).context("the output is not CBOR")?;
    let head = Reader::new(output).peek()?;
    if head.is_null() {
        return Ok(Answer::Nothing);
    }
    ensure!(head.major == Major::Uint, "the output is not a number");
    Ok(Answer::Number(head.arg))
}

/// The text in an array of one.
fn only_text(args: &[u8]) -> Result<&str> {
    let mut reader = Reader::new(args);
    let head = reader.head()?;
    ensure!(
        head.major == Major::Array && head.arg == 1,
        "an event with other arguments than one"
    );
    Ok(reader.text()?)
}

fn server_error(reader: &mut BareReader<'_>) -> Result<anyhow::Error> {
    let group = reader.string()?;
    let code = reader.string()?;
    let message = reader.string()?;
    Ok(anyhow::anyhow!("the server says {group}.{code}: {message}"))
}

#[cfg(test)]
mod tests {
    use greenroom_types::{
        ActorError,
        protocol::{ClientFrame, Encoding, ServerFrame, decode_client_frame, encode_server_frame},
    };

    use super::{Dialect, Message, Rivet};
    use crate::action::{Action, Answer};

    fn as_the_server_reads(action: Action<'_>) -> ClientFrame {
        let frame = Rivet::CURRENT.socket_request(300, action);
        let payload = frame.payload.to_vec();
        decode_client_frame(Encoding::Bare, false, payload.into()).expect("a request")
    }

    #[test]
    fn requests_are_what_the_server_reads() {
        let check = |action: Action<'_>, name: &str, args: &'static [u8]| {
            let expected = ClientFrame::Action {
                id: 300,
                name: name.to_owned(),
                args: args.into(),
                compat: true,
                key: None,
            };
            assert_eq!(as_the_server_reads(action), expected);
        };
        check(Action::Increment, "increment", b"\x81\x01");
        check(Action::Read, "getCount", b"\x80");
        check(Action::Append("hi"), "append", b"\x81\x62hi");
        check(Action::Fill(300), "fill", b"\x81\x19\x01\x2c");
        let publish = Action::Publish {
            text: "hi",
            times: 2,
        };
        check(publish, "publish", b"\x82\x62hi\x02");
        check(Action::Nap, "nap", b"\x80");
    }

    #[test]
    fn actors_of_2_0_are_looked_up_first() {
        let request = Rivet::OF_2_0.lookup("a key").expect("a question");
        assert_eq!(request.expect("a request").uri(), "/actors");
        let answer = br#"{"actor":{"actor_id":"0123"},"created":true}"#;
        let id = Rivet::OF_2_0.looked_up(answer).expect("an id");
        assert_eq!(Rivet::OF_2_0.socket_path(&id), "/gateway/0123/connect");
        assert!(Rivet::OF_2_0.looked_up(b"{}").is_err());
        let frame = Rivet::OF_2_0.socket_request(1, Action::Read);
        assert!(frame.payload.starts_with(&[2, 0]), "its version");
        assert!(Rivet::CURRENT.lookup("a key").is_none());
    }

    #[test]
    fn what_the_server_says_is_told_apart() {
        let response = |output| {
            let frame = ServerFrame::Response { id: 7, output };
            let frame = encode_server_frame(Encoding::Bare, frame);
            let message = Rivet::CURRENT.read(&frame).expect("a reply");
            let Message::Reply { id: 7, answer } = message else {
                panic!("not the reply: {message:?}");
            };
            answer
        };
        assert_eq!(response(b"\x18\x2a"), Answer::Number(42));
        assert_eq!(response(b"\xf6"), Answer::Nothing);
        let event = b"\x04\x00\x03\x04said\x04\x81\x62hi";
        let expected = Message::Event("hi".to_owned());
        assert_eq!(Rivet::CURRENT.read(event).expect("an event"), expected);
        let error = ActorError::action_not_found("increment");
        let failure = ServerFrame::Error {
            action_id: Some(7),
            error: &error,
            actor: None,
        };
        let frame = encode_server_frame(Encoding::Bare, failure);
        let message = Rivet::CURRENT
            .read(&frame)
            .expect_err("an error")
            .to_string();
        assert!(message.contains("action_not_found"), "{message}");
    }
}
