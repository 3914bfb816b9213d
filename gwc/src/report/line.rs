//! A line of a comparison, with what of it stands in a policy, a log, a request or the name of a file apart from what is said
//! about it. Whatever that is, it stays one line, and in Markdown it does nothing.

use super::shown;

/// A line, part by part.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct Line(Vec<Part>);

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
enum Part {
    /// What is said.
    Words(String),
    /// A statement, a request or a place; it stands by itself.
    Code(String),
    /// The same within a sentence.
    Quoted(String),
}

impl Line {
    /// What is said, in which backquotes stand around code.
    pub(crate) fn words(text: &str) -> Line {
        let parts = text.split('`').enumerate().filter(|(_, part)| !part.is_empty());
        Line(
            parts
                .map(|(at, part)| match at % 2 {
                    0 => Part::Words(part.to_owned()),
                    _ => Part::Quoted(part.to_owned()),
                })
                .collect(),
        )
    }

    /// A statement, a request or a place.
    pub(crate) fn code(text: &str) -> Line {
        Line::default().and_code(text)
    }

    /// With these words behind it.
    pub(crate) fn and(mut self, text: &str) -> Line {
        self.0.push(Part::Words(text.to_owned()));
        self
    }

    /// With a statement, a request or a place behind it.
    pub(crate) fn and_code(mut self, text: &str) -> Line {
        self.0.push(Part::Code(text.to_owned()));
        self
    }

    /// With code behind it that stands in a sentence.
    pub(crate) fn and_quoted(mut self, text: &str) -> Line {
        self.0.push(Part::Quoted(text.to_owned()));
        self
    }

    /// With another line behind it.
    pub(crate) fn and_line(mut self, other: Line) -> Line {
        self.0.extend(other.0);
        self
    }

    /// As a line of plain text.
    pub(crate) fn plain(&self) -> String {
        let parts = self.0.iter().map(|part| match part {
            Part::Words(text) | Part::Code(text) => seen(text),
            Part::Quoted(text) => format!("`{}`", seen(text)),
        });
        parts.collect()
    }

    /// As Markdown: whatever a policy says, it is shown and does nothing.
    pub(crate) fn markdown(&self) -> String {
        let parts = self.0.iter().map(|part| match part {
            Part::Words(text) => words(&seen(text)),
            Part::Code(text) | Part::Quoted(text) => span(&seen(text)),
        });
        parts.collect()
    }

    /// The same in a cell of a table.
    pub(crate) fn cell(&self) -> String {
        self.markdown().replace('|', "\\|")
    }
}

fn seen(text: &str) -> String {
    shown(text, usize::MAX)
}

/// Words in which no letter is markup.
fn words(text: &str) -> String {
    let mut words = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => words.push_str("&amp;"),
            '<' => words.push_str("&lt;"),
            '\\' | '*' | '_' | '~' | '[' | ']' | '`' => words.extend(['\\', letter]),
            letter => words.push(letter),
        }
    }
    words
}

/// A code span. Its fence is longer than any run of backquotes in it.
fn span(text: &str) -> String {
    let longest = text.split(|letter| letter != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let edge = |letter: Option<char>| matches!(letter, Some('`' | ' '));
    match edge(text.chars().next()) || edge(text.chars().next_back()) {
        true => format!("{fence} {text} {fence}"),
        false => format!("{fence}{text}{fence}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Line, span};

    #[test]
    fn a_fence_is_longer_than_what_it_holds() {
        assert_eq!(span("a"), "`a`");
        assert_eq!(span("a`c"), "``a`c``");
        assert_eq!(span("``a"), "``` ``a ```");
    }

    #[test]
    fn words_do_nothing_in_markdown() {
        let line = Line::words("a <b> of `x-<i>`: ").and_code("respond 200, \"*a*\"");
        assert_eq!(line.markdown(), "a &lt;b> of `x-<i>`: `respond 200, \"*a*\"`");
        assert_eq!(line.plain(), "a <b> of `x-<i>`: respond 200, \"*a*\"");
        let line = Line::words("owns *.a.example/**, b_c ").and("[a](b)");
        assert_eq!(line.markdown(), "owns \\*.a.example/\\*\\*, b\\_c \\[a\\](b)");
    }

    #[test]
    fn a_line_stays_one() {
        let line = Line::words("at ").and_code("a\n| [b](c) @me `d.gw:1");
        assert_eq!(line.plain(), "at a\\n| [b](c) @me `d.gw:1");
        assert_eq!(line.cell(), "at ``a\\n\\| [b](c) @me `d.gw:1``");
    }
}
