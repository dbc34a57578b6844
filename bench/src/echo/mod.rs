//! The floor in Rust: a server that sends every WebSocket message and every HTTP body back, on one
//! thread, optionally after it is on disk. Says `listening <port>` and ends when its standard input
//! does.

mod committer;
mod http;
mod hub;
mod socket;

use std::{io::Write, net::Ipv4Addr, sync::Arc};

use anyhow::{Context, Result};
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinSet,
};

use crate::parent;
use committer::Committer;
use hub::Hub;

/// Serves until standard input ends. If `durable`, everything is appended to a file in
/// `BENCH_DATA_DIR` and synced before it is sent back.
///
/// # Errors
/// No port, or no such directory.
pub(crate) fn serve(durable: bool) -> Result<()> {
    let committer = if durable {
        let folder = std::env::var_os("BENCH_DATA_DIR").context("BENCH_DATA_DIR is not set")?;
        Some(Arc::new(Committer::start(folder.as_ref())?))
    } else {
        None
    };
    let stop = parent::end();
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(accept(committer, stop))
}

async fn accept(committer: Option<Arc<Committer>>, mut stop: oneshot::Receiver<()>) -> Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    writeln!(
        std::io::stdout(),
        "listening {}",
        listener.local_addr()?.port()
    )?;
    let hub = Arc::new(Hub::default());
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            // The end comes first: there may always be a connection.
            biased;
            _ = &mut stop => return Ok(()),
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => {
                let (stream, _) = accepted?;
                connections.spawn(serve_connection(stream, Arc::clone(&hub), committer.clone()));
            }
        }
    }
}

async fn serve_connection(stream: TcpStream, hub: Arc<Hub>, committer: Option<Arc<Committer>>) {
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let service =
        service_fn(move |request| http::answer(request, Arc::clone(&hub), committer.clone()));
    let connection = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    // The peer's going away is the usual end.
    let _ = connection.await;
}
