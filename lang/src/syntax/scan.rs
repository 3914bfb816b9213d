//! One linear pass over a text that finds brackets, strings, comments and lines. It never fails and never recurses;
//! it also finds nesting so deep that nothing behind it should try to follow.

/// Brackets may nest so deep, and no deeper.
pub(super) const MAX_DEPTH: usize = 128;
/// Brackets inside the holes of one string may nest so deep.
const MAX_STRING_DEPTH: usize = 8;

/// Something the splitter and the mender need to know, in the order of the text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Mark {
    /// The first code on a line.
    Line { at: usize, indent: usize },
    /// The end of a line. `code_end` is where its code ended, if it had any.
    Newline { at: usize, code_end: Option<usize> },
    /// An opening bracket. Newlines inside a `free` one end nothing.
    Open { at: usize, byte: u8, free: bool },
    /// A closing bracket; `first` on its line or not.
    Close { at: usize, byte: u8, first: bool },
    /// A comment, without the line's end; `alone` on its line or not.
    Comment { start: usize, end: usize, alone: bool },
    /// A string, quotes included. One that is not closed ends where it most probably was to end.
    Str { start: usize, end: usize, closed: bool },
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
    let mut scanner = Scanner { bytes: text.as_bytes(), ..Scanner::default() };
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
}

impl Scanner<'_> {
    fn run(&mut self) {
        let mut at = 0;
        while let Some(&byte) = self.bytes.get(at) {
            at = match byte {
                b' ' | b'\t' | b'\r' => at + 1,
                b'\n' => self.newline(at),
                b'/' if self.peek(at + 1) == Some(b'/') => self.comment(at),
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
        let raw = self.before == *b"re";
        let (mut at, mut depth, mut in_hole) = (start + 1, 0usize, false);
        let (end, closed) = loop {
            match self.peek(at) {
                None | Some(b'\n') => break (self.unclosed(start), false),
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
        self.found.marks.push(Mark::Str { start, end, closed });
        self.after_code(end, [b'"', b'"']);
        end
    }

    /// Where a string without a closing quote was to end: before a bracket that closes one opened before it on its
    /// line, before a `{` that ends the line, or else where the line ends.
    fn unclosed(&self, start: usize) -> usize {
        let mut end = self.line_end(start);
        let mut open: Vec<u8> = Vec::new();
        let outside: Vec<u8> =
            self.stack.iter().filter(|open| open.2 == self.line_start).map(|open| open.0).collect();
        for at in start + 1..end {
            match self.peek(at) {
                Some(byte @ (b'(' | b'[' | b'{')) => open.push(byte),
                Some(byte @ (b')' | b']' | b'}'))
                    if open.pop().is_none()
                        && outside.last().is_some_and(|&opener| closer_of(opener) == byte) =>
                {
                    end = at;
                    break;
                }
                _ => {}
            }
        }
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
            [_, before] => matches!(before, b'=' | b':' | b',' | b'(' | b'[' | b'<' | b'|' | b'?'),
        }
    }

    /// Whether `name:` or a `}` follows.
    fn reads_as_record(&self, from: usize) -> bool {
        let rest = self.bytes.get(from..).unwrap_or_default();
        // A look-ahead without a bound would make a file of open braces quadratic.
        let rest = rest.get(..256).unwrap_or(rest).trim_ascii_start();
        let word =
            rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
        let after = rest.get(word..).unwrap_or_default().trim_ascii_start();
        if word == 0 { after.first() == Some(&b'}') } else { after.first() == Some(&b':') }
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
