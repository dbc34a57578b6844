//! The least that can be an HTTP client: its own share of the counts is to be small.

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

/// A keep-alive connection.
pub(crate) struct HttpClient {
    stream: DuplexStream,
    buffer: Vec<u8>,
}

impl HttpClient {
    pub(crate) fn new(stream: DuplexStream) -> Self {
        Self {
            stream,
            buffer: Vec::with_capacity(4096),
        }
    }

    /// Sends a request as it is and gives the body of the answer, which must be a 200.
    pub(crate) async fn ask(&mut self, request: &[u8]) -> Result<&[u8]> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        loop {
            let read = self.stream.read_buf(&mut self.buffer).await?;
            ensure!(read > 0, "the server closed the connection");
            if let Some(head) = head_len(&self.buffer) {
                let (status, length) = read_head(&self.buffer[..head])?;
                if self.buffer.len() == head + length {
                    let body = &self.buffer[head..];
                    ensure!(
                        status == 200,
                        "status {status}: {}",
                        String::from_utf8_lossy(body)
                    );
                    return Ok(body);
                }
            }
        }
    }

    /// Asks for the connection to become something else, and gives the stream once it has.
    pub(crate) async fn upgrade(mut self, request: &[u8]) -> Result<(DuplexStream, Vec<u8>)> {
        self.stream.write_all(request).await?;
        loop {
            let read = self.stream.read_buf(&mut self.buffer).await?;
            ensure!(read > 0, "the server closed the connection");
            if let Some(head) = head_len(&self.buffer) {
                ensure!(
                    self.buffer.starts_with(b"HTTP/1.1 101 "),
                    "no upgrade: {}",
                    String::from_utf8_lossy(&self.buffer)
                );
                self.buffer.drain(..head);
                return Ok((self.stream, self.buffer));
            }
        }
    }
}

/// The bytes of a head with the empty line at its end, if it is all there.
fn head_len(bytes: &[u8]) -> Option<usize> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    Some(end + 4)
}

/// The status and the length of the body.
fn read_head(head: &[u8]) -> Result<(u16, usize)> {
    let head = std::str::from_utf8(head).context("the head is not text")?;
    let status = head.get(9..12).context("no status")?.parse()?;
    for line in head.lines() {
        if let Some(length) = line.strip_prefix("content-length: ") {
            return Ok((status, length.parse()?));
        }
    }
    bail!("no content-length in: {head}")
}
