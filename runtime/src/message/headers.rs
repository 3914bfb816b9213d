//! A header section: ordered, duplicates kept, names compared without case.
//! One buffer holds all text; a field is four offsets into it, and an edit appends to the buffer.

use std::cell::RefCell;
use std::fmt;
use std::ops::Range;
use std::sync::OnceLock;

use compiler::names::{Mark, Names, Only, Place, same_name};
use smallvec::SmallVec;

use super::Known;

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
///
/// A word that points to its fields: a section is handed on often on its way from one connection to the other.
#[derive(Clone, Default)]
pub struct Headers {
    section: Option<Box<Section>>,
}

#[derive(Clone, Default)]
struct Section {
    text: Vec<u8>,
    fields: SmallVec<[Field; 16]>,
    // Of the names that are known, at least those that are there.
    known: Known,
    // Where names stand: noted when one is looked for, which most messages see nobody do.
    names: OnceLock<Names>,
}

#[derive(Debug, Clone, Copy)]
struct Field {
    name: Part,
    value: Part,
    known: Known,
    /// It stands in the text as HTTP/1 writes it, to the end of its line.
    is_line: bool,
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

/// Room for the edits that nearly every proxied message gets.
const EDITS: usize = 192;

/// Sections of messages that are over, which a core keeps for those to come, and how much room the text of each may have.
const SPARE: usize = 64;
const SPARE_TEXT: usize = 4096;

thread_local! {
    #[expect(clippy::vec_box, reason = "a section is handed on where it lies")]
    static KEPT: RefCell<Vec<Box<Section>>> = const { RefCell::new(Vec::new()) };
}

impl Headers {
    /// An empty section; it owns no memory yet.
    pub fn new() -> Headers {
        Headers::default()
    }

    /// An empty section with room for `text` bytes.
    pub fn with_capacity(text: usize) -> Headers {
        let mut section = Section::spare();
        section.text.reserve(text);
        Headers { section: Some(section) }
    }

    /// The number of field lines.
    pub fn len(&self) -> usize {
        self.fields().len()
    }

    /// Whether there is no field.
    pub fn is_empty(&self) -> bool {
        self.fields().is_empty()
    }

    /// Whether a field of this name is present.
    pub fn contains(&self, name: &str) -> bool {
        self.section.as_deref().is_some_and(|section| section.find(name).is_some())
    }

    /// The value of the first field of this name.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        let section = self.section.as_deref()?;
        section.fields.get(section.find(name)?).map(|field| section.part(field.value))
    }

    /// The value of the first field of this name, if it is UTF-8.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(|value| std::str::from_utf8(value).ok())
    }

    /// The values of all fields of this name, in order.
    pub fn all<'a, 'n>(&'a self, name: &'n str) -> impl Iterator<Item = &'a [u8]> + use<'a, 'n> {
        self.section.as_deref().into_iter().flat_map(move |section| {
            let places = section.names().places(Mark::of(name.as_bytes()));
            let fields = places.filter_map(|at| section.fields.get(at));
            let fields = fields.filter(move |field| section.is_named(field, name));
            fields.map(|field| section.part(field.value))
        })
    }

    /// The value of the field of this name, which has this mark: `None` if there is none, `Err` if there is more than one.
    pub(crate) fn only(&self, mark: Mark, name: &str) -> Result<Option<&[u8]>, Repeated> {
        let Some(section) = self.section.as_deref() else { return Ok(None) };
        let field = |at: usize| section.fields.get(at);
        let is_named = |at| field(at).is_some_and(|field| section.is_named(field, name));
        let only = match section.names().place(mark) {
            Place::Nowhere => Only::Nowhere,
            Place::At(at) if is_named(at) => Only::At(at),
            Place::At(_) | Place::Several => section.names().only(mark, is_named),
        };
        match only {
            Only::Nowhere => Ok(None),
            Only::At(at) => Ok(field(at).map(|field| section.part(field.value))),
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
        let text = self.section.as_deref().map_or(&[][..], |section| &section.text);
        self.fields().iter().map(move |field| (slice(text, field.name), slice(text, field.value)))
    }

    /// Gives `name` this one value, in the place of the first field of that name.
    pub fn set(&mut self, name: &str, value: impl AsRef<[u8]>) -> Result<(), InvalidField> {
        let value = checked(name, value.as_ref())?;
        let section = self.section();
        let Some(first) = section.find(name) else {
            return section.push(name.as_bytes(), value);
        };
        let value = section.keep(value)?;
        if let Some(field) = section.fields.get_mut(first) {
            field.value = value;
            field.known = Known::recognise(name.as_bytes());
            field.is_line = false;
        }
        let mut index = 0;
        section.retain(|field, found| {
            index += 1;
            index <= first + 1 || !slice(found, field.name).eq_ignore_ascii_case(name.as_bytes())
        });
        Ok(())
    }

    /// Adds one more field line at the end.
    pub fn append(&mut self, name: &str, value: impl AsRef<[u8]>) -> Result<(), InvalidField> {
        let value = checked(name, value.as_ref())?;
        self.section().push(name.as_bytes(), value)
    }

    /// Adds a field whose name and value were checked where they were read.
    pub(crate) fn append_checked(&mut self, name: &[u8], value: &[u8]) -> Result<(), InvalidField> {
        debug_assert!(is_token(name) && value.iter().all(|&byte| is_value_byte(byte)));
        let mut known = Known::recognise(name);
        if memchr::memchr(b'_', name).is_some() {
            known = known.with(Known::SCORED);
        }
        self.section().push_known(known, name, value)
    }

    /// Removes all fields of this name; says whether there was one.
    pub fn remove(&mut self, name: &str) -> bool {
        let before = self.len();
        self.retain(|_, found| !found.eq_ignore_ascii_case(name.as_bytes()));
        self.len() < before
    }

    /// Keeps the fields for which `keep(known, name)` is true.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(Known, &[u8]) -> bool) {
        if let Some(section) = self.section.as_deref_mut() {
            section.retain(|field, text| keep(field.known, slice(text, field.name)));
        }
    }

    /// Whether one of these names may be there. If not, none is.
    pub(crate) fn may_have(&self, names: Known) -> bool {
        self.section.as_deref().is_some_and(|section| section.known.meets(names))
    }

    /// What is known of the name of each field, in order.
    pub(crate) fn known(&self) -> impl Iterator<Item = Known> {
        self.fields().iter().map(|field| field.known)
    }

    /// Adds one more field line, of which all is known: the name, and that the value is valid.
    pub(crate) fn append_known(
        &mut self,
        known: Known,
        name: &str,
        value: &[u8],
    ) -> Result<(), InvalidField> {
        self.section().push_known(known, name.as_bytes(), value)
    }

    /// Appends the field lines for which `keep(known, value)` is true, as HTTP/1 writes them.
    ///
    /// Lines that stand in a row and in that form already are copied at once.
    pub(crate) fn write(&self, out: &mut Vec<u8>, mut keep: impl FnMut(Known, &[u8]) -> bool) {
        let Some(section) = self.section.as_deref() else { return };
        let mut row = 0..0;
        for Field { name, value, known, is_line, .. } in &section.fields {
            if !keep(*known, section.part(*value)) {
                continue;
            }
            let (start, end) = (name.start as usize, value.end() + 2);
            if *is_line && start == row.end {
                row.end = end;
                continue;
            }
            out.extend_from_slice(section.text.get(row).unwrap_or_default());
            row = start..if *is_line { end } else { start };
            if !is_line {
                for part in [section.part(*name), b": ", section.part(*value), b"\r\n"] {
                    out.extend_from_slice(part);
                }
            }
        }
        out.extend_from_slice(section.text.get(row).unwrap_or_default());
    }

    /// The most bytes that the section takes on the wire of HTTP/1.
    pub(crate) fn most_on_wire(&self) -> usize {
        // No two names or values have a byte of the text in common.
        self.section.as_deref().map_or(0, |section| section.text.len() + 4 * section.fields.len())
    }

    fn fields(&self) -> &[Field] {
        self.section.as_deref().map_or(&[], |section| &section.fields)
    }

    fn section(&mut self) -> &mut Section {
        self.section.get_or_insert_with(Section::spare)
    }
}

impl Drop for Headers {
    fn drop(&mut self) {
        if let Some(section) = self.section.take() {
            section.give_back();
        }
    }
}

/// A section that is being read: where its fields stand in a text is noted one by one, and at the end the text is copied.
pub(crate) struct Reading {
    section: Box<Section>,
}

impl Reading {
    /// Nothing is read yet.
    pub(crate) fn new() -> Reading {
        Reading { section: Section::spare() }
    }

    /// Notes a field by its name, how that is known, where it stands, and where its value begins and ends. `is_line`
    /// says that nothing but `: ` and CRLF stands around them.
    #[inline]
    pub(crate) fn note(
        &mut self,
        known: Known,
        name: &[u8],
        at: u32,
        value: Range<u32>,
        is_line: bool,
    ) {
        let name = Part { start: at, len: name.len() as u32 };
        let value = Part { start: value.start, len: value.end - value.start };
        self.section.fields.push(Field { name, value, known, is_line });
        self.section.known = self.section.known.with(known);
    }

    /// The section, whose fields stand in `text`.
    pub(crate) fn of(mut self, text: &[u8]) -> Headers {
        self.section.text.reserve(text.len() + EDITS);
        self.section.text.extend_from_slice(text);
        Headers { section: Some(self.section) }
    }
}

impl Section {
    /// One without fields: of a message that is over, if there is one.
    fn spare() -> Box<Section> {
        KEPT.try_with(|kept| kept.borrow_mut().pop()).ok().flatten().unwrap_or_default()
    }

    /// Empties it and keeps it for another message, if it is no larger than most are.
    fn give_back(mut self: Box<Section>) {
        if self.text.capacity() > SPARE_TEXT || self.fields.spilled() {
            return;
        }
        self.text.clear();
        self.fields.clear();
        (self.known, self.names) = (Known::default(), OnceLock::new());
        // A thread that ends keeps nothing.
        let _ = KEPT.try_with(|kept| {
            let mut kept = kept.borrow_mut();
            if kept.len() < SPARE {
                kept.push(self);
            }
        });
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
        self.fields.push(Field { name, value, known, is_line: true });
        if let Some(names) = self.names.get_mut() {
            names.push(mark);
        }
        self.known = self.known.with(known);
        Ok(())
    }

    /// Where names stand.
    fn names(&self) -> &Names {
        self.names.get_or_init(|| {
            let mut names = Names::default();
            let marks = self.fields.iter().map(|field| Mark::of(self.part(field.name)));
            marks.for_each(|mark| names.push(mark));
            names
        })
    }

    /// Keeps the fields for which `keep(field, text)` is true.
    fn retain(&mut self, mut keep: impl FnMut(&Field, &[u8]) -> bool) {
        let (text, before) = (&self.text, self.fields.len());
        self.fields.retain(|field| keep(field, text));
        if self.fields.len() < before {
            self.names = OnceLock::new();
        }
    }

    fn keep(&mut self, bytes: &[u8]) -> Result<Part, InvalidField> {
        let part = part_at(self.text.len(), bytes.len())?;
        self.text.extend_from_slice(bytes);
        Ok(part)
    }

    fn find(&self, name: &str) -> Option<usize> {
        let mut places = self.names().places(Mark::of(name.as_bytes()));
        places.find(|at| self.fields.get(*at).is_some_and(|field| self.is_named(field, name)))
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
    token_kind(byte) != 0
}

/// The same, told apart: 0 for what is none, [`SCORE`] among the bits of `_`. All bytes of a name together say whether it
/// holds one.
pub(crate) fn token_kind(byte: u8) -> u8 {
    TOKEN.get(usize::from(byte)).copied().unwrap_or(0)
}

/// See [`token_kind`].
pub(crate) const SCORE: u8 = 2;

const TOKEN: [u8; 256] = {
    let mut token = [0; 256];
    let mut byte = 0_u8;
    loop {
        let others = b"!#$%&'*+-.^`|~";
        let mut at = 0;
        token[byte as usize] = byte.is_ascii_alphanumeric() as u8;
        while at < others.len() {
            if others[at] == byte {
                token[byte as usize] = 1;
            }
            at += 1;
        }
        if byte == b'_' {
            token[byte as usize] = 1 | SCORE;
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
        let text = b"A: 1\r\nb:2\r\nC:  3 \r\nd: \r\nE: 5\r\nF: 6\r\n\r\n";
        let mut reading = Reading::new();
        for (at, value, is_line) in [
            (0, 3..4, true),
            (6, 8..9, false),
            (11, 15..16, false),
            (19, 22..22, true),
            (24, 27..28, true),
            (30, 33..34, true),
        ] {
            let name = &text[at as usize..][..1];
            reading.note(Known::default(), name, at, value, is_line);
        }
        let mut headers = reading.of(text);
        headers.append("g", "7").unwrap();
        headers.set("e", "five").unwrap();
        headers.append("h", "8").unwrap();
        let mut out = Vec::new();
        headers.write(&mut out, |_, value| value != b"1");
        let text = "b: 2\r\nC: 3\r\nd: \r\nE: five\r\nF: 6\r\ng: 7\r\nh: 8\r\n";
        assert_eq!(String::from_utf8(out).unwrap(), text);
        assert!(headers.most_on_wire() >= text.len());
    }
}
