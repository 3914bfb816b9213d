//! A document that the gateway fetches for itself, such as a set of keys: by hyper, beside requests, bounded in size. It
//! follows no redirect: whoever names a place means it.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper_util::rt::TokioIo;
use tokio::task::JoinSet;

use super::config::{Protocol, TlsConfig};
use super::connect::connect;
use super::discover::system;
use super::endpoint::Endpoint;
use super::tls::{Client, TlsError};

/// A place in the web: scheme, host, port, path and query.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Url {
    https: bool,
    /// Without brackets.
    host: Arc<str>,
    port: u16,
    authority: Arc<str>,
    target: Arc<str>,
}

/// What fetches from one place.
#[derive(Clone, PartialEq)]
pub struct Fetcher {
    tls: Option<Client>,
}

/// A head larger than this is no good answer.
const MOST_HEAD: usize = 64 << 10;

/// At most so many addresses of a name are tried.
const MOST_TRIES: usize = 3;

impl Url {
    /// From text; the error says what is wrong with it.
    pub fn parse(text: &str) -> Result<Url, String> {
        let wrong = |reason: &str| format!("`{text}` {reason}");
        let uri: http::Uri = text.parse().map_err(|_| wrong("is no URL"))?;
        let https = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(wrong("is no URL with `https`")),
        };
        let authority = uri.authority().ok_or_else(|| wrong("has no host"))?;
        if authority.as_str().contains('@') {
            return Err(wrong("has a user in it"));
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() {
            return Err(wrong("has no host"));
        }
        let port = authority.port_u16().unwrap_or(if https { 443 } else { 80 });
        let target = uri.path_and_query().map_or("/", |target| target.as_str());
        Ok(Url {
            https,
            host: host.into(),
            port,
            authority: authority.as_str().into(),
            target: target.into(),
        })
    }

    /// Whether nobody can change the answer on its way: over TLS, or on this machine.
    pub fn is_safe(&self) -> bool {
        let here = self.host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        self.https || here || &*self.host == "localhost"
    }
}

impl fmt::Display for Url {
    /// Without the query, in which a secret may stand.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.https { "https" } else { "http" };
        let path = self.target.split('?').next().unwrap_or_default();
        write!(f, "{scheme}://{}{path}", self.authority)
    }
}

impl Fetcher {
    /// What fetches from `url`, trusting the authorities of the file `ca`, or else of the system.
    pub fn build(url: &Url, ca: Option<&Path>) -> Result<Fetcher, TlsError> {
        let config = TlsConfig { ca: ca.map(Path::to_owned), ..TlsConfig::default() };
        let tls = url.https.then(|| Client::build(&config, Protocol::Http1)).transpose()?;
        Ok(Fetcher { tls })
    }

    /// The content of an answer of 200, of at most `most` bytes. It sets no time limit. The error is for the log.
    pub async fn get(&self, url: &Url, most: usize) -> Result<Vec<u8>, String> {
        let addresses = match url.host.parse::<IpAddr>() {
            Ok(address) => vec![address],
            Err(_) => system()(url.host.clone()).await?.addresses,
        };
        let connector = self.tls.as_ref().map(Client::connector);
        let tls = self.tls.as_ref().zip(connector.as_ref());
        let mut failure = "no address".to_owned();
        for address in addresses.into_iter().take(MOST_TRIES) {
            let address = SocketAddr::new(address, url.port);
            let endpoint = Endpoint::new(address, url.host.clone(), 1);
            match connect(&endpoint, tls, None).await {
                Ok(socket) => return ask(TokioIo::new(socket), url, most).await,
                Err(error) => failure = error.to_string(),
            }
        }
        Err(failure)
    }
}

async fn ask<I>(socket: I, url: &Url, most: usize) -> Result<Vec<u8>, String>
where
    I: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
{
    let failed = |error: hyper::Error| error.to_string();
    let request = http::Request::builder()
        .uri(&*url.target)
        .header("host", &*url.authority)
        .header("accept", "application/json")
        .header("user-agent", concat!("gw/", env!("CARGO_PKG_VERSION")))
        .body(Empty::<Bytes>::new())
        .map_err(|error| error.to_string())?;
    let (mut sender, connection) = hyper::client::conn::http1::Builder::new()
        .max_buf_size(MOST_HEAD)
        .handshake(socket)
        .await
        .map_err(failed)?;
    // Dropped at the end, and with it the connection.
    let mut driver = JoinSet::new();
    driver.spawn(connection);
    let response = sender.send_request(request).await.map_err(failed)?;
    let status = response.status().as_u16();
    if status != 200 {
        return Err(format!("status {status}"));
    }
    let content = Limited::new(response.into_body(), most).collect().await;
    let content = content.map_err(|error| error.to_string())?;
    Ok(content.to_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_over_tls_or_from_this_machine() {
        for (text, safe) in [
            ("https://id.shop.example/jwks.json", true),
            ("https://id.shop.example:8443/a?b=c", true),
            ("http://127.0.0.1:8080/jwks", true),
            ("http://[::1]/jwks", true),
            ("http://id.shop.example/jwks.json", false),
            ("http://localhost.shop.example/", false),
        ] {
            assert_eq!(Url::parse(text).unwrap().is_safe(), safe, "{text}");
        }
        for text in ["ftp://a/b", "https://", "https:///a", "https://u:p@a/b", "https://a b/"] {
            assert!(Url::parse(text).is_err(), "{text}");
        }
        let url = Url::parse("https://id.example/keys?key=hunter2").unwrap();
        assert_eq!(url.to_string(), "https://id.example/keys");
    }
}
