//! The fields that frame a message, read in one pass over a parsed head.

use super::Framing;
use crate::message::{Fault, list, trim};

/// The most options that `Connection` may list: each is held against each field.
const MOST_OPTIONS: usize = 32;

/// What the framing and connection fields of a head say.
#[derive(Debug, Default)]
pub(super) struct Frame<'h> {
    pub(super) host: Option<&'h [u8]>,
    pub(super) length: Option<u64>,
    pub(super) chunked: bool,
    pub(super) close: bool,
    pub(super) keep_alive: bool,
    pub(super) upgrade: Option<&'h [u8]>,
    pub(super) expect: Option<&'h [u8]>,
    pub(super) takes_trailers: bool,
    upgrade_named: bool,
    options: usize,
}

impl<'h> Frame<'h> {
    /// Reads the fields; refuses what is ambiguous (RFC 9112 section 6.3).
    pub(super) fn read(headers: &[httparse::Header<'h>]) -> Result<Frame<'h>, Fault> {
        let mut frame = Frame::default();
        for header in headers {
            let (name, value) = (header.name, trim(header.value));
            match name.len() {
                2 if is(name, "te") => frame.takes_trailers |= has(value, "trailers"),
                4 if is(name, "host") => once(&mut frame.host, value, Fault::FieldRepeated)?,
                6 if is(name, "expect") => once(&mut frame.expect, value, Fault::FieldRepeated)?,
                7 if is(name, "upgrade") => once(&mut frame.upgrade, value, Fault::FieldRepeated)?,
                10 if is(name, "connection") => {
                    frame.close |= has(value, "close");
                    frame.keep_alive |= has(value, "keep-alive");
                    frame.upgrade_named |= has(value, "upgrade");
                    frame.options += list(value).count();
                    if frame.options > MOST_OPTIONS {
                        return Err(Fault::ConnectionOptions);
                    }
                }
                14 if is(name, "content-length") => {
                    once(&mut frame.length, content_length(value)?, Fault::ContentLength)?;
                }
                17 if is(name, "transfer-encoding") => {
                    if frame.chunked {
                        return Err(Fault::TransferEncoding);
                    }
                    transfer_encoding(value)?;
                    frame.chunked = true;
                }
                _ => {}
            }
        }
        if frame.chunked && frame.length.is_some() {
            return Err(Fault::LengthWithChunked);
        }
        if !frame.upgrade_named {
            frame.upgrade = None;
        }
        Ok(frame)
    }

    /// The framing that the fields declare; `absent` where they declare none.
    pub(super) fn framing(&self, absent: Framing) -> Framing {
        match self.length {
            _ if self.chunked => Framing::Chunked,
            Some(0) => Framing::None,
            Some(length) => Framing::Length(length),
            None => absent,
        }
    }
}

/// What httparse refuses, by our name for it.
pub(super) fn parse_fault(error: httparse::Error) -> Fault {
    match error {
        httparse::Error::HeaderName => Fault::FieldName,
        httparse::Error::HeaderValue => Fault::FieldValue,
        httparse::Error::NewLine => Fault::LineEnding,
        httparse::Error::TooManyHeaders => Fault::TooManyFields,
        httparse::Error::Status | httparse::Error::Token | httparse::Error::Version => {
            Fault::StartLine
        }
    }
}

fn once<T>(slot: &mut Option<T>, value: T, fault: Fault) -> Result<(), Fault> {
    if slot.replace(value).is_some() { Err(fault) } else { Ok(()) }
}

fn content_length(value: &[u8]) -> Result<u64, Fault> {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return Err(Fault::ContentLength);
    }
    std::str::from_utf8(value).ok().and_then(|text| text.parse().ok()).ok_or(Fault::ContentLength)
}

fn transfer_encoding(value: &[u8]) -> Result<(), Fault> {
    if value.eq_ignore_ascii_case(b"chunked") {
        return Ok(());
    }
    if list(value).all(|coding| coding.eq_ignore_ascii_case(b"chunked")) {
        return Err(Fault::TransferEncoding);
    }
    Err(Fault::TransferCoding)
}

fn is(name: &str, wanted: &str) -> bool {
    name.eq_ignore_ascii_case(wanted)
}

fn has(value: &[u8], token: &str) -> bool {
    value.split(|&byte| byte == b',').any(|item| trim(item).eq_ignore_ascii_case(token.as_bytes()))
}
