//! Writing heads and chunks. A head is copied once, with the framing fields of this hop in place
//! of those it came with.

use super::Framing;
use super::fields::HOST;
use crate::message::{Headers, Known, Method, Request, Response};
use crate::serve::http_date;
use crate::upgrade::Upgrade;

const DATE: Known = Known::of(&["date"]);
const CONTENT_LENGTH: Known = Known::of(&["content-length"]);
const UPGRADE: Known = Known::of(&["upgrade"]);

/// What a response says about the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Persistence {
    /// Nothing: an HTTP/1.1 connection stays open.
    Implied,
    /// `Connection: keep-alive`, for an HTTP/1.0 client that asked.
    KeepAlive,
    /// `Connection: close`.
    Close,
}

/// What a hop writes itself: the start line but for its target, framing, `Date`.
const OWN: usize = 192;

/// The room that the head of a request takes.
pub(crate) fn request_room(request: &Request) -> usize {
    request.headers.most_on_wire() + request.target.path_and_query().len() + OWN
}

/// The room that the head of a response takes.
pub(super) fn response_room(response: &Response) -> usize {
    response.headers.most_on_wire() + OWN
}

/// Appends the head of a request as HTTP/1.1 in origin form.
///
/// `Host` is the authority of the target. Hop-by-hop fields of the request are not written;
/// `close` says that the connection is not to be kept, `upgrade` passes an upgrade on. A request
/// that anticipates trailers says so with `takes_trailers`, one whose content is to be asked for with `expects`.
pub fn encode_request(
    out: &mut Vec<u8>,
    request: &Request,
    framing: Framing,
    close: bool,
    upgrade: Option<&Upgrade>,
    takes_trailers: bool,
    expects: bool,
) {
    out.reserve(request_room(request));
    put(
        out,
        &[
            request.method.as_str().as_bytes(),
            b" ",
            request.target.path_and_query().as_bytes(),
            b" HTTP/1.1\r\nHost: ",
            request.target.host().as_bytes(),
        ],
    );
    if let Some(port) = request.target.port() {
        put(out, &[b":", itoa::Buffer::new().format(port).as_bytes()]);
    }
    out.extend_from_slice(b"\r\n");
    request.headers.write(out, |known, _| !known.meets(Known::WRITTEN) && known != HOST);
    if expects {
        out.extend_from_slice(b"Expect: 100-continue\r\n");
    }
    match framing {
        // A method that usually has content must say that there is none (RFC 9110 section 8.6).
        Framing::None | Framing::Length(0) if has_content(&request.method) => {
            out.extend_from_slice(b"Content-Length: 0\r\n");
        }
        Framing::None | Framing::Length(0) | Framing::Close => {}
        framing => put_framing(out, framing),
    }
    let te = if takes_trailers { "TE" } else { "" };
    let options =
        [if close { "close" } else { "" }, if upgrade.is_some() { "upgrade" } else { "" }, te];
    let mut written = false;
    for option in options.iter().filter(|option| !option.is_empty()) {
        let before: &[u8] = if written { b", " } else { b"Connection: " };
        put(out, &[before, option.as_bytes()]);
        written = true;
    }
    if written {
        out.extend_from_slice(b"\r\n");
    }
    if takes_trailers {
        out.extend_from_slice(b"TE: trailers\r\n");
    }
    if let Some(upgrade) = upgrade {
        put(out, &[b"Upgrade: ", upgrade.protocol.as_bytes(), b"\r\n"]);
    }
    out.extend_from_slice(b"\r\n");
}

/// Appends the head of a response as HTTP/1.1, with a `Date` if it has none.
///
/// Framing fields of the response are replaced by those of `framing`; `Framing::None` keeps its
/// `Content-Length` if `headless` says that this stands for content that is not sent (an answer to
/// HEAD, a 304). A 101 keeps `Upgrade` and says `Connection: upgrade`.
pub fn encode_response(
    out: &mut Vec<u8>,
    response: &Response,
    framing: Framing,
    headless: bool,
    persistence: Persistence,
) {
    out.reserve(response_room(response));
    let switching = response.status == 101;
    put(
        out,
        &[
            b"HTTP/1.1 ",
            itoa::Buffer::new().format(response.status).as_bytes(),
            b" ",
            reason(response.status).as_bytes(),
            b"\r\n",
        ],
    );
    let (mut dated, mut measured) = (false, false);
    response.headers.write(out, |known, value| {
        dated |= known == DATE;
        if headless && known == CONTENT_LENGTH {
            let first = !measured && is_length(value);
            measured |= first;
            return first;
        }
        !known.meets(Known::WRITTEN) || (switching && known == UPGRADE)
    });
    if !dated && response.status >= 200 {
        out.extend_from_slice(b"Date: ");
        http_date(out);
        out.extend_from_slice(b"\r\n");
    }
    match framing {
        Framing::None | Framing::Close => {}
        framing => put_framing(out, framing),
    }
    out.extend_from_slice(match persistence {
        _ if switching => b"Connection: upgrade\r\n\r\n",
        Persistence::Implied => b"\r\n",
        Persistence::KeepAlive => b"Connection: keep-alive\r\n\r\n",
        Persistence::Close => b"Connection: close\r\n\r\n",
    });
}

/// Appends the size line of a chunk of `len` bytes, which must not be zero. Behind the chunk
/// follows CRLF.
pub fn chunk_size(out: &mut Vec<u8>, len: usize) {
    let mut digits = [0_u8; 16];
    let (mut left, mut count) = (len, 0);
    for place in digits.iter_mut().rev() {
        let nibble = u8::try_from(left & 15).unwrap_or(0);
        *place = if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 };
        left >>= 4;
        count += 1;
        if left == 0 {
            break;
        }
    }
    out.extend_from_slice(digits.get(16 - count..).unwrap_or_default());
    out.extend_from_slice(b"\r\n");
}

/// Appends the last chunk and the trailer section.
pub fn last_chunk(out: &mut Vec<u8>, trailers: Option<&Headers>) {
    out.extend_from_slice(b"0\r\n");
    if let Some(trailers) = trailers {
        trailers.write(out, |known, _| !known.meets(Known::WRITTEN));
    }
    out.extend_from_slice(b"\r\n");
}

/// The reason phrase of a status; empty for an unregistered one.
pub fn reason(status: u16) -> &'static str {
    match status {
        // Renamed by RFC 9110.
        413 => "Content Too Large",
        422 => "Unprocessable Content",
        status => http::StatusCode::from_u16(status)
            .ok()
            .and_then(|status| status.canonical_reason())
            .unwrap_or(""),
    }
}

fn put_framing(out: &mut Vec<u8>, framing: Framing) {
    match framing {
        Framing::Length(length) => {
            let mut digits = itoa::Buffer::new();
            put(out, &[b"Content-Length: ", digits.format(length).as_bytes(), b"\r\n"]);
        }
        Framing::Chunked => out.extend_from_slice(b"Transfer-Encoding: chunked\r\n"),
        Framing::None | Framing::Close => {}
    }
}

fn put(out: &mut Vec<u8>, parts: &[&[u8]]) {
    for part in parts {
        out.extend_from_slice(part);
    }
}

/// Whether `value` is a `Content-Length`.
fn is_length(value: &[u8]) -> bool {
    !value.is_empty() && value.iter().all(u8::is_ascii_digit)
}

fn has_content(method: &Method) -> bool {
    matches!(method, Method::Post | Method::Put | Method::Patch)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Scheme, Target};

    fn request(method: &str, path: &str) -> Request {
        let target = Target::new(Scheme::Http, b"a.example:8080", path.as_bytes()).unwrap();
        let mut request = Request::new(Method::from_bytes(method.as_bytes()).unwrap(), target);
        for (name, value) in [("Accept", "*/*"), ("Connection", "x"), ("Content-Length", "9")] {
            request.headers.append(name, value).unwrap();
        }
        request
    }

    #[test]
    fn a_request_is_written_in_origin_form_with_the_framing_of_this_hop() {
        let mut out = Vec::new();
        encode_request(
            &mut out,
            &request("GET", "/a/../b?c"),
            Framing::None,
            false,
            None,
            false,
            false,
        );
        let plain = "GET /b?c HTTP/1.1\r\nHost: a.example:8080\r\nAccept: */*\r\n\r\n";
        assert_eq!(String::from_utf8_lossy(&out), plain);
        out.clear();
        encode_request(&mut out, &request("POST", "/"), Framing::None, true, None, true, false);
        let close = "POST / HTTP/1.1\r\nHost: a.example:8080\r\nAccept: */*\r\n\
            Content-Length: 0\r\nConnection: close, TE\r\nTE: trailers\r\n\r\n";
        assert_eq!(String::from_utf8_lossy(&out), close);
        out.clear();
        let upgrade = Upgrade { protocol: "websocket".to_owned() };
        let framing = Framing::Chunked;
        encode_request(
            &mut out,
            &request("GET", "/"),
            framing,
            false,
            Some(&upgrade),
            false,
            false,
        );
        let upgraded = "GET / HTTP/1.1\r\nHost: a.example:8080\r\nAccept: */*\r\n\
            Transfer-Encoding: chunked\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
        assert_eq!(String::from_utf8_lossy(&out), upgraded);
    }

    #[test]
    fn sizes_are_written_in_hex() {
        for (len, text) in [(1, "1\r\n"), (15, "f\r\n"), (16, "10\r\n"), (65_536, "10000\r\n")] {
            let mut out = Vec::new();
            chunk_size(&mut out, len);
            assert_eq!(String::from_utf8_lossy(&out), text);
        }
    }
}
