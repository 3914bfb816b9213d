//! Text that goes into a URI, put together part by part: what the policy says stands as it is, what the request says is
//! encoded, so that a value can be a value and nothing more. It decides nothing about where the text goes.

use std::borrow::Cow;
use std::ops::Range;

use compiler::Matcher;
use compiler::program::Route;
pub(crate) use compiler::splice::{Form, plain};
use compiler::splice::{Part, Text};
use lang::eval::TEXT;
use lang::vocab::{ExprId, Joint, Known, Spliced};

use crate::exchange::Exchange;
use crate::failure::Failure;
use crate::message::Fault;
use crate::normal;

/// Text in parts.
#[derive(Clone, Debug)]
pub(crate) struct Splice {
    text: Text,
}

impl Splice {
    /// The text that `expr` gives in `route`.
    pub(crate) fn of(matcher: &Matcher, route: &Route, expr: ExprId, form: Form) -> Splice {
        Splice { text: matcher.text(route, expr, form) }
    }

    /// The parts of each text that it may be, as far as they are known.
    pub(crate) fn known(&self) -> impl Iterator<Item = Vec<Option<&str>>> {
        self.text.each().map(|parts| {
            let known = parts.iter().map(|part| match part {
                Part::Words(words) => Some(words.as_str()),
                Part::Value(..) => None,
            });
            known.collect()
        })
    }

    /// The parts of the text that it is for this request.
    fn parts(&self, ex: &Exchange) -> Result<&[Part], Failure> {
        self.text.chosen(|choice| ex.chosen(choice)).ok_or(Failure::Value)
    }

    /// The path for this request, in the normal form.
    pub(crate) fn path(&self, ex: &Exchange) -> Result<String, Failure> {
        path(spliced(self.parts(ex)?, ex))
    }

    /// The query for this request; a value stands within one name or value. A text that is one absent value is no
    /// query at all.
    pub(crate) fn query(&self, ex: &Exchange) -> Result<Option<String>, Failure> {
        let parts = self.parts(ex)?;
        if let [Part::Value(expr, _)] = parts
            && ex.evaluate(*expr).is_absent()
        {
            return Ok(None);
        }
        let mut text = String::new();
        for (joint, part) in spliced(parts, ex) {
            let (stays, spelled): (fn(u8) -> bool, _) = match joint {
                Joint::Written | Joint::Kept => (is_query, true),
                Joint::Spelled => (is_unreserved, true),
                Joint::Value => (is_unreserved, false),
            };
            encode(&part, stays, spelled, &mut text);
            within(&text)?;
        }
        Ok(Some(text))
    }

    /// The URI for this request.
    pub(crate) fn location(&self, ex: &Exchange) -> Result<String, Failure> {
        let parts = self.parts(ex)?;
        location(spliced(parts, ex), parts.len() == 1, ex.request.target.path() == "*")
    }
}

/// What the parts come to for this request.
fn spliced<'s>(parts: &'s [Part], ex: &'s Exchange) -> impl Iterator<Item = (Joint, Cow<'s, str>)> {
    parts.iter().map(|part| match part {
        Part::Words(words) => (Joint::Written, Cow::Borrowed(words.as_str())),
        Part::Value(expr, joint) => (*joint, Cow::Owned(plain(&ex.evaluate(*expr)))),
    })
}

/// A path of these parts, in the normal form. A value stands within one segment: one that is empty or made of dots where it
/// would be a segment, or that holds what no segment can, is refused.
fn path<'p>(parts: impl Iterator<Item = (Joint, Cow<'p, str>)>) -> Result<String, Failure> {
    let mut text = Spelled::default();
    for (joint, part) in parts {
        match joint {
            Joint::Written => text.push_path(&part, false),
            Joint::Kept => text.push_path(&part, true),
            Joint::Spelled => text.push_segment(&part, true)?,
            Joint::Value => text.push_segment(&part, false)?,
        }
        within(&text.text)?;
    }
    text.into_path()
}

/// A URI of these parts. A value spliced into text stands within one component; a value that is all there is (`alone`) may
/// be a whole URI, for then the policy has left that to whoever the value comes from. What the request says and would be
/// dots in place of a segment of the path is refused: a client that resolves them leaves the place. So is an empty text. A
/// request for the server as a whole (`of_server`) has no path (RFC 9112, section 3.3).
fn location<'p>(
    parts: impl Iterator<Item = (Joint, Cow<'p, str>)>,
    alone: bool,
    of_server: bool,
) -> Result<String, Failure> {
    let mut text = String::new();
    let mut said: Vec<Range<usize>> = Vec::new();
    let mut in_query = false;
    for (joint, part) in parts {
        // `?next={req.target}`: behind the name of a query's pair even what is a URI already is a mere value.
        let is_value = in_query && !text.ends_with(['?', '&', '#']);
        let (stays, spelled): (fn(u8) -> bool, _) = match joint {
            Joint::Written => {
                in_query |= part.contains(['?', '#']);
                (is_uri, true)
            }
            Joint::Kept if is_value => (is_unreserved_or_slash, false),
            Joint::Kept => (is_uri, true),
            Joint::Spelled => (is_unreserved, true),
            Joint::Value if alone => (is_uri, true),
            Joint::Value => (is_unreserved, false),
        };
        let begin = text.len();
        let is_server = joint == Joint::Kept && !is_value && part == "*";
        if !is_server || !of_server {
            encode(&part, stays, spelled, &mut text);
        }
        within(&text)?;
        let is_free = match joint {
            Joint::Written => true,
            Joint::Value => alone,
            Joint::Kept | Joint::Spelled => false,
        };
        if !is_free {
            said.push(begin..text.len());
        }
    }
    match text.is_empty() || said_dots(&text, &said) {
        true => Err(Failure::Value),
        false => Ok(text),
    }
}

/// Refuses what is longer than a text may be that is put together.
fn within(text: &str) -> Result<(), Failure> {
    if text.len() > TEXT { Err(Failure::Value) } else { Ok(()) }
}

/// What is wrong with a place of these parts to send a client to.
pub(crate) fn place_of(parts: &[Spliced<'_>]) -> Result<(), String> {
    let of_server = parts.iter().any(|part| part.joint == Joint::Kept && part.text == "*");
    let place = location(each(parts), parts.len() == 1, of_server);
    let why = "a client that resolves `.` and `..` would leave the place";
    place.map(drop).map_err(|_| why.to_owned())
}

fn each<'p>(parts: &'p [Spliced<'p>]) -> impl Iterator<Item = (Joint, Cow<'p, str>)> {
    parts.iter().map(|part| (part.joint, Cow::Borrowed(part.text)))
}

/// Whether in the path of a URI a segment is dots that one of these parts of the text touches.
fn said_dots(uri: &str, said: &[Range<usize>]) -> bool {
    let end = uri.find(['?', '#']).unwrap_or(uri.len());
    let path = uri.get(..end).unwrap_or_default();
    let authority = path.find("//").filter(|at| path.find('/') == Some(*at)).map(|at| at + 2);
    let mut at = authority.map_or(0, |from| {
        path.get(from..).and_then(|rest| rest.find('/')).map_or(end, |slash| from + slash)
    });
    for segment in path.get(at..).unwrap_or_default().split('/') {
        let touches = |part: &Range<usize>| part.start < at + segment.len() && at < part.end;
        if are_dots(segment) && said.iter().any(touches) {
            return true;
        }
        at += segment.len() + 1;
    }
    false
}

/// Whether a segment is dots to whoever resolves the path, to whom an encoded dot is one.
fn are_dots(segment: &str) -> bool {
    matches!(&*segment.to_ascii_lowercase().replace("%2e", "."), "." | "..")
}

/// What is wrong with the policy's own part of a path.
pub(crate) fn path_of(known: Known<'_>) -> Result<(), String> {
    let whole;
    let parts = match known {
        Known::Value(value) => {
            whole = plain(value);
            &[Some(&*whole)][..]
        }
        Known::Text(parts) => parts,
        Known::Spliced(parts) => {
            let path = path(each(parts));
            let why = "within a path a value is one segment, not empty, not `.` or `..`, without `/` and control characters";
            return path.map(drop).map_err(|_| why.to_owned());
        }
        Known::Nothing => return Ok(()),
    };
    if let Some(Some(text)) = parts.iter().find(|part| **part != Some(""))
        && !text.starts_with('/')
    {
        return Err(format!("`{text}` does not begin with `/`, as a path does"));
    }
    if let Some(text) = parts.iter().flatten().find(|text| text.contains(['?', '#'])) {
        return Err(format!(
            "`{text}` is more than a path: the query is changed by `set up.query`"
        ));
    }
    let Some(text) = parts.iter().copied().collect::<Option<String>>() else {
        return match dots(parts) {
            Some(dots) => Err(format!(
                "`{dots}` is no segment of a path that a value stands in: write the path as it is sent"
            )),
            None => Ok(()),
        };
    };
    if text.is_empty() {
        return Err("an empty text is no path".to_owned());
    }
    let mut path = Spelled::default();
    path.push_path(&text, false);
    match path.into_path() {
        Ok(_) => Ok(()),
        Err(_) => Err(format!("`{text}` is no path: it climbs above the root, or cannot be read")),
    }
}

/// The first segment of dots in a path of which not all is known: what a request says stands within a segment.
fn dots<'t>(parts: &[Option<&'t str>]) -> Option<&'t str> {
    parts.iter().enumerate().find_map(|(at, part)| {
        let text = (*part)?;
        let is_first = at == 0;
        let is_last = at + 1 == parts.len();
        let n_segments = text.split('/').count();
        let whole = text.split('/').enumerate().filter(|(nth, _)| {
            // What stands beside a value is a part of its segment.
            (*nth > 0 || is_first) && (nth + 1 < n_segments || is_last)
        });
        let mut whole = whole.map(|(_, segment)| segment);
        whole.find(|segment| {
            matches!(&*segment.to_ascii_lowercase().replace("%2e", "."), "." | "..")
        })
    })
}

/// A path on its way into the normal form: which of its segments hold something that the request said.
#[derive(Default)]
struct Spelled {
    text: String,
    /// Whether the segment being written holds a value.
    holds_value: bool,
    /// Whether it holds text of the request's path.
    holds_kept: bool,
    refused: bool,
}

impl Spelled {
    /// Text that may hold several segments.
    fn push_path(&mut self, words: &str, kept: bool) {
        for (at, segment) in words.split('/').enumerate() {
            if at > 0 {
                self.end_segment();
                self.text.push('/');
            }
            self.holds_kept |= kept;
            encode(segment, is_segment, true, &mut self.text);
        }
    }

    /// Text that stands within a segment.
    fn push_segment(&mut self, value: &str, spelled: bool) -> Result<(), Failure> {
        if value.contains('/') {
            return Err(Failure::Value);
        }
        self.holds_value = true;
        encode(value, is_segment, spelled, &mut self.text);
        Ok(())
    }

    fn end_segment(&mut self) {
        let segment = self.text.rsplit('/').next().unwrap_or_default();
        let dots = are_dots(segment);
        self.refused |= self.holds_value && (dots || segment.is_empty()) || self.holds_kept && dots;
        self.holds_value = false;
        self.holds_kept = false;
    }

    fn into_path(mut self) -> Result<String, Failure> {
        self.end_segment();
        if self.refused {
            return Err(Failure::Value);
        }
        // What is left of a path without its beginning may be nothing, or begin in the middle.
        if !self.text.starts_with('/') {
            self.text.insert(0, '/');
        }
        let mut path = String::with_capacity(self.text.len());
        normal::path(self.text.as_bytes(), &mut path).map_err(|_: Fault| Failure::Value)?;
        Ok(path)
    }
}

/// Appends `text`, every byte percent-encoded that does not `stay`. With `spelled`, a `%` that begins an encoding
/// stays: the text is one already.
fn encode(text: &str, stays: fn(u8) -> bool, spelled: bool, out: &mut String) {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    let bytes = text.as_bytes();
    for (at, &byte) in bytes.iter().enumerate() {
        let begins = || {
            let digits = bytes.get(at + 1..at + 3).unwrap_or_default();
            digits.len() == 2 && digits.iter().all(u8::is_ascii_hexdigit)
        };
        if stays(byte) || (spelled && byte == b'%' && begins()) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            for nibble in [byte >> 4, byte & 15] {
                out.push(DIGITS.get(usize::from(nibble)).copied().unwrap_or('0'));
            }
        }
    }
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

fn is_unreserved_or_slash(byte: u8) -> bool {
    is_unreserved(byte) || byte == b'/'
}

/// What stands in a path segment as it is (RFC 3986, section 3.3), but for `/`.
fn is_segment(byte: u8) -> bool {
    is_unreserved(byte) || b"!$&'()*+,;=:@".contains(&byte)
}

fn is_query(byte: u8) -> bool {
    is_segment(byte) || b"/?".contains(&byte)
}

fn is_uri(byte: u8) -> bool {
    is_query(byte) || b"#[]".contains(&byte)
}

#[cfg(test)]
mod tests;
