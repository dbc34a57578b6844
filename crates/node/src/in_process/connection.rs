//! A connection that a server in JavaScript has accepted and hands over, byte by byte.

use std::{net::IpAddr, pin::pin, sync::Arc, time::Duration};

use bytes::BytesMut;
use greenroom_types::ActorError;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf},
    sync::{Semaphore, mpsc},
    time::timeout,
};
use tracing::debug;

use super::{Answer, WINDOW, body::Part, table::Server};

/// Bytes between the server's stack and the way to JavaScript, in each direction.
const PIPE: usize = 16 * 1024;
/// Room for what an idle connection may say next: it is kept for as long as nothing is said.
const IDLE_PIECE: usize = 512;
/// Time that the client has to take what was said last.
const PATIENCE: Duration = Duration::from_secs(30);

/// One connection, from the bytes that it begins with to its end.
pub(super) struct Connection {
    pub(super) server: Server,
    pub(super) request: u32,
    pub(super) peer: Option<IpAddr>,
    /// How many bytes JavaScript has room for.
    pub(super) room: Arc<Semaphore>,
}

impl Connection {
    /// Serves it until neither side has anything to say, and tells JavaScript of it.
    pub(super) async fn run(self, parts: mpsc::UnboundedReceiver<Part>) {
        let (near, far) = tokio::io::duplex(PIPE);
        let (from_server, to_server) = tokio::io::split(far);
        let mut converse = pin!(self.server.dispatcher.converse(near, self.peer));
        let mut inward = pin!(self.inward(parts, to_server));
        let mut outward = pin!(self.outward(from_server));
        let (mut has_heard, mut has_said) = (false, false);
        loop {
            tokio::select! {
                biased;
                () = &mut converse => break,
                () = &mut inward, if !has_heard => has_heard = true,
                () = &mut outward, if !has_said => has_said = true,
            }
        }
        // Nothing is added any more. A client that does not take what there is has had its time.
        let told = async {
            if !has_said {
                outward.await;
            }
            // JavaScript lets go of the socket when it hears of the end, not before the client has it all.
            let _ = self.room.acquire_many(WINDOW as u32).await;
        };
        if timeout(PATIENCE, told).await.is_err() {
            debug!("a mounted connection did not take what was said last");
        }
        self.tell(&Answer::Failed(ActorError::new(
            "request",
            "broken",
            "the connection has ended",
        )));
    }

    /// From the client to the server.
    async fn inward(
        &self,
        mut parts: mpsc::UnboundedReceiver<Part>,
        mut to_server: WriteHalf<DuplexStream>,
    ) {
        while let Some(Part::Data(part)) = parts.recv().await {
            if to_server.write_all(&part).await.is_err() {
                return;
            }
            let taken = u32::try_from(part.len()).unwrap_or(u32::MAX);
            self.tell(&Answer::Taken(taken));
        }
        // Fails only when the server has ended already.
        let _ = to_server.shutdown().await;
    }

    /// From the server to the client.
    async fn outward(&self, mut from_server: ReadHalf<DuplexStream>) {
        let mut size = IDLE_PIECE;
        loop {
            let mut piece = BytesMut::with_capacity(size);
            if !matches!(from_server.read_buf(&mut piece).await, Ok(1..)) {
                return self.tell(&Answer::End);
            }
            size = if piece.len() < size { IDLE_PIECE } else { PIPE };
            let bytes = u32::try_from(piece.len()).expect("a piece is small");
            match self.room.acquire_many(bytes).await {
                Ok(permits) => permits.forget(),
                // It is never closed.
                Err(_) => return,
            }
            self.tell(&Answer::Part(piece.freeze()));
        }
    }

    fn tell(&self, answer: &Answer) {
        self.server.tell(self.request, answer);
    }
}
