//! Operations over HTTP: one at a time on each of many keep-alive connections.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, StatusCode, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, task::JoinSet};

use super::{Target, counter::Counter, recorder::Recorder};
use crate::workload::{Operation, Workload};

/// Works on as many connections as the workload has operations in flight until the recorder has
/// enough.
pub(super) async fn work(target: Target, workload: &Workload, recorder: &Recorder) -> Result<()> {
    let mut drivers = JoinSet::new();
    let mut connections = Vec::with_capacity(workload.in_flight);
    for number in 0..workload.in_flight {
        let stream = TcpStream::connect(target.address)
            .await
            .context("cannot connect")?;
        stream.set_nodelay(true)?;
        let (sender, driver) = http1::handshake(TokioIo::new(stream)).await?;
        drivers.spawn(driver);
        connections.push(Connection {
            sender,
            target,
            key: format!("bench-{number}"),
            counter: Counter::default(),
        });
    }
    let work = connections
        .iter_mut()
        .map(|connection| connection.work(workload.operation, recorder));
    try_all(work).await
}

/// Runs all of them at once on this task; the first error ends them.
async fn try_all(work: impl Iterator<Item = impl Future<Output = Result<()>>>) -> Result<()> {
    use futures_util::TryStreamExt;
    work.collect::<futures_util::stream::FuturesUnordered<_>>()
        .try_collect()
        .await
}

struct Connection {
    sender: http1::SendRequest<Full<Bytes>>,
    target: Target,
    key: String,
    counter: Counter,
}

impl Connection {
    async fn work(&mut self, operation: Operation, recorder: &Recorder) -> Result<()> {
        self.run(Operation::Increment).await?;
        loop {
            let sent = Instant::now();
            self.run(operation).await?;
            if !recorder.reply(sent)? {
                break;
            }
        }
        self.run(Operation::Read).await
    }

    async fn run(&mut self, operation: Operation) -> Result<()> {
        let dialect = self.target.dialect;
        let mut request = Request::post(dialect.http_path(&self.key, operation))
            .header(header::HOST, "127.0.0.1");
        for (name, value) in dialect.http_headers() {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::from(dialect.http_request(operation)))?;
        let response = self.sender.send_request(request).await?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        ensure!(
            status == StatusCode::OK,
            "status {status}: {}",
            String::from_utf8_lossy(&body)
        );
        let reply = dialect.http_reply(&body)?;
        self.counter.check(operation, reply.count)
    }
}
