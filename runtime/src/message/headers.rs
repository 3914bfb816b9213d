//! A header section: ordered, duplicates kept, names compared without case.
//! One buffer holds all text; a field is four offsets into it, and an edit appends to the buffer.

use std::fmt;

use compiler::names::{Mark, Names, Only, same_name};

use super::{Fault, Known};

/// Why a name or value cannot stand in a header section.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidField {
    /// The name is no token (RFC 9110 section 5.1).
    #[error("a field name must be a token")]
    Name,
    /// The value holds a control character (RFC 9110 section 5.5).
    #[error("a field value must not hold control characters")]
    Value,
    /// The section would outgrow what can be addressed (4 GiB).
    #[error("the header section is too large")]
    TooLarge,
}

/// A field stands more than once.
#[derive(Debug)]
pub(crate) struct Repeated;

/// A header or trailer section.
#[derive(Clone, Default)]
pub struct Headers {
    text: Vec<u8>,
    fields: Vec<Field>,
    // Of the names that are known, at least those that are there.
    known: Known,
    names: Names,
}

#[derive(Debug, Clone, Copy)]
struct Field {
    name: Part,
    value: Part,
    known: Known,
    mark: Mark,
}

#[derive(Debug, Clone, Copy)]
struct Part {
    start: u32,
    len: u32,
}

impl Part {
    fn end(self) -> usize {
        self.start as usize + self.len as usize
    }
}

impl Headers {
    /// An empty section; it owns no memory yet.
    pub fn new() -> Headers {
        Headers::default()
    }

    /// An empty section with room for `fields` fields and `text` bytes.
    pub fn with_capacity(fields: usize, text: usize) -> Headers {
        Headers {
            text: Vec::with_capacity(text),
            fields: Vec::with_capacity(fields),
            ..Headers::default()
        }
    }

    /// The number of field lines.
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether there is no field.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Whether a field of this name is present.
    pub fn contains(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// The value of the first field of this name.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.find(name).and_then(|at| self.fields.get(at)).map(|field| self.part(field.value))
    }

    /// The value of the first field of this name, if it is UTF-8.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(|value| std::str::from_utf8(value).ok())
    }

    /// The values of all fields of this name, in order.
    pub fn all<'a, 'n>(&'a self, name: &'n str) -> impl Iterator<Item = &'a [u8]> + use<'a, 'n> {
        let places = self.names.places(Mark::of(name.as_bytes()));
        let fields = places.filter_map(|at| self.fields.get(at));
        fields.filter(move |field| self.is_named(field, name)).map(|field| self.part(field.value))
    }

    /// The value of the field of this name, which has this mark: `None` if there is none, `Err` if there is more than one.
    pub(crate) fn only(&self, mark: Mark, name: &str) -> Result<Option<&[u8]>, Repeated> {
        let field = |at: usize| self.fields.get(at);
        match self.names.only(mark, |at| field(at).is_some_and(|field| self.is_named(field, name)))
        {
            Only::Nowhere => Ok(None),
            Only::At(at) => Ok(field(at).map(|field| self.part(field.value))),
            Only::Often => Err(Repeated),
        }
    }

    /// Whether a comma-separated field of this name lists `token`, compared without case.
    pub fn lists(&self, name: &str, token: &str) -> bool {
        self.all(name).flat_map(list).any(|item| item.eq_ignore_ascii_case(token.as_bytes()))
    }

    /// All fields in order; names as they were written.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.raw().map(|(name, value)| (std::str::from_utf8(name).unwrap_or_default(), value))
    }

    /// All fields in order as bytes: what an encoder copies.
    pub fn raw(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.fields.iter().map(|field| (self.part(field.name), self.part(field.value)))
    }

    /// Gives `name` this one value, in the place of the first field of that name.
    pub fn set(&mut self, name: &str, value: impl AsRef<[u8]>) -> Result<(), InvalidField> {
        let value = checked(name, value.as_ref())?;
        let Some(first) = self.find(name) else { return self.push(name.as_bytes(), value) };
        let value = self.keep(value)?;
        if let Some(field) = self.fields.get_mut(first) {
            field.value = value;
        }
        let (text, mut index) = (&self.text, 0);
        self.fields.retain(|field| {
            index += 1;
            index <= first + 1 || !slice(text, field.name).eq_ignore_ascii_case(name.as_bytes())
        });
        self.note();
        Ok(())
    }

    /// Adds one more field line at the end.
    pub fn append(&mut self, name: &str, value: impl AsRef<[u8]>) -> Result<(), InvalidField> {
        let value = checked(name, value.as_ref())?;
        self.push(name.as_bytes(), value)
    }

    /// Adds a field whose name and value were checked where they were read.
    pub(crate) fn append_checked(&mut self, name: &[u8], value: &[u8]) -> Result<(), InvalidField> {
        debug_assert!(is_token(name) && value.iter().all(|&byte| is_value_byte(byte)));
        self.push(name, value)
    }

    /// Removes all fields of this name; says whether there was one.
    pub fn remove(&mut self, name: &str) -> bool {
        let before = self.fields.len();
        let text = &self.text;
        self.fields.retain(|field| !slice(text, field.name).eq_ignore_ascii_case(name.as_bytes()));
        self.note();
        self.fields.len() < before
    }

    /// Keeps the fields for which `keep(known, name)` is true.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(Known, &[u8]) -> bool) {
        let text = &self.text;
        self.fields.retain(|field| keep(field.known, slice(text, field.name)));
        self.note();
    }

    /// Whether one of these names may be there. If not, none is.
    pub(crate) fn may_have(&self, names: Known) -> bool {
        self.known.meets(names)
    }

    /// What is known of the name of each field, in order.
    pub(crate) fn known(&self) -> impl Iterator<Item = Known> {
        self.fields.iter().map(|field| field.known)
    }

    /// Adds one more field line, of which all is known: the name, and that the value is valid.
    pub(crate) fn append_known(
        &mut self,
        known: Known,
        name: &str,
        value: &[u8],
    ) -> Result<(), InvalidField> {
        self.push_known(known, name.as_bytes(), value)
    }

    /// Appends the field lines for which `keep(known, value)` is true, as HTTP/1 writes them.
    ///
    /// Lines that stand in a row and in that form already are copied at once.
    pub(crate) fn write(&self, out: &mut Vec<u8>, mut keep: impl FnMut(Known, &[u8]) -> bool) {
        let mut row = 0..0;
        for Field { name, value, known, .. } in &self.fields {
            if !keep(*known, self.part(*value)) {
                continue;
            }
            let (start, end) = (name.start as usize, value.end() + 2);
            let is_line = self.text.get(name.end()..value.start as usize) == Some(b": ")
                && self.text.get(value.end()..end) == Some(b"\r\n");
            if is_line && start == row.end {
                row.end = end;
                continue;
            }
            out.extend_from_slice(self.text.get(row).unwrap_or_default());
            row = start..if is_line { end } else { start };
            if !is_line {
                for part in [self.part(*name), b": ", self.part(*value), b"\r\n"] {
                    out.extend_from_slice(part);
                }
            }
        }
        out.extend_from_slice(self.text.get(row).unwrap_or_default());
    }

    /// The bytes that the section takes on the wire of HTTP/1: names, values, `: ` and CRLF.
    pub fn wire_len(&self) -> usize {
        self.raw().map(|(name, value)| name.len() + value.len() + 4).sum()
    }

    /// Takes what httparse found in `head`: one copy of the text, offsets for the fields.
    ///
    /// Both names and values must be slices of `head`; one that is not is refused.
    ///
    /// `keep(known, value)` sees each field and says whether it is kept, or why the head is refused.
    pub(crate) fn from_parsed<'h>(
        head: &'h [u8],
        parsed: &[httparse::Header<'h>],
        mut keep: impl FnMut(Known, &'h [u8]) -> Result<bool, Fault>,
    ) -> Result<Headers, Fault> {
        let base = head.as_ptr() as usize;
        let Some(first) = parsed.first() else { return Ok(Headers::new()) };
        let from = (first.name.as_ptr() as usize).wrapping_sub(base);
        let kept = head.get(from..).ok_or(Fault::HeadTooLarge)?;
        // Room for the edits that nearly every proxied message gets.
        let mut text = Vec::with_capacity(kept.len() + 192);
        text.extend_from_slice(kept);
        let mut fields = Vec::with_capacity(parsed.len() + 6);
        let place = |bytes: &[u8]| -> Result<Part, Fault> {
            if bytes.is_empty() {
                return Ok(Part { start: 0, len: 0 });
            }
            let start = (bytes.as_ptr() as usize).wrapping_sub(base).wrapping_sub(from);
            let end = start.checked_add(bytes.len()).ok_or(Fault::HeadTooLarge)?;
            if end > kept.len() {
                return Err(Fault::HeadTooLarge);
            }
            part_at(start, bytes.len()).map_err(|_| Fault::HeadTooLarge)
        };
        let (mut all, mut names) = (Known::default(), Names::default());
        for header in parsed {
            let (name, value) = (header.name.as_bytes(), trim(header.value));
            let known = Known::recognise(name);
            if keep(known, value)? {
                all = all.with(known);
                let mark = Mark::of(name);
                names.push(mark);
                fields.push(Field { name: place(name)?, value: place(value)?, known, mark });
            }
        }
        Ok(Headers { text, fields, known: all, names })
    }

    fn push(&mut self, name: &[u8], value: &[u8]) -> Result<(), InvalidField> {
        self.push_known(Known::recognise(name), name, value)
    }

    fn push_known(&mut self, known: Known, name: &[u8], value: &[u8]) -> Result<(), InvalidField> {
        let mark = Mark::of(name);
        let name = self.keep(name)?;
        self.text.extend_from_slice(b": ");
        let value = self.keep(value)?;
        self.text.extend_from_slice(b"\r\n");
        self.fields.push(Field { name, value, known, mark });
        self.names.push(mark);
        self.known = self.known.with(known);
        Ok(())
    }

    fn keep(&mut self, bytes: &[u8]) -> Result<Part, InvalidField> {
        let part = part_at(self.text.len(), bytes.len())?;
        self.text.extend_from_slice(bytes);
        Ok(part)
    }

    fn find(&self, name: &str) -> Option<usize> {
        let mut places = self.names.places(Mark::of(name.as_bytes()));
        places.find(|at| self.fields.get(*at).is_some_and(|field| self.is_named(field, name)))
    }

    /// Notes the names anew, because fields are gone.
    fn note(&mut self) {
        self.names = Names::default();
        self.fields.iter().for_each(|field| self.names.push(field.mark));
    }

    fn is_named(&self, field: &Field, name: &str) -> bool {
        same_name(self.part(field.name), name.as_bytes())
    }

    fn part(&self, part: Part) -> &[u8] {
        slice(&self.text, part)
    }
}

impl fmt::Debug for Headers {
    /// Names only: values may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(|(name, _)| name)).finish()
    }
}

/// Whether `byte` may stand in a token (RFC 9110 section 5.6.2).
pub(crate) fn is_token_byte(byte: u8) -> bool {
    TOKEN.get(usize::from(byte)).copied().unwrap_or(false)
}

const TOKEN: [bool; 256] = {
    let mut token = [false; 256];
    let mut byte = 0_u8;
    loop {
        let others = b"!#$%&'*+-.^_`|~";
        let mut at = 0;
        token[byte as usize] = byte.is_ascii_alphanumeric();
        while at < others.len() {
            token[byte as usize] |= others[at] == byte;
            at += 1;
        }
        if byte == u8::MAX {
            break token;
        }
        byte += 1;
    }
};

/// Whether `byte` may stand in a field value (RFC 9110 section 5.5).
pub(crate) fn is_value_byte(byte: u8) -> bool {
    byte == b'\t' || (byte >= b' ' && byte != 0x7f)
}

/// Whether `name` is a field name.
pub(crate) fn is_token(name: &[u8]) -> bool {
    !name.is_empty() && name.iter().all(|&byte| is_token_byte(byte))
}

/// `value` without the optional whitespace around it.
pub(crate) fn trim(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = value {
        value = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

/// The items of a comma-separated value, without the empty ones (RFC 9110 section 5.6.1).
///
/// Quoted strings are not looked into: none of the lists read here has them.
pub(crate) fn list(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|&byte| byte == b',').map(trim).filter(|item| !item.is_empty())
}

fn checked<'v>(name: &str, value: &'v [u8]) -> Result<&'v [u8], InvalidField> {
    if !is_token(name.as_bytes()) {
        return Err(InvalidField::Name);
    }
    if !value.iter().all(|&byte| is_value_byte(byte)) {
        return Err(InvalidField::Value);
    }
    Ok(trim(value))
}

fn part_at(start: usize, len: usize) -> Result<Part, InvalidField> {
    start.checked_add(len).ok_or(InvalidField::TooLarge)?;
    let start = u32::try_from(start).map_err(|_| InvalidField::TooLarge)?;
    let len = u32::try_from(len).map_err(|_| InvalidField::TooLarge)?;
    Ok(Part { start, len })
}

fn slice(text: &[u8], part: Part) -> &[u8] {
    let start = part.start as usize;
    text.get(start..start + part.len as usize).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn set_replaces_in_place_and_removes_the_others() {
        let mut headers = Headers::new();
        for (name, value) in [("A", "1"), ("b", "2"), ("a", "3"), ("c", "4")] {
            headers.append(name, value).unwrap();
        }
        headers.set("a", "  9 ").unwrap();
        let all: Vec<_> = headers.iter().map(|(name, value)| (name, value.to_vec())).collect();
        assert_eq!(all, [("A", b"9".to_vec()), ("b", b"2".to_vec()), ("c", b"4".to_vec())]);
        assert!(headers.remove("B") && !headers.remove("b"));
        assert_eq!(headers.len(), 2);
    }

    #[test]
    fn what_cannot_stand_on_the_wire_is_refused() {
        let mut headers = Headers::new();
        assert_eq!(headers.set("a b", "x"), Err(InvalidField::Name));
        assert_eq!(headers.set("", "x"), Err(InvalidField::Name));
        assert_eq!(headers.append("a", "x\r\nb: c"), Err(InvalidField::Value));
        assert_eq!(headers.append("a", "x\0"), Err(InvalidField::Value));
        assert!(headers.is_empty());
    }

    #[test]
    fn lists_compares_whole_items_without_case() {
        let mut headers = Headers::new();
        headers.append("Connection", "keep-alive, Upgrade").unwrap();
        assert!(headers.lists("connection", "upgrade"));
        assert!(!headers.lists("connection", "keep"));
    }

    #[test]
    fn lines_are_written_in_one_form_however_they_came() {
        let head = b"A: 1\r\nb:2\r\nC:  3 \r\nd: \r\nE: 5\r\nF: 6\r\n\r\n";
        let mut room = [httparse::EMPTY_HEADER; 8];
        let httparse::Status::Complete((_, parsed)) =
            httparse::parse_headers(head, &mut room).unwrap()
        else {
            panic!("incomplete");
        };
        let mut headers = Headers::from_parsed(head, parsed, |_, _| Ok(true)).unwrap();
        headers.append("g", "7").unwrap();
        headers.set("e", "five").unwrap();
        headers.append("h", "8").unwrap();
        let mut out = Vec::new();
        headers.write(&mut out, |_, value| value != b"1");
        let text = "b: 2\r\nC: 3\r\nd: \r\nE: five\r\nF: 6\r\ng: 7\r\nh: 8\r\n";
        assert_eq!(String::from_utf8(out).unwrap(), text);
    }
}
