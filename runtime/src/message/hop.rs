//! Fields that concern one connection only (RFC 9110 section 7.6.1), taken off before a message
//! is passed on. What the next hop needs of them it writes itself.

use compiler::passing::PROTECTED;

use super::headers::{Headers, list};
use super::known::Known;

/// What the stripped fields said that the next hop may want to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Hop {
    /// `TE: trailers`: the sender takes trailers (gRPC asks for it).
    pub trailers: bool,
}

/// Takes the hop-by-hop fields off, those that `Connection` names included.
///
/// `Upgrade` goes too: who passes an upgrade on, writes it anew.
pub fn strip_hop_by_hop(headers: &mut Headers) -> Hop {
    if !headers.may_have(Known::HOP) {
        return Hop::default();
    }
    let hop = Hop { trailers: headers.lists("te", "trailers") };
    let named: Vec<Vec<u8>> = headers
        .all("connection")
        .flat_map(list)
        .filter(|option| !Known::recognise(option).meets(Known::HOP))
        .filter(|option| !matches_any(option, PROTECTED) && !option.eq_ignore_ascii_case(b"close"))
        .map(<[u8]>::to_vec)
        .collect();
    headers.retain(|known, name| {
        !known.meets(Known::HOP) && !named.iter().any(|option| option.eq_ignore_ascii_case(name))
    });
    hop
}

/// Whether `Connection` names a field of [`PROTECTED`].
pub(crate) fn names_protected(headers: &Headers) -> bool {
    const CONNECTION: Known = Known::of(&["connection"]);
    headers.may_have(CONNECTION)
        && headers.all("connection").flat_map(list).any(|option| matches_any(option, PROTECTED))
}

fn matches_any(name: &[u8], fields: &[&str]) -> bool {
    fields.iter().any(|field| name.eq_ignore_ascii_case(field.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn named_fields_go_and_protected_ones_stay() {
        let mut headers = Headers::new();
        for (name, value) in [
            ("Connection", "X-Hop, cookie, keep-alive"),
            ("X-Hop", "1"),
            ("Keep-Alive", "timeout=5"),
            ("TE", "gzip, trailers"),
            ("Transfer-Encoding", "chunked"),
            ("Upgrade", "websocket"),
            ("HTTP2-Settings", "x"),
            ("Proxy", "http://evil.example"),
            ("Proxy-Connection", "close"),
            ("Proxy-Authenticate", "x"),
            ("Proxy-Authorization", "x"),
            ("Proxy-Authentication-Info", "x"),
            ("Cookie", "a=b"),
            ("X-Kept", "1"),
        ] {
            headers.append(name, value).unwrap();
        }
        assert!(names_protected(&headers));
        assert_eq!(strip_hop_by_hop(&mut headers), Hop { trailers: true });
        let names: Vec<_> = headers.iter().map(|(name, _)| name.to_owned()).collect();
        assert_eq!(names, ["Cookie", "X-Kept"]);
    }
}
