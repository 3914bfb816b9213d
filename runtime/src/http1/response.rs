//! Reading the head of a response, as strictly as that of a request.

use super::Framing;
use super::fields::Frame;
use super::lines::Lines;
use crate::message::{Fault, Method, Response, Version, is_value_byte};
use crate::serve::Limits;

/// The head of a response and what it says about the connection.
#[derive(Debug)]
pub struct ResponseHead {
    /// The response; hop-by-hop fields are still there.
    pub response: Response,
    /// How its content ends.
    pub framing: Framing,
    /// Whether the connection can carry another request when the content has ended.
    pub persistent: bool,
}

/// Reads a complete head, as [`super::Scan::find`] delimits it, that answers a `method` request.
///
/// At most `fields` fields are read. Interim responses (1xx) come back like any other:
/// the caller skips them or passes them on, and expects one more head behind each but 101.
pub fn parse_response(head: &[u8], method: &Method, fields: usize) -> Result<ResponseHead, Fault> {
    match parse(head, method, fields)? {
        (parsed, end) if end == head.len() => Ok(parsed),
        _ => Err(Fault::LineEnding),
    }
}

/// Reads a head with which `text` begins, and says where it ends. Of a text that holds none, or only the beginning of one,
/// it need not say what is wrong with it.
pub(crate) fn parse(
    text: &[u8],
    method: &Method,
    fields: usize,
) -> Result<(ResponseHead, usize), Fault> {
    let mut lines = Lines::new(text);
    let is_newer = lines.minor().filter(|_| lines.skip(b" ")).ok_or(Fault::StartLine)?;
    let code = lines.code().ok_or(Fault::StartLine)?;
    // Some leave the reason out, and the space before it.
    let has_end = lines.skip(b"\r\n")
        || (lines.skip(b" ") && lines.word(b'\r', is_value_byte).is_some() && lines.skip(b"\n"));
    if !has_end {
        return Err(Fault::StartLine);
    }
    if !(100..=599).contains(&code) {
        return Err(Fault::Status);
    }
    let version = if is_newer { Version::Http11 } else { Version::Http10 };
    let mut frame = Frame::default();
    let (headers, end) = lines.fields(fields.min(Limits::MAX_FIELDS), |known, _, value| {
        frame.take(known, value)?;
        Ok(true)
    })?;
    let frame = frame.whole()?;
    if frame.chunked && version == Version::Http10 {
        return Err(Fault::TransferEncoding);
    }
    // RFC 9112 section 6.1: neither an interim response nor 204 has a transfer coding.
    if frame.chunked && (code < 200 || code == 204) {
        return Err(Fault::TransferEncoding);
    }
    let response = Response { status: code, headers, version };
    let framing = if response.may_have_content(method) {
        frame.framing(Framing::Close)
    } else {
        Framing::None
    };
    let asked = match version {
        Version::Http10 => frame.keep_alive && !frame.close,
        _ => !frame.close,
    };
    let persistent = asked && framing != Framing::Close;
    Ok((ResponseHead { response, framing, persistent }, end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http1::mangle::{has_bare_feed, mangle};

    fn read(head: &str) -> Result<ResponseHead, Fault> {
        parse_response(head.as_bytes(), &Method::Get, 100)
    }

    #[test]
    fn framing_follows_status_method_and_fields() {
        let head = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
        assert_eq!(read(head).unwrap().framing, Framing::Length(5));
        let to_head = parse_response(head.as_bytes(), &Method::Head, 100).unwrap();
        assert_eq!((to_head.framing, to_head.persistent), (Framing::None, true));
        let close = read("HTTP/1.1 200 OK\r\n\r\n").unwrap();
        assert_eq!((close.framing, close.persistent), (Framing::Close, false));
        let none = read("HTTP/1.1 204 No Content\r\n\r\n").unwrap();
        assert_eq!((none.framing, none.persistent), (Framing::None, true));
        let old = read("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n").unwrap();
        assert!(!old.persistent);
        let chunked = read("HTTP/1.1 200\r\nTransfer-Encoding: Chunked\r\n\r\n").unwrap();
        assert_eq!(chunked.framing, Framing::Chunked);
    }

    #[test]
    fn an_ambiguous_response_is_refused() {
        for (head, fault) in [
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n",
                Fault::ContentLength,
            ),
            ("HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\n", Fault::ContentLength),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
                Fault::LengthWithChunked,
            ),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", Fault::TransferCoding),
            ("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", Fault::TransferEncoding),
            ("HTTP/1.1 204 OK\r\nTransfer-Encoding: chunked\r\n\r\n", Fault::TransferEncoding),
            ("HTTP/1.1 099 OK\r\n\r\n", Fault::Status),
            ("HTTP/1.1 600 OK\r\n\r\n", Fault::Status),
            ("HTTP/1.1 20 OK\r\n\r\n", Fault::StartLine),
            ("HTTP/1.1 200 OK\r\nA : b\r\n\r\n", Fault::FieldName),
            ("HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", Fault::FieldName),
            ("ICY 200 OK\r\n\r\n", Fault::StartLine),
        ] {
            assert_eq!(read(head).map(|_| ()), Err(fault), "{head}");
        }
    }

    #[test]
    fn a_start_line_is_what_httparse_takes_for_one() {
        const LINES: &[&str] = &[
            "HTTP/1.1 200 OK\r\n",
            "HTTP/1.0 404\r\n",
            "HTTP/1.1 503 \r\n",
            "HTTP/1.1 201 a\tb\r\n",
        ];
        const BYTES: &[u8] = b"\r\n \t\0\x7f\xe90129./HTPx";
        let mut random = fastrand::Rng::with_seed(2026);
        let (mut read, mut refused) = (0, 0);
        for _ in 0..40_000 {
            let mut text = LINES[random.usize(..LINES.len())].as_bytes().to_vec();
            mangle(&mut text, BYTES, &mut random);
            text.extend_from_slice(b"A: b\r\n\r\n");
            let mut room = [httparse::EMPTY_HEADER; 1];
            let mut theirs = httparse::Response::new(&mut room);
            // It does not know that a later minor version is read as the last one that is known.
            let mut known = text.clone();
            if text.starts_with(b"HTTP/1.") && matches!(text.get(7), Some(b'2'..=b'9')) {
                known[7] = b'1';
            }
            let is_whole = theirs.parse(&known) == Ok(httparse::Status::Complete(text.len()));
            let shown = text.escape_ascii();
            match parse_response(&text, &Method::Get, 1) {
                Ok(ours) => {
                    read += 1;
                    let version = if ours.response.version == Version::Http10 { 0 } else { 1 };
                    assert!(is_whole, "{shown}");
                    assert_eq!(
                        (theirs.code, theirs.version),
                        (Some(ours.response.status), Some(version))
                    );
                }
                Err(fault) => {
                    refused += 1;
                    let is_ours =
                        has_bare_feed(&text) || text.starts_with(b"\r\n") || fault == Fault::Status;
                    assert!(!is_whole || is_ours, "{shown}: {fault:?}");
                }
            }
        }
        assert!(read > 10_000 && refused > 10_000, "{read} {refused}");
    }
}
