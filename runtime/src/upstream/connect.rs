//! Opens connections to endpoints, cleartext or TLS. It sets no time limits and keeps nothing: its callers do.

use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::endpoint::Endpoint;
use super::failure::Kind;
use super::tls::{self, Client};
use crate::transport::Transport;

/// A connection to an endpoint.
pub(super) type Socket = Transport<TlsStream<TcpStream>>;

/// Connects to `endpoint`; with `tls`, shakes hands and insists on what ALPN must agree on.
pub(super) async fn connect(
    endpoint: &Endpoint,
    tls: Option<(&Client, &TlsConnector)>,
    alpn: Option<&[u8]>,
) -> Result<Socket, Kind> {
    let stream = TcpStream::connect(endpoint.address).await.map_err(Kind::of_connect)?;
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
