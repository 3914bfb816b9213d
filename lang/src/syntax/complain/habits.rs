//! Habits from elsewhere that the grammar trips over in places of many kinds: variables with a `$`, templates in two pairs
//! of braces, names with a `-`, an edition in quotes, and texts without quotes.

use super::complaint::Complaint;
use super::tokens::{before, is_word, item_word, last_token, span};
use crate::diag::Diag;
use crate::diag::unexpected_text::{dashed_name, unexpected_character, unexpected_text};
use crate::foreign;
use crate::source::Span;
use crate::syntax::parse::Rule;

/// A name, an edition or a template that is written otherwise here, whatever stands around it.
pub(super) fn of_the_whole(
    text: &str,
    complaint: &Complaint<'_>,
    next: Span,
    next_text: &str,
) -> Option<Diag> {
    if complaint.rule == Rule::dashed {
        let place = span(complaint.start, complaint.end);
        return Some(dashed_name(place, text.get(place.range())?));
    }
    if item_word(text) == "edition" {
        return edition(text, next, next_text);
    }
    two_braces(text, complaint.start)
}

/// A value that is written otherwise here, in a line whose verb is known.
pub(super) fn of_the_value(text: &str, next: Span, next_text: &str) -> Option<Diag> {
    variable(text, next, next_text)
        .or_else(|| address(text, next, next_text))
        .or_else(|| wildcard(text, next, next_text))
}

/// `edition "2026"` and its like: the year alone stands there.
fn edition(text: &str, next: Span, found: &str) -> Option<Diag> {
    let line = text.get(..next.start as usize)?;
    let word = line.rfind("edition").map_or(0, |at| at + "edition".len());
    if line.get(word..)?.contains(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let rest = text.get(word..)?.lines().next()?;
    let year = rest.trim_matches(|c: char| !c.is_ascii_digit());
    let diag = unexpected_text(next, "a year", found).help("a file begins with `edition 2026`");
    Some(match year.len() == 4 && year.bytes().all(|byte| byte.is_ascii_digit()) {
        true => diag.fix(
            "write the year alone",
            span(word, word + rest.trim_end().len()),
            format!(" {year}"),
        ),
        false => diag,
    })
}

/// `"{{client.ip}}"`, where a complaint is about what stands inside.
fn two_braces(text: &str, at: usize) -> Option<Diag> {
    let line = text.get(..at)?.rsplit('\n').next()?;
    let open = at - line.len() + line.rfind("{{")?;
    let quote = text.get(at - line.len()..open)?.matches('"').count();
    let is_inside = |part: &str| !part.contains('}');
    if quote % 2 == 0 || !is_inside(text.get(open..at)?) {
        return None;
    }
    let diag = unexpected_text(span(open + 1, open + 2), "a value", "{")
        .help("a value in a text stands in one pair of braces: `\"{req.path}\"`");
    let rest = text.get(open + 2..)?.lines().next()?;
    let inner = rest.find("}}").and_then(|end| rest.get(..end));
    let Some(inner) = inner.filter(|inner| !inner.contains('{')) else { return Some(diag) };
    let whole = span(open, open + 2 + inner.len() + 2);
    let value = inner.trim();
    let is_value = value.starts_with(|c: char| c.is_ascii_alphabetic()) && !value.contains(':');
    Some(match is_value {
        true => diag.fix("write one pair of braces", whole, format!("{{{value}}}")),
        false => diag,
    })
}

/// `$host` or `${host}` where a value stands.
fn variable(text: &str, next: Span, found: &str) -> Option<Diag> {
    if found != "$" {
        return None;
    }
    let rest = text.get(next.end as usize..)?;
    let (open, close) = if rest.starts_with('{') { ("{", "}") } else { ("", "") };
    let name = rest.strip_prefix(open)?;
    let name = name.get(..name.find(|c: char| !is_word(c)).unwrap_or(name.len()))?;
    let diag = unexpected_character(next, '$');
    let end = next.end as usize + open.len() + name.len() + close.len();
    let whole = span(next.start as usize, end);
    let is_whole = text.get(whole.range()).is_some_and(|text| text.ends_with(close));
    Some(match foreign::variable(name).filter(|_| is_whole) {
        Some(ours) => diag
            .help(format!("a value is named as it is: `${open}{name}{close}` is `{ours}`"))
            .suggest(format!("write `{ours}`"), whole, ours),
        None => diag.help(
            "a value is named as it is, `req.path`; in a text it stands in braces, `\"{req.path}\"`",
        ),
    })
}

/// What ends a text that stands without quotes.
const ENDS: [char; 11] = [' ', '\t', '\r', '\n', ',', ';', '"', '(', ')', '{', '}'];

/// `localhost:3000` or `[::]:80` without quotes, by the place of the colon in it.
fn address(text: &str, colon: Span, found: &str) -> Option<Diag> {
    let at = colon.start as usize;
    let rest = text.get(at..)?;
    let port = rest.strip_prefix(':').unwrap_or("");
    if found != ":" || !port.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let head = text.get(..at)?;
    let start = head.trim_end_matches(|c: char| !ENDS.contains(&c)).len();
    let end = at + rest.find(ENDS).unwrap_or(rest.len());
    (start < at).then(|| unquoted(text, start, end)).flatten()
}

/// `*.example.com` without quotes.
fn wildcard(text: &str, star: Span, found: &str) -> Option<Diag> {
    let at = star.start as usize;
    let rest = text.get(at..)?;
    let behind = rest.trim_start_matches('*');
    let begins = matches!(last_token(text, before(text, at)), "host" | "," | "server_name");
    if found != "*" || !begins || !behind.starts_with('.') {
        return None;
    }
    unquoted(text, at, at + rest.find(ENDS).unwrap_or(rest.len()))
}

/// A text without its quotes.
fn unquoted(text: &str, start: usize, end: usize) -> Option<Diag> {
    let place = span(start, end);
    let written = text.get(place.range())?;
    let diag = unexpected_text(place, "a text in quotes", written);
    Some(diag.fix("put it in quotes", place, format!("\"{written}\"")))
}
