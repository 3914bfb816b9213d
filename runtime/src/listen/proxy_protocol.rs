//! The PROXY protocol, versions 1 and 2: who stands behind a proxy that does not speak HTTP. Parsing is strict and
//! bounded; whom to ask for it at all, the listener's `trust` decides.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

/// What a header says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Header {
    /// The proxy speaks for this source.
    Source(SocketAddr),
    /// The proxy speaks for itself (`LOCAL`, a health check), or does not know (`UNKNOWN`).
    Own,
}

/// What is wrong with a header.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum HeaderError {
    /// The connection does not begin with one.
    #[error("the connection does not begin with a PROXY protocol header")]
    Missing,
    /// It is longer than the protocol, or this gateway, allows.
    #[error("the PROXY protocol header is too long")]
    TooLong,
    /// It does not follow the protocol.
    #[error("the PROXY protocol header is malformed")]
    Malformed,
}

/// How far a header has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Progress {
    /// At least so many more bytes belong to it, and can be read without reading past it.
    More(usize),
    /// It is complete.
    Done(Header),
}

const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
/// The longest line of version 1, its CRLF included.
const MOST_V1: usize = 107;
/// The shortest one: `PROXY UNKNOWN` and CRLF.
const LEAST_V1: usize = 15;
/// The most that version 2 may announce behind its first 16 bytes: addresses and some extensions.
const MOST_V2: usize = 2048;

/// Reads a header from the beginning of `stream`, and not a byte more. The caller bounds the time.
pub async fn read(stream: &mut TcpStream) -> io::Result<Header> {
    let refuse = |error: HeaderError| io::Error::new(io::ErrorKind::InvalidData, error);
    let mut bytes = Vec::with_capacity(MOST_V1);
    loop {
        match parse(&bytes).map_err(refuse)? {
            Progress::Done(header) => return Ok(header),
            Progress::More(n) => {
                let from = bytes.len();
                bytes.resize(from + n, 0);
                stream.read_exact(bytes.get_mut(from..).unwrap_or_default()).await?;
            }
        }
    }
}

/// Looks at the beginning of a connection: `bytes` must not reach past what earlier calls asked for.
pub fn parse(bytes: &[u8]) -> Result<Progress, HeaderError> {
    if bytes.len() < LEAST_V1 {
        return Ok(Progress::More(LEAST_V1 - bytes.len()));
    }
    if bytes.starts_with(SIGNATURE) {
        parse_v2(bytes)
    } else if bytes.starts_with(b"PROXY ") {
        parse_v1(bytes)
    } else {
        Err(HeaderError::Missing)
    }
}

fn parse_v1(bytes: &[u8]) -> Result<Progress, HeaderError> {
    let Some(line) = bytes.strip_suffix(b"\r\n") else {
        if bytes.contains(&b'\n') {
            return Err(HeaderError::Malformed);
        }
        if bytes.len() >= MOST_V1 {
            return Err(HeaderError::TooLong);
        }
        // Byte by byte towards the end of the line: whatever follows it belongs to TLS or HTTP. A CR promises one
        // byte; without it there are two at least.
        return Ok(Progress::More(if bytes.ends_with(b"\r") {
            1
        } else {
            2.min(MOST_V1 - bytes.len())
        }));
    };
    let line = std::str::from_utf8(line).map_err(|_| HeaderError::Malformed)?;
    if line.contains(['\r', '\n']) {
        return Err(HeaderError::Malformed);
    }
    if line == "PROXY UNKNOWN" || line.starts_with("PROXY UNKNOWN ") {
        return Ok(Progress::Done(Header::Own));
    }
    let words: Vec<&str> = line.split(' ').collect();
    let &["PROXY", family, source, target, source_port, target_port] = &*words else {
        return Err(HeaderError::Malformed);
    };
    let address = |text: &str| -> Option<IpAddr> {
        match family {
            "TCP4" => text.parse::<Ipv4Addr>().ok().map(IpAddr::from),
            "TCP6" => text.parse::<Ipv6Addr>().ok().map(IpAddr::from),
            _ => None,
        }
    };
    let (Some(source), Some(_), Some(port), Some(_)) =
        (address(source), address(target), port(source_port), port(target_port))
    else {
        return Err(HeaderError::Malformed);
    };
    Ok(Progress::Done(Header::Source(SocketAddr::new(source, port))))
}

/// A decimal port without sign and leading zeros.
fn port(text: &str) -> Option<u16> {
    let plain =
        text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    plain.then(|| text.parse().ok()).flatten()
}

fn parse_v2(bytes: &[u8]) -> Result<Progress, HeaderError> {
    let Some(&[version, family, high, low]) = bytes.get(12..16) else {
        return Ok(Progress::More(16 - bytes.len()));
    };
    let length = usize::from(u16::from_be_bytes([high, low]));
    if version >> 4 != 2 {
        return Err(HeaderError::Malformed);
    }
    if length > MOST_V2 {
        return Err(HeaderError::TooLong);
    }
    let rest = bytes.get(16..).unwrap_or_default();
    if rest.len() < length {
        return Ok(Progress::More(length - rest.len()));
    }
    match (version & 0xf, family) {
        // LOCAL: whatever addresses there are, they say nothing.
        (0, _) => Ok(Progress::Done(Header::Own)),
        // PROXY over TCP and IPv4: source, target, source port, target port.
        (1, 0x11) => {
            let Some(&[a, b, c, d, _, _, _, _, high, low, _, _]) = rest.get(..12) else {
                return Err(HeaderError::Malformed);
            };
            let port = u16::from_be_bytes([high, low]);
            Ok(Progress::Done(Header::Source((Ipv4Addr::new(a, b, c, d), port).into())))
        }
        // The same with IPv6.
        (1, 0x21) => {
            let source = rest.first_chunk::<16>().filter(|_| rest.len() >= 36);
            let (Some(source), Some(&[high, low])) = (source, rest.get(32..34)) else {
                return Err(HeaderError::Malformed);
            };
            let port = u16::from_be_bytes([high, low]);
            Ok(Progress::Done(Header::Source((Ipv6Addr::from(*source), port).into())))
        }
        // UNSPEC, UDP and UNIX sockets: the protocol asks a receiver to go on without the addresses.
        (1, 0x00 | 0x12 | 0x22 | 0x31 | 0x32) => Ok(Progress::Done(Header::Own)),
        _ => Err(HeaderError::Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds `bytes` as a socket would, and tells how many were taken.
    fn run(bytes: &[u8]) -> Result<(Header, usize), String> {
        let mut seen = 0;
        loop {
            match parse(&bytes[..seen]).map_err(|error| error.to_string())? {
                Progress::Done(header) => return Ok((header, seen)),
                Progress::More(n) if n == 0 || seen + n > bytes.len() => {
                    return Err("end".to_owned());
                }
                Progress::More(n) => seen += n,
            }
        }
    }

    fn v2(command: u8, family: u8, addresses: &[u8]) -> Vec<u8> {
        let mut bytes = SIGNATURE.to_vec();
        bytes.extend([command, family]);
        bytes.extend((addresses.len() as u16).to_be_bytes());
        bytes.extend(addresses);
        bytes
    }

    #[test]
    fn version_1_is_read_to_its_line_s_end() {
        let source = |text: &str| Header::Source(text.parse().unwrap());
        let table: &[(&[u8], Option<Header>)] = &[
            (b"PROXY TCP4 192.0.2.1 192.0.2.2 4711 443\r\n", Some(source("192.0.2.1:4711"))),
            (
                b"PROXY TCP6 2001:db8::1 2001:db8::2 4711 443\r\n",
                Some(source("[2001:db8::1]:4711")),
            ),
            (b"PROXY UNKNOWN\r\n", Some(Header::Own)),
            (b"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n", Some(Header::Own)),
            (b"PROXY TCP4 2001:db8::1 2001:db8::2 4711 443\r\n", None),
            (b"PROXY TCP4 192.0.2.1 192.0.2.2 04711 443\r\n", None),
            (b"PROXY TCP4 192.0.2.1 192.0.2.2 65536 443\r\n", None),
            (b"PROXY TCP4 192.0.2.1 192.0.2.2 +1 443\r\n", None),
            (b"PROXY TCP4  192.0.2.1 192.0.2.2 1 443\r\n", None),
            (b"PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n", None),
            (b"PROXY UDP4 192.0.2.1 192.0.2.2 1 443\r\n", None),
            (b"PROXY TCP4 192.0.2.1 192.0.2.2 1 443\n.............", None),
            (b"PROXY TCP4 192.0.2.1\r192.0.2.2 1 443\r\n", None),
            (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", None),
            (b"proxy unknown\r\n", None),
        ];
        for (bytes, expected) in table {
            let mut padded = bytes.to_vec();
            padded.extend(b"GET / HTTP/1.1\r\n");
            let text = String::from_utf8_lossy(bytes);
            match expected {
                Some(header) => assert_eq!(run(&padded), Ok((*header, bytes.len())), "{text}"),
                None => assert!(run(&padded).is_err(), "{text}"),
            }
        }
        let long = format!("PROXY UNKNOWN {}", "x".repeat(200));
        assert_eq!(run(long.as_bytes()), Err(HeaderError::TooLong.to_string()));
    }

    #[test]
    fn version_2_is_read_to_its_length() {
        let v4 = [192, 0, 2, 1, 192, 0, 2, 2, 0x12, 0x67, 1, 187];
        let mut v6 = Ipv6Addr::LOCALHOST.octets().to_vec();
        v6.extend([0; 16]);
        v6.extend([0x12, 0x67, 1, 187]);
        let mut extended = v4.to_vec();
        extended.extend([4, 0, 1, 0]);
        let source = |text: &str| Some(Header::Source(text.parse().unwrap()));
        let table = [
            (v2(0x21, 0x11, &v4), source("192.0.2.1:4711")),
            (v2(0x21, 0x11, &extended), source("192.0.2.1:4711")),
            (v2(0x21, 0x21, &v6), source("[::1]:4711")),
            (v2(0x20, 0x00, &[]), Some(Header::Own)),
            (v2(0x21, 0x00, &[]), Some(Header::Own)),
            (v2(0x21, 0x31, &[0; 216]), Some(Header::Own)),
            (v2(0x21, 0x11, &v4[..11]), None),
            (v2(0x21, 0x21, &v6[..35]), None),
            (v2(0x22, 0x11, &v4), None),
            (v2(0x11, 0x11, &v4), None),
            (v2(0x21, 0x41, &v4), None),
            (v2(0x21, 0x11, &[0; 2049]), None),
        ];
        for (bytes, expected) in table {
            let mut padded = bytes.clone();
            padded.extend(b"GET /");
            match expected {
                Some(header) => assert_eq!(run(&padded), Ok((header, bytes.len()))),
                None => assert!(run(&padded).is_err(), "{bytes:?}"),
            }
        }
    }

    #[test]
    fn no_bytes_make_it_panic_or_ask_for_nothing() {
        for seed in 0..2000 {
            let mut random = fastrand::Rng::with_seed(seed);
            let mut bytes =
                if seed % 2 == 0 { SIGNATURE.to_vec() } else { b"PROXY TCP4 ".to_vec() };
            bytes.extend(std::iter::repeat_with(|| random.u8(..)).take(300));
            let _ = run(&bytes);
        }
    }
}
