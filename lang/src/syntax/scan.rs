//! One linear pass over a text that finds brackets, strings, comments and lines. It never fails and never recurses;
//! it also finds nesting so deep that nothing behind it should try to follow.

use super::leaf::{BYTE_ORDER_MARK, block_comment};

/// Brackets may nest so deep, and no deeper.
pub(super) const MAX_DEPTH: usize = 128;
/// Brackets inside the holes of one string may nest so deep.
const MAX_STRING_DEPTH: usize = 8;

/// Something the splitter and the mender need to know, in the order of the text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Mark {
    /// The first code on a line.
    Line { at: usize, indent: usize },
    /// The end of a line, or the begin of a comment over several. `code_end` is where its code ended, if it had any.
    Newline { at: usize, code_end: Option<usize> },
    /// An opening bracket. Newlines inside a `free` one end nothing.
    Open { at: usize, byte: u8, free: bool },
    /// A closing bracket; `first` on its line or not.
    Close { at: usize, byte: u8, first: bool },
    /// A comment, without the line's end; `alone` on its line or not. `/* … */` is taken for one, which is reported.
    Comment { start: usize, end: usize, alone: bool },
    /// A string, quotes included. One that is not closed ends where it most probably was to end.
    Str { start: usize, end: usize, closed: bool },
    /// A string whose opening quote is missing where it most probably was to be.
    Unopened { start: usize, end: usize },
    /// A string in single quotes.
    Single { start: usize, end: usize },
}

/// What the pass found.
#[derive(Debug, Default)]
pub(super) struct Scan {
    pub(super) marks: Vec<Mark>,
    /// Where nesting passed the limit.
    pub(super) too_deep: Option<usize>,
}

/// Scans `text`.
pub(super) fn scan(text: &str) -> Scan {
    // A line has its begin and its end, and mostly a string.
    let marks = Vec::with_capacity(text.len() / 8 + 8);
    let found = Scan { marks, too_deep: None };
    let mut scanner = Scanner { bytes: text.as_bytes(), found, ..Scanner::default() };
    scanner.run();
    scanner.found
}

#[derive(Default)]
struct Scanner<'t> {
    bytes: &'t [u8],
    found: Scan,
    /// Open brackets: the byte, whether newlines are free in it, and where its line begins.
    stack: Vec<(u8, bool, usize)>,
    angles: usize,
    line_start: usize,
    code_end: Option<usize>,
    before: [u8; 2],
    /// Whether a quote is missing on the current line; unknown until its first quote.
    odd: Option<bool>,
    /// Whether an end of `/*` was looked for in vain.
    searched: bool,
}

impl Scanner<'_> {
    fn run(&mut self) {
        let mut at = 0;
        if self.bytes.starts_with(BYTE_ORDER_MARK.as_bytes()) {
            at = BYTE_ORDER_MARK.len();
            self.line_start = at;
        }
        while let Some(&byte) = self.bytes.get(at) {
            at = match byte {
                b' ' | b'\t' | b'\r' => at + 1,
                b'\n' => self.newline(at),
                b'/' if self.peek(at + 1) == Some(b'/') => self.comment(at),
                b'/' if self.peek(at + 1) == Some(b'*') => self.block_comment(at),
                b'"' => self.string(at),
                b'\'' => self.single(at),
                _ => self.code(at, byte),
            };
        }
        let code_end = self.code_end.take();
        self.found.marks.push(Mark::Newline { at: self.bytes.len(), code_end });
    }

    fn peek(&self, at: usize) -> Option<u8> {
        self.bytes.get(at).copied()
    }

    fn newline(&mut self, at: usize) -> usize {
        self.found.marks.push(Mark::Newline { at, code_end: self.code_end.take() });
        self.line_start = at + 1;
        self.odd = None;
        if !self.stack.last().is_some_and(|open| open.1) {
            self.angles = 0;
        }
        at + 1
    }

    fn comment(&mut self, at: usize) -> usize {
        let end = self.line_end(at);
        self.found.marks.push(Mark::Comment { start: at, end, alone: self.code_end.is_none() });
        end
    }

    /// A `/*` that stands apart and is closed. In a path without quotes, `/a/*`, it is code.
    fn block_comment(&mut self, at: usize) -> usize {
        let before = at.checked_sub(1).and_then(|before| self.peek(before));
        let is_apart =
            before.is_none_or(|byte| byte.is_ascii_whitespace() || b";{}".contains(&byte));
        if !is_apart || self.searched {
            return self.code(at, b'/');
        }
        let rest = self.bytes.get(at..).unwrap_or_default();
        let Some(length) = block_comment(rest) else {
            // Where no end follows, none is looked for again.
            self.searched = true;
            return self.code(at, b'/');
        };
        let end = at + length;
        let alone = self.code_end.is_none();
        let inner = rest.get(..length).unwrap_or_default();
        if let Some(newline) = inner.iter().rposition(|byte| *byte == b'\n') {
            // Over several lines it ends the line that it begins on, as it does where such comments are known.
            if !alone {
                self.newline(at);
            }
            self.line_start = at + newline + 1;
        }
        self.found.marks.push(Mark::Comment { start: at, end, alone });
        end
    }

    /// The end of the line that `at` is on, without a carriage return.
    fn line_end(&self, at: usize) -> usize {
        let rest = self.bytes.get(at..).unwrap_or_default();
        let end = at + rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len());
        if end > at && self.peek(end - 1) == Some(b'\r') { end - 1 } else { end }
    }

    fn begin_code(&mut self, at: usize) -> bool {
        let first = self.code_end.is_none();
        if first {
            self.found.marks.push(Mark::Line { at, indent: at - self.line_start });
        }
        first
    }

    fn string(&mut self, start: usize) -> usize {
        self.begin_code(start);
        let odd = self.odd.unwrap_or_else(|| self.misses_quote(start));
        self.odd = Some(odd);
        if odd && self.is_closing(start) && !self.is_opening(start) {
            return self.unopened(start);
        }
        let raw = self.before == *b"re";
        let (mut at, mut depth, mut in_hole) = (start + 1, 0usize, false);
        let (end, closed) = loop {
            match self.peek(at) {
                None | Some(b'\n') => break (self.unclosed(start, self.line_end(start)), false),
                Some(b'"') if odd && self.is_opening(at) && !self.is_closing(at) => {
                    break (self.unclosed(start, at), false);
                }
                Some(b'"') => break (at + 1, true),
                Some(b'\\') if !matches!(self.peek(at + 1), None | Some(b'\n')) => at += 1,
                Some(b'{') => (depth, in_hole) = (depth + 1, true),
                Some(b'[' | b'(' | b'<') if in_hole => depth += 1,
                Some(b'}' | b']' | b')' | b'>') => {
                    depth = depth.saturating_sub(1);
                    in_hole &= depth > 0;
                }
                _ => {}
            }
            if depth > MAX_STRING_DEPTH && !raw {
                self.found.too_deep.get_or_insert(at);
            }
            at += 1;
        };
        if !closed {
            self.odd = Some(false);
        }
        self.found.marks.push(Mark::Str { start, end, closed });
        self.after_code(end, [b'"', b'"']);
        end
    }

    /// Whether the quotes from `start` to the end of its line are odd in number. Those in a comment do not count.
    fn misses_quote(&self, start: usize) -> bool {
        let line = self.bytes.get(start..self.line_end(start)).unwrap_or_default();
        let (mut at, mut odd) = (0, false);
        while let Some(&byte) = line.get(at) {
            match byte {
                b'\\' => at += 1,
                b'"' => odd = !odd,
                b'/' if line.get(at + 1) == Some(&b'/')
                    && line.get(at.wrapping_sub(1)) == Some(&b' ') =>
                {
                    break;
                }
                _ => {}
            }
            at += 1;
        }
        odd
    }

    /// Whether the quote at `at` stands where one opens a string.
    fn is_opening(&self, at: usize) -> bool {
        match at.checked_sub(1).and_then(|before| self.peek(before)) {
            Some(b'e') => at >= 2 && self.peek(at - 2) == Some(b'r'),
            before => matches!(
                before,
                None | Some(b' ' | b'\t' | b'\n' | b'(' | b'[' | b'{' | b'=' | b',')
            ),
        }
    }

    /// Whether the quote at `at` stands where one closes a string.
    fn is_closing(&self, at: usize) -> bool {
        let after = self.peek(at + 1);
        matches!(
            after,
            None | Some(b' ' | b'\t' | b'\n' | b'\r' | b')' | b']' | b'}' | b',' | b';' | b'?')
        )
    }

    /// The quote at `quote` closes a string that begins at the word before it; braces in between were its holes.
    fn unopened(&mut self, quote: usize) -> usize {
        let mut start = quote;
        let mut depth = 0usize;
        while start > self.line_start
            && let Some(byte) = self.peek(start - 1)
        {
            match byte {
                b'}' | b')' | b']' => depth += 1,
                b'{' | b'(' | b'[' if depth > 0 => depth -= 1,
                b' ' | b'\t' | b'(' | b'[' | b'{' | b'=' | b',' | b';' if depth == 0 => break,
                _ => {}
            }
            start -= 1;
        }
        let inside = |mark: &Mark| match mark {
            Mark::Open { at, .. } | Mark::Close { at, .. } => *at >= start,
            _ => false,
        };
        while self.found.marks.pop_if(|mark| inside(mark)).is_some() {}
        self.odd = Some(false);
        self.found.marks.push(Mark::Unopened { start, end: quote + 1 });
        self.after_code(quote + 1, [b'"', b'"']);
        quote + 1
    }

    /// Where a string without a closing quote was to end, `limit` at the latest: before another string, before a
    /// bracket that closes one opened before it on its line, before a `{` that ends the line, or with the line.
    fn unclosed(&self, start: usize, limit: usize) -> usize {
        let mut open: Vec<u8> = Vec::new();
        let outside = self.stack.iter().rfind(|open| open.2 == self.line_start);
        let outside = outside.map(|open| closer_of(open.0));
        let before_string = limit < self.line_end(start);
        let ends_it = |&at: &usize| match self.peek(at) {
            Some(b',' | b' ') => before_string || self.is_comment_gap(at),
            Some(byte @ (b'(' | b'[' | b'{')) => {
                open.push(byte);
                false
            }
            Some(byte @ (b')' | b']' | b'}')) => open.pop().is_none() && outside == Some(byte),
            _ => false,
        };
        let mut end = (start + 1..limit).find(ends_it).unwrap_or(limit);
        let trimmed = |end: usize| {
            let text = self.bytes.get(start..end).unwrap_or_default();
            start + text.trim_ascii_end().len()
        };
        end = trimmed(end);
        if end > start + 2 && self.peek(end - 1) == Some(b'{') && self.peek(end - 2) == Some(b' ') {
            end = trimmed(end - 1);
        }
        end.max(start + 1)
    }

    /// Whether a comment follows the blank at `at`.
    fn is_comment_gap(&self, at: usize) -> bool {
        self.bytes.get(at..at + 3) == Some(b" //")
    }

    fn single(&mut self, start: usize) -> usize {
        let rest = self.bytes.get(start + 1..self.line_end(start)).unwrap_or_default();
        let length = rest.iter().position(|&byte| byte == b'\'' || byte == b'"' || byte == b'\\');
        match length {
            Some(length) if rest.get(length) == Some(&b'\'') => {
                self.begin_code(start);
                let end = start + length + 2;
                self.found.marks.push(Mark::Single { start, end });
                self.after_code(end, [b'"', b'"']);
                end
            }
            _ => self.code(start, b'\''),
        }
    }

    fn code(&mut self, at: usize, byte: u8) -> usize {
        let first = self.begin_code(at);
        match byte {
            b'(' | b'[' | b'{' => {
                let free = byte != b'{' || self.opens_record(at);
                self.found.marks.push(Mark::Open { at, byte, free });
                self.stack.push((byte, free, self.line_start));
                if self.stack.len() > MAX_DEPTH {
                    self.found.too_deep.get_or_insert(at);
                }
            }
            b')' | b']' | b'}' => {
                self.found.marks.push(Mark::Close { at, byte, first });
                self.stack.pop();
            }
            b'<' => {
                self.angles += 1;
                if self.angles > MAX_DEPTH {
                    self.found.too_deep.get_or_insert(at);
                }
            }
            b'>' => self.angles = self.angles.saturating_sub(1),
            _ => {}
        }
        self.after_code(at + 1, [self.before[1], byte]);
        at + 1
    }

    fn after_code(&mut self, end: usize, before: [u8; 2]) {
        self.code_end = Some(end);
        self.before = before;
    }

    /// Whether a `{` stands where a value is expected, so that it opens a record and no block.
    fn opens_record(&self, at: usize) -> bool {
        match self.before {
            [b'=', b'>'] => self.reads_as_record(at + 1),
            [b'-', b'>'] => true,
            [_, b'='] => self.reads_as_record(at + 1) || self.peek(at + 1) != Some(b'\n'),
            [_, before] => matches!(before, b':' | b',' | b'(' | b'[' | b'<' | b'|' | b'?'),
        }
    }

    /// Whether `name:`, a string or a `}` follows.
    fn reads_as_record(&self, from: usize) -> bool {
        let rest = self.bytes.get(from..).unwrap_or_default();
        // A look-ahead without a bound would make a file of open braces quadratic.
        let rest = rest.get(..256).unwrap_or(rest).trim_ascii_start();
        let word =
            rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
        let after = rest.get(word..).unwrap_or_default().trim_ascii_start();
        match word {
            0 => matches!(after.first(), Some(b'}' | b'"')),
            _ => after.first() == Some(&b':'),
        }
    }
}

/// The bracket that closes `opener`.
pub(super) fn closer_of(opener: u8) -> u8 {
    match opener {
        b'(' => b')',
        b'[' => b']',
        _ => b'}',
    }
}
