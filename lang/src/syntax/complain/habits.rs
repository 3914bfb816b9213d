//! Habits from elsewhere that the grammar trips over in places of many kinds: variables with a `$`, templates in two pairs
//! of braces, names with a `-`, an edition in quotes, and texts without quotes.

use super::complaint::Complaint;
use super::tokens::{before, is_word, item_word, last_token, next_token, span};
use crate::diag::Diag;
use crate::diag::missing_mark::missing_mark;
use crate::diag::unexpected_text::{dashed_name, unexpected_character, unexpected_text, unquoted};
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
    two_braces(text, complaint.start).or_else(|| claim(text, complaint, next, next_text))
}

/// A value that is written otherwise here, in a line whose verb is known.
pub(super) fn of_the_value(text: &str, next: Span, next_text: &str) -> Option<Diag> {
    variable(text, next, next_text)
        .or_else(|| version(text, next, next_text))
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
    (start < at).then(|| bare(text, start, end)).flatten()
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
    bare(text, at, at + rest.find(ENDS).unwrap_or(rest.len()))
}

/// A text without its quotes.
fn bare(text: &str, start: usize, end: usize) -> Option<Diag> {
    let place = span(start, end);
    Some(unquoted(place, text.get(place.range())?))
}

/// `TLS1.2` and its like, by the place behind the point: a version of TLS is its number.
fn version(text: &str, next: Span, found: &str) -> Option<Diag> {
    let head = text.get(..next.start as usize)?;
    let word = last_token(head.strip_suffix('.')?, head.len() - 1);
    let major = word.trim_start_matches(|c: char| c.is_ascii_alphabetic() || c == '_');
    let is_version = word.to_ascii_lowercase().starts_with("tls") && major == "1";
    if !is_version || !matches!(found, "0" | "1" | "2" | "3") {
        return None;
    }
    let place = span(head.len() - 1 - word.len(), next.end as usize);
    let diag = unexpected_text(place, "a version", text.get(place.range())?)
        .help("a version of TLS is its number: `min=1.2` or `min=1.3`");
    Some(match found {
        "2" | "3" => diag.fix(format!("write `1.{found}`"), place, format!("1.{found}")),
        _ => diag,
    })
}

/// The claim of an auth that lacks its mark, its braces or its type, or stands in quotes.
fn claim(text: &str, complaint: &Complaint<'_>, next: Span, found: &str) -> Option<Diag> {
    const CLAIMS: &str = "each claim has a type: `claims { sub: String, scope: Set<String> }`";
    if item_word(text) != "auth" {
        return None;
    }
    let head = text.get(..complaint.start)?;
    let begin = head.rfind("claims")?;
    let inner = head.get(begin + "claims".len()..)?;
    let is_line = head.get(..begin)?.trim_end_matches([' ', '\t']).ends_with(['\n', '{', ';']);
    if !is_line || inner.contains('}') {
        return None;
    }
    let Some(open) = inner.find('{') else {
        let line = inner.lines().count() <= 1;
        return line.then(|| unexpected_text(next, "`{`", found).help(
            "claims stand in braces, each with its type: `claims { sub: String, scope: Set<String> }`",
        ));
    };
    let mut at = begin + "claims".len() + open + 1;
    for part in inner.get(open + 1..)?.split_inclusive([',', ';', '\n']) {
        let place = at + part.len() - part.trim_start().len();
        at += part.len();
        let name = part.trim_end_matches([',', ';', '\n']).trim();
        if let Some(plain) = name.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
            let place = span(place, place + name.len());
            let diag = unexpected_text(place, "a name", name).help("the name of a claim is a word");
            return Some(match !plain.is_empty() && plain.chars().all(is_word) {
                true => diag.fix("remove the quotes", place, plain),
                false => diag,
            });
        }
        let mut words = name.split_whitespace();
        if let (Some(first), Some(second), None) = (words.next(), words.next(), words.next())
            && first.chars().all(is_word)
            && second.starts_with(|c: char| c.is_ascii_uppercase() || c == '"')
        {
            let at = place + first.len();
            let behind = next_token(text, at);
            let diag = missing_mark(span(at, at), behind, ":", text.get(behind.range())?);
            return Some(diag.help(CLAIMS));
        }
    }
    Some(unexpected_text(next, "`:` and a type", found).help(CLAIMS))
}
