//! The fields that frame a message, read while a parsed head is passed over.

use super::Framing;
use crate::message::{Fault, Known, list, trim};

pub(super) const HOST: Known = Known::of(&["host"]);
pub(super) const EXPECT: Known = Known::of(&["expect"]);
const CONNECTION: Known = Known::of(&["connection"]);
const CONTENT_LENGTH: Known = Known::of(&["content-length"]);
const TRANSFER_ENCODING: Known = Known::of(&["transfer-encoding"]);
const UPGRADE: Known = Known::of(&["upgrade"]);

/// The fields that are read here.
const READ: Known = Known::of(&[
    "te",
    "host",
    "expect",
    "upgrade",
    "connection",
    "content-length",
    "transfer-encoding",
]);

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
    /// Reads a field; refuses what is ambiguous (RFC 9112 section 6.3).
    pub(super) fn take(&mut self, known: Known, value: &'h [u8]) -> Result<(), Fault> {
        if !known.meets(READ) {
            return Ok(());
        }
        if known == HOST {
            once(&mut self.host, value, Fault::FieldRepeated)
        } else if known == CONTENT_LENGTH {
            once(&mut self.length, content_length(value)?, Fault::ContentLength)
        } else if known == CONNECTION {
            self.close |= has(value, "close");
            self.keep_alive |= has(value, "keep-alive");
            self.upgrade_named |= has(value, "upgrade");
            self.options += list(value).count();
            if self.options > MOST_OPTIONS { Err(Fault::ConnectionOptions) } else { Ok(()) }
        } else if known == TRANSFER_ENCODING {
            if std::mem::replace(&mut self.chunked, true) {
                return Err(Fault::TransferEncoding);
            }
            transfer_encoding(value)
        } else if known == EXPECT {
            once(&mut self.expect, value, Fault::FieldRepeated)
        } else if known == UPGRADE {
            once(&mut self.upgrade, value, Fault::FieldRepeated)
        } else {
            self.takes_trailers |= has(value, "trailers");
            Ok(())
        }
    }

    /// What all fields say together; refuses what is ambiguous.
    pub(super) fn whole(mut self) -> Result<Frame<'h>, Fault> {
        if self.chunked && self.length.is_some() {
            return Err(Fault::LengthWithChunked);
        }
        if !self.upgrade_named {
            self.upgrade = None;
        }
        Ok(self)
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

fn once<T>(slot: &mut Option<T>, value: T, fault: Fault) -> Result<(), Fault> {
    if slot.replace(value).is_some() { Err(fault) } else { Ok(()) }
}

fn content_length(value: &[u8]) -> Result<u64, Fault> {
    let number = value.iter().try_fold(0_u64, |number, digit| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    });
    number.filter(|_| !value.is_empty()).ok_or(Fault::ContentLength)
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

fn has(value: &[u8], token: &str) -> bool {
    value.split(|&byte| byte == b',').any(|item| trim(item).eq_ignore_ascii_case(token.as_bytes()))
}
