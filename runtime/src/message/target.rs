//! The target of a request: scheme, authority, path and query, always in the normal form.
//! It can be changed, but not to something that is not normal.

use std::fmt;

use super::Fault;
use crate::normal;

/// The scheme of a request: the transport's, not what the client claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// Cleartext.
    Http,
    /// Over TLS.
    Https,
}

impl Scheme {
    /// `http` or `https`.
    pub fn as_str(self) -> &'static str {
        match self {
            Scheme::Http => "http",
            Scheme::Https => "https",
        }
    }

    /// The port that is meant when none is written.
    pub fn default_port(self) -> u16 {
        match self {
            Scheme::Http => 80,
            Scheme::Https => 443,
        }
    }
}

/// A request target in normal form (RFC 9112 section 3.2, RFC 3986 section 6).
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    scheme: Scheme,
    port: Option<u16>,
    // host, path, then `?` and query: path and query are one slice.
    text: String,
    host: usize,
    path: usize,
}

impl Target {
    /// The target that `authority` (`host` or `host:port`, may be empty) and `path_and_query`
    /// (origin form, or `*`) name, normalised.
    pub fn new(scheme: Scheme, authority: &[u8], path_and_query: &[u8]) -> Result<Target, Fault> {
        let mut text = String::with_capacity(authority.len() + path_and_query.len());
        let port =
            if authority.is_empty() { None } else { normal::authority(authority, &mut text)? };
        let host = text.len();
        let mut target = Target { scheme, port: None, text, host, path: host };
        target.port = port.filter(|&port| port != scheme.default_port());
        if path_and_query == b"*" {
            target.text.push('*');
            target.path = target.text.len();
            return Ok(target);
        }
        let (path, query) = split_query(path_and_query);
        normal::path(path, &mut target.text)?;
        target.path = target.text.len();
        if let Some(query) = query {
            target.text.push('?');
            target.text.push_str(normal::query(query)?);
        }
        Ok(target)
    }

    /// The scheme of the connection that the request came over.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The host in lower case, without port or trailing dot; IPv6 in brackets. Empty only for an
    /// HTTP/1.0 request without `Host`.
    pub fn host(&self) -> &str {
        self.text.get(..self.host).unwrap_or_default()
    }

    /// The port, if one other than the scheme's own was written.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// `host` or `host:port`: what `Host` and `:authority` say. Empty if there is no host.
    pub fn authority(&self) -> String {
        match self.port {
            None => self.host().to_owned(),
            Some(port) => format!("{}:{port}", self.host()),
        }
    }

    /// The normalised path, beginning with `/`; or `*`.
    pub fn path(&self) -> &str {
        self.text.get(self.host..self.path).unwrap_or_default()
    }

    /// The query as it was sent, without its `?`; `None` if there was no `?`.
    pub fn query(&self) -> Option<&str> {
        self.text.get(self.path..).and_then(|rest| rest.strip_prefix('?'))
    }

    /// Path, `?` and query: the origin form, as it is sent.
    pub fn path_and_query(&self) -> &str {
        self.text.get(self.host..).unwrap_or_default()
    }

    /// Whether this is the `*` of `OPTIONS *`.
    pub fn is_asterisk(&self) -> bool {
        self.path() == "*"
    }

    /// Puts another path in place; it is normalised, and refused if that is not possible.
    pub fn set_path(&mut self, path: &str) -> Result<(), Fault> {
        let mut text = String::with_capacity(self.text.len() + path.len());
        text.push_str(self.host());
        normal::path(path.as_bytes(), &mut text)?;
        let end = text.len();
        text.push_str(self.text.get(self.path..).unwrap_or_default());
        self.text = text;
        self.path = end;
        Ok(())
    }

    /// Puts another query in place, or none.
    pub fn set_query(&mut self, query: Option<&str>) -> Result<(), Fault> {
        let query = query.map(|query| normal::query(query.as_bytes())).transpose()?;
        self.text.truncate(self.path);
        if let Some(query) = query {
            self.text.push('?');
            self.text.push_str(query);
        }
        Ok(())
    }

    /// Puts another authority in place: `host` or `host:port`.
    pub fn set_authority(&mut self, authority: &str) -> Result<(), Fault> {
        let mut text = String::with_capacity(self.text.len() + authority.len());
        let port = normal::authority(authority.as_bytes(), &mut text)?;
        let host = text.len();
        text.push_str(self.path_and_query());
        self.path = self.path - self.host + host;
        self.host = host;
        self.text = text;
        self.port = port.filter(|&port| port != self.scheme.default_port());
        Ok(())
    }

    /// Puts another scheme in place, for the request towards an upstream; the port stays.
    pub fn set_scheme(&mut self, scheme: Scheme) {
        self.scheme = scheme;
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Target {
    /// The absolute form, such as `https://shop.example/a?b`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme.as_str(), self.host())?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        f.write_str(self.path_and_query())
    }
}

fn split_query(text: &[u8]) -> (&[u8], Option<&[u8]>) {
    match memchr::memchr(b'?', text) {
        None => (text, None),
        Some(at) => {
            (text.get(..at).unwrap_or_default(), Some(text.get(at + 1..).unwrap_or_default()))
        }
    }
}
