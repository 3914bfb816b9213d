//! What a proxy says about the client to the server behind it: `X-Forwarded-*` and `Via`.
//! A client that is not trusted cannot put words into our mouth: what it sent is replaced.

use std::net::IpAddr;

use super::headers::{Headers, InvalidField};
use super::{Scheme, Version};

/// What is told about the client of a request.
#[derive(Debug, Clone, Copy)]
pub struct Forwarded<'a> {
    /// The peer of the connection.
    pub peer: IpAddr,
    /// The scheme the client used towards us.
    pub scheme: Scheme,
    /// The authority the client asked for, such as [`super::Target::authority`] gives.
    pub host: &'a str,
    /// Whether the peer is a proxy that the listener trusts.
    pub trusted: bool,
}

impl Forwarded<'_> {
    /// Writes `X-Forwarded-For`, `-Proto` and `-Host`.
    ///
    /// From a trusted peer the chain is appended to and the rest is kept; from any other, every
    /// field of this kind (`Forwarded` and `X-Real-IP` included) is removed first.
    pub fn write(&self, headers: &mut Headers) -> Result<(), InvalidField> {
        if !self.trusted {
            headers.retain(|name, _| !speaks_of_client(name));
        }
        let peer = self.peer.to_canonical().to_string();
        let chain: Vec<&[u8]> = headers.all("x-forwarded-for").collect();
        let chain = if chain.is_empty() {
            peer.into_bytes()
        } else {
            let mut text = chain.join(&b", "[..]);
            text.extend_from_slice(b", ");
            text.extend_from_slice(peer.as_bytes());
            text
        };
        headers.set("x-forwarded-for", chain)?;
        if !headers.contains("x-forwarded-proto") {
            headers.append("x-forwarded-proto", self.scheme.as_str())?;
        }
        if !self.host.is_empty() && !headers.contains("x-forwarded-host") {
            headers.append("x-forwarded-host", self.host)?;
        }
        Ok(())
    }
}

/// Appends this hop to `Via` (RFC 9110 section 7.6.3) under the pseudonym `name`.
pub fn append_via(headers: &mut Headers, version: Version, name: &str) -> Result<(), InvalidField> {
    let number = match version {
        Version::Http10 => "1.0",
        Version::Http11 => "1.1",
        Version::Http2 => "2",
    };
    headers.append("via", format!("{number} {name}"))
}

fn speaks_of_client(name: &str) -> bool {
    name.get(..12).is_some_and(|start| start.eq_ignore_ascii_case("x-forwarded-"))
        || name.eq_ignore_ascii_case("forwarded")
        || name.eq_ignore_ascii_case("x-real-ip")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(trusted: bool) -> Vec<(String, String)> {
        let mut headers = Headers::new();
        headers.append("X-Forwarded-For", "10.0.0.1").unwrap();
        headers.append("X-Forwarded-Proto", "https").unwrap();
        headers.append("X-Real-IP", "10.0.0.1").unwrap();
        let peer = "192.0.2.7".parse().unwrap();
        Forwarded { peer, scheme: Scheme::Http, host: "shop.example", trusted }
            .write(&mut headers)
            .unwrap();
        headers
            .iter()
            .map(|(name, value)| {
                (name.to_ascii_lowercase(), String::from_utf8_lossy(value).into_owned())
            })
            .collect()
    }

    #[test]
    fn an_untrusted_peer_is_not_believed() {
        let all = told(false);
        assert_eq!(all.len(), 3);
        assert!(all.contains(&("x-forwarded-for".into(), "192.0.2.7".into())));
        assert!(all.contains(&("x-forwarded-proto".into(), "http".into())));
    }

    #[test]
    fn a_trusted_peer_is_appended_to() {
        let all = told(true);
        assert!(all.contains(&("x-forwarded-for".into(), "10.0.0.1, 192.0.2.7".into())));
        assert!(all.contains(&("x-forwarded-proto".into(), "https".into())));
    }
}
