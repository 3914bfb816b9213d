//! What an HTTP message says, whichever version carried it: method, target, fields, status.
//! Nothing here reads or writes a socket, and nothing here is decided by a policy.

mod fault;
mod forwarded;
mod headers;
mod hop;
mod known;
mod map;
mod method;
mod target;
mod trailer;

pub use fault::Fault;
pub(crate) use forwarded::passes;
pub use forwarded::{Forwarded, append_via};
pub use headers::{Headers, InvalidField};
pub(crate) use headers::{
    Reading, SCORE, is_token, is_token_byte, is_value_byte, list, token_kind, trim,
};
pub(crate) use hop::names_protected;
pub use hop::{Hop, strip_hop_by_hop};
pub(crate) use known::Known;
pub use map::{header_map, headers_from_map, join_cookies};
pub use method::Method;
pub use target::{Scheme, Target};
pub(crate) use trailer::may_trail;

/// The version of HTTP a message came in, or leaves in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// HTTP/1.0: no chunked coding, no persistence unless asked for.
    Http10,
    /// HTTP/1.1 (RFC 9112).
    Http11,
    /// HTTP/2 (RFC 9113).
    Http2,
}

impl Version {
    /// The name as it stands in a start line and in logs, such as `HTTP/1.1`.
    pub fn as_str(self) -> &'static str {
        match self {
            Version::Http10 => "HTTP/1.0",
            Version::Http11 => "HTTP/1.1",
            Version::Http2 => "HTTP/2",
        }
    }
}

/// The head of a request, in normal form.
///
/// `headers` never holds `Host`: the authority lives in `target` alone, so that what was matched
/// is what is sent. Use [`Request::field`] to look a field up as a client would name it.
#[derive(Debug, Clone)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// Scheme, authority, path and query, normalised.
    pub target: Target,
    /// The version the request came in.
    pub version: Version,
    /// The header section, without `Host`.
    pub headers: Headers,
}

impl Request {
    /// A request for `target` without fields, as HTTP/1.1.
    pub fn new(method: Method, target: Target) -> Request {
        Request { method, target, version: Version::Http11, headers: Headers::new() }
    }

    /// The first value of a field; `host` answers with the authority of the target.
    pub fn field(&self, name: &str) -> Option<std::borrow::Cow<'_, [u8]>> {
        if name.eq_ignore_ascii_case("host") {
            let authority = self.target.authority();
            return (!authority.is_empty())
                .then(|| std::borrow::Cow::Owned(authority.into_bytes()));
        }
        self.headers.get(name).map(std::borrow::Cow::Borrowed)
    }
}

/// The head of a response.
#[derive(Debug, Clone)]
pub struct Response {
    /// The status code, 100 to 599.
    pub status: u16,
    /// The header section.
    pub headers: Headers,
    /// The version the response came in; an answer made here says HTTP/1.1.
    pub version: Version,
}

impl Response {
    /// An answer without fields.
    pub fn new(status: u16) -> Response {
        Response { status, headers: Headers::new(), version: Version::Http11 }
    }

    /// Whether RFC 9110 section 6.4.1 lets such a response carry content when it answers `method`.
    pub fn may_have_content(&self, method: &Method) -> bool {
        !(self.status < 200 || matches!(self.status, 204 | 304) || *method == Method::Head)
    }
}
