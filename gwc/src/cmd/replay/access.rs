//! The gateway's own access log: one JSON object a line. What is not asked about is passed over.

use std::borrow::Cow;
use std::fmt;

use runtime::failure::Failure;
use runtime::message::Scheme;
use runtime::replay::{Noted, Said, Sender};
use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::entry::{Entry, Shown, Skip, Was};

/// A line, as far as it is asked about.
#[derive(Deserialize)]
struct Line<'l> {
    #[serde(borrow, default)]
    listener: Option<Text<'l>>,
    #[serde(borrow, default)]
    client: Option<Text<'l>>,
    #[serde(borrow, default)]
    scheme: Option<Text<'l>>,
    #[serde(borrow)]
    method: Text<'l>,
    #[serde(borrow)]
    host: Text<'l>,
    #[serde(borrow)]
    path: Text<'l>,
    #[serde(default)]
    query_bytes: Option<u64>,
    #[serde(borrow, default)]
    headers: Fields<'l>,
    status: u16,
    #[serde(borrow, default)]
    route: Option<Text<'l>>,
    #[serde(borrow, default)]
    upstream: Option<Text<'l>>,
    #[serde(borrow, default)]
    failure: Option<Text<'l>>,
}

/// A string, borrowed where nothing in it is escaped.
struct Text<'t>(Cow<'t, str>);

impl<'de: 't, 't> Deserialize<'de> for Text<'t> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Text<'t>, D::Error> {
        struct Borrows;

        impl<'de> Visitor<'de> for Borrows {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }

        from.deserialize_str(Borrows)
    }
}

/// The header fields of which all is known: those that were cut, and those of which bytes were lost, are none.
#[derive(Default)]
struct Fields<'f>(Vec<Noted<'f>>);

impl<'de: 'f, 'f> Deserialize<'de> for Fields<'f> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Fields<'f>, D::Error> {
        struct Named;

        impl<'de> Visitor<'de> for Named {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the values of header fields by their names")
            }

            fn visit_unit<E: Error>(self) -> Result<Fields<'de>, E> {
                Ok(Fields::default())
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
                let mut fields = Vec::new();
                while let Some((Text(name), Values(values))) = map.next_entry()? {
                    let name = match name.bytes().any(|byte| byte.is_ascii_uppercase()) {
                        true => Cow::Owned(name.to_ascii_lowercase()),
                        false => name,
                    };
                    fields.extend(values.map(|values| Noted { name, values }));
                }
                Ok(Fields(fields))
            }
        }

        from.deserialize_any(Named)
    }
}

/// What is written of a header field: its values, or nothing where they are not known.
struct Values<'v>(Option<Vec<Cow<'v, str>>>);

impl<'de: 'v, 'v> Deserialize<'de> for Values<'v> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Values<'v>, D::Error> {
        struct Written;

        impl<'de> Visitor<'de> for Written {
            type Value = Values<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string, a list of strings or `null`")
            }

            fn visit_unit<E: Error>(self) -> Result<Values<'de>, E> {
                Ok(Values(Some(Vec::new())))
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Values<'de>, E> {
                Ok(Values(is_whole(text).then(|| vec![Cow::Borrowed(text)])))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Values<'de>, E> {
                Ok(Values(is_whole(text).then(|| vec![Cow::Owned(text.to_owned())])))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Values<'de>, A::Error> {
                let mut values = Vec::new();
                while let Some(Text(value)) = list.next_element()? {
                    if !is_whole(&value) {
                        while list.next_element::<IgnoredAny>()?.is_some() {}
                        return Ok(Values(None));
                    }
                    values.push(value);
                }
                Ok(Values(Some(values)))
            }
        }

        from.deserialize_any(Written)
    }
}

/// Whether a value stands as the request said it: nothing was cut, no byte of it was lost.
fn is_whole(value: &str) -> bool {
    !value.ends_with('…') && !value.contains('\u{fffd}')
}

/// Reads a line and hands its request over; a line of blanks is nothing.
pub(super) fn read(line: &[u8], hand: &mut dyn FnMut(Result<Entry<'_>, Skip>)) {
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line).trim_ascii();
    if line.is_empty() {
        return;
    }
    if !line.starts_with(b"{") {
        return hand(Err(Skip::Unreadable("it is no JSON object".to_owned())));
    }
    match serde_json::from_slice::<Line<'_>>(line) {
        Ok(line) => hand(entry(&line)),
        Err(error) => hand(Err(Skip::Unreadable(reason(&error)))),
    }
}

fn entry<'l>(line: &'l Line<'_>) -> Result<Entry<'l>, Skip> {
    let text = |text: &'l Option<Text<'_>>| text.as_ref().map(|text| &*text.0);
    let (method, host, path) = (&*line.method.0, &*line.host.0, &*line.path.0);
    if method.is_empty() || path.is_empty() {
        return Err(match line.status {
            413 | 414 | 431 => Skip::Capped,
            _ => Skip::Refused,
        });
    }
    if path.ends_with('…') {
        return Err(Skip::Cut);
    }
    let scheme = match text(&line.scheme) {
        Some("http") => Some(Scheme::Http),
        Some("https") => Some(Scheme::Https),
        _ => None,
    };
    let (route, upstream) = (text(&line.route), text(&line.upstream));
    let ended_elsewhere = upstream.is_none()
        && text(&line.failure).is_some_and(|failure| !Failure::is_decided(failure));
    let was = match line.status {
        // The client went away before there was an answer.
        0 => Was::Unknown,
        _ if ended_elsewhere => Was::Unknown,
        status => Was::Logged { status, route, upstream },
    };
    // A path in the normal form has no `?`: a log that was made by others may have whole targets.
    let query = path.contains('?') || line.query_bytes.is_none();
    Ok(Entry {
        listener: text(&line.listener),
        scheme,
        port: None,
        sender: text(&line.client).and_then(|client| client.parse().ok()).map(Sender::Client),
        said: Said::Line { method, host, target: path, query, fields: &line.headers.0 },
        shown: Shown { method, host, target: path },
        was,
    })
}

/// What is wrong with a line, without the place that serde adds: it is always line 1.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let what = text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what);
    match error.column() {
        0 => what.to_owned(),
        column => format!("{what} (column {column})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(line: &str) -> Option<Result<String, Skip>> {
        let mut found = None;
        read(line.as_bytes(), &mut |entry| {
            found = Some(entry.map(|entry| format!("{:?} {:?}", entry.said, entry.was)));
        });
        found
    }

    #[test]
    fn a_line_says_what_it_says() {
        assert_eq!(outcome(" \r"), None);
        let line =
            r#"{"method":"GET","host":"x.example","path":"/\u0061","status":200,"more":[{}]}"#;
        let found = outcome(line).unwrap().unwrap();
        assert!(found.contains(r#"target: "/a", query: true"#), "{found}");
        let line = r#"{"method":"","host":"","path":"","status":400,"failure":"host-missing"}"#;
        assert_eq!(outcome(line), Some(Err(Skip::Refused)));
        let line = r#"{"method":"","host":"","path":"","status":431,"failure":"head-too-large"}"#;
        assert_eq!(outcome(line), Some(Err(Skip::Capped)));
        let line = r#"{"method":"GET","host":"x","path":"/aaa…","status":200}"#;
        assert_eq!(outcome(line), Some(Err(Skip::Cut)));
        for (line, what) in [
            ("GET / HTTP/1.1", "it is no JSON object"),
            ("{]", "key must be a string (column 2)"),
            (r#"{"method":"GET"}"#, "missing field `host` (column 16)"),
            (r#"{"method":1}"#, "invalid type: integer `1`, expected a string (column 11)"),
        ] {
            assert_eq!(outcome(line), Some(Err(Skip::Unreadable(what.to_owned()))));
        }
    }
}
