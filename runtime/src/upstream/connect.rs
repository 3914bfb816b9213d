//! Opens connections to endpoints, cleartext or TLS. It sets no time limits and keeps nothing: its callers do.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::endpoint::Endpoint;
use super::failure::Kind;
use super::tls::{self, Client};

/// A connection to an endpoint.
pub(super) enum Socket {
    /// Cleartext.
    Plain(TcpStream),
    /// TLS; boxed, for its state is some kilobytes.
    Tls(Box<TlsStream<TcpStream>>),
}

/// Connects to `endpoint`; with `tls`, shakes hands and insists on what ALPN must agree on.
pub(super) async fn connect(
    endpoint: &Endpoint,
    tls: Option<(&Client, &TlsConnector)>,
    alpn: Option<&[u8]>,
) -> Result<Socket, Kind> {
    let stream = TcpStream::connect(endpoint.address).await.map_err(Kind::Connect)?;
    // Heads and bodies are written in whole pieces already.
    stream.set_nodelay(true).map_err(Kind::Connect)?;
    let Some((client, connector)) = tls else { return Ok(Socket::Plain(stream)) };
    let name = client
        .server_name(&endpoint.host)
        .ok_or_else(|| Kind::Tls(format!("`{}` is not a server name", endpoint.host)))?;
    let stream =
        connector.connect(name, stream).await.map_err(|error| Kind::Tls(tls::describe(&error)))?;
    if let Some(wanted) = alpn
        && stream.get_ref().1.alpn_protocol() != Some(wanted)
    {
        let wanted = String::from_utf8_lossy(wanted);
        return Err(Kind::Tls(format!("the server does not agree to `{wanted}`")));
    }
    Ok(Socket::Tls(Box::new(stream)))
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Socket::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Socket::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Socket::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
            Socket::Tls(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Socket::Plain(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
            Socket::Tls(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Socket::Plain(stream) => stream.is_write_vectored(),
            Socket::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Socket::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Socket::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Socket::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Socket::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
