//! A header section: ordered, duplicates kept, names compared without case.
//! One buffer holds all text; a field is four offsets into it, and an edit appends to the buffer.

use std::fmt;

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

/// A header or trailer section.
#[derive(Clone, Default)]
pub struct Headers {
    text: Vec<u8>,
    fields: Vec<Field>,
}

#[derive(Debug, Clone, Copy)]
struct Field {
    name: Part,
    value: Part,
}

#[derive(Debug, Clone, Copy)]
struct Part {
    start: u32,
    len: u32,
}

impl Headers {
    /// An empty section; it owns no memory yet.
    pub fn new() -> Headers {
        Headers::default()
    }

    /// An empty section with room for `fields` fields and `text` bytes.
    pub fn with_capacity(fields: usize, text: usize) -> Headers {
        Headers { text: Vec::with_capacity(text), fields: Vec::with_capacity(fields) }
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
        self.fields
            .iter()
            .filter(move |field| self.is_named(field, name))
            .map(|field| self.part(field.value))
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
        let value = self.write(value)?;
        if let Some(field) = self.fields.get_mut(first) {
            field.value = value;
        }
        let (text, mut index) = (&self.text, 0);
        self.fields.retain(|field| {
            index += 1;
            index <= first + 1 || !slice(text, field.name).eq_ignore_ascii_case(name.as_bytes())
        });
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
        self.fields.len() < before
    }

    /// Keeps the fields for which `keep(name, value)` is true.
    pub fn retain(&mut self, mut keep: impl FnMut(&str, &[u8]) -> bool) {
        let text = &self.text;
        self.fields.retain(|field| {
            let name = std::str::from_utf8(slice(text, field.name)).unwrap_or_default();
            keep(name, slice(text, field.value))
        });
    }

    /// The bytes that the section takes on the wire of HTTP/1: names, values, `: ` and CRLF.
    pub fn wire_len(&self) -> usize {
        self.raw().map(|(name, value)| name.len() + value.len() + 4).sum()
    }

    /// Takes what httparse found in `head`: one copy of the text, offsets for the fields.
    ///
    /// Both names and values must be slices of `head`; one that is not is refused.
    pub(crate) fn from_parsed(
        head: &[u8],
        parsed: &[httparse::Header<'_>],
        skip: impl Fn(&[u8]) -> bool,
    ) -> Result<Headers, InvalidField> {
        let base = head.as_ptr() as usize;
        let Some(first) = parsed.first() else { return Ok(Headers::new()) };
        let from = (first.name.as_ptr() as usize).wrapping_sub(base);
        let kept = head.get(from..).ok_or(InvalidField::TooLarge)?;
        // Room for the edits that nearly every proxied message gets.
        let mut text = Vec::with_capacity(kept.len() + 192);
        text.extend_from_slice(kept);
        let mut fields = Vec::with_capacity(parsed.len() + 6);
        let place = |bytes: &[u8]| -> Result<Part, InvalidField> {
            if bytes.is_empty() {
                return Ok(Part { start: 0, len: 0 });
            }
            let start = (bytes.as_ptr() as usize).wrapping_sub(base).wrapping_sub(from);
            let end = start.checked_add(bytes.len()).ok_or(InvalidField::TooLarge)?;
            if end > kept.len() {
                return Err(InvalidField::TooLarge);
            }
            part_at(start, bytes.len())
        };
        for header in parsed {
            if !skip(header.name.as_bytes()) {
                fields.push(Field {
                    name: place(header.name.as_bytes())?,
                    value: place(trim(header.value))?,
                });
            }
        }
        Ok(Headers { text, fields })
    }

    fn push(&mut self, name: &[u8], value: &[u8]) -> Result<(), InvalidField> {
        let name = self.write(name)?;
        let value = self.write(value)?;
        self.fields.push(Field { name, value });
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<Part, InvalidField> {
        let part = part_at(self.text.len(), bytes.len())?;
        self.text.extend_from_slice(bytes);
        Ok(part)
    }

    fn find(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|field| self.is_named(field, name))
    }

    fn is_named(&self, field: &Field, name: &str) -> bool {
        field.name.len as usize == name.len()
            && self.part(field.name).eq_ignore_ascii_case(name.as_bytes())
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
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

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
}
