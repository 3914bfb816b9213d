//! Cuts a file into its items, so that a missing bracket cannot damage the next item and an unchanged item need not
//! be parsed again. Looks at words in column 0 and at nothing inside an item.

use super::configs::{config, is_strange};
use super::keyword::Keyword;
use super::scan::{Mark, Scan};

/// A part of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Slice {
    pub(super) start: usize,
    pub(super) end: usize,
    /// Whether it is an item, or the space between two.
    pub(super) is_item: bool,
}

/// Cuts `text`; the slices lie end to end and cover it.
pub(super) fn split(text: &str, scan: &Scan) -> Vec<Slice> {
    let cuts = joined(text, cuts(text, scan));
    let mut slices = Vec::with_capacity(cuts.len() * 2 + 1);
    let mut at = 0;
    for (start, end) in cuts {
        if at < start {
            slices.push(Slice { start: at, end: start, is_item: false });
        }
        slices.push(Slice { start, end, is_item: true });
        at = end;
    }
    if at < text.len() {
        slices.push(Slice { start: at, end: text.len(), is_item: false });
    }
    slices
}

/// The same cuts, but that the configuration of another program is one item from its first line to its last.
fn joined(text: &str, cuts: Vec<(usize, usize)>) -> Vec<(usize, usize)> {
    let is_strange =
        |&(start, end): &(usize, usize)| is_strange(text.get(start..end).unwrap_or(""));
    if !cuts.iter().any(is_strange) {
        return cuts;
    }
    let mut joined: Vec<(usize, usize)> = Vec::with_capacity(cuts.len());
    for run in cuts.chunk_by(|a, b| is_strange(a) && is_strange(b)) {
        match run {
            [(start, _), .., (_, end)]
                if config(text.get(*start..*end).unwrap_or("")).is_some() =>
            {
                joined.push((*start, *end));
            }
            _ => joined.extend(run),
        }
    }
    joined
}

/// Whether every item begins as one of ours does, so that none is joined with another.
pub(super) fn is_ours(text: &str, slices: &[Slice]) -> bool {
    let mut items = slices.iter().filter(|slice| slice.is_item);
    items.all(|slice| !is_strange(text.get(slice.start..slice.end).unwrap_or("")))
}

/// Where each item begins, its doc comments included, and where its last line ends.
fn cuts(text: &str, scan: &Scan) -> Vec<(usize, usize)> {
    let balanced = is_balanced(scan);
    let mut cuts: Vec<(usize, usize)> = Vec::new();
    let mut depth = 0usize;
    let mut docs: Option<usize> = None;
    // Whether the outermost open block has a first line in column 0, as text that nobody indented has.
    let mut unindented: Option<bool> = None;
    let mut line_has_comment = false;
    for mark in &scan.marks {
        match *mark {
            Mark::Line { at, indent } => {
                let rest = text.get(at..).unwrap_or("");
                let cut = if depth == 0 {
                    cuts.is_empty() || (balanced || indent == 0) && begins_at_top(rest)
                } else {
                    let plain = *unindented.get_or_insert(indent == 0);
                    indent == 0 && !(balanced && plain) && keyword(rest).is_some()
                };
                if cut {
                    cuts.push((docs.unwrap_or(at), at));
                    (depth, unindented) = (0, None);
                }
                docs = None;
            }
            Mark::Newline { at, code_end } => {
                if code_end.is_some() {
                    if let Some(cut) = cuts.last_mut() {
                        cut.1 = trim_end(text, at);
                    }
                } else if !line_has_comment {
                    docs = None;
                }
                line_has_comment = false;
            }
            Mark::Comment { start, end, alone } => {
                line_has_comment = true;
                if alone && is_doc(text.get(start..end).unwrap_or("")) {
                    docs.get_or_insert(start);
                } else {
                    docs = None;
                }
            }
            Mark::Open { .. } => depth += 1,
            Mark::Close { .. } => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    unindented = None;
                }
            }
            Mark::Str { .. } | Mark::Unopened { .. } | Mark::Single { .. } => {}
        }
    }
    cuts
}

/// Whether a comment is one that documents what follows.
pub(super) fn is_doc(comment: &str) -> bool {
    comment.starts_with("///") && !comment.starts_with("////")
}

/// The keyword that a text begins with, `pub` before it or not.
pub(super) fn keyword(text: &str) -> Option<Keyword> {
    Keyword::from_word(first_word(text))
}

/// The word that a text begins with, `pub` skipped.
pub(super) fn first_word(text: &str) -> &str {
    let word = word(text);
    match text.strip_prefix("pub") {
        Some(rest) if word == "pub" => self::word(rest.trim_start_matches([' ', '\t'])),
        _ => word,
    }
}

fn word(text: &str) -> &str {
    let length =
        text.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
    text.get(..length).unwrap_or("")
}

/// A bracket cannot begin an item: it belongs to the one before.
fn begins_at_top(text: &str) -> bool {
    !text.starts_with(['{', '}', ')', ']'])
}

/// A trailing carriage return belongs to the line's end.
fn trim_end(text: &str, at: usize) -> usize {
    if at > 0 && text.as_bytes().get(at - 1) == Some(&b'\r') { at - 1 } else { at }
}

/// Whether every bracket and every quote has its like.
pub(super) fn is_balanced(scan: &Scan) -> bool {
    let mut open: Vec<u8> = Vec::new();
    for mark in &scan.marks {
        match *mark {
            Mark::Open { byte, .. } => open.push(super::scan::closer_of(byte)),
            Mark::Close { byte, .. } if open.pop() != Some(byte) => return false,
            Mark::Str { closed: false, .. } | Mark::Unopened { .. } => return false,
            _ => {}
        }
    }
    open.is_empty()
}
