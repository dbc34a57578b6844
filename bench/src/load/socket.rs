//! Pipelined operations over one WebSocket.

use std::{collections::BTreeMap, time::Instant};

use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use fastwebsockets::{FragmentCollector, Frame, OpCode, Payload, handshake};
use http_body_util::Empty;
use hyper::{Request, header, upgrade::Upgraded};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

use super::{Target, counter::Counter, recorder::Recorder};
use crate::{
    dialect::{Dialect, Reply},
    workload::{Operation, Workload},
};

/// The actor that everything goes to.
const KEY: &str = "bench";

/// Keeps the workload's number of operations in flight until the recorder has enough.
pub(super) async fn work(target: Target, workload: &Workload, recorder: &Recorder) -> Result<()> {
    let mut socket = Socket::open(target).await?;
    let mut counter = Counter::default();
    // So that a read has something to show.
    socket.run_alone(Operation::Increment, &mut counter).await?;
    let mut waiting = BTreeMap::new();
    for _ in 0..workload.in_flight {
        let id = socket.send(workload.operation).await?;
        waiting.insert(id, Instant::now());
    }
    while !waiting.is_empty() {
        let reply = socket.reply().await?;
        let sent = waiting
            .remove(&reply.id)
            .with_context(|| format!("a reply to {}, which nobody waits for", reply.id))?;
        counter.check(workload.operation, reply.count)?;
        if recorder.reply(sent)? {
            let sent = Instant::now();
            waiting.insert(socket.send(workload.operation).await?, sent);
        }
    }
    socket.run_alone(Operation::Read, &mut counter).await
}

struct Socket {
    frames: FragmentCollector<TokioIo<Upgraded>>,
    dialect: Dialect,
    last_id: u64,
}

impl Socket {
    /// Connects and reads the greeting, if the server has one.
    async fn open(target: Target) -> Result<Self> {
        let stream = TcpStream::connect(target.address)
            .await
            .context("cannot connect")?;
        stream.set_nodelay(true)?;
        let mut request = Request::get(target.dialect.socket_path(KEY))
            .header(header::HOST, target.address.to_string())
            .header(header::CONNECTION, "upgrade")
            .header(header::UPGRADE, "websocket")
            .header(header::SEC_WEBSOCKET_VERSION, "13")
            .header(header::SEC_WEBSOCKET_KEY, handshake::generate_key());
        if let Some(offered) = target.dialect.subprotocols() {
            request = request.header(header::SEC_WEBSOCKET_PROTOCOL, offered);
        }
        let request = request.body(Empty::<Bytes>::new())?;
        let (socket, _response) = handshake::client(&TokioExecutor::new(), request, stream)
            .await
            .context("the WebSocket handshake failed")?;
        let mut socket = Self {
            frames: FragmentCollector::new(socket),
            dialect: target.dialect,
            last_id: 0,
        };
        if target.dialect.greets() {
            let frame = socket.frames.read_frame().await?;
            target.dialect.check_greeting(&frame.payload)?;
        }
        Ok(socket)
    }

    /// One operation with nothing else in flight.
    async fn run_alone(&mut self, operation: Operation, counter: &mut Counter) -> Result<()> {
        let id = self.send(operation).await?;
        let reply = self.reply().await?;
        ensure!(reply.id == id, "a reply to {} instead of {id}", reply.id);
        counter.check(operation, reply.count)
    }

    /// Sends a request and returns its id.
    async fn send(&mut self, operation: Operation) -> Result<u64> {
        self.last_id += 1;
        let request = self.dialect.socket_request(self.last_id, operation);
        let frame = Frame::binary(Payload::Owned(request));
        self.frames.write_frame(frame).await?;
        Ok(self.last_id)
    }

    async fn reply(&mut self) -> Result<Reply> {
        let frame = self.frames.read_frame().await.context("no reply")?;
        if frame.opcode == OpCode::Close {
            let reason = String::from_utf8_lossy(frame.payload.get(2..).unwrap_or_default());
            bail!("the server closed the WebSocket: {reason}");
        }
        self.dialect.socket_reply(&frame.payload)
    }
}
