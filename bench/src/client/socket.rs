//! One WebSocket to one actor.

use std::net::SocketAddr;

use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use fastwebsockets::{FragmentCollector, OpCode, handshake};
use http_body_util::Empty;
use hyper::{Request, header, upgrade::Upgraded};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

use crate::{
    action::{Action, Answer},
    dialect::{Dialect, Message},
};

/// Requests may be pipelined. Closed when it is dropped.
pub(crate) struct Socket {
    frames: FragmentCollector<TokioIo<Upgraded>>,
    dialect: &'static dyn Dialect,
    last_id: u64,
}

impl Socket {
    /// Connects to the actor with this address (see [`super::Http::find`]) and reads the greeting,
    /// if the server has one.
    ///
    /// # Errors
    /// The server refuses, or says something else.
    pub(crate) async fn open(
        address: SocketAddr,
        dialect: &'static dyn Dialect,
        actor: &str,
    ) -> Result<Self> {
        let stream = TcpStream::connect(address)
            .await
            .context("cannot connect")?;
        stream.set_nodelay(true)?;
        let mut request = Request::get(dialect.socket_path(actor))
            .header(header::HOST, address.to_string())
            .header(header::CONNECTION, "upgrade")
            .header(header::UPGRADE, "websocket")
            .header(header::SEC_WEBSOCKET_VERSION, "13")
            .header(header::SEC_WEBSOCKET_KEY, handshake::generate_key());
        if let Some(offered) = dialect.subprotocols() {
            request = request.header(header::SEC_WEBSOCKET_PROTOCOL, offered);
        }
        let request = request.body(Empty::<Bytes>::new())?;
        let (frames, _response) = handshake::client(&TokioExecutor::new(), request, stream)
            .await
            .context("the WebSocket handshake failed")?;
        let mut socket = Self {
            frames: FragmentCollector::new(frames),
            dialect,
            last_id: 0,
        };
        if dialect.greets() {
            let message = socket.next().await?;
            ensure!(message == Message::Greeting, "{message:?} as a greeting");
        }
        Ok(socket)
    }

    /// Sends a request and returns its id.
    ///
    /// # Errors
    /// The connection is broken.
    pub(crate) async fn send(&mut self, action: Action<'_>) -> Result<u64> {
        self.last_id += 1;
        let frame = self.dialect.socket_request(self.last_id, action);
        self.frames.write_frame(frame).await?;
        Ok(self.last_id)
    }

    /// Asks for the event of [`Action::Publish`]. It holds from the next reply on.
    ///
    /// # Errors
    /// The connection is broken.
    pub(crate) async fn subscribe(&mut self) -> Result<()> {
        if let Some(frame) = self.dialect.subscribe() {
            self.frames.write_frame(frame).await?;
        }
        Ok(())
    }

    /// What the server says next.
    ///
    /// # Errors
    /// The connection is broken or closed, or the server reports an error.
    pub(crate) async fn next(&mut self) -> Result<Message> {
        let frame = self.frames.read_frame().await.context("no reply")?;
        if frame.opcode == OpCode::Close {
            let reason = String::from_utf8_lossy(frame.payload.get(2..).unwrap_or_default());
            bail!("the server closed the WebSocket: {reason}");
        }
        self.dialect.read(&frame.payload)
    }

    /// The next reply, where no event can come: its request's id, and what it says.
    ///
    /// # Errors
    /// As [`Socket::next`], or it is something else.
    pub(crate) async fn reply(&mut self) -> Result<(u64, Answer)> {
        match self.next().await? {
            Message::Reply { id, answer } => Ok((id, answer)),
            other => bail!("{other:?} instead of a reply"),
        }
    }

    /// One action with nothing else in flight and no event to come.
    ///
    /// # Errors
    /// As [`Socket::reply`].
    pub(crate) async fn run(&mut self, action: Action<'_>) -> Result<Answer> {
        let id = self.send(action).await?;
        let (answered, answer) = self.reply().await?;
        ensure!(answered == id, "a reply to {answered} instead of {id}");
        Ok(answer)
    }
}
