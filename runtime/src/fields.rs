//! What a policy can read: one file per namespace, one entry per field, its row beside its reader. A field of a new
//! namespace is one word in the list below.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use compiler::names::Mark;
use compiler::{Read, Slot};
use lang::Value;
use lang::vocab::Field;
use lang::vocab::identity::CLAIMS;

use crate::exchange::Exchange;
use crate::message::Headers;

mod client;
mod conn;
mod json;
mod origin;
mod req;
mod resp;
mod up;
mod written;

pub use json::{Json, document};
pub(crate) use req::cookie;

/// A field: what the language knows of it, and how it is read.
#[derive(Clone, Copy, Debug)]
pub struct FieldEntry {
    /// The row.
    pub row: Field,
    /// Reads it, with the key where the row has one (empty otherwise). Never fails: what is not there is absent.
    pub read: Reading,
}

/// How a field is read: as a slice of the exchange wherever it stands there.
pub type Reading = for<'r> fn(&'r Exchange, &str) -> Read<'r>;

/// A slot of a program, resolved: whom to ask, and for what.
#[derive(Clone)]
pub struct Reader {
    how: How,
    key: Arc<str>,
}

#[derive(Clone, Copy)]
enum How {
    /// The fields of the request's head whose name is the key, and this its mark.
    Head(Mark),
    Entry(Reading),
}

/// Declares the namespaces: each word is a file in `fields/` with its `ENTRIES`.
macro_rules! namespaces {
    ($($name:ident,)*) => {
        const NAMESPACES: &[&[FieldEntry]] = &[$($name::ENTRIES,)*];
    };
}

namespaces![conn, client, req, up, origin, resp,];

/// Every field, by namespace.
pub fn entries() -> impl Iterator<Item = &'static FieldEntry> {
    NAMESPACES.iter().flat_map(|entries| entries.iter())
}

/// The field with exactly this path.
pub fn entry(path: &str) -> Option<&'static FieldEntry> {
    entries().find(|entry| entry.row.path == path)
}

impl Reader {
    /// The reader of a slot; `None` if there is no such field.
    pub fn of(slot: &Slot) -> Option<Reader> {
        let key = slot.key.clone().unwrap_or_default();
        let how = match &*slot.field {
            claims if *claims == *CLAIMS.path => How::Entry(crate::auth::read),
            "req.header" if !req::is_of_target(&key) => How::Head(Mark::of(key.as_bytes())),
            field => How::Entry(entry(field)?.read),
        };
        Some(Reader { how, key })
    }

    /// What the slot holds now.
    pub fn read<'r>(&self, ex: &'r Exchange) -> Read<'r> {
        match self.how {
            How::Head(mark) => match ex.request.headers.only(mark, &self.key) {
                Ok(Some(value)) => cow(String::from_utf8_lossy(value)),
                Ok(None) => Read::Value(Value::Absent),
                Err(_) => joined(ex.request.headers.all(&self.key)),
            },
            How::Entry(read) => read(ex, &self.key),
        }
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("key", &self.key).finish_non_exhaustive()
    }
}

/// Text that stands in the exchange, if it does.
fn optional(text: Option<&str>) -> Read<'_> {
    Read::optional(text)
}

/// Text that stands in the exchange, or had to be made.
fn cow(text: Cow<'_, str>) -> Read<'_> {
    match text {
        Cow::Borrowed(text) => Read::Text(text),
        Cow::Owned(text) => Read::Value(Value::string(text)),
    }
}

/// The values of a header field as one (RFC 9110, section 5.3). As in each of them, no blank stands at its end (section
/// 5.5), also where the last one is empty.
fn joined<'r>(mut values: impl Iterator<Item = &'r [u8]>) -> Read<'r> {
    let Some(first) = values.next() else { return Read::Value(Value::Absent) };
    let mut joined = String::from_utf8_lossy(first);
    for value in values {
        let joined = joined.to_mut();
        joined.push_str(", ");
        joined.push_str(&String::from_utf8_lossy(value));
    }
    if let Cow::Owned(joined) = &mut joined {
        let length = joined.trim_end_matches([' ', '\t']).len();
        joined.truncate(length);
    }
    cow(joined)
}

/// The values of a header field, one by one.
fn listed<'r>(headers: &'r Headers, name: &str) -> Read<'r> {
    let values = headers.all(name).map(|value| Value::string(String::from_utf8_lossy(value)));
    Read::Value(Value::list(values))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_header_is_one_value() {
        let mut headers = Headers::new();
        for value in [&b"1"[..], b"a\xff", b""] {
            headers.append("X-A", value).unwrap();
        }
        let Read::Value(value) = joined(headers.all("x-a")) else { panic!() };
        assert_eq!(value.as_str(), Some("1, a\u{fffd},"));
        let Read::Value(value) = joined(headers.all("x-b")) else { panic!() };
        assert!(value.is_absent());
        let Read::Value(Value::List(values)) = listed(&headers, "x-a") else { panic!() };
        assert_eq!(values.len(), 3);
    }
}
