//! The head of an HTTP/2 request, brought into the same normal form as any other: what a server
//! behind could read differently stops here (RFC 9113 sections 8.2, 8.3 and 10.3).

use super::hpack::{Decoder, Field, Garbled, Name};
use crate::body::{BodyError, Side};
use crate::message::{
    Fault, Headers, Method, Request, Scheme, Target, Version, join_cookies, may_trail,
};
use crate::normal;
use crate::serve::{Limits, Refusal};

/// The head of a request and what it says about the stream.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) request: Request,
    /// The length that the client declares for its content.
    pub(super) length: Option<u64>,
    /// Whether the client waits for `100 Continue` before it sends the content.
    pub(super) expects: bool,
}

/// What became of a head.
#[derive(Debug)]
pub(super) enum Read {
    Request(Asked),
    /// It is answered, but not with what it asks for.
    Refused(Refusal),
    /// It is no request: the stream is reset (RFC 9113 section 8.1.1).
    Malformed,
}

/// What became of a trailer section.
pub(super) enum Trailing {
    Fields(Headers),
    /// The content is broken.
    Broken(BodyError),
    /// The stream is reset.
    Malformed,
}

/// Memory that reading a head borrows.
#[derive(Default)]
pub(super) struct Room {
    texts: Vec<u8>,
    pseudo: Vec<u8>,
}

/// Reads a header block as the head of a request, or through it, so that the next can be read.
pub(super) fn read(
    decoder: &mut Decoder,
    block: &[u8],
    room: &mut Room,
    scheme: Scheme,
    limits: &Limits,
) -> Result<Read, Garbled> {
    room.pseudo.clear();
    let mut section = Section {
        // Room for the edits that nearly every proxied message gets.
        headers: Headers::with_capacity(384),
        pseudo: &mut room.pseudo,
        limits,
        size: 0,
        count: 0,
        regular: false,
        method: None,
        scheme: None,
        authority: None,
        path: None,
        host: None,
        length: None,
        expects: false,
        crumbs: 0,
        flaw: None,
    };
    decoder.decode(block, &mut room.texts, |field| {
        if let Err(flaw) = section.take(field) {
            section.flaw.get_or_insert(flaw);
        }
    })?;
    Ok(section.finish(scheme))
}

/// Reads a header block as a trailer section.
pub(super) fn trailers(
    decoder: &mut Decoder,
    block: &[u8],
    room: &mut Room,
    limits: &Limits,
) -> Result<Trailing, Garbled> {
    let (mut headers, mut size) = (Headers::new(), 0);
    let (mut fault, mut malformed) = (None, false);
    decoder.decode(block, &mut room.texts, |field| {
        size += field.size();
        if size > limits.overhead_bytes {
            fault.get_or_insert(Fault::ChunkOverhead);
            return;
        }
        match field.kind {
            Name::Plain | Name::Host | Name::Length | Name::Cookie | Name::Expect | Name::Te
                if field.clean =>
            {
                if !may_trail(field.name)
                    || headers.append_checked(field.name, field.value).is_err()
                {
                    fault.get_or_insert(Fault::TrailerField);
                }
            }
            _ => malformed = true,
        }
    })?;
    Ok(match fault {
        _ if malformed => Trailing::Malformed,
        Some(fault) => Trailing::Broken(BodyError::malformed(Side::Client, fault.name())),
        None => Trailing::Fields(headers),
    })
}

/// Reads through a block that nobody wants.
pub(super) fn skip(decoder: &mut Decoder, block: &[u8], room: &mut Room) -> Result<(), Garbled> {
    decoder.decode(block, &mut room.texts, |_| {})
}

/// A place in the text of the pseudo fields.
type Place = (usize, usize);

enum Flaw {
    Malformed,
    Refused(Fault),
}

/// The fields of a head as they come.
struct Section<'r> {
    headers: Headers,
    pseudo: &'r mut Vec<u8>,
    limits: &'r Limits,
    size: usize,
    count: usize,
    regular: bool,
    method: Option<Place>,
    scheme: Option<Place>,
    authority: Option<Place>,
    path: Option<Place>,
    host: Option<Place>,
    length: Option<u64>,
    expects: bool,
    crumbs: usize,
    // The first that was found.
    flaw: Option<Flaw>,
}

impl Section<'_> {
    fn take(&mut self, field: Field<'_>) -> Result<(), Flaw> {
        self.size = self.size.saturating_add(field.size());
        if self.size > self.limits.head_bytes {
            // What is beyond is read, but not kept.
            return Err(Flaw::Refused(Fault::HeadTooLarge));
        }
        if !field.clean {
            return Err(Flaw::Malformed);
        }
        let place = match field.kind {
            Name::Method => &mut self.method,
            Name::Scheme => &mut self.scheme,
            Name::Authority => &mut self.authority,
            Name::Path => &mut self.path,
            Name::OtherPseudo | Name::Connection | Name::Bad => return Err(Flaw::Malformed),
            kind => return self.regular(kind, field),
        };
        if self.regular || place.is_some() {
            return Err(Flaw::Malformed);
        }
        *place = Some((self.pseudo.len(), field.value.len()));
        self.pseudo.extend_from_slice(field.value);
        Ok(())
    }

    fn regular(&mut self, kind: Name, field: Field<'_>) -> Result<(), Flaw> {
        self.regular = true;
        self.count += 1;
        if self.count > self.limits.fields.min(Limits::MAX_FIELDS) {
            return Err(Flaw::Refused(Fault::TooManyFields));
        }
        match kind {
            // It lives in the target.
            Name::Host => {
                if self.host.is_some() {
                    return Err(Flaw::Refused(Fault::FieldRepeated));
                }
                self.host = Some((self.pseudo.len(), field.value.len()));
                self.pseudo.extend_from_slice(field.value);
                return Ok(());
            }
            Name::Length => {
                let length = number(field.value).ok_or(Flaw::Malformed)?;
                if self.length.replace(length).is_some() {
                    return Err(Flaw::Malformed);
                }
            }
            Name::Te if field.value != b"trailers" => {
                return Err(Flaw::Malformed);
            }
            // Whether it is left is seen when the content is looked at.
            Name::Expect => {
                if self.expects {
                    return Err(Flaw::Refused(Fault::FieldRepeated));
                }
                if !field.value.eq_ignore_ascii_case(b"100-continue") {
                    return Err(Flaw::Refused(Fault::Expectation));
                }
                self.expects = true;
                return Ok(());
            }
            Name::Cookie => self.crumbs += 1,
            _ => {}
        }
        self.headers
            .append_checked(field.name, field.value)
            .map_err(|_| Flaw::Refused(Fault::HeadTooLarge))
    }

    fn text(&self, place: Option<Place>) -> Option<&[u8]> {
        place.and_then(|(start, len)| self.pseudo.get(start..start + len))
    }

    fn finish(mut self, scheme: Scheme) -> Read {
        let fault = match self.flaw.take() {
            Some(Flaw::Malformed) => return Read::Malformed,
            Some(Flaw::Refused(fault)) => fault,
            None => match self.request(scheme) {
                Ok(asked) => return Read::Request(asked),
                Err(Flaw::Malformed) => return Read::Malformed,
                Err(Flaw::Refused(fault)) => fault,
            },
        };
        let target = self
            .text(self.path)
            .map(|path| String::from_utf8_lossy(path.get(..256).unwrap_or(path)).into_owned());
        let method = self.text(self.method).and_then(Method::from_bytes);
        Read::Refused(Refusal { fault, method, target })
    }

    fn request(&mut self, scheme: Scheme) -> Result<Asked, Flaw> {
        let name = self.text(self.method).ok_or(Flaw::Malformed)?;
        if name == b"CONNECT" {
            let named = self.scheme.is_none() && self.path.is_none() && self.authority.is_some();
            return Err(if named { Flaw::Refused(Fault::Connect) } else { Flaw::Malformed });
        }
        let path = self.text(self.path).filter(|path| !path.is_empty()).ok_or(Flaw::Malformed)?;
        self.text(self.scheme).filter(|text| is_scheme(text)).ok_or(Flaw::Malformed)?;
        let method = Method::read(name).map_err(Flaw::Refused)?;
        let target = self.target(&method, path, scheme).map_err(Flaw::Refused)?;
        normal::single_valued(&self.headers).map_err(Flaw::Refused)?;
        let mut headers = std::mem::take(&mut self.headers);
        if self.crumbs > 1 {
            join_cookies(&mut headers).map_err(|_| Flaw::Refused(Fault::HeadTooLarge))?;
        }
        if self.length.is_some_and(|length| length > self.limits.body_bytes) {
            return Err(Flaw::Refused(Fault::BodyTooLarge));
        }
        let request = Request { method, target, version: Version::Http2, headers };
        Ok(Asked { request, length: self.length, expects: self.expects })
    }

    /// The target, held against `Host`.
    fn target(&self, method: &Method, path: &[u8], scheme: Scheme) -> Result<Target, Fault> {
        if path.len() > self.limits.target_bytes {
            return Err(Fault::TargetTooLong);
        }
        if path == b"*" && *method != Method::Options {
            return Err(Fault::TargetForm);
        }
        let host = self.text(self.host);
        let authority = self.text(self.authority).or(host).ok_or(Fault::HostMissing)?;
        if authority.is_empty() {
            return Err(Fault::HostInvalid);
        }
        let target = Target::new(scheme, authority, path)?;
        if let Some(host) = host
            && self.authority.is_some()
        {
            let named = Target::new(scheme, host, b"/")?;
            if (named.host(), named.port()) != (target.host(), target.port()) {
                return Err(Fault::HostMismatch);
            }
        }
        Ok(target)
    }
}

/// Whether `text` has the form of a scheme (RFC 3986 section 3.1); whose it is, the connection says.
fn is_scheme(text: &[u8]) -> bool {
    text.first().is_some_and(u8::is_ascii_alphabetic)
        && text.iter().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(byte))
}

/// A number of digits only.
fn number(text: &[u8]) -> Option<u64> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}
