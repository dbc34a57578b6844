//! A running server, and clients that say exactly what they are told to.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures_util::{SinkExt, StreamExt};
use greenroom_core::{ActorOptions, Runtime, RuntimeConfig};
use greenroom_server::{Server, ServerConfig, SystemEnv, bind, serve};
use greenroom_store::MemoryStore;
use greenroom_types::ActorName;
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, client_async,
    tungstenite::{Message, client::IntoClientRequest, http::HeaderValue},
};

use crate::host::{Observed, counters};

/// Longest time that a test waits for one thing.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A server with a `counter` behind it.
pub(crate) struct Site {
    pub(crate) server: Arc<Server>,
    pub(crate) observed: Arc<Observed>,
    host: JoinHandle<()>,
}

impl Drop for Site {
    fn drop(&mut self) {
        self.host.abort();
    }
}

pub(crate) async fn site() -> Site {
    site_with(|_| {}).await
}

/// A server whose settings `change` has changed.
pub(crate) async fn site_with(change: impl FnOnce(&mut ServerConfig)) -> Site {
    let listener = bind("127.0.0.1", 0).await.unwrap();
    site_at(Some(listener), change)
}

/// A server that nobody reaches over a network.
pub(crate) fn site_without_address() -> Site {
    site_at(None, |_| {})
}

fn site_at(listener: Option<TcpListener>, change: impl FnOnce(&mut ServerConfig)) -> Site {
    let mut config = ServerConfig::default();
    config.close_timeout = Duration::from_secs(2);
    // Tests name themselves as they like. What is refused is for `sites.rs`.
    config.allowed_hosts = vec!["*".to_owned()];
    config.allowed_origins = Some(vec!["*".to_owned()]);
    change(&mut config);
    let (host, counters, observed) = counters();
    let name = ActorName::new("counter").unwrap();
    let runtime = Runtime::start(RuntimeConfig {
        store: Arc::new(MemoryStore::new()),
        host: Arc::new(host),
        env: Arc::new(SystemEnv),
        actors: BTreeMap::from([(name, ActorOptions::default())]),
    });
    let host = tokio::spawn(counters.run(runtime.clone()));
    let server = Arc::new(serve(config, listener, runtime).unwrap());
    Site {
        server,
        observed,
        host,
    }
}

/// An HTTP answer, taken apart.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        let end = bytes
            .windows(4)
            .position(|window| window == b"\r\n\r\n")
            .expect("a complete head");
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let mut lines = head.split("\r\n");
        let status = lines
            .next()
            .unwrap()
            .split(' ')
            .nth(1)
            .unwrap()
            .parse()
            .unwrap();
        let headers = lines
            .map(|line| line.split_once(": ").unwrap_or((line, "")))
            .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
            .collect();
        Self {
            status,
            headers,
            body: bytes[end + 4..].to_vec(),
        }
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// `status group.code`, and that the answer is a well-formed gateway error.
    pub(crate) fn gateway_error(&self) -> String {
        assert_eq!(self.header("content-type"), "application/json", "{self:?}");
        let body = self.json();
        assert!(
            body["message"]
                .as_str()
                .is_some_and(|message| !message.is_empty()),
            "{body}"
        );
        let code = format!(
            "{}.{}",
            body["group"].as_str().unwrap(),
            body["code"].as_str().unwrap()
        );
        assert_eq!(self.header("x-rivet-error"), code);
        format!("{} {code}", self.status)
    }
}

impl Site {
    pub(crate) async fn tcp(&self) -> TcpStream {
        let tcp = TcpStream::connect(self.server.local_addr().unwrap())
            .await
            .unwrap();
        tcp.set_nodelay(true).unwrap();
        tcp
    }

    /// Sends `bytes` and reads until the server closes.
    pub(crate) async fn raw(&self, bytes: &[u8]) -> Vec<u8> {
        let mut tcp = self.tcp().await;
        tcp.write_all(bytes).await.unwrap();
        let mut answer = Vec::new();
        let read = tokio::time::timeout(PATIENCE, tcp.read_to_end(&mut answer)).await;
        // A reset after the answer is as good as an end.
        let _ = read.expect("the server ends the connection");
        answer
    }

    pub(crate) async fn http(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        let mut request =
            format!("{method} {target} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n");
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        request.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
        Answer::parse(&self.raw(&[request.as_bytes(), body].concat()).await)
    }

    pub(crate) async fn get(&self, target: &str) -> Answer {
        self.http("GET", target, &[], b"").await
    }

    /// Calls an action of the counter `key` with JSON arguments.
    pub(crate) async fn call(&self, key: &str, action: &str, args: &str) -> Answer {
        let target = format!("/gateway/counter/action/{action}?{}", by_key(key));
        self.http(
            "POST",
            &target,
            &[],
            format!("{{\"args\":{args}}}").as_bytes(),
        )
        .await
    }

    pub(crate) async fn count(&self, key: &str) -> i64 {
        self.call(key, "getCount", "[]").await.json()["output"]
            .as_i64()
            .unwrap()
    }
}

/// The query that finds or creates the actor with a key of one part.
pub(crate) fn by_key(key: &str) -> String {
    format!(
        "rvt-namespace=default&rvt-method=getOrCreate&rvt-runner=default&rvt-key={key}&rvt-crash-policy=sleep"
    )
}

/// A WebSocket client.
pub(crate) struct Socket {
    pub(crate) stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// The subprotocol that the server selected.
    pub(crate) protocol: Option<String>,
}

impl Site {
    /// Opens a WebSocket at `target`, offering `protocols` if there are any.
    pub(crate) async fn socket(&self, target: &str, protocols: &str) -> Socket {
        let mut request = format!("ws://test{target}").into_client_request().unwrap();
        if !protocols.is_empty() {
            request.headers_mut().insert(
                "sec-websocket-protocol",
                HeaderValue::from_str(protocols).unwrap(),
            );
        }
        let tcp = MaybeTlsStream::Plain(self.tcp().await);
        let (stream, answer) = client_async(request, tcp)
            .await
            .expect("the upgrade is accepted");
        let protocol = answer
            .headers()
            .get("sec-websocket-protocol")
            .map(|value| value.to_str().unwrap().to_owned());
        Socket { stream, protocol }
    }

    /// A connection to the counter `key` in JSON, up to its Init.
    pub(crate) async fn connect(&self, key: &str) -> Socket {
        let mut socket = self
            .socket(&connect_to(key), "rivet, rivet_encoding.json")
            .await;
        assert_eq!(socket.json().await["body"]["tag"], "Init");
        socket
    }
}

/// The target of a connection to the counter `key`.
pub(crate) fn connect_to(key: &str) -> String {
    format!("/gateway/counter/connect?{}", by_key(key))
}

impl Socket {
    pub(crate) async fn send(&mut self, message: Message) {
        self.stream.send(message).await.unwrap();
    }

    pub(crate) async fn send_text(&mut self, text: impl Into<String>) {
        self.send(Message::text(text.into())).await;
    }

    pub(crate) async fn next(&mut self) -> Message {
        let next = tokio::time::timeout(PATIENCE, self.stream.next());
        next.await
            .expect("a message comes in time")
            .expect("the socket is open")
            .expect("the socket works")
    }

    pub(crate) async fn json(&mut self) -> Value {
        match self.next().await {
            Message::Text(text) => serde_json::from_str(&text).unwrap(),
            other => panic!("expected text, got {other:?}"),
        }
    }

    /// Sends an action in JSON.
    pub(crate) async fn action(&mut self, id: u64, name: &str, args: &str) {
        self.send_text(format!(
            r#"{{"body":{{"tag":"ActionRequest","val":{{"id":["$BigInt","{id}"],"name":"{name}","args":{args}}}}}}}"#
        ))
        .await;
    }

    pub(crate) async fn subscribe(&mut self, event: &str, on: bool) {
        self.send_text(format!(
            r#"{{"body":{{"tag":"SubscriptionRequest","val":{{"eventName":"{event}","subscribe":{on}}}}}}}"#
        ))
        .await;
    }

    /// The close that the server sends, as `code reason`; other messages before it are skipped.
    pub(crate) async fn closed(&mut self) -> String {
        loop {
            if let Message::Close(frame) = self.next().await {
                return frame.map_or("none".to_owned(), |frame| {
                    format!("{} {}", u16::from(frame.code), frame.reason)
                        .trim_end()
                        .to_owned()
                });
            }
        }
    }
}
