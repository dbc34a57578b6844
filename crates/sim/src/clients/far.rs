//! The way to the actors over the network: HTTP for calls, WebSockets for connections, both in JSON, written as
//! simply as the protocol allows.

use std::io;

use futures_util::{SinkExt, StreamExt};
use greenroom_types::{ActorError, ActorId, once::CALL_HEADER};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{self, Message, client::IntoClientRequest, http::HeaderValue},
};
use turmoil::net::TcpStream;

use super::{action, code, is_harmless, outcome};
use crate::{
    Plant,
    actor::{NEWS, RESUMED_QUEUE},
    history::{Heard, Kind, Outcome},
    node::{ACTOR, PORT, TOKEN},
    view::{News, View},
};

/// See the top of the file.
#[derive(Clone)]
pub(crate) struct Far {
    /// The name of the server's machine.
    server: &'static str,
    plant: Option<Plant>,
}

/// Where a client is in the events of an actor, for its next connection.
#[derive(Clone, Debug)]
pub(crate) struct Bookmark {
    /// What it was given to show.
    proof: String,
    /// The last event that it knows of.
    last: u64,
}

/// A call that may be made again.
pub(super) struct Attempt {
    pub(super) actor: ActorId,
    /// What the call is known by.
    pub(super) call: String,
    pub(super) is_repeat: bool,
}

/// An HTTP answer.
struct Answer {
    status: u16,
    actor: Option<ActorId>,
    body: Value,
}

impl Far {
    pub(crate) fn new(server: &'static str, plant: Option<Plant>) -> Self {
        Self { server, plant }
    }

    /// Does it, and waits for what comes of it.
    pub(crate) async fn act(&self, key: &str, kind: &Kind) -> Outcome {
        let answer = match kind {
            Kind::Destroy => return self.destroy(key).await,
            Kind::Publish {
                entry,
                resumes,
                wait,
            } => {
                let queue = if *resumes { RESUMED_QUEUE } else { "jobs" };
                let target = format!("/gateway/{ACTOR}/queue/{queue}?{}", by_key(key));
                let body = json!({ "body": entry, "wait": wait });
                self.http("POST", &target, None, &body).await
            }
            kind => {
                let (name, argument) = action(kind);
                let target = format!("/gateway/{ACTOR}/action/{name}?{}", by_key(key));
                self.http("POST", &target, None, &json!({ "args": [argument] }))
                    .await
            }
        };
        come_of(kind, answer)
    }

    /// Makes a call once more, or for the first time.
    pub(super) async fn attempt(&self, attempt: &Attempt, kind: &Kind) -> Outcome {
        let (name, argument) = action(kind);
        let target = format!("/gateway/{}/action/{name}", attempt.actor);
        // With that bug in it, the server would not know the call again.
        let is_unknown = self.plant == Some(Plant::RunAgain) && attempt.is_repeat;
        let call = (!is_unknown).then_some(&*attempt.call);
        let body = json!({ "args": [argument] });
        come_of(kind, self.http("POST", &target, call, &body).await)
    }

    async fn destroy(&self, key: &str) -> Outcome {
        let actor = match self.resolve(key).await {
            Ok(actor) => actor,
            Err(why) => return Outcome::Refused(why),
        };
        let target = format!("/actors/{actor}?namespace=default");
        match self.http("DELETE", &target, None, &json!({})).await {
            Ok(Answer { status: 200, .. }) => Outcome::Done(actor, View::default()),
            Ok(answer) => failed(&error_of(&answer.body)),
            Err(error) => Outcome::Unknown(error.to_string()),
        }
    }

    /// Finds or creates the actor.
    pub(super) async fn resolve(&self, key: &str) -> Result<ActorId, String> {
        let body = json!({
            "name": ACTOR, "key": key, "runner_name_selector": "default", "crash_policy": "sleep",
        });
        let answer = self
            .http("PUT", "/actors?namespace=default", None, &body)
            .await;
        let answer = answer.map_err(|error| error.to_string())?;
        let id = answer.body["actor"]["actor_id"].as_str();
        id.and_then(|id| id.parse().ok())
            .ok_or_else(|| answer.body.to_string())
    }

    async fn http(
        &self,
        method: &str,
        target: &str,
        call: Option<&str>,
        body: &Value,
    ) -> io::Result<Answer> {
        let call = call.map_or(String::new(), |call| format!("{CALL_HEADER}: {call}\r\n"));
        let mut stream = TcpStream::connect((self.server, PORT)).await?;
        let body = body.to_string();
        let request = format!(
            "{method} {target} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\
             authorization: Bearer {TOKEN}\r\ncontent-type: application/json\r\n\
             x-rivet-encoding: json\r\n{call}content-length: {}\r\n\r\n{body}",
            self.server,
            body.len()
        );
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        Answer::parse(&answer).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    /// Opens a connection: as clients of old do, or as one that may come back, or that does with a bookmark.
    pub(crate) async fn connect(
        &self,
        key: &str,
        returns: bool,
        bookmark: Option<Bookmark>,
    ) -> Result<FarConn, ActorError> {
        let target = format!(
            "ws://{}/gateway/{ACTOR}/connect?{}",
            self.server,
            by_key(key)
        );
        let lost = |_| ActorError::restarting();
        let mut request = target.into_client_request().map_err(lost)?;
        request.headers_mut().insert(
            "sec-websocket-protocol",
            HeaderValue::try_from(self.subprotocols(returns, bookmark.as_ref()))
                .expect("a proof is made of hexadecimal digits"),
        );
        let stream = TcpStream::connect((self.server, PORT));
        let stream = stream.await.map_err(|_| ActorError::restarting())?;
        let (socket, _) = client_async(request, stream).await.map_err(lost)?;
        Ok(FarConn {
            socket,
            bookmark,
            next: None,
        })
    }

    fn subprotocols(&self, returns: bool, bookmark: Option<&Bookmark>) -> String {
        let mut offered = "rivet, rivet_encoding.json".to_owned();
        if returns {
            offered += ", greenroom.1";
        }
        if let Some(Bookmark { proof, last }) = bookmark {
            // A server with that bug in it would take it like this.
            let taken = match self.plant {
                Some(Plant::TellAgain) if last % 2 == 0 => last.saturating_sub(1),
                Some(Plant::SkipMissed) if last % 2 == 0 => last + 1,
                _ => *last,
            };
            offered += &format!(", greenroom_resume.{proof}.{taken}");
        }
        offered
    }
}

impl Answer {
    /// Reads a whole answer whose length is given.
    fn parse(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
        let head = std::str::from_utf8(&bytes[..end]).ok()?;
        let mut lines = head.split("\r\n");
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let mut actor = None;
        let mut length = None;
        for line in lines {
            let (name, value) = line.split_once(": ")?;
            match name.to_ascii_lowercase().as_str() {
                "x-rivet-actor" => actor = value.parse().ok(),
                "content-length" => length = value.parse::<usize>().ok(),
                _ => {}
            }
        }
        let body = &bytes[end + 4..];
        if body.len() != length? {
            return None;
        }
        Some(Self {
            status,
            actor,
            body: serde_json::from_slice(body).ok()?,
        })
    }
}

/// What an answer to this comes to.
fn come_of(kind: &Kind, answer: io::Result<Answer>) -> Outcome {
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => return Outcome::Unknown(error.to_string()),
    };
    match (answer.status, answer.actor) {
        (200, Some(actor)) => match kind {
            Kind::Publish { wait: false, .. } => Outcome::Done(actor, View::default()),
            Kind::Publish { .. } => outcome(actor, text(&answer.body["response"])),
            _ => outcome(actor, text(&answer.body["output"])),
        },
        _ => failed(&error_of(&answer.body)),
    }
}

/// The query that finds or creates the actor with a key of one part.
fn by_key(key: &str) -> String {
    format!(
        "rvt-namespace=default&rvt-method=getOrCreate&rvt-runner=default&rvt-key={key}\
         &rvt-crash-policy=sleep"
    )
}

fn text(value: &Value) -> Result<String, ActorError> {
    Ok(value.as_str().unwrap_or("no text").to_owned())
}

fn failed(error: &ActorError) -> Outcome {
    match is_harmless(error) {
        true => Outcome::Refused(code(error)),
        false => Outcome::Unknown(code(error)),
    }
}

fn error_of(body: &Value) -> ActorError {
    let field = |name: &str| body[name].as_str().unwrap_or("missing").to_owned();
    ActorError {
        group: field("group").into(),
        code: field("code").into(),
        message: field("message"),
        metadata: None,
    }
}

/// A connection over the network.
pub(crate) struct FarConn {
    socket: WebSocketStream<TcpStream>,
    bookmark: Option<Bookmark>,
    /// What follows from the last frame.
    next: Option<Heard>,
}

impl FarConn {
    /// Calls an action. The answer is heard.
    pub(crate) async fn act(&mut self, id: u64, kind: &Kind) -> Result<(), ActorError> {
        let (name, argument) = action(kind);
        let id = json!(["$BigInt", id.to_string()]);
        let value = json!({ "id": id, "name": name, "args": [argument] });
        self.send("ActionRequest", value).await
    }

    /// Starts or ends hearing the news.
    pub(crate) async fn subscribe(&mut self, on: bool) -> Result<(), ActorError> {
        let value = json!({ "eventName": NEWS, "subscribe": on });
        self.send("SubscriptionRequest", value).await
    }

    /// Says whether it had subscribed to the news, after it has come back.
    pub(crate) async fn go_on(&mut self, on: bool) -> Result<(), ActorError> {
        let events: &[&str] = if on { &[NEWS] } else { &[] };
        self.send("ResumeRequest", json!({ "events": events }))
            .await
    }

    /// For the next connection of its client, if the actor keeps events.
    pub(crate) fn bookmark(&self) -> Option<Bookmark> {
        self.bookmark.clone()
    }

    /// Keeps what a frame says about where the client is in the events.
    fn mark(&mut self, frame: &Value) {
        let value = &frame["body"]["val"];
        if let Some(extensions) = value["extensions"].as_str() {
            let resume = extensions
                .split(' ')
                .find_map(|word| word.strip_prefix("resume."));
            let given = resume.and_then(|resume| {
                let (proof, last) = resume.split_once('.')?;
                let (proof, last) = (proof.to_owned(), last.parse().ok()?);
                Some(Bookmark { proof, last })
            });
            let before = std::mem::replace(&mut self.bookmark, given);
            // Another proof than the one that was shown means that it was of no use.
            if let (Some(before), Some(now)) = (before, &self.bookmark)
                && before.proof != now.proof
            {
                self.next = Some(Heard::Resync(before.last, now.last));
            }
        }
        if let (Some(bookmark), Some(number)) = (&mut self.bookmark, number_of(value, "number")) {
            bookmark.last = number;
        }
    }

    async fn send(&mut self, tag: &str, value: Value) -> Result<(), ActorError> {
        let frame = json!({ "body": { "tag": tag, "val": value } }).to_string();
        let sent = self.socket.send(Message::text(frame)).await;
        sent.map_err(|_| ActorError::restarting())
    }

    /// The next thing that is heard; `None` when nothing ever will be.
    pub(crate) async fn next(&mut self) -> Option<Heard> {
        if let Some(next) = self.next.take() {
            return Some(next);
        }
        loop {
            return Some(match self.socket.next().await? {
                Ok(Message::Text(frame)) => {
                    let frame: Value = serde_json::from_str(&frame).unwrap_or_default();
                    self.mark(&frame);
                    if frame["body"]["tag"] == "Subscribed" {
                        continue;
                    }
                    heard(&frame)
                }
                Ok(Message::Close(close)) => Heard::Closed(close.map_or_else(
                    || "without a reason".to_owned(),
                    |close| format!("{} {}", u16::from(close.code), close.reason),
                )),
                Ok(Message::Ping(_) | Message::Pong(_)) => continue,
                Ok(Message::Binary(_) | Message::Frame(_)) => {
                    Heard::Closed("a frame that is not JSON".to_owned())
                }
                Err(tungstenite::Error::ConnectionClosed) => return None,
                // What the operating system says differs from one to the other.
                Err(_) => Heard::Closed("lost".to_owned()),
            });
        }
    }
}

/// A number of 64 bits, as JSON has it here.
fn number_of(value: &Value, field: &str) -> Option<u64> {
    value[field][1].as_str()?.parse().ok()
}

/// What a frame says.
fn heard(frame: &Value) -> Heard {
    let (tag, value) = (&frame["body"]["tag"], &frame["body"]["val"]);
    let id = |field: &str| number_of(value, field);
    let read = match tag.as_str() {
        Some("Init") => value["actorId"]
            .as_str()
            .and_then(|id| id.parse().ok())
            .map(Heard::Init),
        Some("ActionResponse") => id("id").and_then(|id| {
            let view = View::parse(value["output"].as_str()?)?;
            Some(Heard::Answer(id, view))
        }),
        Some("Error") => match id("actionId") {
            Some(id) => Some(Heard::Failed(id, error_of(value))),
            None => Some(Heard::Closed(code(&error_of(value)))),
        },
        Some("Event") => value["args"][0]
            .as_str()
            .and_then(News::parse)
            .map(Heard::Event),
        Some("Resync") => id("from")
            .zip(id("number"))
            .map(|(from, to)| Heard::Resync(from, to)),
        _ => None,
    };
    read.unwrap_or_else(|| Heard::Closed(format!("a frame that nobody sent: {frame}")))
}
