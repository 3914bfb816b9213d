//! From what did not fit to words. A second look runs the strict rule over just the text in question; how far it came and
//! what it hoped for there become one message in the language's words.
//!
//! `complaint` is what the grammar could not take; `habits`, `lines`, `elsewhere`, `brackets` and `comma` know mistakes that are
//! made often;
//! `second_look` has words for all others; `tokens` reads the text around a place for each of them.

mod brackets;
mod comma;
mod complaint;
mod elsewhere;
mod habits;
mod lines;
mod second_look;
mod tokens;

pub(super) use complaint::{Complaint, is_error, is_missing};
pub(super) use lines::{begins_with_operator, goes_on, joints, leading};
pub(super) use second_look::bare_url;

use std::collections::HashSet;

use self::brackets::{of_a_block, of_a_record};
use self::comma::missing_comma;
use self::elsewhere::of_elsewhere;
use self::habits::{of_the_value, of_the_whole};
use self::lines::next_statement;
use self::second_look::second_look;
use self::tokens::{before, item_word, last_token, next_token, span};
use super::parse::Rule;
use super::prepare::Prepared;
use crate::diag::Diag;
use crate::diag::beyond_limits::too_long;
use crate::diag::foreign_syntax::{foreign_alias, foreign_infix, foreign_operator};
use crate::diag::missing_mark::{missing_mark, missing_verb};
use crate::diag::missing_part::missing_part;
use crate::diag::unexpected_text::{unexpected_text, unquoted};
use crate::foreign;
use crate::source::Span;

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
    // In brackets of another kind nothing of an item's block is read as what it is.
    let block = complaints.first().and_then(|_| of_a_block(text));
    let complaints = if block.is_some() { &[] } else { complaints };
    diags.extend(block);
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
        let diag = diag(text, complaint);
        // What several lines of one value earn is said once.
        if diags.last() != Some(&diag) {
            diags.push(diag);
        }
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
    let known = of_the_whole(text, complaint, next, next_text)
        .or_else(|| next_statement(text, complaint, gap, next, next_text))
        .or_else(|| of_elsewhere(text, complaint, next, next_text))
        .or_else(|| of_the_value(text, next, next_text))
        .or_else(|| of_a_record(text, next.start as usize).filter(|_| next_text == ":"));
    if let Some(diag) = known {
        return diag;
    }
    match rule {
        Rule::prefix => foreign_operator(text, span(start, end), "not"),
        Rule::binop => match text.get(start..end).unwrap_or("") {
            "&&" => foreign_operator(text, span(start, end), "and"),
            "||" => foreign_operator(text, span(start, end), "or"),
            written => foreign_infix(span(start, end), written),
        },
        Rule::bad_alias => foreign_alias(span(start, end)),
        Rule::expr => too_long(span(start, end)),
        Rule::missing_comma => missing_comma(text, complaint, gap, next, next_text),
        Rule::missing_eq if next_text.starts_with(|c: char| c.is_ascii_uppercase()) => {
            missing_mark(gap, next, ":", next_text)
        }
        Rule::missing_eq if matches!(complaint.verb, Some("param" | "secret")) => {
            let is_source = complaint.verb == Some("secret") || matches!(next_text, "env" | "file");
            missing_mark(gap, next, if is_source { "from" } else { "default" }, next_text)
        }
        Rule::missing_eq => missing_mark(gap, next, "=", next_text),
        Rule::missing_colon if is_subjectless(text, complaint.from) => {
            unexpected_text(next, "what the `match` looks at", next_text).help(
                "a `match` compares one value with patterns: `match req.path { \"/a\" => x, _ => y }`; of a condition it is `match CONDITION { true => x, _ => y }`",
            )
        }
        Rule::missing_colon if next_text == "," => missing_mark(gap, next, ":", next_text)
            .help("a list is written `[a, b]`; braces hold names with their values, `{ a: 1, b: 2 }`"),
        Rule::missing_colon if next_text == "=" => unexpected_text(next, "`:`", next_text)
            .help("names with their values stand in braces: `{ a: 1, b: 2 }`")
            .fix("write `:`", span(missed, next.end as usize), ":"),
        Rule::missing_colon => missing_mark(gap, next, ":", next_text),
        Rule::missing_arrow if matches!(next_text, "" | "," | ";" | "}") => {
            let pattern = span(complaint.from, missed.max(complaint.from));
            let key = text.get(pattern.range()).unwrap_or("");
            match keyed(text, complaint.from).filter(|_| key.starts_with('"')) {
                Some(of) => {
                    unexpected_text(pattern, &format!("`[` behind `{of}`"), "{")
                        .help(format!("a key stands in square brackets: `{of}[{key}]`"))
                }
                None => missing_verb(pattern),
            }
        }
        Rule::missing_arrow if next_text == ":" => unexpected_text(next, "`=>`", next_text)
            .help("an arm is written `pattern => value`")
            .fix("write `=>`", next, " =>"),
        Rule::missing_arrow => missing_mark(gap, next, "=>", next_text),
        Rule::missing_block if item_word(text) == "module" => {
            missing_mark(gap, next, "{", next_text).help(
                "what a module owns stands behind it: `module NAME on LISTENER from \"./file.gw\" { owns path=\"/a/**\" }`",
            )
        }
        Rule::missing_block if let Some(line) = statement_of_head(text, missed) => {
            let found = text.get(line.range()).unwrap_or("");
            let end = text.get(..missed).unwrap_or("").len();
            let rest = text.get(line.start as usize..end).unwrap_or("");
            unexpected_text(line, "`{`", found)
                .help(format!("write `{{ {rest} }}`: what belongs to it stands in braces"))
                .suggest("put it in braces", span(line.start as usize, end), format!("{{ {rest} }}"))
        }
        Rule::missing_block => missing_mark(gap, next, "{", next_text)
            .help("what belongs to it stands in lines of their own between `{` and `}`"),
        Rule::missing_params => missing_mark(gap, next, "(", next_text),
        // What looks like a field is a line with its values, which has no colon; `bind :80` means a text.
        Rule::missing_type if let Some(verb) = named_line(text, complaint) => {
            let colon = before(text, start) - 1;
            let is_apart = text.get(..colon).is_some_and(|head| head.ends_with(' '));
            if is_apart && next.start as usize == colon + 1 && !next.is_empty() {
                let place = span(colon, next.end as usize);
                let written = text.get(place.range()).unwrap_or("");
                return unquoted(place, written);
            }
            let gone = span(colon, next.start as usize);
            unexpected_text(span(colon, colon + 1), "a value", ":")
                .help(format!("a line is its name and its values, without `:`: `{verb} …`"))
                .suggest("remove the `:`", gone, " ")
        }
        Rule::missing_type if next_text.starts_with(|c: char| c.is_ascii_digit() || c == '"') => {
            unexpected_text(next, "a type", next_text).help(
                "`name: Type` declares; an argument is `name=value`, a share of requests `90% => app`",
            )
        }
        Rule::missing_type if next_text == "=" && complaint.verb == Some("let") => {
            let mark = before(text, start) - 1;
            unexpected_text(span(mark, next.end as usize), "`=`", ":=")
                .help("a name is given its value by `=`: `let NAME = VALUE`")
                .fix("write `=`", span(mark, next.end as usize), "=")
        }
        Rule::missing_type if next_text == "[" => {
            missing_part(gap, "a type", last_token(text, missed))
                .help("the type of a list is written `List<Cidr>`")
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
            let condition = foreign::condition(found);
            if condition.is_some() || matches!(found, "path" | "host" | "method" | "where") {
                let ours = condition.and_then(|row| row.ours).unwrap_or(found);
                return unexpected_text(word, "`{`", found)
                    .help(format!("`{ours}` stands in a line of its own between `{{` and `}}`"));
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
        Rule::missing_name if next_text == "*" => unexpected_text(next, "a number", next_text)
            .help("addresses have no wildcards: a network is written `10.0.0.0/16`"),
        Rule::missing_name
            if complaint.from == start && last_token(text, missed) == item_word(text) =>
        {
            let item = last_token(text, missed);
            no_name(next, next_text, item).unwrap_or_else(|| {
                let diag = missing_part(gap, "a name", item);
                match next_text {
                    ":" => {
                        let behind = text.get(next.end as usize..).unwrap_or("");
                        let blanks = behind.len() - behind.trim_start_matches([' ', '\t']).len();
                        let colon = span(missed, next.end as usize + blanks);
                        unexpected_text(next, "a name", next_text)
                            .help(format!("the name stands right behind the word: `{item} NAME …`"))
                            .fix("remove the `:`", colon, " ")
                    }
                    "{" => diag.help(format!("write `{item} NAME {{ … }}`")),
                    "on" | "before" => diag.help(format!("write `{item} NAME {next_text} …`")),
                    _ => diag,
                }
            })
        }
        Rule::missing_name if last_token(text, missed) == "is" => {
            unexpected_text(next, "`present` or `absent`", next_text)
                .help("`is` asks whether something is there; `==` compares two values")
        }
        Rule::missing_name if next_text == "[" && matches!(last_token(text, missed), "on" | "before") => {
            unexpected_text(next, "a name", next_text).help(format!("several names are written without brackets: `{0} a, b`", last_token(text, missed)))
        }
        Rule::missing_name if last_token(text, missed) == "on" && next_text.starts_with('"') => {
            let name = next_text.trim_matches('"');
            unexpected_text(next, "a name", next_text)
                .help(format!("names stand without quotes: `on {name}`"))
                .fix("remove the quotes", next, name)
        }
        Rule::missing_name if last_token(text, missed) == "on" && next_text == ":" => {
            unexpected_text(next, "a name", next_text)
                .help("`on` names a `listener`, whose `bind \":8080\"` says the port")
        }
        Rule::missing_name if next_text == "@" => {
            missing_part(gap, "a name", last_token(text, missed))
                .help("`@unproved(\"why\")` stands behind the name of an `assert`")
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
                    "the statement ends with its line, and no `,` stands there; newlines are free only inside brackets",
                )
                .suggest("remove the `,`", span(missed - 1, missed), "")
            } else {
                diag
            }
        }
        _ => second_look(text, complaint),
    }
}

/// The word of a line that reads as a field, outside of what holds fields.
fn named_line<'t>(text: &'t str, complaint: &Complaint<'_>) -> Option<&'t str> {
    let head = text.get(..before(text, complaint.start))?.strip_suffix(':')?.trim_end();
    let word = last_token(head, head.len());
    let begins = head.get(..head.len() - word.len())?.trim_end_matches([' ', '\t', '\r']);
    let is_line = begins.ends_with(['\n', '{', ';']);
    let holds_lines =
        ["route", "site", "listener", "upstream", "limit", "policy", "test", "assert"];
    // The fields of a statement's block are of no block of lines.
    (is_line && complaint.verb.is_some_and(|verb| holds_lines.contains(&verb))).then_some(word)
}

/// Words that begin a statement beyond doubt.
const VERBS: [&str; 10] = [
    "forward", "respond", "redirect", "path", "host", "method", "where", "require", "apply", "bind",
];

/// The verb of a statement that stands in the line of an item without its block, where that ends at `end`.
fn statement_of_head(text: &str, end: usize) -> Option<Span> {
    const VERBS: [&str; 10] = [
        "forward", "respond", "redirect", "path", "host", "method", "where", "require", "apply",
        "bind",
    ];
    let line = text.get(..end)?.rsplit('\n').next()?;
    let start = end - line.len();
    let mut at = 0;
    // The first word is that of the item, the second its name.
    let words = line.split_inclusive([' ', '\t']).map(|word| {
        let place = at;
        at += word.len();
        (place, word.trim())
    });
    let found = words
        .filter(|(_, word)| !word.is_empty())
        .skip(2)
        .find(|(_, word)| VERBS.contains(word) || foreign::condition(word).is_some());
    found.map(|(place, word)| span(start + place, start + place + word.len()))
}

/// Something that is no name stands where an item's name belongs.
fn no_name(place: Span, found: &str, item: &str) -> Option<Diag> {
    let diag = unexpected_text(place, "a name", found);
    let reserved = ["and", "or", "not", "in", "is", "match"];
    match found.chars().next()? {
        '/' | '*' => Some(diag.help(format!(
            "a `{item}` has a name of its own, `{item} NAME …`; paths and hosts stand inside its braces"
        ))),
        '0'..='9' => Some(diag.help("a name begins with a letter")),
        _ if reserved.contains(&found) => Some(
            diag.help(format!("`{found}` is a word of the language: `{item}` needs another name")),
        ),
        _ => None,
    }
}

/// What stands directly in front of a brace that opens here, as what is read by a key does.
fn keyed(text: &str, at: usize) -> Option<&str> {
    let head = text.get(..at)?.trim_end().strip_suffix('{')?;
    let begin = head.rfind(|c: char| !(c.is_ascii_alphanumeric() || "_.".contains(c)))?;
    head.get(begin + 1..).filter(|of| of.contains('.'))
}

/// Whether the block around `at` is that of a `match` without a subject, which reads as a record.
fn is_subjectless(text: &str, at: usize) -> bool {
    let before = text.get(..at).unwrap_or("").trim_end();
    let Some(before) = before.strip_suffix('{') else { return false };
    last_token(before.trim_end(), before.trim_end().len()) == "match"
}
