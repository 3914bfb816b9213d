//! Reading the head of a request.

use super::Framing;
use super::fields::{EXPECT, Frame, HOST};
use super::lines::Lines;
use crate::message::{
    Fault, Method, Request, Scheme, Target, Version, is_token_byte, names_protected,
};
use crate::normal;
use crate::serve::{Limits, Refusal};
use crate::upgrade::Upgrade;

/// The head of a request and what it says about the connection.
#[derive(Debug)]
pub struct RequestHead {
    /// The request in normal form.
    pub request: Request,
    /// How its content ends: `None`, `Length` or `Chunked`.
    pub framing: Framing,
    /// Whether the client keeps the connection open.
    pub persistent: bool,
    /// Whether the client waits for `100 Continue` before it sends the content.
    pub expects_continue: bool,
    /// The protocols the client offers to switch to.
    pub upgrade: Option<Upgrade>,
    /// Whether the client takes trailers (`TE: trailers`).
    pub takes_trailers: bool,
}

/// Reads a complete head, as [`super::Scan::find`] delimits it; one that is longer than that lets pass is refused.
pub fn parse_request(head: &[u8], scheme: Scheme, limits: &Limits) -> Result<RequestHead, Refusal> {
    let fits = match head.len() <= limits.head_bytes {
        true => Ok(()),
        false => Err(Fault::HeadTooLarge),
    };
    let parsed = fits.and_then(|()| parse(head, scheme, limits));
    let parsed = parsed.and_then(|(parsed, end)| match end == head.len() {
        true => Ok(parsed),
        // Two readers of a head that goes on behind its empty line would cut it apart.
        false => Err(Fault::LineEnding),
    });
    parsed.map_err(|fault| {
        let (method, target) = glimpse(head);
        Refusal { fault, method, target }
    })
}

/// Reads a head with which `text` begins, and says where it ends. Of a text that holds none, or only the beginning of one,
/// it need not say what is wrong with it.
pub(super) fn parse(
    text: &[u8],
    scheme: Scheme,
    limits: &Limits,
) -> Result<(RequestHead, usize), Fault> {
    let mut lines = Lines::new(text);
    let (method, path, version) = start_line(&mut lines, text)?;
    if path.len() > limits.target_bytes {
        return Err(Fault::TargetTooLong);
    }
    let method = Method::read(method)?;
    let mut frame = Frame::default();
    let (headers, end) =
        lines.fields(limits.fields.min(Limits::MAX_FIELDS), |known, _, value| {
            frame.take(known, value)?;
            // `Host` lives in the target; whether an expectation is left is seen when the content is looked at.
            Ok(known != HOST && known != EXPECT)
        })?;
    let frame = frame.whole()?;
    if frame.chunked && version == Version::Http10 {
        return Err(Fault::TransferEncoding);
    }
    let target = target(&method, path, frame.host, version, scheme)?;
    let expects_continue = match frame.expect {
        // A list of none.
        Some([]) => false,
        Some(value) if version == Version::Http11 => {
            if !value.eq_ignore_ascii_case(b"100-continue") {
                return Err(Fault::Expectation);
            }
            true
        }
        _ => false,
    };
    normal::single_valued(&headers)?;
    if names_protected(&headers) {
        return Err(Fault::ConnectionOption);
    }
    let framing = frame.framing(Framing::None);
    let persistent = match version {
        Version::Http10 => frame.keep_alive && !frame.close,
        _ => !frame.close,
    };
    let upgrade = frame.upgrade.filter(|_| version == Version::Http11 && framing == Framing::None);
    let upgrade = upgrade.and_then(offered);
    let head = RequestHead {
        request: Request { method, target, version, headers },
        framing,
        persistent,
        expects_continue: expects_continue && framing != Framing::None,
        upgrade,
        takes_trailers: frame.takes_trailers,
    };
    Ok((head, end))
}

/// Reads the start line with which `text` begins: the method and the target as they are written, and the version.
#[inline]
fn start_line<'h>(
    lines: &mut Lines<'h>,
    text: &[u8],
) -> Result<(&'h [u8], &'h [u8], Version), Fault> {
    let method = lines.word(b' ', is_token_byte).ok_or(Fault::StartLine)?;
    let path = lines.word(b' ', |byte| byte > b' ' && byte != 0x7f).ok_or(Fault::StartLine)?;
    let is_text = path.is_ascii() || std::str::from_utf8(path).is_ok();
    if method.is_empty() || path.is_empty() || !is_text {
        return Err(Fault::StartLine);
    }
    let version = match lines.minor() {
        Some(true) => Version::Http11,
        Some(false) => Version::Http10,
        None if names_a_version(text) => return Err(Fault::Version),
        None => return Err(Fault::StartLine),
    };
    if !lines.skip(b"\r\n") {
        return Err(Fault::LineEnding);
    }
    Ok((method, path, version))
}

/// What is wrong with the beginning of a head of which the rest is yet to come: a start line that is none, or a bare CR,
/// at which a sender that ends its lines so would wait for an answer. Only `whole` start lines are read.
pub(super) fn begins_wrong(text: &[u8], whole: bool) -> Option<Fault> {
    if whole {
        return start_line(&mut Lines::new(text), text).err();
    }
    let bare = memchr::memchr(b'\r', text).is_some_and(|at| at + 1 < text.len());
    bare.then_some(Fault::LineEnding)
}

/// The target of each form (RFC 9112 section 3.2), held against `Host`.
fn target(
    method: &Method,
    text: &[u8],
    host: Option<&[u8]>,
    version: Version,
    scheme: Scheme,
) -> Result<Target, Fault> {
    if *method == Method::Connect {
        return Err(Fault::Connect);
    }
    let host = match host {
        Some([]) => return Err(Fault::HostInvalid),
        None if version != Version::Http10 => return Err(Fault::HostMissing),
        host => host,
    };
    match text {
        [b'/', ..] => Target::new(scheme, host.unwrap_or_default(), text),
        b"*" if *method == Method::Options => Target::new(scheme, host.unwrap_or_default(), text),
        _ => {
            let (claimed, rest) = split_scheme(text).ok_or(Fault::TargetForm)?;
            let end = rest.iter().position(|byte| b"/?#".contains(byte)).unwrap_or(rest.len());
            let (authority, path) = rest.split_at_checked(end).ok_or(Fault::TargetForm)?;
            if authority.is_empty() {
                return Err(Fault::HostInvalid);
            }
            let path = match path {
                [] if *method == Method::Options => b"*".to_vec(),
                [b'/', ..] => path.to_vec(),
                _ => [b"/", path].concat(),
            };
            let target = Target::new(claimed, authority, &path)?;
            if let Some(host) = host {
                let named = Target::new(claimed, host, b"/")?;
                if (named.host(), named.port()) != (target.host(), target.port()) {
                    return Err(Fault::HostMismatch);
                }
            }
            let mut target = target;
            target.set_scheme(scheme);
            if target.port() == Some(scheme.default_port()) {
                let host = target.host().to_owned();
                target.set_authority(&host)?;
            }
            Ok(target)
        }
    }
}

fn split_scheme(text: &[u8]) -> Option<(Scheme, &[u8])> {
    [(&b"http://"[..], Scheme::Http), (b"https://", Scheme::Https)].into_iter().find_map(
        |(prefix, scheme)| {
            let (start, rest) = text.split_at_checked(prefix.len())?;
            start.eq_ignore_ascii_case(prefix).then_some((scheme, rest))
        },
    )
}

/// What is offered besides HTTP/2: an upgrade to `h2c` passed on would open an unseen door.
fn offered(value: &[u8]) -> Option<Upgrade> {
    let protocol = std::str::from_utf8(value).ok()?;
    let h2c = |item: &str| item.trim().get(..3).is_some_and(|s| s.eq_ignore_ascii_case("h2c"));
    if protocol.is_empty() || protocol.split(',').any(h2c) {
        return None;
    }
    Some(Upgrade { protocol: protocol.to_owned() })
}

/// Whether the start line ends in a well-formed version other than ours.
fn names_a_version(head: &[u8]) -> bool {
    let line = head.split(|&byte| byte == b'\r').next().unwrap_or_default();
    let mut words = line.split(|&byte| byte == b' ').skip(2);
    let (version, more) = (words.next().unwrap_or_default(), words.next());
    more.is_none()
        && matches!(version, [b'H', b'T', b'T', b'P', b'/', major, b'.', minor]
        if major.is_ascii_digit() && minor.is_ascii_digit())
}

/// What the log may say about a head that could not be read.
pub(super) fn glimpse(head: &[u8]) -> (Option<Method>, Option<String>) {
    let line = head.split(|&byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default();
    let mut words = line.split(|&byte| byte == b' ');
    let method = words.next().and_then(Method::from_bytes);
    let target = words
        .next()
        .filter(|_| method.is_some())
        .map(|target| String::from_utf8_lossy(target.get(..256).unwrap_or(target)).into_owned());
    (method, target)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http1::mangle::mangle;

    #[test]
    fn a_start_line_is_what_httparse_takes_for_one() {
        const LINES: &[&str] =
            &["GET /a?b=c HTTP/1.1\r\n", "OPTIONS * HTTP/1.0\r\n", "M-X http://a/ HTTP/1.1\r\n"];
        const BYTES: &[u8] = b"\r\n \t\0\x7f\xe9\"#01./HTPx";
        let mut random = fastrand::Rng::with_seed(2026);
        let limits = Limits::default();
        let mut read = 0;
        for _ in 0..40_000 {
            let mut text = LINES[random.usize(..LINES.len())].as_bytes().to_vec();
            mangle(&mut text, BYTES, &mut random);
            text.extend_from_slice(b"Host: a\r\n\r\n");
            let Ok(ours) = parse_request(&text, Scheme::Http, &limits) else { continue };
            let mut room = [httparse::EMPTY_HEADER; 1];
            let mut theirs = httparse::Request::new(&mut room);
            let parsed = theirs.parse(&text);
            let shown = text.escape_ascii();
            assert_eq!(parsed, Ok(httparse::Status::Complete(text.len())), "{shown}");
            assert_eq!(theirs.method, Some(ours.request.method.as_str()), "{shown}");
            assert_eq!(
                theirs.version == Some(0),
                ours.request.version == Version::Http10,
                "{shown}"
            );
            read += 1;
        }
        assert!(read > 10_000, "{read}");
    }
}
