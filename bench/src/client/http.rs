//! One keep-alive connection over HTTP.

use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{StatusCode, client::conn::http1};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, task::JoinSet};

use crate::{
    action::{Action, Answer},
    dialect::{Dialect, HttpRequest},
};

/// One request at a time. Closed when it is dropped.
pub(crate) struct Http {
    sender: http1::SendRequest<Full<Bytes>>,
    dialect: &'static dyn Dialect,
    /// Its task reads and writes.
    _driver: JoinSet<hyper::Result<()>>,
}

impl Http {
    /// Connects.
    ///
    /// # Errors
    /// Nobody listens.
    pub(crate) async fn connect(
        address: SocketAddr,
        dialect: &'static dyn Dialect,
    ) -> Result<Self> {
        let stream = TcpStream::connect(address)
            .await
            .context("cannot connect")?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let mut driver = JoinSet::new();
        driver.spawn(connection);
        Ok(Self {
            sender,
            dialect,
            _driver: driver,
        })
    }

    /// What the actor with this key is addressed by. Creates it in systems that have to be asked.
    ///
    /// # Errors
    /// The system does not say.
    pub(crate) async fn find(&mut self, key: &str) -> Result<String> {
        match self.dialect.lookup(key) {
            Some(request) => {
                let body = self.send(request?).await.context("looking for an actor")?;
                self.dialect.looked_up(&body)
            }
            None => Ok(key.to_owned()),
        }
    }

    /// One action.
    ///
    /// # Errors
    /// The connection breaks, or the answer is not a good one.
    pub(crate) async fn run(&mut self, actor: &str, action: Action<'_>) -> Result<Answer> {
        let request = self.dialect.http_request(actor, action)?;
        let body = self.send(request).await?;
        self.dialect.http_reply(&body)
    }

    /// One request of any kind: the body of a good answer.
    ///
    /// # Errors
    /// The connection breaks, or the status is not 200.
    pub(crate) async fn send(&mut self, request: HttpRequest) -> Result<Bytes> {
        self.sender.ready().await?;
        let response = self.sender.send_request(request).await?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        ensure!(
            status == StatusCode::OK,
            "status {status}: {}",
            String::from_utf8_lossy(&body)
        );
        Ok(body)
    }
}
