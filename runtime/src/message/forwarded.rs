//! What a proxy says about the client to the server behind it: `X-Forwarded-*` and `Via`.
//! A client that is not trusted cannot put words into our mouth: what it sent is replaced.

use std::net::IpAddr;

use smallvec::SmallVec;

use super::headers::{Headers, InvalidField, list};
use super::known::Known;
use super::{Scheme, Version};

const FOR: Known = Known::of(&["x-forwarded-for"]);
const PROTO: Known = Known::of(&["x-forwarded-proto"]);
const HOST: Known = Known::of(&["x-forwarded-host"]);
const VIA: Known = Known::of(&["via"]);

/// What is told about the client of a request.
#[derive(Debug, Clone, Copy)]
pub struct Forwarded<'a> {
    /// The peer of the connection.
    pub peer: IpAddr,
    /// The scheme the client used towards us.
    pub scheme: Scheme,
    /// The host the client asked for, in the normal form; empty if it named none.
    pub host: &'a str,
    /// The port the client asked for, if one other than the scheme's own was written.
    pub port: Option<u16>,
    /// Whether the peer is a proxy that the listener trusts.
    pub trusted: bool,
}

impl Forwarded<'_> {
    /// Writes `X-Forwarded-For`, `-Proto` and `-Host`.
    ///
    /// From a trusted peer the chain is appended to and the rest is kept; from any other, every
    /// field of this kind (`Forwarded` and `X-Real-IP` included) is removed first.
    pub fn write(&self, headers: &mut Headers) -> Result<(), InvalidField> {
        if !self.trusted && headers.may_have(Known::CLIENT) {
            headers.retain(|known, _| !known.meets(Known::CLIENT));
        }
        let mut text: SmallVec<[u8; 64]> = SmallVec::new();
        let chain = headers.may_have(FOR).then(|| headers.all("x-forwarded-for"));
        for value in chain.into_iter().flatten() {
            text.extend_from_slice(value);
            text.extend_from_slice(b", ");
        }
        let alone = text.is_empty();
        address(&mut text, self.peer.to_canonical());
        if alone {
            headers.append_known(FOR, "x-forwarded-for", &text)?;
        } else {
            headers.set("x-forwarded-for", &text)?;
        }
        if !self.trusted || !headers.contains("x-forwarded-proto") {
            headers.append_known(PROTO, "x-forwarded-proto", self.scheme.as_str().as_bytes())?;
        }
        if !self.host.is_empty() && (!self.trusted || !headers.contains("x-forwarded-host")) {
            let mut host = self.host.as_bytes();
            if let Some(port) = self.port {
                text.clear();
                text.extend_from_slice(host);
                text.push(b':');
                text.extend_from_slice(itoa::Buffer::new().format(port).as_bytes());
                host = &text;
            }
            headers.append_known(HOST, "x-forwarded-host", host)?;
        }
        Ok(())
    }
}

/// Appends this hop to `Via` (RFC 9110 section 7.6.3) under the pseudonym `name`, a token.
pub fn append_via(headers: &mut Headers, version: Version, name: &str) -> Result<(), InvalidField> {
    let number = match version {
        Version::Http10 => "1.0 ",
        Version::Http11 => "1.1 ",
        Version::Http2 => "2 ",
    };
    let mut value: SmallVec<[u8; 32]> = SmallVec::from_slice(number.as_bytes());
    value.extend_from_slice(name.as_bytes());
    headers.append_known(VIA, "via", &value)
}

/// How often this pseudonym stands in `Via`.
pub(crate) fn passes(headers: &Headers, name: &str) -> usize {
    if !headers.may_have(VIA) {
        return 0;
    }
    let hops = headers.all("via").flat_map(list);
    // A comment may follow.
    let by = hops
        .filter_map(|hop| hop.split(|&byte| byte == b' ').filter(|word| !word.is_empty()).nth(1));
    by.filter(|by| *by == name.as_bytes()).count()
}

fn address(text: &mut SmallVec<[u8; 64]>, address: IpAddr) {
    match address {
        IpAddr::V4(address) => {
            for (at, octet) in address.octets().into_iter().enumerate() {
                if at > 0 {
                    text.push(b'.');
                }
                if octet >= 100 {
                    text.push(b'0' + octet / 100);
                }
                if octet >= 10 {
                    text.push(b'0' + octet / 10 % 10);
                }
                text.push(b'0' + octet % 10);
            }
        }
        IpAddr::V6(address) => text.extend_from_slice(address.to_string().as_bytes()),
    }
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
        Forwarded { peer, scheme: Scheme::Http, host: "shop.example", port: None, trusted }
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
