//! Where one statement ends and the next begins: one that seems to go on in the next line, and two in one line.

use super::complaint::Complaint;
use super::tokens::{before, is_word, last_token, span};
use crate::diag::Diag;
use crate::diag::missing_part::missing_part;
use crate::diag::unexpected_text::unexpected_text;
use crate::source::Span;
use crate::syntax::parse::Rule;
use crate::syntax::scan::{Mark, Scan};

/// The newlines behind which a statement seems to go on: something is missing at the end of their lines, and a line
/// of code follows.
pub(in crate::syntax) fn joints(text: &str, complaints: &[Complaint<'_>]) -> Vec<usize> {
    let goes_on = |complaint: &&Complaint<'_>| {
        matches!(complaint.rule, Rule::missing_expr | Rule::missing_value)
    };
    let mut joints: Vec<usize> = complaints
        .iter()
        .filter(goes_on)
        .filter_map(|complaint| {
            let missed = before(text, complaint.start);
            let is_open = matches!(
                last_token(text, missed),
                "," | "and" | "or" | "not" | "in" | "??" | "==" | "!=" | "<" | "<=" | ">" | ">="
            );
            let rest = text.get(missed..).unwrap_or("");
            let (line, next) = rest.split_once('\n')?;
            let next = next.trim_start_matches([' ', '\t', '\r']);
            let is_end = line.trim_start().is_empty() || line.trim_start().starts_with("//");
            let ends = next.is_empty() || next.starts_with(['\n', '}', ')', ']', '/']);
            let is_next = last_token(text, missed) == "," && begins_statement(next);
            let is_code = !ends && !is_next;
            (is_open && is_end && is_code).then_some(missed + line.len())
        })
        .collect();
    joints.dedup();
    joints
}

/// Whether a line begins with a word and a value behind it: between two values a comma would stand.
pub(super) fn begins_statement(line: &str) -> bool {
    let word =
        |text: &str| text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    let (verb, rest) = line.split_at(word(line));
    let value = rest.trim_start_matches([' ', '\t']);
    let behind = value.get(..word(value)).unwrap_or("");
    let is_apart = !verb.is_empty() && value.len() < rest.len();
    let is_value = !behind.is_empty() || value.starts_with(['"', '{']);
    is_apart
        && is_value
        && !["match", "not"].contains(&verb)
        && !["and", "or", "in", "is", "not"].contains(&behind)
}

/// The newlines behind which a line begins with an operator that joins two values, outside of brackets in which newlines
/// mean nothing.
pub(in crate::syntax) fn leading(text: &str, scan: &Scan) -> Vec<usize> {
    let mut found = Vec::new();
    let mut free = Vec::new();
    // The newline right before the line, if code stands before it.
    let mut newline = None;
    for mark in &scan.marks {
        match *mark {
            Mark::Newline { at, code_end } => newline = code_end.map(|_| at),
            Mark::Line { at, .. } => {
                let is_free = free.last() == Some(&true);
                let is_code = |joint: &usize| {
                    let before = text.get(..*joint).unwrap_or("").trim_end();
                    !is_free && !before.ends_with(['{', '}', ';', ','])
                };
                found.extend(newline.filter(|_| operator(text, at).is_some()).filter(is_code));
            }
            Mark::Open { free: is_free, .. } => free.push(is_free),
            Mark::Close { .. } => {
                free.pop();
            }
            _ => {}
        }
    }
    found
}

/// The operator that a line begins with at `at`, and that nothing else begins with.
fn operator(text: &str, at: usize) -> Option<&str> {
    const MARKS: [&str; 9] = ["&&", "||", "??", "==", "!=", "<=", ">=", "+", "?."];
    const WORDS: [&str; 4] = ["and", "or", "in", "is"];
    let rest = text.get(at..)?;
    let word = rest.split(|c| !is_word(c)).next().unwrap_or("");
    let is_joining = rest.get(word.len()..).is_some_and(|rest| rest.starts_with([' ', '\t', '(']));
    WORDS
        .into_iter()
        .find(|known| *known == word && is_joining)
        .or_else(|| MARKS.into_iter().find(|mark| rest.starts_with(mark)))
}

/// A line that begins with an operator, behind the newline at `joint`.
pub(in crate::syntax) fn begins_with_operator(text: &str, joint: usize) -> Diag {
    let rest = text.get(joint..).unwrap_or("");
    let next = joint + rest.len() - rest.trim_start().len();
    let word = operator(text, next).unwrap_or("");
    let end = next + word.len();
    let ours = match word {
        "&&" => "and",
        "||" => "or",
        word => word,
    };
    let diag = unexpected_text(span(next, end), "a statement", word).help(format!(
        "the statement ended with the line before: write `{ours}` there, or put brackets around the whole; newlines are free only inside them"
    ));
    let (code, is_alone) = code_before(text, joint);
    match is_alone {
        true => diag.fix("go on in the line before", span(code, end), format!(" {ours}")),
        false => diag,
    }
}

/// Where the code of the line ends that ends at `joint`, and whether no comment stands behind it.
fn code_before(text: &str, joint: usize) -> (usize, bool) {
    let line = text.get(..joint).and_then(|before| before.rsplit('\n').next()).unwrap_or("");
    let start = joint - line.len();
    let code = match line.find(" //") {
        Some(comment) => before(text, start + comment),
        None => before(text, joint),
    };
    (code, text.get(code..joint).is_some_and(|gap| gap.trim().is_empty()))
}

/// A statement that goes on behind the newline at `joint`.
pub(in crate::syntax) fn goes_on(text: &str, joint: usize) -> Diag {
    let (code, is_alone) = code_before(text, joint);
    let rest = text.get(joint..).unwrap_or("");
    let next = joint + rest.len() - rest.trim_start().len();
    let diag = missing_part(span(code, code), "a value", last_token(text, code))
        .help("the statement ends with its line; newlines are free only inside brackets");
    // A line cannot be put behind a comment.
    if is_alone { diag.fix("go on in the same line", span(code, next), " ") } else { diag }
}

/// A line of a test or an assert behind another one that has not ended.
pub(super) fn next_statement(
    text: &str,
    complaint: &Complaint<'_>,
    gap: Span,
    next: Span,
    next_text: &str,
) -> Option<Diag> {
    const LINES: [&str; 6] = ["each", "stub", "send", "advance", "for", "expect"];
    let verb = complaint.verb?;
    let behind = text.get(next.end as usize..).unwrap_or("");
    if !LINES.contains(&verb) || !LINES.contains(&next_text) || !behind.starts_with(' ') {
        return None;
    }
    let line = text.get(..gap.start as usize)?.rsplit('\n').next()?;
    let indent: String = line.chars().take_while(|letter| letter.is_whitespace()).collect();
    let place = Span { start: gap.start, end: next.start, ..gap };
    Some(
        unexpected_text(next, "the end of the line", next_text)
            .help(format!("`{next_text}` begins a line of its own"))
            .fix("put it in the next line", place, format!("\n{indent}")),
    )
}
