//! A source as a report shows it: by the table of its lines, so that neither its size nor the place in it matters, and of a
//! very long line only what stands around the place.

use std::borrow::Cow;

use lang::{Source, Span};
use miette::{MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};

use super::shown;

/// A source to show excerpts of.
#[derive(Debug)]
pub(super) struct Excerpt<'s> {
    source: &'s Source,
    /// Its text as it is shown.
    text: Cow<'s, str>,
}

/// Bytes of a line that are shown whole.
const LONG: usize = 400;

/// Bytes on each side of a place in a longer one.
const AROUND: usize = 80;

/// Lines between two places that are shown, so that both stand in one excerpt.
const BETWEEN: usize = 4;

impl<'s> Excerpt<'s> {
    /// A source of which these places are shown, with a line on each side.
    pub(super) fn of(source: &'s Source, places: impl Iterator<Item = Span>) -> Excerpt<'s> {
        let plain = Excerpt { source, text: Cow::Borrowed(&source.text) };
        let mut near = places.map(|span| {
            let first = plain.line(span.start as usize).saturating_sub(BETWEEN);
            plain.start(first)..plain.start(plain.line(span.end as usize) + BETWEEN)
        });
        // Only if something near is not seen is the text copied, which may be large.
        let is_clean = |near: std::ops::Range<usize>| {
            source.text.get(near).is_none_or(|text| matches!(shown::source(text), Cow::Borrowed(_)))
        };
        if near.all(is_clean) {
            return plain;
        }
        Excerpt { source, text: shown::source(&source.text) }
    }

    /// A place, not longer than can be shown in one line.
    pub(super) fn shown(source: &Source, span: Span) -> Span {
        let text = source.slice(span);
        let line = text.split('\n').next().unwrap_or(text);
        if line.len() <= LONG - 2 * AROUND {
            return span;
        }
        let end = floor(line, LONG - 2 * AROUND) as u32;
        Span { end: span.start + end, ..span }
    }

    /// The line of a byte, from 0 on.
    fn line(&self, at: usize) -> usize {
        self.source.line_starts().partition_point(|start| *start as usize <= at).saturating_sub(1)
    }

    /// Where a line begins; behind the last one, the end.
    fn start(&self, line: usize) -> usize {
        self.source.line_starts().get(line).map_or(self.source.text.len(), |start| *start as usize)
    }

    fn is_long(&self, line: usize) -> bool {
        self.start(line + 1) - self.start(line) > LONG
    }
}

impl SourceCode for Excerpt<'_> {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let text = &*self.text;
        let from = span.offset();
        let to = from + span.len();
        if to > text.len() {
            return Err(MietteError::OutOfBounds);
        }
        let (first, last) = (self.line(from), self.line(to.saturating_sub(1).max(from)));
        let (mut start, mut end) = (from, to);
        let mut line = first;
        if before > 0 || after > 0 {
            let is_long = (first..=last).any(|line| self.is_long(line));
            if is_long && to - from > LONG {
                // Two places of one line: each gets an excerpt of its own.
                return Err(MietteError::OutOfBounds);
            }
            if is_long {
                start = floor(text, from.saturating_sub(AROUND)).max(self.start(first));
                let line_end = self.start(last + 1);
                end = floor(text, (to + AROUND).min(line_end));
            } else {
                line = (first.saturating_sub(before)..first)
                    .rev()
                    .take_while(|line| !self.is_long(*line))
                    .last()
                    .unwrap_or(first);
                let behind = (last + 1..=last + after).take_while(|line| !self.is_long(*line));
                start = self.start(line);
                end = self.start(behind.last().unwrap_or(last) + 1);
            }
        }
        let data = text.get(start..end).ok_or(MietteError::OutOfBounds)?.as_bytes();
        // Of what is beside a place in a line, the report counts columns in bytes.
        let column = if before > 0 { 0 } else { from - self.start(first) };
        let lines = self.line(end.saturating_sub(1).max(start)) - line + 1;
        let contents = MietteSpanContents::new_named(
            shown::file(self.source),
            data,
            (start, end - start).into(),
            line,
            column,
            lines + BETWEEN,
        );
        Ok(Box::new(contents))
    }
}

/// The last boundary between characters that is not behind `at`.
fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use lang::SourceId;

    use super::*;

    fn read(text: &str, from: usize, to: usize) -> Option<(String, usize)> {
        let source = Source::new(SourceId(0), "x.gw", text);
        let excerpt = Excerpt::of(&source, std::iter::empty());
        let contents = excerpt.read_span(&(from, to - from).into(), 1, 1).ok()?;
        let data = std::str::from_utf8(contents.data()).unwrap().to_owned();
        Some((data, contents.line()))
    }

    #[test]
    fn an_excerpt_is_a_few_lines() {
        let text = "a\nbb\nccc\ndddd\n";
        assert_eq!(read(text, 0, 1), Some(("a\nbb\n".to_owned(), 0)));
        assert_eq!(read(text, 5, 6), Some(("bb\nccc\ndddd\n".to_owned(), 1)));
        assert_eq!(read(text, 14, 14), Some(("dddd\n".to_owned(), 3)));
        assert_eq!(read(text, 14, 15), None);
    }

    #[test]
    fn of_a_long_line_what_stands_around_is_shown() {
        let text = format!("a\n{}é{}\nb\n", "x".repeat(1000), "y".repeat(1000));
        let (data, line) = read(&text, 1002, 1004).unwrap();
        assert_eq!((data.len(), line), (2 * AROUND + 2, 1));
        assert_eq!(read(&text, 0, 1), Some(("a\n".to_owned(), 0)));
        assert_eq!(read(&text, 10, 1500), None);
        let source = Source::new(SourceId(0), "x.gw", text.as_str());
        let long = Span::new(SourceId(0), 10, 1900);
        assert!(Excerpt::shown(&source, long).len() < LONG);
    }
}
