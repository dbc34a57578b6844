//! What connections are made of, and a limit for peers that stop reading.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::BytesMut;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, DuplexStream, ReadBuf, ReadHalf, WriteHalf},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    time::Sleep,
};

/// A stream of bytes in both directions that clients reach the server by.
pub trait Transport: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    /// What comes from the client.
    type Read: AsyncRead + Unpin + Send + Sync + 'static;
    /// What goes to it.
    type Write: AsyncWrite + Unpin + Send + Sync + 'static;

    /// Sends from now on what is written at once, and does not wait for more.
    ///
    /// # Errors
    /// What the operating system says.
    fn hurry(&self) -> io::Result<()>;

    /// Resolves when the client hangs up. One that has sent something is not noticed before that is
    /// read. What had to be taken to find out is in `early`.
    fn departure(&mut self, early: &mut BytesMut) -> impl Future<Output = ()> + Send;

    /// Both directions, each with an owner of its own.
    fn halves(self) -> (Self::Read, Self::Write);
}

impl Transport for TcpStream {
    type Read = OwnedReadHalf;
    type Write = OwnedWriteHalf;

    fn hurry(&self) -> io::Result<()> {
        self.set_nodelay(true)
    }

    async fn departure(&mut self, _: &mut BytesMut) {
        if matches!(self.peek(&mut [0]).await, Ok(1..)) {
            std::future::pending().await
        }
    }

    fn halves(self) -> (OwnedReadHalf, OwnedWriteHalf) {
        self.into_split()
    }
}

/// A connection that another server of this process has accepted.
impl Transport for DuplexStream {
    type Read = ReadHalf<Self>;
    type Write = WriteHalf<Self>;

    fn hurry(&self) -> io::Result<()> {
        Ok(())
    }

    async fn departure(&mut self, early: &mut BytesMut) {
        if matches!(self.read_buf(early).await, Ok(1..)) {
            std::future::pending().await
        }
    }

    fn halves(self) -> (ReadHalf<Self>, WriteHalf<Self>) {
        tokio::io::split(self)
    }
}

/// Up to so many bytes are written from one piece. The kernel takes longer to go through a list of pieces than it
/// takes to copy so few.
const SMALL: usize = 512;

/// What is in `pieces`, in one piece, if it has room in `whole`.
fn gather<'a>(pieces: &[IoSlice<'_>], whole: &'a mut [u8; SMALL]) -> Option<&'a [u8]> {
    let mut len = 0;
    for piece in pieces {
        whole
            .get_mut(len..)?
            .get_mut(..piece.len())?
            .copy_from_slice(piece);
        len += piece.len();
    }
    whole.get(..len)
}

/// Fails a write with [`io::ErrorKind::TimedOut`] when not a byte of it moves within the limit.
/// Reads are untouched.
#[derive(Debug)]
pub(crate) struct TimedStream<T> {
    inner: T,
    limit: Duration,
    stall: Option<Pin<Box<Sleep>>>,
}

impl<T> TimedStream<T> {
    pub(crate) fn new(inner: T, limit: Duration) -> Self {
        Self {
            inner,
            limit,
            stall: None,
        }
    }

    pub(crate) fn into_inner(self) -> T {
        self.inner
    }

    /// Starts the clock when a write has to wait, and stops it when one moves.
    fn watch<W>(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<W>>,
    ) -> Poll<io::Result<W>> {
        if written.is_ready() {
            self.stall = None;
            return written;
        }
        let limit = self.limit;
        let stall = self
            .stall
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(limit)));
        match stall.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for TimedStream<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buf)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for TimedStream<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write(cx, buf);
        self.watch(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut whole = [0; SMALL];
        let inner = Pin::new(&mut self.inner);
        let written = match gather(bufs, &mut whole) {
            Some(whole) => inner.poll_write(cx, whole),
            None => inner.poll_write_vectored(cx, bufs),
        };
        self.watch(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.inner).poll_flush(cx);
        self.watch(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let ended = Pin::new(&mut self.inner).poll_shutdown(cx);
        self.watch(cx, ended)
    }
}

#[cfg(test)]
mod tests {
    use tokio::{io::AsyncWriteExt, net::TcpListener};

    use super::*;

    #[test]
    fn small_pieces_are_one_and_large_ones_stay_as_they_are() {
        let body = vec![b'b'; SMALL - 4];
        let pieces = [
            IoSlice::new(b"head"),
            IoSlice::new(b""),
            IoSlice::new(&body),
        ];
        let mut whole = [0; SMALL];
        let gathered = gather(&pieces, &mut whole).unwrap();
        assert_eq!((&gathered[..4], &gathered[4..]), (&b"head"[..], &body[..]));
        let more = [pieces[0], pieces[2], IoSlice::new(b"!")];
        assert_eq!(gather(&more, &mut [0; SMALL]), None);
    }

    #[tokio::test]
    async fn write_to_a_peer_that_does_not_read_times_out() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let _silent = TcpStream::connect(listener.local_addr().unwrap())
            .await
            .unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = TimedStream::new(stream, Duration::from_millis(50));
        let chunk = vec![0; 1 << 20];
        let error = loop {
            if let Err(error) = stream.write_all(&chunk).await {
                break error;
            }
        };
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
