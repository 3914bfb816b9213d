//! Makes the text of one item ready for the grammar: comments and free newlines become blanks, and brackets and quotes
//! that are missing are put in where indentation says they are missed. Places in the original are kept.

use super::complain::bare_url;
use super::holes;
use super::scan::{Mark, Scan, closer_of};
use crate::diag::{
    Diag, foreign_syntax::foreign_block_comment, foreign_syntax::single_quotes,
    missing_opener::missing_opener, stray_closer::stray_closer, stray_closer::wrong_closer,
    unclosed_brace::opened_twice, unclosed_brace::unclosed_brace,
    unclosed_bracket::unclosed_bracket, unclosed_string::curly_end,
    unclosed_string::unclosed_string, unclosed_string::unopened_string,
};
use crate::source::{SourceId, Span};

/// A text that the grammar can read, and the way back to the original.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) text: String,
    inserted: Vec<Inserted>,
    /// Whether anything was put in or taken out.
    pub(super) is_mended: bool,
    /// What had to be mended.
    pub(super) diags: Vec<Diag>,
}

/// Something put in: where it begins in the prepared text, its length, and the length of all before it.
#[derive(Clone, Copy, Debug)]
struct Inserted {
    start: usize,
    length: usize,
    before: usize,
}

impl Prepared {
    /// The place in the original of a place in `text`.
    pub(super) fn original(&self, at: usize) -> usize {
        let n_before = self.inserted.partition_point(|piece| piece.start < at);
        let shift = match n_before.checked_sub(1).and_then(|last| self.inserted.get(last)) {
            Some(piece) => piece.before + piece.length.min(at - piece.start),
            None => 0,
        };
        at - shift
    }
}

/// Stands for a bracket that closes nothing: no rule begins with it.
const STRAY: u8 = 0x01;

/// Prepares the text of one item.
pub(super) fn prepare(text: &str, scan: &Scan) -> Prepared {
    prepare_joined(text, scan, &[])
}

/// Prepares the text of one item whose newlines at `joints` end nothing.
pub(super) fn prepare_joined(text: &str, scan: &Scan, joints: &[usize]) -> Prepared {
    let mend = mend(text, scan);
    // Blanks need not be kept apart: what a string holds is read from the original.
    let blanked = text.bytes().map(|byte| if matches!(byte, b'\t' | b'\r') { b' ' } else { byte });
    let mut bytes: Vec<u8> = blanked.collect();
    for &(at, byte) in &mend.replaced {
        put(&mut bytes, at, byte);
    }
    let is_whole = mend.inserted.is_empty() && mend.replaced.is_empty() && joints.is_empty();
    let (bytes, inserted) = insert(bytes, mend.inserted);
    let mut text = string(bytes);
    // What was mended has other lines inside brackets than what was not.
    let rescanned = (!is_whole).then(|| super::scan::scan(&text));
    let mut bytes = std::mem::take(&mut text).into_bytes();
    blank(&mut bytes, rescanned.as_ref().unwrap_or(scan));
    for &joint in joints {
        // Only now that comments are blank: a line that is joined must not become part of one.
        let pieces = inserted.iter().take_while(|piece| piece.start - piece.before <= joint);
        let at = joint + pieces.map(|piece| piece.length).sum::<usize>();
        fill(&mut bytes, at, at + 1);
    }
    holes::close(&mut bytes);
    Prepared { text: string(bytes), inserted, is_mended: !is_whole, diags: mend.diags }
}

/// Whole characters are blanked and what is put in is ASCII, so nothing is ever lost here.
fn string(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_default()
}

/// Blanks comments, newlines in free brackets, and the newline before a `{` that stands alone.
fn blank(bytes: &mut [u8], scan: &Scan) {
    let mut free: Vec<bool> = Vec::new();
    let mut newlines: Vec<usize> = Vec::new();
    for mark in &scan.marks {
        match *mark {
            Mark::Comment { start, end, alone } => {
                let over_lines = bytes.get(start..end).is_some_and(|text| text.contains(&b'\n'));
                fill(bytes, start, end);
                if over_lines && !alone && free.last() != Some(&true) {
                    put(bytes, start, b'\n');
                }
            }
            Mark::Newline { at, .. } if free.last() == Some(&true) => fill(bytes, at, at + 1),
            Mark::Newline { at, .. } => newlines.push(at),
            Mark::Line { at, .. } => {
                if bytes.get(at) == Some(&b'{') {
                    for &newline in &newlines {
                        fill(bytes, newline, newline + 1);
                    }
                }
                newlines.clear();
            }
            Mark::Open { free: is_free, .. } => free.push(is_free),
            Mark::Close { .. } => {
                free.pop();
            }
            Mark::Single { start, end } => {
                put(bytes, start, b'"');
                put(bytes, end - 1, b'"');
            }
            Mark::Str { .. } | Mark::Unopened { .. } => {}
        }
    }
}

fn put(bytes: &mut [u8], at: usize, byte: u8) {
    if let Some(slot) = bytes.get_mut(at) {
        *slot = byte;
    }
}

fn fill(bytes: &mut [u8], start: usize, end: usize) {
    if let Some(range) = bytes.get_mut(start..end) {
        range.fill(b' ');
    }
}

fn insert(bytes: Vec<u8>, mut wanted: Vec<(usize, &str)>) -> (Vec<u8>, Vec<Inserted>) {
    if wanted.is_empty() {
        return (bytes, Vec::new());
    }
    wanted.sort_by_key(|&(at, _)| at);
    let mut text = Vec::with_capacity(bytes.len() + 2 * wanted.len());
    let mut inserted = Vec::with_capacity(wanted.len());
    let (mut copied, mut before) = (0, 0);
    for (at, piece) in wanted {
        text.extend_from_slice(bytes.get(copied..at).unwrap_or_default());
        inserted.push(Inserted { start: text.len(), length: piece.len(), before });
        before += piece.len();
        text.extend_from_slice(piece.as_bytes());
        copied = at.max(copied);
    }
    text.extend_from_slice(bytes.get(copied..).unwrap_or_default());
    (text, inserted)
}

/// How to make an item's brackets and quotes whole.
#[derive(Default)]
struct Mend {
    inserted: Vec<(usize, &'static str)>,
    replaced: Vec<(usize, u8)>,
    diags: Vec<Diag>,
}

fn mend(text: &str, scan: &Scan) -> Mend {
    let quotes = mend_quotes(text, scan);
    let Some(net) = imbalance(scan) else { return quotes };
    // Indentation is a witness, not a law: it is believed where that explains the brackets with fewer mistakes.
    let by_indent = Mender::mend(text, scan, true, net);
    let by_order = Mender::mend(text, scan, false, net);
    let mut mend = if by_order.diags.len() < by_indent.diags.len() { by_order } else { by_indent };
    mend.inserted.splice(0..0, quotes.inserted);
    mend.diags.splice(0..0, quotes.diags);
    mend
}

fn mend_quotes(text: &str, scan: &Scan) -> Mend {
    let mut mend = Mend::default();
    for mark in &scan.marks {
        match *mark {
            Mark::Str { start, end, closed: false } => {
                mend.inserted.push((end, "\""));
                let last = text.get(start..end).and_then(|text| text.chars().next_back());
                let curly = last.filter(|last| matches!(last, '”' | '“' | '’' | '»'));
                mend.diags.push(match curly {
                    Some(last) => curly_end(span(start, end), last),
                    None => unclosed_string(span(start, end)),
                });
            }
            Mark::Unopened { start, end } => {
                mend.inserted.push((start, "\""));
                mend.diags.push(unopened_string(span(start, end)));
            }
            Mark::Single { start, end } => mend.diags.push(single_quotes(span(start, end))),
            Mark::Comment { start, end, .. } => {
                mend.diags.extend(foreign_block_comment(text, start, end, false));
            }
            _ => {}
        }
    }
    mend
}

/// `None` where every bracket is closed by its like; else how many more braces are opened than closed.
fn imbalance(scan: &Scan) -> Option<isize> {
    let mut open: Vec<u8> = Vec::new();
    let (mut net, mut matched) = (0, true);
    for mark in &scan.marks {
        match *mark {
            Mark::Open { byte, .. } => {
                net += isize::from(byte == b'{');
                open.push(closer_of(byte));
            }
            Mark::Close { byte, .. } => {
                net -= isize::from(byte == b'}');
                matched &= open.pop() == Some(byte);
            }
            _ => {}
        }
    }
    (!matched || !open.is_empty()).then_some(net)
}

/// An open bracket.
#[derive(Clone, Copy)]
struct Open {
    at: usize,
    byte: u8,
    line: Line,
}

/// A line of code.
#[derive(Clone, Copy, Default, PartialEq)]
struct Line {
    at: usize,
    indent: usize,
    /// How many brackets were open where it began.
    depth: usize,
}

struct Mender<'t> {
    text: &'t str,
    mend: Mend,
    stack: Vec<Open>,
    line: Line,
    /// Where the code before the current line ended.
    code_end: usize,
    by_indent: bool,
    /// How many more braces are opened than closed.
    surplus: isize,
}

impl<'t> Mender<'t> {
    fn mend(text: &'t str, scan: &Scan, by_indent: bool, surplus: isize) -> Mend {
        let mut mender = Mender {
            text,
            mend: Mend::default(),
            stack: Vec::new(),
            line: Line::default(),
            code_end: 0,
            by_indent,
            surplus,
        };
        let opener_missing = surplus < 0;
        let mut marks = scan.marks.iter().peekable();
        let mut is_first_line = true;
        while let Some(mark) = marks.next() {
            match *mark {
                Mark::Line { at, indent } => {
                    let closes = matches!(marks.peek(), Some(Mark::Close { .. }));
                    let opens =
                        matches!(marks.peek(), Some(Mark::Open { at: open, .. }) if *open == at);
                    if !closes && !opens && !is_first_line && by_indent {
                        mender.leave(indent);
                        if opener_missing {
                            mender.enter(indent);
                        }
                    }
                    is_first_line = false;
                    mender.line = Line { at, indent, depth: mender.stack.len() };
                }
                Mark::Newline { code_end, .. } => {
                    if let Some(end) = code_end {
                        mender.code_end = end;
                    }
                }
                Mark::Open { at, byte, .. } => mender.open(at, byte),
                Mark::Close { at, byte, first } => {
                    let next = match marks.peek() {
                        Some(Mark::Close { at: next, byte, .. })
                            if mender.are_joined(at, *next) =>
                        {
                            Some(*byte)
                        }
                        _ => None,
                    };
                    match byte {
                        b'}' => mender.close_brace(at, first, next),
                        _ => mender.close_bracket(at, byte, next),
                    }
                }
                Mark::Str { .. }
                | Mark::Unopened { .. }
                | Mark::Single { .. }
                | Mark::Comment { .. } => {}
            }
        }
        mender.close_above(0, mender.code_end);
        mender.mend
    }

    /// A line that stands no deeper than the one that opened a bracket is no longer inside it.
    fn leave(&mut self, indent: usize) {
        let inside =
            self.stack.iter().rposition(|open| open.line.indent < indent).map_or(0, |at| at + 1);
        self.close_above(inside, self.code_end);
    }

    /// A line that stands deeper than the line before it is in a block that nobody opened.
    fn enter(&mut self, indent: usize) {
        let in_block = self.stack.last().is_none_or(|open| open.byte == b'{');
        let same_level = self.line.depth == self.stack.len();
        if indent > self.line.indent && in_block && same_level {
            self.mend.inserted.push((self.code_end, " {"));
            self.mend.diags.push(missing_opener(span(self.line.at, self.code_end)));
            self.stack.push(Open { at: self.code_end, byte: b'{', line: self.line });
        }
    }

    fn open(&mut self, at: usize, byte: u8) {
        let line = self.line;
        let twice = self.stack.last().filter(|last| {
            byte == b'{' && last.byte == byte && self.surplus > 0 && self.are_joined(last.at, at)
        });
        // Nothing begins with two braces: where one is not closed, it is the second.
        if let Some(first) = twice {
            self.mend.diags.push(opened_twice(span(first.at, first.at + 1), span(at, at + 1)));
            self.mend.replaced.push((at, b' '));
            self.surplus -= 1;
            return;
        }
        self.stack.push(Open { at, byte, line });
    }

    fn close_brace(&mut self, at: usize, first: bool, next: Option<u8>) {
        let brace = |open: &Open| open.byte == b'{';
        let line = self.line;
        let any = self.stack.iter().rposition(brace);
        let found = if !self.by_indent {
            any
        } else if first {
            self.stack.iter().rposition(|open| brace(open) && open.line.indent == line.indent)
        } else {
            self.stack.iter().rposition(|open| brace(open) && open.line == line)
        };
        match found {
            Some(index) => {
                self.close_above(index + 1, if first { self.code_end } else { at });
                if let Some(brace) = self.stack.pop()
                    && first
                    && next.is_none()
                {
                    self.close_before(brace);
                }
            }
            None => self.stray(at, b'}'),
        }
    }

    /// A `(` that stands on the line of a block's `{` and is still open when the block ends was to be closed
    /// before the `{`.
    fn close_before(&mut self, brace: Open) {
        let inside =
            self.stack.iter().rposition(|open| open.byte == b'{' || open.line != brace.line);
        let before = self.text.get(..brace.at).map_or(brace.at, |before| before.trim_end().len());
        self.close_above(inside.map_or(0, |at| at + 1), before);
    }

    /// Whether only blanks stand between the bracket at `at` and the one at `next`.
    fn are_joined(&self, at: usize, next: usize) -> bool {
        self.text.get(at + 1..next).is_some_and(|between| between.trim().is_empty())
    }

    fn close_bracket(&mut self, at: usize, byte: u8, next: Option<u8>) {
        let block =
            self.stack.iter().rposition(|open| open.byte == b'{').map_or(0, |index| index + 1);
        let matching = self.stack.iter().rposition(|open| closer_of(open.byte) == byte);
        match (matching, self.stack.last().copied()) {
            (Some(index), _) if index >= block => {
                self.close_above(index + 1, at);
                self.stack.pop();
            }
            // `[…)]` and its like: the one that fits follows at once.
            (_, Some(open)) if next == Some(closer_of(open.byte)) => self.stray(at, byte),
            (_, Some(open)) if open.byte != b'{' => {
                let right = closer_of(open.byte);
                self.mend.replaced.push((at, right));
                self.mend.diags.push(wrong_closer(
                    span(open.at, open.at + 1),
                    span(at, at + 1),
                    char::from(right),
                ));
                self.stack.pop();
            }
            // A record or a match on this line may be what was not closed.
            (Some(index), Some(open)) if open.line == self.line => {
                self.close_above(index + 1, at);
                self.stack.pop();
            }
            _ => self.stray(at, byte),
        }
    }

    fn stray(&mut self, at: usize, byte: u8) {
        self.mend.replaced.push((at, STRAY));
        let certain = match byte {
            // Of several lines another brace may be the one too many, and what stands behind that in another block.
            b'}' => self.line.at == self.line.indent,
            _ => {
                let before = before(self.text, at);
                let begins = before.rfind(['\n', ';', '{', '}']);
                let whole = begins.is_some() || before.len() == at;
                let value = begins.and_then(|begin| before.get(begin + 1..)).unwrap_or(before);
                whole && is_one_value(value)
            }
        };
        self.mend.diags.push(stray_closer(span(at, at + 1), char::from(byte), certain));
    }

    /// Closes all brackets but the first `keep`, innermost first, at `at`.
    fn close_above(&mut self, keep: usize, at: usize) {
        while self.stack.len() > keep {
            let Some(open) = self.stack.pop() else { return };
            let opener = span(open.at, open.at + 1);
            let at = at.max(open.at + 1);
            let inside = self.text.get(open.at..at).unwrap_or("");
            let certain = inside.len() <= LOOKED_AT && is_one_value(inside);
            let (text, diag) = match open.byte {
                b'(' => (")", unclosed_bracket(opener, span(at, at), ('(', ')'), certain)),
                b'[' => ("]", unclosed_bracket(opener, span(at, at), ('[', ']'), certain)),
                _ => ("}", unclosed_brace(opener, span(at, at))),
            };
            // What closes it may stand behind the `//` of a URL without quotes, which reads as a comment.
            self.mend.inserted.push((at, text));
            self.mend
                .diags
                .push(bare_url(self.text, span(at.saturating_sub(1), at)).unwrap_or(diag));
        }
    }
}

/// How far it is looked back or ahead for what a bracket holds: many brackets may stand in one line.
const LOOKED_AT: usize = 256;

/// What stands before `at`, as far as it is looked at.
fn before(text: &str, at: usize) -> &str {
    let begin = text.floor_char_boundary(at.saturating_sub(LOOKED_AT));
    text.get(begin..at).unwrap_or("")
}

/// Whether nothing joins or compares values in this text, so that it means the same wherever a bracket in it begins or ends.
fn is_one_value(text: &str) -> bool {
    const JOINING: [&str; 5] = ["and", "or", "not", "in", "is"];
    const MARKS: [char; 8] = ['=', '?', '<', '>', '+', '*', '/', '!'];
    // What stands in quotes joins nothing.
    text.split('"').step_by(2).all(|code| {
        let mut words = code.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
        !words.any(|word| JOINING.contains(&word)) && !code.contains(MARKS)
    })
}

fn span(start: usize, end: usize) -> Span {
    Span::new(SourceId(0), start, end)
}
