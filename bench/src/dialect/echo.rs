//! What the floors understand: the bytes of the same requests, which come back as they are, and one
//! request of their own, to send something to every WebSocket.

use anyhow::{Result, ensure};
use fastwebsockets::{Frame, Payload};
use greenroom_types::protocol::BareReader;

use super::{Dialect, HttpRequest, Message, Rivet, post};
use crate::action::{Action, Answer};

/// Nothing is decoded, called or kept.
#[derive(Debug)]
pub(crate) struct Echo;

/// The first byte of a message that is to go to every WebSocket: then come how often (2 bytes,
/// little endian), the request's id (8 bytes), and the text. It is sent back as well, after what it
/// caused. Requests in BARE begin with their version, which is far below.
pub(crate) const PUBLISH: u8 = 0xff;
/// The first byte of what every WebSocket gets; then comes the text.
pub(crate) const PUBLISHED: u8 = 0xfe;
/// Where the text of a [`PUBLISH`] begins.
pub(crate) const PUBLISH_HEAD: usize = 11;

impl Dialect for Echo {
    fn socket_path(&self, _actor: &str) -> String {
        "/".to_owned()
    }

    fn socket_request(&self, id: u64, action: Action<'_>) -> Frame<'static> {
        let Action::Publish { text, times } = action else {
            return Rivet::CURRENT.socket_request(id, action);
        };
        let times = u16::try_from(times).unwrap_or(u16::MAX);
        let mut out = Vec::with_capacity(PUBLISH_HEAD + text.len());
        out.push(PUBLISH);
        out.extend(times.to_le_bytes());
        out.extend(id.to_le_bytes());
        out.extend(text.as_bytes());
        Frame::binary(Payload::Owned(out))
    }

    fn read(&self, payload: &[u8]) -> Result<Message> {
        match *payload {
            [PUBLISHED, ref text @ ..] => Ok(Message::Event(std::str::from_utf8(text)?.to_owned())),
            [PUBLISH, _, _, a, b, c, d, e, f, g, h, ..] => Ok(Message::Reply {
                id: u64::from_le_bytes([a, b, c, d, e, f, g, h]),
                answer: Answer::Echo,
            }),
            _ => {
                let mut reader = BareReader::new(payload);
                reader.version()?;
                ensure!(reader.uint()? == 0, "the echo differs from the request");
                Ok(Message::Reply {
                    id: reader.uint()?,
                    answer: Answer::Echo,
                })
            }
        }
    }

    fn http_request(&self, actor: &str, action: Action<'_>) -> Result<HttpRequest> {
        let (parts, body) = Rivet::CURRENT.http_request(actor, action)?.into_parts();
        let mut request = post("/", &[], Vec::new())?.map(|_| body);
        *request.headers_mut() = parts.headers;
        Ok(request)
    }

    fn http_reply(&self, body: &[u8]) -> Result<Answer> {
        let mut reader = BareReader::new(body);
        reader.version()?;
        reader.data()?;
        Ok(Answer::Echo)
    }
}

#[cfg(test)]
mod tests {
    use super::{Dialect, Echo, Message};
    use crate::action::{Action, Answer};

    #[test]
    fn a_request_that_comes_back_is_its_own_reply() {
        let publish = Action::Publish {
            text: "hi",
            times: 3,
        };
        for action in [Action::Increment, Action::Append("hi"), publish] {
            let frame = Echo.socket_request(300, action);
            let expected = Message::Reply {
                id: 300,
                answer: Answer::Echo,
            };
            assert_eq!(Echo.read(&frame.payload).expect("an echo"), expected);
        }
    }

    #[test]
    fn what_everybody_gets_is_an_event() {
        let expected = Message::Event("hi".to_owned());
        assert_eq!(Echo.read(b"\xfehi").expect("an event"), expected);
    }
}
