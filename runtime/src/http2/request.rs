//! The head of an HTTP/2 request, brought into the same normal form as any other.

use http::request::Parts;

use crate::message::{
    Fault, Method, Request, Scheme, Target, Version, headers_from_map, join_cookies,
};
use crate::normal;
use crate::serve::{Limits, Refusal};

/// The head of a request and what it says about the stream.
pub(super) struct Asked {
    pub(super) request: Request,
    /// The length that the client declares for its content.
    pub(super) length: Option<u64>,
    /// Whether the client waits for `100 Continue` before it sends the content.
    pub(super) expects: bool,
}

/// Reads a head.
pub(super) fn read(parts: &Parts, scheme: Scheme, limits: &Limits) -> Result<Asked, Refusal> {
    request(parts, scheme, limits).map_err(|fault| Refusal {
        fault,
        method: Method::from_bytes(parts.method.as_str().as_bytes()),
        target: parts.uri.path_and_query().map(|target| {
            let target = target.as_str();
            String::from_utf8_lossy(target.as_bytes().get(..256).unwrap_or(target.as_bytes()))
                .into_owned()
        }),
    })
}

fn request(parts: &Parts, scheme: Scheme, limits: &Limits) -> Result<Asked, Fault> {
    let method = Method::from_bytes(parts.method.as_str().as_bytes()).ok_or(Fault::Method)?;
    if method == Method::Connect {
        return Err(Fault::Connect);
    }
    if parts.headers.len() > limits.fields.min(Limits::MAX_FIELDS) {
        return Err(Fault::TooManyFields);
    }
    let path = parts.uri.path_and_query().ok_or(Fault::PseudoField)?.as_str().as_bytes();
    if path.len() > limits.target_bytes {
        return Err(Fault::TargetTooLong);
    }
    if path == b"*" && method != Method::Options {
        return Err(Fault::TargetForm);
    }
    let mut hosts = parts.headers.get_all(http::header::HOST).iter();
    let host = hosts.next();
    if hosts.next().is_some() {
        return Err(Fault::FieldRepeated);
    }
    let authority = match (parts.uri.authority(), host) {
        (Some(authority), _) => authority.as_str().as_bytes(),
        (None, Some(host)) => host.as_bytes(),
        (None, None) => return Err(Fault::HostMissing),
    };
    if authority.is_empty() {
        return Err(Fault::HostInvalid);
    }
    let target = Target::new(scheme, authority, path)?;
    if let Some(host) = host {
        let named = Target::new(scheme, host.as_bytes(), b"/")?;
        if (named.host(), named.port()) != (target.host(), target.port()) {
            return Err(Fault::HostMismatch);
        }
    }
    let mut headers = headers_from_map(&parts.headers).map_err(|_| Fault::FieldValue)?;
    headers.remove("host");
    for name in ["connection", "proxy-connection", "keep-alive", "transfer-encoding", "upgrade"] {
        if headers.contains(name) {
            return Err(Fault::ConnectionOption);
        }
    }
    normal::single_valued(&headers)?;
    join_cookies(&mut headers).map_err(|_| Fault::FieldValue)?;
    let expects = headers.contains("expect");
    if let Some(expect) = headers.get("expect") {
        if !expect.eq_ignore_ascii_case(b"100-continue") {
            return Err(Fault::Expectation);
        }
        headers.remove("expect");
    }
    let length = match headers.text("content-length") {
        None if headers.contains("content-length") => return Err(Fault::ContentLength),
        None => None,
        Some(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some(text.parse().map_err(|_| Fault::ContentLength)?)
        }
        Some(_) => return Err(Fault::ContentLength),
    };
    if length.is_some_and(|length| length > limits.body_bytes) {
        return Err(Fault::BodyTooLarge);
    }
    let request = Request { method, target, version: Version::Http2, headers };
    Ok(Asked { request, length, expects })
}
