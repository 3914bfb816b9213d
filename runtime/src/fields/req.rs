//! `req`: the request in its normal form, as routes see it. What is sent on is `up`.

use std::borrow::Cow;

use compiler::Read;
use lang::vocab::{Field, Key, Phase};
use lang::{Ty, Value};

use super::{FieldEntry, cow, joined, listed};
use crate::exchange::Content;
use crate::message::Headers;
use crate::normal::query;

pub(super) const ENTRIES: &[FieldEntry] = &[
    FieldEntry {
        row: Field {
            path: "req.method",
            key: Key::None,
            ty: || Ty::Method,
            from: Phase::Request,
            written: None,
            doc: "The request method, in its own case.",
            example: "where req.method == GET",
        },
        read: |ex, _| Read::Value(Value::Method(ex.request.method.as_str().into())),
    },
    FieldEntry {
        row: Field {
            path: "req.id",
            key: Key::None,
            ty: || Ty::String,
            from: Phase::Request,
            written: None,
            doc: "An identity for this request alone: 32 hexadecimal digits, at random. It stands in the access log; sent to the upstream and to the client it lets their logs be read side by side.",
            example: "set up.header[\"x-request-id\"] = req.id",
        },
        read: |ex, _| Read::Value(Value::string(ex.id.to_string())),
    },
    FieldEntry {
        row: Field {
            path: "req.host",
            key: Key::None,
            ty: || Ty::String,
            from: Phase::Request,
            written: None,
            doc: "The host asked for, in lower case, without port or trailing dot. Empty only for an HTTP/1.0 request that names none.",
            example: "where req.host == \"shop.example\"",
        },
        read: |ex, _| Read::Text(ex.request.target.host()),
    },
    FieldEntry {
        row: Field {
            path: "req.path",
            key: Key::None,
            ty: || Ty::String,
            from: Phase::Request,
            written: None,
            doc: "The path in its normal form: unreserved characters decoded, dot segments removed, `//` merged.",
            example: "where req.path == \"/index.html\"",
        },
        read: |ex, _| Read::Text(ex.request.target.path()),
    },
    FieldEntry {
        row: Field {
            path: "req.target",
            key: Key::None,
            ty: || Ty::String,
            from: Phase::Request,
            written: None,
            doc: "The path and, where there is one, `?` and the query.",
            example: "redirect 308, \"https://{req.host}{req.target}\"",
        },
        read: |ex, _| Read::Text(ex.request.target.path_and_query()),
    },
    FieldEntry {
        row: Field {
            path: "req.scheme",
            key: Key::None,
            ty: || Ty::one_of(&["http", "https"]),
            from: Phase::Request,
            written: None,
            doc: "`https` if the request came over TLS, `http` otherwise.",
            example: "where req.scheme == \"https\"",
        },
        read: |ex, _| Read::Text(ex.request.target.scheme().as_str()),
    },
    FieldEntry {
        row: Field {
            path: "req.query",
            key: Key::Exact,
            ty: || Ty::String.optional(),
            from: Phase::Request,
            written: None,
            doc: "A parameter of the query, decoded (`+` is a space). Present only if its name stands there exactly once: servers disagree about which of two counts, so a policy decides by neither. `req.query.all` has them all.",
            example: "where req.query[\"q\"] is present",
        },
        read: |ex, key| {
            let query = ex.request.target.query().unwrap_or_default();
            query::unique(query, key).map_or(Read::Value(Value::Absent), cow)
        },
    },
    FieldEntry {
        row: Field {
            path: "req.query.all",
            key: Key::Exact,
            ty: || Ty::list(Ty::String),
            from: Phase::Request,
            written: None,
            doc: "All values of a parameter of the query, decoded, in order; empty if there is none.",
            example: "where \"x\" in req.query.all(\"tag\")",
        },
        read: |ex, key| {
            let values = query::all(ex.request.target.query().unwrap_or_default(), key);
            Read::Value(Value::list(values.map(Value::string)))
        },
    },
    FieldEntry {
        row: Field {
            path: "req.header",
            key: Key::IgnoreCase,
            ty: || Ty::String.optional(),
            from: Phase::Request,
            written: None,
            doc: "The value of a header field. A field that stands several times is one value, joined with `, ` (RFC 9110, section 5.3), so that sending it twice can neither hide it nor pass a comparison; one that may stand only once was refused before. Bytes that are no UTF-8 read as U+FFFD.",
            example: "where req.header[\"x-debug\"] == \"1\"",
        },
        read: |ex, key| match is_of_target(key) {
            true => match ex.request.target.authority() {
                host if host.is_empty() => Read::Value(Value::Absent),
                host => Read::Value(Value::string(host)),
            },
            false => joined(ex.request.headers.all(key)),
        },
    },
    FieldEntry {
        row: Field {
            path: "req.header.all",
            key: Key::IgnoreCase,
            ty: || Ty::list(Ty::String),
            from: Phase::Request,
            written: None,
            doc: "The values of all header fields of this name, in order; empty if there is none.",
            example: "where \"1\" in req.header.all(\"x-debug\")",
        },
        read: |ex, key| match is_of_target(key) {
            true => {
                let host = Some(ex.request.target.authority()).filter(|host| !host.is_empty());
                Read::Value(Value::list(host.map(Value::string)))
            }
            false => listed(&ex.request.headers, key),
        },
    },
    FieldEntry {
        row: Field {
            path: "req.cookie",
            key: Key::Cookie,
            ty: || Ty::String.optional(),
            from: Phase::Request,
            written: None,
            doc: "The value of a cookie, without quotes around it. Present only if its name stands there exactly once: servers disagree about which of two counts.",
            example: "where req.cookie[\"beta\"] == \"1\"",
        },
        read: |ex, key| cookie(&ex.request.headers, key).map_or(Read::Value(Value::Absent), cow),
    },
    FieldEntry {
        row: Field {
            path: "req.body.size",
            key: Key::None,
            ty: || Ty::Size,
            from: Phase::Request,
            written: None,
            doc: "The length of the content. If the client did not declare it, reading it buffers the content first, up to the listener's `cap body` and at most 16 MiB: more is answered 413.",
            example: "require req.body.size <= 1MiB, else=413",
        },
        read: |ex, _| match size(&ex.content) {
            Some(bytes) => Read::Value(Value::Size(bytes)),
            None => Read::Pending,
        },
    },
    FieldEntry {
        row: Field {
            path: "req.json",
            key: Key::None,
            ty: || Ty::Json.optional(),
            from: Phase::Request,
            written: None,
            doc: "The content as a JSON document; absent if it is none, if an object has a name twice, or if it is nested deeper than 128 levels or has more than 100,000 values. Reading it buffers the content first, up to the listener's `cap body` and at most 16 MiB: more is answered 413.",
            example: "require req.json is present, else=400",
        },
        read: |ex, _| match ex.json() {
            Some(document) => Read::Kept(document),
            None => Read::Pending,
        },
    },
];

/// Whether a header field lives in the target alone, so that there is one answer to what was asked for.
pub(super) fn is_of_target(name: &str) -> bool {
    name == "host"
}

/// The value of the only cookie of this name (RFC 6265, section 4.2.1), without quotes around it.
pub(crate) fn cookie<'h>(headers: &'h Headers, name: &str) -> Option<Cow<'h, str>> {
    let mut found = headers
        .all("cookie")
        .flat_map(|field| field.split(|&byte| byte == b';'))
        .filter_map(|pair| {
            let (key, value) =
                pair.split_at_checked(pair.iter().position(|&byte| byte == b'=')?)?;
            (key.trim_ascii() == name.as_bytes()).then(|| value.get(1..).unwrap_or_default())
        });
    let first = found.next()?;
    if found.next().is_some() {
        return None;
    }
    let value = first.trim_ascii();
    let bare = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\""));
    Some(String::from_utf8_lossy(bare.unwrap_or(value)))
}

/// The length of the content, if it is known without reading it.
fn size(content: &Content) -> Option<u64> {
    match content {
        Content::Streaming(body) => body.content_length(),
        Content::Whole(bytes) => u64::try_from(bytes.len()).ok(),
        Content::Sent(length) => *length,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_read_if_it_stands_once() {
        let mut headers = Headers::new();
        headers.append("Cookie", "a=1; b=\"2\"; c=3=4;c2").unwrap();
        headers.append("Cookie", "a=5; d=").unwrap();
        let read = |name| cookie(&headers, name).map(Cow::into_owned);
        assert_eq!(read("a"), None);
        assert_eq!(read("b").as_deref(), Some("2"));
        assert_eq!(read("c").as_deref(), Some("3=4"));
        assert_eq!(read("d").as_deref(), Some(""));
        assert_eq!(read("c2"), None);
    }
}
