//! From what did not fit to words. A second look runs the strict rule over just the text in question; how far it came and
//! what it hoped for there become one message in the language's words.
//!
//! `complaint` is what the grammar could not take; `lines`, `elsewhere` and `comma` know mistakes that are made often;
//! `second_look` has words for all others; `tokens` reads the text around a place for each of them.

mod comma;
mod complaint;
mod elsewhere;
mod lines;
mod second_look;
mod tokens;

pub(super) use complaint::{Complaint, is_error, is_missing};
pub(super) use lines::{goes_on, joints};

use std::collections::HashSet;

use self::comma::missing_comma;
use self::elsewhere::of_elsewhere;
use self::lines::next_statement;
use self::second_look::second_look;
use self::tokens::{before, last_token, next_token, span};
use super::parse::Rule;
use super::prepare::Prepared;
use crate::diag::Diag;
use crate::diag::beyond_limits::too_long;
use crate::diag::foreign_syntax::{foreign_alias, foreign_infix, foreign_operator};
use crate::diag::missing_mark::{missing_mark, missing_verb};
use crate::diag::missing_part::missing_part;
use crate::diag::unexpected_text::unexpected_text;

/// The diagnostics of one item: one for each line at most, because a second one is mostly an echo of the first.
pub(super) fn diags(
    text: &str,
    prepared: &Prepared,
    found: Vec<Diag>,
    complaints: &[Complaint<'_>],
) -> Vec<Diag> {
    let starts: Vec<usize> =
        text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1).collect();
    let line_of = |at: usize| starts.partition_point(|start| *start <= at);
    let mut lines = HashSet::new();
    let mut diags = Vec::new();
    for diag in found.into_iter().chain(prepared.diags.iter().cloned()) {
        // Two brackets may be missed at one place, if they were opened on two lines.
        let is_first = lines.insert(line_of(diag.span().start as usize));
        let opener = diag.labels.get(1).map(|label| line_of(label.span.start as usize));
        if is_first || opener.is_some_and(|line| lines.insert(line)) {
            diags.push(diag);
        }
    }
    let labels = diags.iter().flat_map(|diag: &Diag| &diag.labels);
    lines.extend(labels.map(|label| line_of(label.span.start as usize)));
    let mut last = None;
    for complaint in complaints {
        let at = if is_missing(complaint.rule) {
            before(text, complaint.start)
        } else {
            complaint.start
        };
        let line = line_of(at);
        if last == Some(line) || lines.contains(&line) {
            continue;
        }
        last = Some(line);
        diags.push(diag(text, complaint));
    }
    diags.sort_by_key(|diag| diag.span().start);
    diags
}

fn diag(text: &str, complaint: &Complaint<'_>) -> Diag {
    let Complaint { rule, start, end, .. } = *complaint;
    let missed = before(text, start);
    let gap = span(missed, missed);
    let next = next_token(text, start);
    let next_text = text.get(next.range()).unwrap_or("");
    let known = next_statement(text, complaint, gap, next, next_text)
        .or_else(|| of_elsewhere(text, complaint, next, next_text));
    if let Some(diag) = known {
        return diag;
    }
    match rule {
        Rule::prefix => foreign_operator(span(start, end), "!", "not"),
        Rule::binop => match text.get(start..end).unwrap_or("") {
            "&&" => foreign_operator(span(start, end), "&&", "and"),
            "||" => foreign_operator(span(start, end), "||", "or"),
            written => foreign_infix(span(start, end), written),
        },
        Rule::bad_alias => foreign_alias(span(start, end)),
        Rule::expr => too_long(span(start, end)),
        Rule::missing_comma => missing_comma(text, complaint, gap, next, next_text),
        Rule::missing_eq if next_text.starts_with(|c: char| c.is_ascii_uppercase()) => {
            missing_mark(gap, next, ":", next_text)
        }
        Rule::missing_eq if matches!(complaint.verb, Some("param" | "secret")) => {
            missing_mark(gap, next, "from", next_text)
        }
        Rule::missing_eq => missing_mark(gap, next, "=", next_text),
        Rule::missing_colon if is_subjectless(text, complaint.from) => {
            unexpected_text(next, "what the `match` looks at", next_text).help(
                "a `match` compares one value with patterns: `match req.path { \"/a\" => x, _ => y }`; of a condition it is `match CONDITION { true => x, _ => y }`",
            )
        }
        Rule::missing_colon if text.get(..complaint.from).is_some_and(|head| head.trim_end().ends_with("{{")) => {
            let inner = before(text, complaint.from);
            unexpected_text(span(inner - 1, inner), "a value", "{")
                .help("a value stands in one pair of braces: `\"{req.path}\"`; a second one begins a record")
        }
        Rule::missing_colon => missing_mark(gap, next, ":", next_text),
        Rule::missing_arrow if matches!(next_text, "" | "," | ";" | "}") => {
            let pattern = span(complaint.from, missed.max(complaint.from));
            missing_verb(pattern)
        }
        Rule::missing_arrow => missing_mark(gap, next, "=>", next_text),
        Rule::missing_block => missing_mark(gap, next, "{", next_text),
        Rule::missing_params => missing_mark(gap, next, "(", next_text),
        Rule::missing_type if next_text.starts_with(|c: char| c.is_ascii_digit() || c == '"') => {
            unexpected_text(next, "a type", next_text).help(
                "`name: Type` declares; an argument is `name=value`, a share of requests `90% => app`",
            )
        }
        Rule::missing_type => missing_part(gap, "a type", last_token(text, missed)),
        // A word that stands alone behind an item's name lacks what makes it a clause.
        Rule::missing_name
            if complaint.from < start
                && matches!(complaint.verb, Some("auth" | "store" | "site" | "route"))
                && !matches!(last_token(text, missed), "on" | "before" | "=" | "@") =>
        {
            let is_provider = matches!(complaint.verb, Some("auth" | "store"));
            let place = before(text, complaint.from);
            let word = next_token(text, complaint.from);
            let found = text.get(word.range()).unwrap_or("");
            if matches!(found, "path" | "host" | "method" | "where") {
                return unexpected_text(word, "`{`", found)
                    .help(format!("`{found}` stands in a line of its own between `{{` and `}}`"));
            }
            // Behind what it is made by nothing else names that.
            let line = text.get(..place).and_then(|head| head.rsplit('\n').next());
            let has_provider = line.is_some_and(|head| head.contains('='));
            if is_provider && has_provider {
                let diag = unexpected_text(word, "`{`", found);
                return diag.suggest("remove it", span(place, word.end as usize), "");
            }
            missing_mark(span(place, place), word, if is_provider { "=" } else { "on" }, found)
        }
        Rule::missing_name if last_token(text, missed) == "is" => {
            unexpected_text(next, "`present` or `absent`", next_text)
                .help("`is` asks whether something is there; `==` compares two values")
        }
        Rule::missing_name => missing_part(gap, "a name", last_token(text, missed)),
        Rule::missing_expr | Rule::missing_value => {
            let after = last_token(text, missed);
            if after == "use" {
                return missing_part(gap, "a value", after)
                    .help("`use \"./file.gw\" { a, b }` brings in what the other file marks `pub`");
            }
            let diag = match next_text {
                "," => unexpected_text(next, "a value", next_text),
                _ => missing_part(gap, "a value", after),
            };
            if after == "," && next_text.is_empty() {
                diag.help(
                    "the statement ends with its line; newlines are free only inside brackets",
                )
            } else {
                diag
            }
        }
        _ => second_look(text, complaint),
    }
}

/// Whether the block around `at` is that of a `match` without a subject, which reads as a record.
fn is_subjectless(text: &str, at: usize) -> bool {
    let before = text.get(..at).unwrap_or("").trim_end();
    let Some(before) = before.strip_suffix('{') else { return false };
    last_token(before.trim_end(), before.trim_end().len()) == "match"
}
