//! `host[:port]` in normal form: lower case, no trailing dot, IPv6 in its canonical spelling.

use std::fmt::Write as _;
use std::net::Ipv6Addr;

use crate::message::Fault;

/// Appends the host of `text` to `out` in normal form and returns the port, if one is written.
///
/// User information, percent-encoding and anything outside ASCII are refused: an international
/// name comes as punycode.
pub fn authority(text: &[u8], out: &mut String) -> Result<Option<u16>, Fault> {
    if text.first() == Some(&b'[') {
        let close = memchr::memchr(b']', text).ok_or(Fault::HostInvalid)?;
        let inner = text.get(1..close).unwrap_or_default();
        let inner = std::str::from_utf8(inner).map_err(|_| Fault::HostInvalid)?;
        let address: Ipv6Addr = inner.parse().map_err(|_| Fault::HostInvalid)?;
        write!(out, "[{address}]").map_err(|_| Fault::HostInvalid)?;
        return port(text.get(close + 1..).unwrap_or_default());
    }
    let colon = memchr::memchr(b':', text).unwrap_or(text.len());
    let (host, rest) = text.split_at_checked(colon).ok_or(Fault::HostInvalid)?;
    let host = host.strip_suffix(b".").unwrap_or(host);
    name(host, out)?;
    port(rest)
}

fn name(host: &[u8], out: &mut String) -> Result<(), Fault> {
    if host.is_empty() || host.len() > 253 {
        return Err(Fault::HostInvalid);
    }
    let begin = out.len();
    out.push_str(std::str::from_utf8(host).map_err(|_| Fault::HostInvalid)?);
    if let Some(name) = out.get_mut(begin..) {
        name.make_ascii_lowercase();
    }
    let mut label = 0;
    for &byte in host {
        match byte {
            b'.' if label == 0 => return Err(Fault::HostInvalid),
            b'.' => label = 0,
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => label += 1,
            _ => return Err(Fault::HostInvalid),
        }
        if label > 63 {
            return Err(Fault::HostInvalid);
        }
    }
    if label == 0 { Err(Fault::HostInvalid) } else { Ok(()) }
}

fn port(rest: &[u8]) -> Result<Option<u16>, Fault> {
    match rest {
        // RFC 3986 section 3.2.3 allows the colon without digits.
        [] | [b':'] => Ok(None),
        [b':', digits @ ..] if digits.len() <= 5 && digits.iter().all(u8::is_ascii_digit) => {
            let text = std::str::from_utf8(digits).map_err(|_| Fault::HostInvalid)?;
            text.parse().map(Some).map_err(|_| Fault::HostInvalid)
        }
        _ => Err(Fault::HostInvalid),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Option<(String, Option<u16>)> {
        let mut out = String::new();
        let port = authority(text.as_bytes(), &mut out).ok()?;
        Some((out, port))
    }

    #[test]
    fn hosts_have_one_spelling() {
        assert_eq!(of("Shop.Example.:8080"), Some(("shop.example".into(), Some(8080))));
        assert_eq!(of("shop.example:"), Some(("shop.example".into(), None)));
        assert_eq!(of("[2001:DB8:0:0::1]:443"), Some(("[2001:db8::1]".into(), Some(443))));
        assert_eq!(of("127.0.0.1"), Some(("127.0.0.1".into(), None)));
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for text in [
            "",
            ".",
            "a..b",
            ".a",
            "a..",
            "a b",
            "u@a",
            "a%41",
            "ä.example",
            "a:99999",
            "a:x",
            "a:80:80",
            "[::1",
            "[::1]x",
            "[fe80::1%25eth0]",
            "[1.2.3.4]",
            "a/b",
            "a,b",
            "a:-1",
            "a:+1",
            "a:000080",
        ] {
            assert_eq!(of(text), None, "{text}");
        }
    }
}
