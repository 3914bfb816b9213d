//! What an upstream is told: plain data with finite defaults. Two equal configurations make the same upstream, and
//! that is how a reload knows what to keep.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::adaptive::AdaptiveConfig;
use super::breaker::BreakerConfig;
use super::retry::RetryConfig;
use super::standing::EjectConfig;
use crate::balance::Balance;

/// One `upstream`, whole.
#[derive(Clone, PartialEq, Debug)]
pub struct UpstreamConfig {
    /// What the policy calls it.
    pub name: Arc<str>,
    /// Where its endpoints come from.
    pub endpoints: Endpoints,
    /// How one of them is chosen.
    pub balance: Balance,
    /// How they are asked whether they are well; not at all when absent.
    pub health: Option<HealthConfig>,
    /// How long anything may take.
    pub timeouts: Timeouts,
    /// When a request is sent again.
    pub retry: RetryConfig,
    /// When one of them is left alone; never when absent.
    pub eject: Option<EjectConfig>,
    /// How much all of them together may hold.
    pub breaker: BreakerConfig,
    /// How many requests wait for answers at a time is found out; it is not when absent.
    pub adaptive: Option<AdaptiveConfig>,
    /// What is spoken with them.
    pub protocol: Protocol,
    /// TLS towards them; cleartext when absent.
    pub tls: Option<TlsConfig>,
    /// The `Host` they see, when it is not the one that the request brings.
    pub host: Option<Arc<str>>,
    /// How much each of them may hold.
    pub limits: Limits,
}

/// Where endpoints come from.
#[derive(Clone, PartialEq, Debug)]
pub enum Endpoints {
    /// Written down. A server with a name instead of an address is looked up like [`Endpoints::Dns`], each
    /// of its addresses with the server's weight.
    Servers(Vec<Server>),
    /// All addresses of one name.
    Dns {
        /// The name and the port.
        server: Server,
        /// The longest time between two look-ups; a shorter time to live of the answer is honoured.
        refresh: Duration,
    },
}

/// An address or a name, with a port.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Server {
    /// A name, or an address without brackets.
    pub host: Arc<str>,
    /// The port.
    pub port: u16,
    /// The share of requests relative to the others; 0 takes none.
    pub weight: u32,
}

/// What is spoken with an upstream.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Protocol {
    /// HTTP/1.1, one request at a time on a connection.
    #[default]
    Http1,
    /// HTTP/2: over TLS it must be agreed by ALPN, over cleartext both sides know.
    Http2,
}

/// TLS towards an upstream.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TlsConfig {
    /// A PEM file of the authorities to trust; those of the system when absent.
    pub ca: Option<PathBuf>,
    /// The name to send and to verify; the server's own name or address when absent.
    pub server_name: Option<Arc<str>>,
    /// Whether the certificate is verified. Off is for laboratories.
    pub verify: bool,
}

impl Default for TlsConfig {
    fn default() -> TlsConfig {
        TlsConfig { ca: None, server_name: None, verify: true }
    }
}

/// How long anything may take. All are finite.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Timeouts {
    /// For a place, where all are taken.
    pub queue: Duration,
    /// For a connection and its TLS handshake, together.
    pub connect: Duration,
    /// From the last byte of the request sent to the head of the answer.
    pub first_byte: Duration,
    /// For the whole exchange, every try and the answer's body included. An upgraded connection is not bound by it.
    pub total: Duration,
    /// Between two pieces of the answer's body, and for an upgraded connection without traffic.
    pub idle: Duration,
    /// How long an unused connection is kept.
    pub keep: Duration,
}

impl Default for Timeouts {
    fn default() -> Timeouts {
        Timeouts {
            queue: Duration::from_secs(2),
            connect: Duration::from_secs(2),
            first_byte: Duration::from_secs(30),
            // Long enough for a large download, short enough that a forgotten one ends.
            total: Duration::from_secs(3600),
            idle: Duration::from_secs(60),
            keep: Duration::from_secs(60),
        }
    }
}

/// How much one endpoint may hold, on one core: cores share no connections.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Requests at a time; with HTTP/1.1, therefore, connections. One more waits.
    pub requests: usize,
    /// Unused connections that are kept.
    pub idle: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { requests: 1024, idle: 512 }
    }
}

/// An active health check.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HealthConfig {
    /// The method asked with.
    pub method: Arc<str>,
    /// The path asked for.
    pub path: Arc<str>,
    /// The time between two questions to one endpoint, give or take a tenth.
    pub every: Duration,
    /// How long an answer may take, from the connection on.
    pub timeout: Duration,
    /// Good answers in a row that bring an unhealthy endpoint back.
    pub rise: u32,
    /// Bad answers in a row that take an endpoint out.
    pub fall: u32,
    /// The first and the last status that is good.
    pub expect: (u16, u16),
    /// What happens when every endpoint is unhealthy. Refusing (503) is the default: a whole fleet that fails its
    /// own check should not be sent what it cannot do. Envoy's panic mode is `Ignore`.
    pub all_down: AllDown,
}

impl Default for HealthConfig {
    fn default() -> HealthConfig {
        HealthConfig {
            method: "GET".into(),
            path: "/".into(),
            every: Duration::from_secs(5),
            timeout: Duration::from_secs(1),
            rise: 2,
            fall: 3,
            expect: (200, 299),
            all_down: AllDown::Refuse,
        }
    }
}

/// What happens when every endpoint is unhealthy.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum AllDown {
    /// Requests are refused.
    #[default]
    Refuse,
    /// Health is ignored until one endpoint is well again.
    Ignore,
}

/// A server's text which is not one.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("`{0}` is not `host:port`{why}", why = crate::listen::what_is_wrong(.0))]
pub struct NotAServer(pub String);

impl Server {
    /// Reads `host:port`, `1.2.3.4:port` or `[address]:port`.
    pub fn parse(text: &str, weight: u32) -> Result<Server, NotAServer> {
        let refuse = || NotAServer(text.to_owned());
        if let Ok(address) = text.parse::<SocketAddr>() {
            if address.port() == 0 {
                return Err(refuse());
            }
            let host = address.ip().to_string().into();
            return Ok(Server { host, port: address.port(), weight });
        }
        let (host, port) = text.rsplit_once(':').ok_or_else(refuse)?;
        let port = port.parse().ok().filter(|port| *port > 0).ok_or_else(refuse)?;
        if !is_name(host) {
            return Err(refuse());
        }
        Ok(Server { host: host.to_ascii_lowercase().into(), port, weight })
    }

    /// Its address, if it is not a name.
    pub fn address(&self) -> Option<SocketAddr> {
        self.host.parse::<IpAddr>().ok().map(|ip| SocketAddr::new(ip, self.port))
    }
}

/// Whether `host` can be asked of DNS: labels of letters, digits, `-` and `_`, at most 253 bytes.
fn is_name(host: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    let relative = host.strip_suffix('.').unwrap_or(host);
    relative.len() <= 253 && relative.split('.').all(label)
}

impl UpstreamConfig {
    /// An upstream of these servers with every default.
    pub fn of(name: &str, servers: Vec<Server>) -> UpstreamConfig {
        UpstreamConfig {
            name: name.into(),
            endpoints: Endpoints::Servers(servers),
            balance: Balance::default(),
            health: None,
            timeouts: Timeouts::default(),
            retry: RetryConfig::default(),
            eject: None,
            breaker: BreakerConfig::default(),
            adaptive: None,
            protocol: Protocol::default(),
            tls: None,
            host: None,
            limits: Limits::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_read() {
        let read =
            |text| Server::parse(text, 1).map(|server| (server.host.to_string(), server.port));
        assert_eq!(read("127.0.0.1:80"), Ok(("127.0.0.1".to_owned(), 80)));
        assert_eq!(read("[::1]:80"), Ok(("::1".to_owned(), 80)));
        assert_eq!(read("Users.svc:8080"), Ok(("users.svc".to_owned(), 8080)));
        for text in [
            "",
            ":80",
            "users",
            "users:",
            "users:0",
            "127.0.0.1:0",
            "users:65536",
            "a b:80",
            "::1:80",
            "a..b:1",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
