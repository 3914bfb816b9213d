//! Which braces in strings open a hole: those that are closed. What follows another one would be tried as code, and the
//! strings in that again, each in two ways; so it is told here, in one pass, which those are.

/// Stands for a brace in a string that opens no hole.
pub(super) const PLAIN: u8 = 0x02;

/// Strings in holes, and braces in these, may nest so deep together.
const DEEPEST: usize = 32;
/// A hole is so long at most.
const LONGEST: usize = 16_384;
/// The same once so many were not closed.
const SHORTER: usize = 256;
const UNCLOSED: usize = 64;

/// Tells braces in strings that open no hole from those that do.
pub(super) fn close(bytes: &mut [u8]) {
    let (mut at, mut n_unclosed, mut in_string) = (0, 0, false);
    while let Some(&byte) = bytes.get(at) {
        at = match (byte, in_string) {
            (b'"', false) if is_pattern(bytes, at) => end_of_pattern(bytes, at),
            (b'"' | b'\n', true) => {
                in_string = false;
                at + 1
            }
            (b'"', false) => {
                in_string = true;
                at + 1
            }
            (b'\\', true) => escaped(bytes, at),
            (b'{', true) => {
                let longest = if n_unclosed < UNCLOSED { LONGEST } else { SHORTER };
                match end_of_hole(bytes, at, longest) {
                    Some(end) => end,
                    None => {
                        n_unclosed += 1;
                        if let Some(brace) = bytes.get_mut(at) {
                            *brace = PLAIN;
                        }
                        at + 1
                    }
                }
            }
            _ => at + 1,
        };
    }
}

/// Where text goes on behind the hole that opens at `begin`, if it is closed.
fn end_of_hole(bytes: &[u8], begin: usize, longest: usize) -> Option<usize> {
    // What is open: a brace, or a string.
    let mut open = vec![b'{'];
    let mut at = begin + 1;
    while at < begin + longest {
        let byte = *bytes.get(at)?;
        at = match (byte, open.last()?) {
            (b'\n', _) => return None,
            (b'"', b'{') if is_pattern(bytes, at) => end_of_pattern(bytes, at),
            (b'\\', b'"') => escaped(bytes, at),
            (b'}', b'{') | (b'"', b'"') => {
                open.pop();
                if open.is_empty() {
                    return Some(at + 1);
                }
                at + 1
            }
            (b'{' | b'"', _) => {
                open.push(byte);
                at + 1
            }
            _ => at + 1,
        };
        if open.len() > DEEPEST {
            return None;
        }
    }
    None
}

/// Whether the quote opens a pattern: `re"…"`.
fn is_pattern(bytes: &[u8], quote: usize) -> bool {
    let name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let begin = quote.checked_sub(2);
    let is_word = begin.is_some_and(|at| bytes.get(at..quote) == Some(b"re".as_slice()));
    let before = begin.and_then(|at| at.checked_sub(1)).and_then(|at| bytes.get(at));
    is_word && !before.is_some_and(|before| name(*before))
}

/// What follows the pattern whose quote is at `quote`: its line, if it is not closed.
fn end_of_pattern(bytes: &[u8], quote: usize) -> usize {
    let mut at = quote + 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\n' => return at,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    at
}

/// What follows an escape in a string: `\u{…}` has braces of its own.
fn escaped(bytes: &[u8], at: usize) -> usize {
    match bytes.get(at + 1..at + 3) {
        Some(b"u{") => {
            let digits = bytes.get(at + 3..).unwrap_or_default();
            let n_digits = digits.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
            at + 3 + n_digits
        }
        _ => at + 2,
    }
}
