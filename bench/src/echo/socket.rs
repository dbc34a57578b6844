//! WebSockets: echo every message.

use std::sync::Arc;

use anyhow::Result;
use bytes::Bytes;
use fastwebsockets::{FragmentCollectorRead, Frame, OpCode, WebSocket};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::{
    io::ReadHalf,
    sync::{Mutex, mpsc},
};

use super::{
    committer::{Committer, QUEUE},
    hub::{Hub, Writer},
};

type Stream = TokioIo<Upgraded>;

/// At once.
pub(super) async fn echo(socket: WebSocket<Stream>, hub: &Hub) -> Result<()> {
    let (mut reader, writer) = split(socket, hub);
    while let Some(frame) = next(&mut reader).await? {
        hub.echo(&writer, &frame.payload).await?;
    }
    Ok(())
}

/// After each message is on disk, in order; further messages are read meanwhile.
pub(super) async fn echo_durably(
    socket: WebSocket<Stream>,
    hub: &Hub,
    committer: &Committer,
) -> Result<()> {
    let (mut reader, writer) = split(socket, hub);
    let (in_order, mut committing) = mpsc::channel(QUEUE);
    let receive = async move {
        while let Some(frame) = next(&mut reader).await? {
            let message = Bytes::copy_from_slice(&frame.payload);
            let done = committer.submit(message.clone()).await?;
            in_order.send((message, done)).await?;
        }
        anyhow::Ok(())
    };
    let send = async {
        while let Some((message, done)) = committing.recv().await {
            done.await?;
            hub.echo(&writer, &message).await?;
        }
        anyhow::Ok(())
    };
    // Both are polled to their end, so that no frame is lost half read.
    tokio::try_join!(receive, send)?;
    Ok(())
}

type Reader = FragmentCollectorRead<ReadHalf<Stream>>;

fn split(socket: WebSocket<Stream>, hub: &Hub) -> (Reader, Arc<Writer>) {
    let (reader, writer) = socket.split(tokio::io::split);
    let writer = Arc::new(Mutex::new(writer));
    hub.add(&writer);
    (FragmentCollectorRead::new(reader), writer)
}

/// The next message; `None` when the peer closes.
async fn next(reader: &mut Reader) -> Result<Option<Frame<'_>>> {
    // The load generator sends no pings, and does not wait for the answer to its close.
    let mut no_control_frames = |_: Frame<'_>| async { Ok::<(), std::io::Error>(()) };
    let frame = reader.read_frame(&mut no_control_frames).await?;
    Ok((frame.opcode != OpCode::Close).then_some(frame))
}
