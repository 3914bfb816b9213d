//! How the example of a request says what a field holds, and how that is read again: what can be sent as it stands is said
//! as it stands. It knows no request.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use lang::Value;
use lang::quoted::{self, Quoted, is_plain};

/// What may stand behind a value in an example.
const JOINTS: [&str; 2] = [" and ", " on "];

/// A value of a header field in a line of text: as it is sent, or as a text between quotes where nobody could tell where
/// it begins or ends, or what it holds.
pub fn said(value: &str) -> String {
    if is_bare(value) { value.to_owned() } else { Quoted(value).to_string() }
}

/// The value that a text begins with, and what stands behind it.
pub fn read(text: &str) -> Option<(String, &str)> {
    let quoted = quoted::read(text).filter(|(value, behind)| ends(behind) && !is_bare(value));
    if quoted.is_some() {
        return quoted;
    }
    let end = JOINTS.iter().filter_map(|joint| text.find(joint)).min();
    let (value, behind) = text.split_at_checked(end.unwrap_or(text.len()))?;
    Some((value.to_owned(), behind))
}

/// The literal that a text begins with, as it is written, and what stands behind it: what stands between quotes in it ends
/// nothing.
pub fn literal(text: &str) -> Option<(&str, &str)> {
    let mut left = text;
    while !ends(left) {
        left = match quoted::read(left) {
            Some((_, behind)) => behind,
            None if left.starts_with('"') => return None,
            None => left.get(left.chars().next()?.len_utf8()..)?,
        };
    }
    text.split_at_checked(text.len() - left.len())
}

/// Who is known, as `--as` and a test's `as=` say it.
pub fn known(auth: &str, claims: &BTreeMap<Arc<str>, Value>) -> String {
    let claims: Vec<String> =
        claims.iter().map(|(name, value)| format!("{name}={value}")).collect();
    format!("{auth}({})", claims.join(", "))
}

/// A document as it is sent: everything in it is seen.
pub fn document(value: &Value) -> String {
    let mut text = String::new();
    lang::document::write(value, &mut text);
    if text.chars().all(is_plain) {
        return text;
    }
    let mut seen = String::with_capacity(text.len());
    for c in text.chars() {
        match is_plain(c) {
            true => seen.push(c),
            // Only in its texts there is anything else (RFC 8259, section 7).
            false => c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| {
                // Writing to a string does not fail.
                let _ = write!(seen, "\\u{unit:04x}");
            }),
        }
    }
    seen
}

/// The value of a cookie as it stands in a `cookie` field. Blanks at its ends are part of it between quotes (RFC 6265,
/// section 4.1.1), which are none themselves; so are quotes of its own.
pub fn cookie(value: &str) -> String {
    let blank = |c: char| c.is_ascii_whitespace();
    let quoted = value.len() > 1 && value.starts_with('"') && value.ends_with('"');
    match quoted || value.starts_with(blank) || value.ends_with(blank) {
        true => format!("\"{value}\""),
        false => value.to_owned(),
    }
}

/// Whether a value ends before this.
fn ends(behind: &str) -> bool {
    behind.is_empty() || JOINTS.iter().any(|joint| behind.starts_with(joint))
}

/// Whether a value that stands there as it is is read as what it is, whatever follows.
fn is_bare(value: &str) -> bool {
    let is_seen = !value.is_empty() && value.trim() == value && value.chars().all(is_plain);
    // A quote that it leaves open would end in what follows.
    let is_closed = !value.starts_with('"') || quoted::read(value).is_some();
    is_seen
        && is_closed
        && JOINTS.iter().all(|joint| {
            let text = format!("{value}{joint}");
            read(&text).is_some_and(|(read, behind)| read == value && behind == *joint)
        })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_can_be_sent_is_said_as_it_stands() {
        for value in ["1", "\"v1\"", "c=\"a\"", "\"a\"b", "a\"b", "W/\"1\", \"2\""] {
            assert_eq!(said(value), value);
        }
        for value in [
            "", "\"a", " a", "a\tb", "\u{85}", "a\u{a0}", "a\u{ad}b", "a and b", "\" a\"", "\"\"",
            "a and",
        ] {
            assert_eq!(said(value), Quoted(value).to_string());
        }
    }

    /// Texts of which somebody could think that they are something else.
    fn hostile() -> impl Strategy<Value = String> {
        prop_oneof![
            any::<String>(),
            r#"(?:[ab "\\{}()=,]|\t| and| on|: |u\{61\}|[\x00-\x20\x7f-\xa0\u{ad}\u{2028}\u{3000}ä]){0,10}"#,
        ]
    }

    fn behind() -> impl Strategy<Value = &'static str> {
        prop_oneof![Just(""), Just(" and x-a: \"1\""), Just(" on web")]
    }

    proptest! {
        #[test]
        fn what_is_said_is_read_again(value in hostile(), behind in behind()) {
            let text = format!("{}{behind}", said(&value));
            prop_assert_eq!(read(&text), Some((value, behind)));
        }

        #[test]
        fn a_literal_ends_where_it_ends(texts in prop::collection::vec(hostile(), 1..4), behind in behind()) {
            let value = Value::list(texts.into_iter().map(Value::string)).to_string();
            let text = format!("{value}{behind}");
            prop_assert_eq!(literal(&text), Some((&*value, behind)));
        }
    }
}
