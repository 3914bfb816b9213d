//! An Ingress path to a path pattern: Kubernetes' path types in, the language's patterns in their normal form out.

/// Segments of a path; a pattern of the language holds a few more.
const MOST_SEGMENTS: usize = 60;

/// How a path of an Ingress matches.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum PathType {
    /// This path and no other.
    Exact,
    /// This path and everything beneath it, by whole segments.
    Prefix,
}

/// The pattern that matches exactly what Kubernetes says the path matches; `None` means every path.
///
/// The path is brought to the normal form in which requests are compared: unreserved characters decoded, other octets
/// percent-encoded with upper-case digits. Errors say why it has no pattern.
pub(crate) fn pattern(path: &str, path_type: PathType) -> Result<Option<String>, &'static str> {
    if !path.starts_with('/') {
        return Err("a path begins with `/`");
    }
    if path.len() > 2048 {
        return Err("the path is longer than 2048 bytes");
    }
    let normal = normal(path)?;
    if normal.matches('/').count() > MOST_SEGMENTS {
        return Err("the path has more than 60 segments");
    }
    if normal.contains("//") {
        return Err("an empty segment never reaches a route, since requests have `//` merged");
    }
    if normal.split('/').any(|segment| segment == "." || segment == "..") {
        return Err("a dot segment never reaches a route, since requests have them removed");
    }
    match path_type {
        PathType::Exact => Ok(Some(normal)),
        PathType::Prefix => match normal.trim_end_matches('/') {
            "" => Ok(None),
            whole => Ok(Some(format!("{whole}/**"))),
        },
    }
}

/// The plain path that a regular expression begins with, and the group that matches what lies beneath it, where it says
/// nothing else; `None` for any other expression. A plain path is its own beginning, with no group.
pub(crate) fn beginning(regex: &str) -> Option<(&str, Option<u8>)> {
    const ENDS: &[(&str, Option<u8>)] = &[
        ("(/|$)(.*)", Some(2)),
        ("/?(.*)", Some(1)),
        ("/(.*)", Some(1)),
        ("(/.*)?", Some(1)),
        ("(/.*)", Some(1)),
        ("(.*)", Some(1)),
        ("(/|$)", None),
        ("/.*", None),
        (".*", None),
        ("", None),
    ];
    let regex = regex.strip_prefix('^').unwrap_or(regex);
    let regex = regex.strip_suffix('$').unwrap_or(regex);
    let plain =
        |path: &str| path.bytes().all(|b| b.is_ascii_alphanumeric() || b"/-_.~%".contains(&b));
    ENDS.iter().find_map(|(end, group)| {
        let path = regex.strip_suffix(end).filter(|path| plain(path))?;
        Some((if path.is_empty() { "/" } else { path }, *group))
    })
}

fn normal(path: &str) -> Result<String, &'static str> {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut out = String::with_capacity(path.len());
    let mut bytes = path.bytes();
    while let Some(byte) = bytes.next() {
        let (octet, encoded) = match byte {
            b'%' => {
                let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
                let (Some(high), Some(low)) = (digit(bytes.next()), digit(bytes.next())) else {
                    return Err("a `%` is not followed by two hex digits");
                };
                ((high * 16 + low) as u8, true)
            }
            _ => (byte, false),
        };
        let unreserved = octet.is_ascii_alphanumeric() || b"-._~".contains(&octet);
        match octet {
            _ if unreserved => out.push(char::from(octet)),
            b'\\' | 0..=0x1f | 0x7f => {
                return Err("a backslash or control character is refused in a request");
            }
            b'/' if encoded => return Err("an encoded slash is refused in a request"),
            b'{' | b'}' if !encoded => return Err("a brace would be a capture in a pattern"),
            b'*' if !encoded => return Err("a `*` would be a wildcard in a pattern"),
            b'?' | b'#' if !encoded => return Err("a path holds no query and no fragment"),
            b'/' | b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'+' | b',' | b';' | b'=' | b':'
            | b'@'
                if !encoded =>
            {
                out.push(char::from(octet));
            }
            _ => {
                out.push('%');
                out.push(char::from(HEX[usize::from(octet >> 4)]));
                out.push(char::from(HEX[usize::from(octet & 15)]));
            }
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::PathType::{Exact, Prefix};
    use super::*;

    #[test]
    fn kubernetes_path_types() {
        let ok = |path, kind| pattern(path, kind).map(|p| p.unwrap_or_else(|| "every path".into()));
        assert_eq!(ok("/", Prefix).as_deref(), Ok("every path"));
        assert_eq!(ok("/", Exact).as_deref(), Ok("/"));
        assert_eq!(ok("/foo", Exact).as_deref(), Ok("/foo"));
        assert_eq!(ok("/foo/", Exact).as_deref(), Ok("/foo/"));
        assert_eq!(ok("/foo", Prefix).as_deref(), Ok("/foo/**"));
        assert_eq!(ok("/foo/", Prefix).as_deref(), Ok("/foo/**"));
        assert_eq!(ok("/caf\u{e9}/%7euser/%2c", Exact).as_deref(), Ok("/caf%C3%A9/~user/%2C"));
    }

    #[test]
    fn regular_expressions_that_are_prefixes() {
        assert_eq!(beginning("/api(/|$)(.*)"), Some(("/api", Some(2))));
        assert_eq!(beginning("/api/?(.*)"), Some(("/api", Some(1))));
        assert_eq!(beginning("^/api/(.*)$"), Some(("/api", Some(1))));
        assert_eq!(beginning("/(.*)"), Some(("/", Some(1))));
        assert_eq!(beginning("/.*"), Some(("/", None)));
        assert_eq!(beginning("/plain"), Some(("/plain", None)));
        for other in ["/a/(b|c)/(.*)", "/[a-z]+", "/a(/|$)(.*)x", "/a+(.*)"] {
            assert_eq!(beginning(other), None, "{other}");
        }
    }

    #[test]
    fn hostile_paths() {
        let bad = [
            "",
            "foo",
            "/a{b}",
            "/**",
            "/a/*",
            "/a//b",
            "/a/../b",
            "/a/%2e%2e/b",
            "/a%2Fb",
            "/a%5cb",
            "/a\nb",
            "/%0a",
            "/a%",
            "/a%4",
            "/a%zz",
            "/a?b=c",
            "/a#b",
            "/a\\b",
        ];
        for path in bad {
            assert!(pattern(path, Prefix).is_err(), "{path:?}");
        }
        assert_eq!(pattern("/a\"b", Exact), Ok(Some("/a%22b".into())));
    }
}
