//! Where a listener binds, as a policy writes it. Pure: nothing is bound here.

use std::fmt;
use std::net::{Ipv6Addr, SocketAddr};
use std::str::FromStr;

/// An address to bind.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum BindAddress {
    /// `":8080"`: this port on every address of the machine, IPv4 and IPv6.
    Any(u16),
    /// `"127.0.0.1:8080"`: this address alone. `"[::]:8080"` is every IPv6 address, and no IPv4 one.
    One(SocketAddr),
}

/// A text which is no such address.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("`{0}` is not an address with a port{why}", why = what_is_wrong(.0))]
pub struct NotAnAddress(String);

/// What is wrong with an address and its port, where that is plain; as the end of a sentence.
pub(crate) fn what_is_wrong(text: &str) -> &'static str {
    let port = text.rsplit_once(':').map_or("", |(_, port)| port);
    let is_number = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    match text {
        text if text.contains("://") => ": no scheme stands in front of it",
        _ if is_number && port.parse::<u16>().is_err() => ": ports end at 65535",
        _ => "",
    }
}

impl BindAddress {
    /// The port; 0 takes a free one.
    pub fn port(self) -> u16 {
        match self {
            BindAddress::Any(port) => port,
            BindAddress::One(address) => address.port(),
        }
    }

    /// Whether a connection could belong to both. Two binds with port 0 never collide.
    pub fn overlaps(self, other: BindAddress) -> bool {
        if self.port() != other.port() || self.port() == 0 {
            return false;
        }
        match (self, other) {
            (BindAddress::One(one), BindAddress::One(other)) => {
                let (one, other) = (one.ip(), other.ip());
                one.is_ipv4() == other.is_ipv4()
                    && (one == other || one.is_unspecified() || other.is_unspecified())
            }
            _ => true,
        }
    }
}

impl FromStr for BindAddress {
    type Err = NotAnAddress;

    fn from_str(text: &str) -> Result<BindAddress, NotAnAddress> {
        let refuse = || NotAnAddress(text.to_owned());
        if let Some(port) = text.strip_prefix(':') {
            // `u16::from_str` takes a sign, a port has none.
            let digits = port.bytes().all(|byte| byte.is_ascii_digit());
            return digits
                .then(|| port.parse().ok())
                .flatten()
                .map(BindAddress::Any)
                .ok_or_else(refuse);
        }
        text.parse().map(BindAddress::One).map_err(|_| refuse())
    }
}

impl fmt::Display for BindAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BindAddress::Any(port) => write!(f, ":{port}"),
            BindAddress::One(address) => write!(f, "{address}"),
        }
    }
}

impl BindAddress {
    /// The socket address to try first, and whether IPv4 comes with it.
    pub(super) fn socket_address(self) -> (SocketAddr, bool) {
        match self {
            BindAddress::Any(port) => (SocketAddr::from((Ipv6Addr::UNSPECIFIED, port)), true),
            BindAddress::One(address) => (address, false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> BindAddress {
        text.parse().unwrap()
    }

    #[test]
    fn addresses_are_read_as_written() {
        for text in [":8080", "127.0.0.1:8080", "[::]:443", "[::1]:0"] {
            assert_eq!(read(text).to_string(), text);
        }
        for text in ["", "8080", ":", ":+80", ":65536", "localhost:80", "127.0.0.1", "::1:80"] {
            assert!(text.parse::<BindAddress>().is_err(), "{text}");
        }
    }

    #[test]
    fn addresses_that_share_connections_overlap() {
        assert!(read(":80").overlaps(read("127.0.0.1:80")));
        assert!(read("0.0.0.0:80").overlaps(read("127.0.0.1:80")));
        assert!(!read("[::]:80").overlaps(read("127.0.0.1:80")));
        assert!(!read(":0").overlaps(read(":0")));
        assert!(!read(":80").overlaps(read(":81")));
    }
}
