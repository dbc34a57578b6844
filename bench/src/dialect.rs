//! What the load generator says to a system, and how it reads the answers.

use anyhow::{Context, Result, bail, ensure};
use greenroom_types::{
    cbor::{self, Major, Reader},
    protocol::{BareReader, put_data, put_str, put_uint, put_version},
};

use crate::workload::Operation;

/// A protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// The client protocol in BARE, to an actor type `counter`.
    Rivet,
    /// The same requests to a server that sends them back.
    Echo,
}

/// The answer to one operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    /// The request's id; 0 over HTTP.
    pub(crate) id: u64,
    /// The counter's value; absent from servers that keep none.
    pub(crate) count: Option<u64>,
}

/// Numbers of the protocol's messages.
const ACTION_REQUEST: u64 = 0;
const INIT: u64 = 0;
const ERROR: u64 = 1;
const ACTION_RESPONSE: u64 = 2;

impl Operation {
    /// The action's name and its arguments in CBOR.
    fn call(self) -> (&'static str, &'static [u8]) {
        match self {
            Self::Increment => ("increment", b"\x81\x01"),
            Self::Read => ("getCount", b"\x80"),
        }
    }
}

impl Dialect {
    /// Whether it keeps a counter, so that replies and the final state can be checked.
    pub(crate) fn counts(self) -> bool {
        match self {
            Self::Rivet => true,
            Self::Echo => false,
        }
    }

    /// The subprotocols to offer on a WebSocket.
    pub(crate) fn subprotocols(self) -> Option<&'static str> {
        match self {
            Self::Rivet => Some("rivet, rivet_encoding.bare"),
            Self::Echo => None,
        }
    }

    /// The path and query of the WebSocket to the actor with this key.
    pub(crate) fn socket_path(self, key: &str) -> String {
        match self {
            Self::Rivet => gateway("connect", key),
            Self::Echo => "/".to_owned(),
        }
    }

    /// The path and query of an action over HTTP.
    pub(crate) fn http_path(self, key: &str, operation: Operation) -> String {
        match self {
            Self::Rivet => gateway(&format!("action/{}", operation.call().0), key),
            Self::Echo => "/".to_owned(),
        }
    }

    /// The headers of an action over HTTP.
    pub(crate) fn http_headers(self) -> &'static [(&'static str, &'static str)] {
        &[
            ("content-type", "application/octet-stream"),
            ("x-rivet-encoding", "bare"),
        ]
    }

    /// Whether the server speaks first, and [`Dialect::check_greeting`] reads what it says.
    pub(crate) fn greets(self) -> bool {
        self.counts()
    }

    /// Checks the first frame of a connection.
    ///
    /// # Errors
    /// It is something else.
    pub(crate) fn check_greeting(self, frame: &[u8]) -> Result<()> {
        let mut reader = BareReader::new(frame);
        reader.version()?;
        match reader.uint()? {
            INIT => Ok(()),
            ERROR => Err(server_error(&mut reader)?),
            number => bail!("the first frame is message number {number}"),
        }
    }

    /// A WebSocket message that asks for the operation.
    pub(crate) fn socket_request(self, id: u64, operation: Operation) -> Vec<u8> {
        let (name, args) = operation.call();
        let mut out = Vec::with_capacity(32);
        put_version(&mut out);
        put_uint(&mut out, ACTION_REQUEST);
        put_uint(&mut out, id);
        put_str(&mut out, name);
        put_data(&mut out, args);
        out
    }

    /// Reads the answer to such a message.
    ///
    /// # Errors
    /// The server reports an error, or says something else.
    pub(crate) fn socket_reply(self, frame: &[u8]) -> Result<Reply> {
        let mut reader = BareReader::new(frame);
        reader.version()?;
        let number = reader.uint()?;
        match self {
            Self::Rivet if number == ERROR => Err(server_error(&mut reader)?),
            Self::Rivet => {
                ensure!(
                    number == ACTION_RESPONSE,
                    "unexpected message number {number}"
                );
                let id = reader.uint()?;
                let count = Some(count(reader.data()?)?);
                Ok(Reply { id, count })
            }
            Self::Echo => {
                ensure!(
                    number == ACTION_REQUEST,
                    "the echo differs from the request"
                );
                let id = reader.uint()?;
                Ok(Reply { id, count: None })
            }
        }
    }

    /// The body of an action over HTTP.
    pub(crate) fn http_request(self, operation: Operation) -> Vec<u8> {
        let mut out = Vec::with_capacity(8);
        put_version(&mut out);
        put_data(&mut out, operation.call().1);
        out
    }

    /// Reads the body of a 200 answer to such a request.
    ///
    /// # Errors
    /// It is something else.
    pub(crate) fn http_reply(self, body: &[u8]) -> Result<Reply> {
        let mut reader = BareReader::new(body);
        reader.version()?;
        let data = reader.data()?;
        let count = self.counts().then(|| count(data)).transpose()?;
        Ok(Reply { id: 0, count })
    }
}

fn gateway(rest: &str, key: &str) -> String {
    format!(
        "/gateway/counter/{rest}?rvt-namespace=default&rvt-method=getOrCreate\
         &rvt-runner=default&rvt-key={key}&rvt-crash-policy=sleep"
    )
}

fn count(output: &[u8]) -> Result<u64> {
    cbor::validate(output).context("the output is not CBOR")?;
    let head = Reader::new(output).peek()?;
    ensure!(head.major == Major::Uint, "the output is not a count");
    Ok(head.arg)
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

    use super::{Dialect, Reply};
    use crate::workload::Operation;

    #[test]
    fn requests_are_what_the_server_reads() {
        let frame = Dialect::Rivet.socket_request(300, Operation::Increment);
        let decoded = decode_client_frame(Encoding::Bare, false, frame.clone().into()).unwrap();
        let expected = ClientFrame::Action {
            id: 300,
            name: "increment".to_owned(),
            args: b"\x81\x01"[..].into(),
            compat: true,
            key: None,
        };
        assert_eq!(decoded, expected);
        let echoed = Dialect::Echo.socket_reply(&frame).unwrap();
        assert_eq!(
            echoed,
            Reply {
                id: 300,
                count: None
            }
        );
    }

    #[test]
    fn replies_and_errors_of_the_server_are_told_apart() {
        let response = ServerFrame::Response {
            id: 7,
            output: b"\x18\x2a",
        };
        let frame = encode_server_frame(Encoding::Bare, response);
        let reply = Dialect::Rivet.socket_reply(&frame).unwrap();
        assert_eq!(
            reply,
            Reply {
                id: 7,
                count: Some(42)
            }
        );
        let error = ActorError::action_not_found("increment");
        let failure = ServerFrame::Error {
            action_id: Some(7),
            error: &error,
            actor: None,
        };
        let frame = encode_server_frame(Encoding::Bare, failure);
        let message = Dialect::Rivet.socket_reply(&frame).unwrap_err().to_string();
        assert!(message.contains("action_not_found"), "{message}");
    }
}
