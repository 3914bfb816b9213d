//! A text between quotes: how a policy writes it, and how that is read again. Values are not put in here.

use std::fmt::{self, Write};

/// A text, to be written between quotes, so that everything in it is seen and stands for itself.
#[derive(Clone, Copy, Debug)]
pub struct Quoted<'t>(pub &'t str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", Escaped(self.0))
    }
}

/// The same without the quotes.
#[derive(Clone, Copy, Debug)]
pub struct Escaped<'t>(pub &'t str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '\n' => f.write_str("\\n"),
            '\r' => f.write_str("\\r"),
            '\t' => f.write_str("\\t"),
            '"' | '\\' | '{' | '}' => write!(f, "\\{c}"),
            c if is_plain(c) => f.write_char(c),
            c => write!(f, "\\u{{{:x}}}", u32::from(c)),
        })
    }
}

/// The text between quotes that another one begins with, and what stands behind it.
pub fn read(text: &str) -> Option<(String, &str)> {
    let mut left = text.strip_prefix('"')?;
    let mut value = String::new();
    loop {
        let c = left.chars().next()?;
        let length = match c {
            '"' => return Some((value, left.get(1..)?)),
            '\\' => {
                let escape = left.get(..escape(left)?)?;
                value.push(unescape(escape)?);
                escape.len()
            }
            c => {
                value.push(c);
                c.len_utf8()
            }
        };
        left = left.get(length..)?;
    }
}

/// The length of the escape that a text begins with.
fn escape(text: &str) -> Option<usize> {
    match text.strip_prefix("\\u{") {
        Some(code) => Some("\\u{".len() + code.find('}')? + 1),
        None => Some(1 + text.chars().nth(1)?.len_utf8()),
    }
}

/// The character that an escape such as `\n` or `\u{a0}` stands for.
pub fn unescape(escape: &str) -> Option<char> {
    match escape {
        "\\n" => Some('\n'),
        "\\r" => Some('\r'),
        "\\t" => Some('\t'),
        "\\\"" => Some('"'),
        "\\\\" => Some('\\'),
        "\\{" => Some('{'),
        "\\}" => Some('}'),
        _ => {
            let code = escape.strip_prefix("\\u{")?.strip_suffix('}')?;
            let is_number = code.len() <= 6 && code.bytes().all(|byte| byte.is_ascii_hexdigit());
            char::from_u32(u32::from_str_radix(code, 16).ok().filter(|_| is_number)?)
        }
    }
}

/// Whether a character that stands as itself is seen, and taken for no other one: no blank but the usual one.
pub fn is_plain(c: char) -> bool {
    c == ' ' || (is_seen(c) && !c.is_whitespace())
}

/// Whether a character is no control character, and no mark that turns or joins what stands around it.
pub fn is_seen(c: char) -> bool {
    !c.is_control()
        && !matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::ast::{Expr, Item, items};
    use crate::{Source, SourceId, parse};

    #[test]
    fn what_is_not_seen_is_written_as_its_number() {
        let text = "a \"{b}\" \\ \t\0\u{85}\u{a0}\u{200b}\u{3000}ä\u{1f600}";
        let written = r#""a \"\{b\}\" \\ \t\u{0}\u{85}\u{a0}\u{200b}\u{3000}ä😀""#;
        assert_eq!(Quoted(text).to_string(), written);
        assert_eq!(read(written), Some((text.to_owned(), "")));
    }

    #[test]
    fn what_stands_for_nothing_is_no_text() {
        let escapes =
            ["\\u{110000}", "\\u{d800}", "\\u{}", "\\u{+1}", "\\u{0000041}", "\\u", "\\0"];
        for escape in escapes {
            assert_eq!(read(&format!("\"{escape}\"")), None, "{escape}");
        }
        for text in ["\"a", "\"a\\", "\"\\u{61", "a", ""] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn every_character_is_read_again() {
        let all: Vec<char> = ('\0'..=char::MAX).collect();
        for some in all.chunks(97) {
            let text: String = some.iter().collect();
            let written = Quoted(&text).to_string();
            assert_eq!(read(&format!("{written}, behind")), Some((text, ", behind")), "{written}");
        }
    }

    #[test]
    fn a_policy_reads_what_is_written() {
        let all: Vec<char> =
            ('\0'..='\u{3100}').chain(['\u{feff}', '\u{e0001}', '\u{1f600}']).collect();
        for some in all.chunks(97) {
            let text: String = some.iter().collect();
            let policy = format!("let a = {}\n", Quoted(&text));
            let (tree, diags) = parse(&Source::new(SourceId(0), "test.gw", &*policy));
            assert!(diags.is_empty(), "{policy}: {diags:?}");
            let Some(Item::Let(item)) = items(&tree).next() else { panic!("{policy}") };
            let Some(Expr::Str(read)) = item.value() else { panic!("{text:?}") };
            assert_eq!(read.plain(), Some(text));
        }
    }
}
