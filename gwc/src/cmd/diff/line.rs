//! A line of a comparison, with what of it is written in a policy or sent in a request apart from what is said about it.

/// A line, part by part.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Line(Vec<Part>);

#[derive(Clone, PartialEq, Eq, Debug)]
enum Part {
    /// What is said.
    Words(String),
    /// A statement or a request; it stands by itself.
    Code(String),
    /// The same within a sentence.
    Quoted(String),
}

impl Line {
    /// What is said, in which backquotes stand around code.
    pub(super) fn words(text: &str) -> Line {
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

    /// A statement or a request.
    pub(super) fn code(text: &str) -> Line {
        Line::default().and_code(text)
    }

    /// With these words behind it.
    pub(super) fn and(mut self, text: &str) -> Line {
        self.0.push(Part::Words(text.to_owned()));
        self
    }

    /// With a statement or a request behind it.
    pub(super) fn and_code(mut self, text: &str) -> Line {
        self.0.push(Part::Code(text.to_owned()));
        self
    }

    /// With code behind it that stands in a sentence.
    pub(super) fn and_quoted(mut self, text: &str) -> Line {
        self.0.push(Part::Quoted(text.to_owned()));
        self
    }

    /// With another line behind it.
    pub(super) fn and_line(mut self, other: Line) -> Line {
        self.0.extend(other.0);
        self
    }

    /// For a terminal.
    pub(super) fn plain(&self) -> String {
        let parts = self.0.iter().map(|part| match part {
            Part::Words(text) | Part::Code(text) => text.clone(),
            Part::Quoted(text) => format!("`{text}`"),
        });
        parts.collect()
    }

    /// As Markdown: whatever a policy says, it is shown and does nothing.
    pub(super) fn markdown(&self) -> String {
        let parts = self.0.iter().map(|part| match part {
            Part::Words(text) => text.replace('&', "&amp;").replace('<', "&lt;"),
            Part::Code(text) | Part::Quoted(text) => span(text),
        });
        parts.collect()
    }
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
    }
}
