//! How the example of a request says what a field holds, and how that is read again: what can be sent as it stands is said
//! as it stands. It knows no request.

/// What may stand behind a value in an example.
const JOINTS: [&str; 2] = [" and ", " on "];

/// A value of a header field in a line of text: as it is sent, or as a text between quotes where nobody could tell where
/// it begins or ends, or what it holds.
pub fn said(value: &str) -> String {
    if is_bare(value) { value.to_owned() } else { format!("{value:?}") }
}

/// The value that a text begins with, and what stands behind it.
pub fn read(text: &str) -> Option<(String, &str)> {
    let quoted = literal(text).filter(|(value, behind)| {
        let ends = behind.is_empty() || JOINTS.iter().any(|joint| behind.starts_with(joint));
        ends && !is_bare(value)
    });
    if quoted.is_some() {
        return quoted;
    }
    let ends = JOINTS.iter().filter_map(|joint| text.find(joint)).min();
    let (value, behind) = text.split_at_checked(ends.unwrap_or(text.len()))?;
    Some((value.to_owned(), behind))
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

/// Whether a value that stands there as it is is read as what it is, whatever follows.
fn is_bare(value: &str) -> bool {
    let is_plain = !value.is_empty() && value.trim() == value && !value.contains(char::is_control);
    // A quote that it leaves open would end in what follows.
    let is_closed = !value.starts_with('"') || literal(value).is_some();
    is_plain
        && is_closed
        && JOINTS.iter().all(|joint| {
            let text = format!("{value}{joint}");
            read(&text).is_some_and(|(read, behind)| read == value && behind == *joint)
        })
}

/// A text between quotes, and what stands behind it.
fn literal(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.strip_prefix('"')?.char_indices();
    while let Some((at, c)) = chars.next() {
        value.push(match c {
            // One byte for the quote before.
            '"' => return Some((value, text.get(at + 2..)?)),
            '\\' => match chars.next()?.1 {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                '0' => '\0',
                'u' => {
                    let code: String =
                        chars.by_ref().map(|(_, c)| c).skip(1).take_while(|c| *c != '}').collect();
                    char::from_u32(u32::from_str_radix(&code, 16).ok()?)?
                }
                other => other,
            },
            other => other,
        });
    }
    None
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
        for value in ["", "\"a", " a", "a\tb", "a and b", "\" a\"", "\"\"", "a and"] {
            assert_eq!(said(value), format!("{value:?}"));
        }
    }

    proptest! {
        #[test]
        fn what_is_said_is_read_again(
            value in r#"(?:[ab "\\]|\t| and| on|ä){0,8}"#,
            behind in prop_oneof![Just(""), Just(" and x-a: 1"), Just(" on web")],
        ) {
            let text = format!("{}{behind}", said(&value));
            prop_assert_eq!(read(&text), Some((value, behind)));
        }
    }
}
