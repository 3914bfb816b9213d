//! Reading the head of a response, as strictly as that of a request.

use std::mem::MaybeUninit;

use super::Framing;
use super::fields::{Frame, parse_fault};
use crate::message::{Fault, Headers, Method, Response, Version};
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
    let mut room = [const { MaybeUninit::uninit() }; Limits::MAX_FIELDS];
    let fields = fields.min(Limits::MAX_FIELDS);
    let mut parsed = httparse::Response::new(&mut []);
    let status = httparse::ParserConfig::default()
        .parse_response_with_uninit_headers(
            &mut parsed,
            head,
            room.get_mut(..fields).unwrap_or_default(),
        )
        .map_err(parse_fault)?;
    if status != httparse::Status::Complete(head.len()) {
        return Err(Fault::LineEnding);
    }
    let (Some(minor), Some(code)) = (parsed.version, parsed.code) else {
        return Err(Fault::StartLine);
    };
    if !(100..=599).contains(&code) {
        return Err(Fault::Status);
    }
    let version = if minor == 0 { Version::Http10 } else { Version::Http11 };
    let mut frame = Frame::default();
    let headers = Headers::from_parsed(head, parsed.headers, |known, value| {
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
    Ok(ResponseHead { response, framing, persistent: asked && framing != Framing::Close })
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
