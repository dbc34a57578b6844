//! WebSockets: echo every message.

use anyhow::Result;
use bytes::Bytes;
use fastwebsockets::{FragmentCollector, FragmentCollectorRead, Frame, OpCode, Payload, WebSocket};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::sync::mpsc;

use super::committer::{Committer, QUEUE};

type Socket = WebSocket<TokioIo<Upgraded>>;

/// At once.
pub(super) async fn echo(socket: Socket) -> Result<()> {
    let mut frames = FragmentCollector::new(socket);
    loop {
        let frame = frames.read_frame().await?;
        match frame.opcode {
            OpCode::Close => return Ok(()),
            OpCode::Text | OpCode::Binary => {
                frames.write_frame(Frame::binary(frame.payload)).await?;
            }
            OpCode::Continuation | OpCode::Ping | OpCode::Pong => {}
        }
    }
}

/// After each message is on disk, in order; further messages are read meanwhile.
pub(super) async fn echo_durably(socket: Socket, committer: &Committer) -> Result<()> {
    let (read, mut write) = socket.split(tokio::io::split);
    let mut read = FragmentCollectorRead::new(read);
    let (in_order, mut committing) = mpsc::channel(QUEUE);
    let receive = async move {
        let mut no_control_frames = |_: Frame<'_>| async { Ok::<(), std::io::Error>(()) };
        loop {
            let frame = read.read_frame(&mut no_control_frames).await?;
            match frame.opcode {
                OpCode::Close => return anyhow::Ok(()),
                OpCode::Text | OpCode::Binary => {
                    let message = Bytes::copy_from_slice(&frame.payload);
                    let done = committer.submit(message.clone()).await?;
                    in_order.send((message, done)).await?;
                }
                OpCode::Continuation | OpCode::Ping | OpCode::Pong => {}
            }
        }
    };
    let send = async {
        while let Some((message, done)) = committing.recv().await {
            done.await?;
            let frame = Frame::binary(Payload::Borrowed(&message));
            write.write_frame(frame).await?;
        }
        anyhow::Ok(())
    };
    // Both are polled to their end, so that no frame is lost half read.
    tokio::try_join!(receive, send)?;
    Ok(())
}
