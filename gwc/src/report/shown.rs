//! Text that somebody else wrote, made fit to be shown: a recorded request must not steer a terminal, break a line or
//! turn the direction of writing.

use std::borrow::Cow;

use lang::quoted::is_seen;
use lang::{Source, Sources, Span};

/// The text with everything escaped that is not seen, cut to so many letters.
pub fn shown(text: &str, most: usize) -> String {
    let mut seen = String::with_capacity(text.len().min(most));
    for (at, letter) in text.chars().enumerate() {
        if at >= most {
            seen.push('…');
            break;
        }
        match letter {
            letter if is_seen(letter) => seen.push(letter),
            '\n' => seen.push_str("\\n"),
            '\r' => seen.push_str("\\r"),
            '\t' => seen.push_str("\\t"),
            letter => seen.extend(letter.escape_unicode()),
        }
    }
    seen
}

/// File and line of a place. Whatever the file is called, that stays in its line.
pub(crate) fn place(sources: &Sources, span: Span) -> String {
    let Some(source) = sources.get(span.source) else { return String::new() };
    format!("{}:{}", file(source), source.line_column(span.start).line)
}

/// What a file is called.
pub(crate) fn file(source: &Source) -> String {
    shown(&source.name, usize::MAX)
}

/// The text with everything escaped that is not seen, but for the ends of its lines.
pub(crate) fn lines(text: &str) -> Cow<'_, str> {
    if text.chars().all(|letter| letter == '\n' || is_seen(letter)) {
        return Cow::Borrowed(text);
    }
    let lines: Vec<String> = text.split('\n').map(|line| shown(line, usize::MAX)).collect();
    Cow::Owned(lines.join("\n"))
}

/// A source as it is shown, in which every place stays where it is: what is not seen is replaced by a mark of as many
/// bytes.
pub(super) fn source(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_laid_out) {
        return Cow::Borrowed(text);
    }
    let marked = |letter: char| match (is_laid_out(letter), letter.len_utf8()) {
        (true, _) => letter,
        (false, 1) => '?',
        (false, 2) => '\u{bf}',
        (false, 3) => '\u{fffd}',
        (false, _) => '\u{1f7a8}',
    };
    Cow::Owned(text.chars().map(marked).collect())
}

/// Whether a letter is seen, or is a blank of a text in lines.
fn is_laid_out(letter: char) -> bool {
    matches!(letter, '\n' | '\r' | '\t') || is_seen(letter)
}

#[cfg(test)]
mod tests {
    use lang::{Sources, Span};

    use super::{lines, place, shown, source};
    use crate::report::human;

    #[test]
    fn what_steers_a_terminal_is_written_out() {
        assert_eq!(shown("a\u{1b}[2J\u{9b}\n\u{202e}é", 20), "a\\u{1b}[2J\\u{9b}\\n\\u{202e}é");
        assert_eq!(shown("abcdef", 3), "abc…");
        assert_eq!(lines("a\n\u{1b}b"), "a\n\\u{1b}b");
        assert_eq!(lines("a\r\nb"), "a\\r\nb");
    }

    #[test]
    fn a_source_keeps_its_places() {
        let text = "a\u{1b}b\u{9b}c\u{202e}d\u{e0001}\n";
        assert_eq!(source(text), "a?b\u{bf}c\u{fffd}d\u{1f7a8}\n");
        assert_eq!(source(text).len(), text.len());
    }

    #[test]
    fn a_file_is_called_so_in_one_line() {
        let mut sources = Sources::default();
        let text = "edition 2026\nroute\n";
        let source = sources.add("a\n::error::\u{1b}[31m.gw", text).clone();
        let place = place(&sources, Span::new(source.id, 13, 18));
        assert_eq!(place, "a\\n::error::\\u{1b}[31m.gw:2");
        let (_, diags) = lang::parse(&source);
        let diag = diags.first().expect("a route lacks its name");
        let report = human::render(diag, &sources, false);
        assert!(report.contains("[a\\n::error::\\u{1b}[31m.gw:2:"), "{report}");
    }
}
