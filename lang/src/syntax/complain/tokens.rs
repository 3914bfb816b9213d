//! The text around a place, read without the grammar: the tokens before and behind, the word of the item, a URL.

use crate::source::{SourceId, Span};

/// The token at or after `at` on its line; empty where the line ends.
pub(super) fn next_token(text: &str, at: usize) -> Span {
    let rest = text.get(at..).unwrap_or("");
    let at = at + rest.len() - rest.trim_start_matches([' ', '\t', '\r']).len();
    let rest = text.get(at..).unwrap_or("");
    let length = match rest.chars().next() {
        None | Some('\n') => 0,
        Some('/') if rest.starts_with("//") => 0,
        Some('"') => {
            rest.get(1..).and_then(|inner| inner.find(['"', '\n'])).map_or(1, |end| end + 2)
        }
        Some(first) if is_word(first) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
        Some(first) => first.len_utf8(),
    };
    span(at, at + length)
}

/// The token that ends at `end`.
pub(super) fn last_token(text: &str, end: usize) -> &str {
    let before = text.get(..end).unwrap_or("");
    let rest = match before.chars().next_back() {
        Some(last) if is_word(last) => before.trim_end_matches(is_word),
        Some(last) if ".=?<>&|!".contains(last) => {
            before.trim_end_matches(|c| ".=?<>&|!".contains(c))
        }
        Some(last) => before.get(..before.len() - last.len_utf8()).unwrap_or(""),
        None => "",
    };
    before.get(rest.len()..).unwrap_or("")
}

/// Where the code before `at` ends.
pub(super) fn before(text: &str, at: usize) -> usize {
    text.get(..at).map_or(at, |before| before.trim_end().len())
}

/// The word that the item begins with.
pub(super) fn item_word(text: &str) -> &str {
    let code =
        text.lines().map(str::trim_start).find(|line| !line.is_empty() && !line.starts_with("//"));
    let code = code.unwrap_or("");
    let code = code.strip_prefix("pub ").unwrap_or(code).trim_start();
    code.split(|c| !is_word(c)).next().unwrap_or("")
}

/// Whether the verb takes one value, beside which no other stands without an operator or a name.
pub(super) fn is_single(verb: Option<&str>) -> bool {
    let verbs = ["where", "require", "expect", "for", "set", "add", "unset", "rewrite", "let"];
    verb.is_some_and(|verb| verbs.contains(&verb))
}

/// Bytes around a place in which the brackets are looked for that it stands in, so that many mistakes cost no more each than
/// few.
pub(super) const FAR: usize = 4096;

/// The bracket that is open where a text ends, if it is not far.
pub(super) fn opener(head: &str) -> Option<usize> {
    let mut n_closed = 0_usize;
    let mut bytes = head.bytes().enumerate().rev().take(FAR);
    let open = bytes.find(|(_, byte)| match byte {
        b')' | b']' | b'}' => {
            n_closed += 1;
            false
        }
        b'(' | b'[' | b'{' => match n_closed.checked_sub(1) {
            Some(left) => {
                n_closed = left;
                false
            }
            None => true,
        },
        _ => false,
    });
    open.map(|(at, _)| at)
}

/// The length of a URL without quotes that a text begins with.
pub(super) fn url(text: &str) -> Option<usize> {
    let scheme =
        text.find(|letter: char| !letter.is_ascii_alphanumeric()).filter(|end| *end > 0)?;
    if !text.get(scheme..)?.starts_with("://") {
        return None;
    }
    Some(bare(text))
}

/// The length of what a text begins with that could stand in quotes as it is, values in braces included: `{id: Int}` with
/// its blank.
pub(super) fn bare(text: &str) -> usize {
    let ends = |letter: char| {
        matches!(letter, ' ' | '\t' | '\r' | '\n' | ',' | ';' | '"' | ')' | ']' | '{' | '}')
    };
    let mut at = 0;
    loop {
        let rest = text.get(at..).unwrap_or("");
        at += rest.find(ends).unwrap_or(rest.len());
        match braces(text.get(at..).unwrap_or("")) {
            Some(length) => at += length,
            None => return at,
        }
    }
}

/// The length of a value in braces that a text begins with: a word, perhaps with a type behind it.
fn braces(text: &str) -> Option<usize> {
    let is_within = |letter: char| !matches!(letter, '\r' | '\n' | ';' | '"' | '{' | '}');
    let inner = text.strip_prefix('{')?;
    let inner = inner.get(..inner.find(|letter| !is_within(letter))?)?;
    let closed = text.get(1 + inner.len()..)?.starts_with('}');
    let first = inner.split(':').next().unwrap_or("");
    let is_value = !first.is_empty() && !first.contains(char::is_whitespace);
    (closed && is_value).then_some(inner.len() + 2)
}

pub(super) fn is_word(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}

pub(super) fn span(start: usize, end: usize) -> Span {
    Span::new(SourceId(0), start, end)
}
