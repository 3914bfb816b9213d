//! The request method: the registered ones interned, any other token kept as it was written.

use std::fmt;

use super::Fault;

/// A method (RFC 9110 section 9): a token, compared with its case.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Method {
    /// `GET`
    Get,
    /// `HEAD`
    Head,
    /// `POST`
    Post,
    /// `PUT`
    Put,
    /// `DELETE`
    Delete,
    /// `OPTIONS`
    Options,
    /// `PATCH`
    Patch,
    /// `TRACE`
    Trace,
    /// `CONNECT`
    Connect,
    /// Any other token of at most [`Method::MAX`] bytes.
    Other(Box<str>),
}

/// The methods that have a variant.
const REGISTERED: &[&[u8]] =
    &[b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"OPTIONS", b"PATCH", b"TRACE", b"CONNECT"];

impl Method {
    /// The longest method that is read, in bytes.
    pub const MAX: usize = 64;

    /// Reads a method; `None` if it is no token, longer than [`Method::MAX`], or a registered one
    /// but for its case: `post` is another method than `POST`, and not every server knows that.
    pub fn from_bytes(text: &[u8]) -> Option<Method> {
        Some(match text {
            b"GET" => Method::Get,
            b"HEAD" => Method::Head,
            b"POST" => Method::Post,
            b"PUT" => Method::Put,
            b"DELETE" => Method::Delete,
            b"OPTIONS" => Method::Options,
            b"PATCH" => Method::Patch,
            b"TRACE" => Method::Trace,
            b"CONNECT" => Method::Connect,
            other => {
                let token = !other.is_empty()
                    && other.len() <= Method::MAX
                    && other.iter().all(|&byte| super::headers::is_token_byte(byte));
                if !token || REGISTERED.iter().any(|name| other.eq_ignore_ascii_case(name)) {
                    return None;
                }
                Method::Other(std::str::from_utf8(other).ok()?.into())
            }
        })
    }

    /// The same, with what is wrong.
    pub(crate) fn read(text: &[u8]) -> Result<Method, Fault> {
        let is_long = text.len() > Method::MAX && super::headers::is_token(text);
        let fault = if is_long { Fault::MethodTooLong } else { Fault::Method };
        Method::from_bytes(text).ok_or(fault)
    }

    /// The method as it is written.
    pub fn as_str(&self) -> &str {
        match self {
            Method::Get => "GET",
            Method::Head => "HEAD",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Delete => "DELETE",
            Method::Options => "OPTIONS",
            Method::Patch => "PATCH",
            Method::Trace => "TRACE",
            Method::Connect => "CONNECT",
            Method::Other(text) => text,
        }
    }

    /// Whether the method is safe (RFC 9110 section 9.2.1).
    pub fn is_safe(&self) -> bool {
        matches!(self, Method::Get | Method::Head | Method::Options | Method::Trace)
    }

    /// Whether sending the request twice means the same as once (RFC 9110 section 9.2.2).
    pub fn is_idempotent(&self) -> bool {
        self.is_safe() || matches!(self, Method::Put | Method::Delete)
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
