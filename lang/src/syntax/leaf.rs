//! The leaves that are no concern of the grammar: space, comments, and the marks between its words.

use super::split::is_doc;
use super::tree::Kind;

/// U+FEFF.
pub(super) const BYTE_ORDER_MARK: &str = "\u{feff}";

/// The first leaf of `text`, which is not empty, and its length.
pub(super) fn next(text: &str, at_line_start: bool) -> (Kind, usize) {
    let bytes = text.as_bytes();
    let first = bytes.first().copied().unwrap_or(b' ');
    let run = |keep: fn(u8) -> bool| bytes.iter().take_while(|byte| keep(**byte)).count();
    match first {
        b'\n' if at_line_start => (Kind::Blank, 1),
        b'\n' => (Kind::Newline, 1),
        b' ' | b'\t' | b'\r' => {
            let space = run(|byte| matches!(byte, b' ' | b'\t' | b'\r'));
            if at_line_start && bytes.get(space) == Some(&b'\n') {
                (Kind::Blank, space + 1)
            } else {
                (Kind::Space, space)
            }
        }
        b'/' if text.starts_with("//") => {
            let end = text.find('\n').unwrap_or(text.len());
            let line = text.get(..end).unwrap_or(text);
            (
                if is_doc(line) { Kind::Doc } else { Kind::Comment },
                line.trim_end_matches('\r').len(),
            )
        }
        b'/' if let Some(length) = block_comment(bytes) => (Kind::Comment, length),
        b'a'..=b'z' | b'A'..=b'Z' | b'_' => {
            (Kind::Mark, run(|byte| byte.is_ascii_alphanumeric() || byte == b'_'))
        }
        // Editors of another system begin a file with it; it means nothing.
        _ if text.starts_with(BYTE_ORDER_MARK) => (Kind::Space, BYTE_ORDER_MARK.len()),
        _ if ["=>", "->", "?."].iter().any(|mark| text.starts_with(mark)) => (Kind::Mark, 2),
        _ => (Kind::Mark, text.chars().next().map_or(1, char::len_utf8)),
    }
}

/// The length of the `/* … */` that a text begins with. It is no comment of ours, and what is in it is no code either.
pub(super) fn block_comment(text: &[u8]) -> Option<usize> {
    let inner = text.strip_prefix(b"/*")?;
    inner.windows(2).position(|end| end == b"*/").map(|at| at + 4)
}
