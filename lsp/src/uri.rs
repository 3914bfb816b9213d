//! Addresses of documents: between `file:` URIs and paths, as plain text. Opens nothing.

use std::path::{Component, Path, PathBuf};

/// The path that a `file:` URI names on this machine.
pub(crate) fn path_of(uri: &str) -> Option<PathBuf> {
    let rest = uri.strip_prefix("file://")?;
    let rest = rest.strip_prefix("localhost").unwrap_or(rest);
    if !rest.starts_with('/') {
        return None;
    }
    let mut bytes = Vec::with_capacity(rest.len());
    let mut left = rest.bytes();
    while let Some(byte) = left.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
        let (high, low) = (digit(left.next())?, digit(left.next())?);
        bytes.push((high * 16 + low) as u8);
    }
    let path = String::from_utf8(bytes).ok()?;
    if path.contains('\0') {
        return None;
    }
    // `/C:/x`: a drive's letter stands where the root does.
    let drive = path.as_bytes().get(2) == Some(&b':');
    let path = if cfg!(windows) && drive { path.trim_start_matches('/') } else { &path };
    Some(plain(Path::new(path)))
}

/// The URI that names a path.
pub(crate) fn of_path(path: &Path) -> String {
    let mut uri = "file://".to_owned();
    let text = path.to_string_lossy().replace('\\', "/");
    if !text.starts_with('/') {
        uri.push('/');
    }
    uri.push_str(&encoded(&text));
    uri
}

/// The path of a URI that names a file of this name: whatever is not unreserved (RFC 3986, section 2.3) is encoded, but for
/// what parts it.
pub fn encoded(name: &str) -> String {
    let mut path = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            path.push(char::from(byte));
        } else {
            path.push_str(&format!("%{byte:02X}"));
        }
    }
    path
}

/// A path without `.` and `..`, so that one file has one name.
pub(crate) fn plain(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                out.pop();
            }
            other => out.push(other),
        }
    }
    out
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn uris_and_paths() {
        let path = path_of("file:///a%20b/./c/../d.gw").unwrap();
        assert_eq!(path, Path::new("/a b/d.gw"));
        assert_eq!(of_path(&path), "file:///a%20b/d.gw");
        for bad in ["untitled:1", "file://host/a", "file:///%", "file:///%ff", "file:///%00"] {
            assert_eq!(path_of(bad), None, "{bad}");
        }
    }
}
