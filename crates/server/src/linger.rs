//! Ending a connection such that its last answer arrives.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Most bytes that are read and thrown away for a client that has its answer and goes on sending. As much as
/// of a body that is refused.
pub(crate) const MOST: usize = 32 * 1024 * 1024;
/// How much of it is read at once, in bytes.
const PIECE: usize = 8 * 1024;

/// Ends in the order that TCP needs: first it says that nothing more will come, then it takes and forgets what the
/// client still sends, until that ends as well, or for too long, or for too much. Closing with unread
/// bytes would reset the connection, and the client would lose an answer that it has not read yet.
pub(crate) struct LingeringStream<T> {
    inner: T,
    /// Makes the limit of the time, which begins with the end.
    patience: Option<Box<dyn FnOnce() -> Patience + Send>>,
    lingering: Option<Lingering>,
}

/// Resolves when the client has had its time.
pub(crate) type Patience = Pin<Box<dyn Future<Output = ()> + Send>>;

struct Lingering {
    patience: Patience,
    left: usize,
}

impl<T> LingeringStream<T> {
    /// Lingers for as long as what `patience` makes at the end.
    pub(crate) fn new(inner: T, patience: impl FnOnce() -> Patience + Send + 'static) -> Self {
        Self {
            inner,
            patience: Some(Box::new(patience)),
            lingering: None,
        }
    }

    pub(crate) fn into_inner(self) -> T {
        self.inner
    }
}

impl<T: AsyncRead + Unpin> LingeringStream<T> {
    /// Reads until the client has ended, too.
    fn linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(lingering) = &mut self.lingering else {
            return Poll::Ready(());
        };
        while lingering.left > 0 {
            let mut piece = [0; PIECE];
            let mut piece = ReadBuf::new(&mut piece);
            match Pin::new(&mut self.inner).poll_read(cx, &mut piece) {
                Poll::Ready(Ok(())) if !piece.filled().is_empty() => {
                    lingering.left = lingering.left.saturating_sub(piece.filled().len());
                }
                Poll::Ready(Ok(()) | Err(_)) => return Poll::Ready(()),
                Poll::Pending => return lingering.patience.as_mut().poll(cx),
            }
        }
        Poll::Ready(())
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for LingeringStream<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buf)
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncWrite for LingeringStream<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.patience.is_some() {
            ready!(Pin::new(&mut self.inner).poll_shutdown(cx))?;
        }
        if let Some(patience) = self.patience.take() {
            self.lingering = Some(Lingering {
                patience: patience(),
                left: MOST,
            });
        }
        self.linger(cx).map(Ok)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt, duplex},
        time::{Instant, sleep},
    };

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(5);

    fn lingering<T>(stream: T) -> LingeringStream<T> {
        LingeringStream::new(stream, || Box::pin(sleep(PATIENCE)))
    }

    #[tokio::test(start_paused = true)]
    async fn the_end_is_said_first_and_then_the_clients_end_is_waited_for() {
        let (server, mut client) = duplex(64);
        let ending = tokio::spawn(async move { lingering(server).shutdown().await });
        let mut rest = Vec::new();
        client.read_to_end(&mut rest).await.unwrap();
        assert!(rest.is_empty());
        // More than the pipe holds, so somebody reads it.
        client.write_all(&[7; 1000]).await.unwrap();
        assert!(!ending.is_finished());
        client.shutdown().await.unwrap();
        ending.await.unwrap().unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_never_ends_has_its_time() {
        let (server, _client) = duplex(64);
        let began = Instant::now();
        lingering(server).shutdown().await.unwrap();
        assert_eq!(began.elapsed(), PATIENCE);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_never_stops_is_not_read_for_ever() {
        let (server, mut client) = duplex(1 << 20);
        let ending = tokio::spawn(async move { lingering(server).shutdown().await });
        let mut sent = 0;
        let piece = vec![7; 1 << 20];
        while client.write_all(&piece).await.is_ok() {
            sent += piece.len();
        }
        ending.await.unwrap().unwrap();
        assert!((MOST..MOST + (4 << 20)).contains(&sent), "{sent}");
    }
}
