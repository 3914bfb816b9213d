//! Where one statement ends and the next begins: one that seems to go on in the next line, and two in one line.

use super::complaint::Complaint;
use super::tokens::{before, last_token, span};
use crate::diag::Diag;
use crate::diag::missing_part::missing_part;
use crate::diag::unexpected_text::unexpected_text;
use crate::source::Span;
use crate::syntax::parse::Rule;

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
            let is_code = !next.starts_with(['\n', '}', ')', ']', '/']) && !next.is_empty();
            (is_open && is_end && is_code).then_some(missed + line.len())
        })
        .collect();
    joints.dedup();
    joints
}

/// A statement that goes on behind the newline at `joint`.
pub(in crate::syntax) fn goes_on(text: &str, joint: usize) -> Diag {
    let line = text.get(..joint).and_then(|before| before.rsplit('\n').next()).unwrap_or("");
    let start = joint - line.len();
    let code = match line.find(" //") {
        Some(comment) => before(text, start + comment),
        None => before(text, joint),
    };
    let rest = text.get(joint..).unwrap_or("");
    let next = joint + rest.len() - rest.trim_start().len();
    let diag = missing_part(span(code, code), "a value", last_token(text, code))
        .help("the statement ends with its line; newlines are free only inside brackets");
    // A line cannot be put behind a comment.
    if text.get(code..joint).is_some_and(|gap| gap.trim().is_empty()) {
        diag.fix("go on in the same line", span(code, next), " ")
    } else {
        diag
    }
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
