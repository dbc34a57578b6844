//! Where connections come from: the network, or what stands in for it under a simulator.

use std::{io, net::SocketAddr};

use tokio::net::{TcpListener, TcpStream};

use crate::Transport;

/// Accepts connections.
pub trait Listener: Send + Sync + 'static {
    /// A connection.
    type Stream: Transport;

    /// Waits for the next connection, and says where it comes from.
    ///
    /// # Cancel safety
    /// No connection is lost when the future is dropped.
    fn accept(&self) -> impl Future<Output = io::Result<(Self::Stream, SocketAddr)>> + Send;

    /// Where it listens.
    ///
    /// # Errors
    /// What the operating system says.
    fn local_addr(&self) -> io::Result<SocketAddr>;
}

impl Listener for TcpListener {
    type Stream = TcpStream;

    async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        Self::accept(self).await
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Self::local_addr(self)
    }
}
