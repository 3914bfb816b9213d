//! The path in normal form (RFC 3986 section 6.2.2, and stricter where servers disagree).

use crate::message::Fault;

/// Appends the normal form of `text` to `out`.
///
/// Unreserved characters are decoded, all others stay encoded with upper-case digits, visible
/// characters that a path cannot hold are encoded, dot segments are removed and `//` is merged.
/// An encoded slash, a backslash, a control character and dots above the root are refused.
pub fn path(text: &[u8], out: &mut String) -> Result<(), Fault> {
    if text.first() != Some(&b'/') {
        return Err(Fault::TargetForm);
    }
    let root = out.len();
    if is_plain(text) {
        out.push_str(std::str::from_utf8(text).map_err(|_| Fault::PathCharacter)?);
        return Ok(());
    }
    let mut bytes = text.iter().copied();
    // `segment` is where the current segment begins in `out`, just behind a slash.
    let mut segment = root;
    while let Some(byte) = bytes.next() {
        match byte {
            b'/' => {
                end_segment(out, root, segment)?;
                if out.len() == root || !out.ends_with('/') {
                    out.push('/');
                }
                segment = out.len();
            }
            b'%' => {
                let (high, low) = (digit(bytes.next())?, digit(bytes.next())?);
                match high << 4 | low {
                    b'/' => return Err(Fault::PathEncodedSlash),
                    b'\\' => return Err(Fault::PathBackslash),
                    0..=0x1f | 0x7f => return Err(Fault::PathControl),
                    byte if is_unreserved(byte) => out.push(char::from(byte)),
                    byte => encode(byte, out),
                }
            }
            b'\\' => return Err(Fault::PathBackslash),
            byte if is_pchar(byte) => out.push(char::from(byte)),
            b'"' | b'<' | b'>' | b'[' | b']' | b'^' | b'`' | b'{' | b'|' | b'}' => {
                encode(byte, out);
            }
            _ => return Err(Fault::PathCharacter),
        }
    }
    end_segment(out, root, segment)
}

/// Whether nothing has to change: no `%`, no `//`, no segment that begins with a dot.
fn is_plain(text: &[u8]) -> bool {
    let mut before = 0;
    for &byte in text {
        if !(byte == b'/' || is_pchar(byte)) || (before == b'/' && matches!(byte, b'/' | b'.')) {
            return false;
        }
        before = byte;
    }
    true
}

/// Resolves the segment that ends here, if it is made of dots.
fn end_segment(out: &mut String, root: usize, segment: usize) -> Result<(), Fault> {
    match out.get(segment..).unwrap_or_default() {
        "." => out.truncate(segment),
        ".." => {
            // `out` ends in `/..` with a slash of the parent before it, unless this is the root.
            let parent = out.get(root..segment).unwrap_or_default().strip_suffix('/');
            let up = parent.and_then(|parent| parent.rfind('/')).ok_or(Fault::PathAboveRoot)?;
            out.truncate(root + up + 1);
        }
        other if other.starts_with("..;") || other.starts_with(".;") => {
            return Err(Fault::PathDotParameter);
        }
        _ => {}
    }
    Ok(())
}

fn encode(byte: u8, out: &mut String) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    out.push('%');
    for nibble in [byte >> 4, byte & 15] {
        out.push(char::from(DIGITS.get(usize::from(nibble)).copied().unwrap_or(b'0')));
    }
}

fn digit(byte: Option<u8>) -> Result<u8, Fault> {
    match byte {
        Some(byte @ b'0'..=b'9') => Ok(byte - b'0'),
        Some(byte @ b'a'..=b'f') => Ok(byte - b'a' + 10),
        Some(byte @ b'A'..=b'F') => Ok(byte - b'A' + 10),
        _ => Err(Fault::PercentInvalid),
    }
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

fn is_pchar(byte: u8) -> bool {
    is_unreserved(byte) || b"!$&'()*+,;=:@".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<String, Fault> {
        let mut out = String::from("host");
        path(text.as_bytes(), &mut out)?;
        Ok(out.split_off(4))
    }

    #[test]
    fn paths_have_one_spelling() {
        for (text, normal) in [
            ("/", "/"),
            ("/a/b", "/a/b"),
            ("//", "/"),
            ("/a//b///c/", "/a/b/c/"),
            ("/a/./b/.", "/a/b/"),
            ("/a/../b", "/b"),
            ("/a/b/..", "/a/"),
            ("/a//../b", "/b"),
            ("/%61%2d%7e", "/a-~"),
            ("/a/%2e%2e/b", "/b"),
            ("/a/%2E./b", "/b"),
            ("/%3a%c3%a4", "/%3A%C3%A4"),
            ("/a|b{c}", "/a%7Cb%7Bc%7D"),
            ("/%252e%252E/", "/%252e%252E/"),
            ("/...", "/..."),
            ("/.a/..b/c.", "/.a/..b/c."),
            ("/a;v=1", "/a;v=1"),
        ] {
            assert_eq!(of(text).as_deref(), Ok(normal), "{text}");
        }
    }

    #[test]
    fn what_servers_read_differently_is_refused() {
        for (text, fault) in [
            ("", Fault::TargetForm),
            ("a", Fault::TargetForm),
            ("/..", Fault::PathAboveRoot),
            ("/%2e%2e/a", Fault::PathAboveRoot),
            ("/a/../..", Fault::PathAboveRoot),
            ("//..", Fault::PathAboveRoot),
            ("/a%2fb", Fault::PathEncodedSlash),
            ("/a%2Fb", Fault::PathEncodedSlash),
            ("/a\\b", Fault::PathBackslash),
            ("/a%5cb", Fault::PathBackslash),
            ("/%00", Fault::PathControl),
            ("/%0a", Fault::PathControl),
            ("/%7F", Fault::PathControl),
            ("/%", Fault::PercentInvalid),
            ("/%4", Fault::PercentInvalid),
            ("/%zz", Fault::PercentInvalid),
            ("/ä", Fault::PathCharacter),
            ("/a b", Fault::PathCharacter),
            ("/a#b", Fault::PathCharacter),
            ("/a/..;x/b", Fault::PathDotParameter),
        ] {
            assert_eq!(of(text), Err(fault), "{text}");
        }
    }

    #[test]
    fn the_normal_form_is_a_fixed_point() {
        let parts = ["/", "a", ".", "..", "%2e", "%61", "%C3", ";", "//", "%25", "{"];
        for mut number in 0..parts.len().pow(5) {
            let mut text = String::from("/");
            for _ in 0..5 {
                text.push_str(parts[number % parts.len()]);
                number /= parts.len();
            }
            if let Ok(normal) = of(&text) {
                assert_eq!(of(&normal).as_deref(), Ok(normal.as_str()), "{text}");
                assert!(normal.starts_with('/') && !normal.contains("//"), "{text}");
                assert!(!normal.split('/').any(|segment| segment == "." || segment == ".."));
            }
        }
    }
}
