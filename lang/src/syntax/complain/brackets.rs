//! Brackets of another kind than what stands in them: the lines of an item between round ones, names with their values
//! between square ones.

use pest::Parser;
use pest::iterators::Pair;

use super::complaint::is_error;
use super::lines::begins_statement;
use super::tokens::{FAR, item_word, opener, span};
use crate::diag::unexpected_text::unexpected_text;
use crate::diag::{Diag, Edit};
use crate::syntax::parse::{Grammar, Rule};
use crate::syntax::prepare::prepare;
use crate::syntax::scan::{Mark, scan};

/// `route x on web ( path "/a" )`: what belongs to an item stands in other brackets.
pub(super) fn of_a_block(text: &str) -> Option<Diag> {
    const WITH_BLOCK: [&str; 10] = [
        "listener", "upstream", "route", "site", "policy", "limit", "auth", "module", "assert",
        "test",
    ];
    if !WITH_BLOCK.contains(&item_word(text)) {
        return None;
    }
    let groups = groups(text);
    let is_braced =
        |&(open, _): &(usize, usize)| text.get(open..).is_some_and(|at| at.starts_with('{'));
    if groups.iter().any(is_braced) {
        return None;
    }
    let holds_lines = |&&(open, close): &&(usize, usize)| {
        text.get(open + 1..close).is_some_and(|inner| begins_statement(behind_comments(inner)))
    };
    let (open, close) = groups.iter().find(holds_lines).copied()?;
    let diag = unexpected_text(span(open, open + 1), "`{`", text.get(open..=open)?)
        .help("what belongs to it stands in lines of their own between `{` and `}`");
    Some(braced(diag, open, close))
}

/// `[a: 1]`, where the complaint is about the `:` at this place: a record stands in braces.
pub(super) fn of_a_record(text: &str, colon: usize) -> Option<Diag> {
    let (open, close) = around(text, colon)?;
    let head = text.get(..open)?;
    // A call takes named values, a key stands behind what it is the key of, and `in` asks a list.
    if !head.trim_end().ends_with(['=', ':', ',', '[', '(']) {
        return None;
    }
    let inner = text.get(open + 1..close)?;
    let diag = unexpected_text(span(open, open + 1), "`{`", text.get(open..=open)?)
        .help("names with their values stand in braces: `{ a: 1, b: 2 }`");
    Some(if is_record(inner) { braced(diag, open, close) } else { diag })
}

/// Whether names with their values and nothing else stand in it. Of what is wrong in a value its own place tells.
fn is_record(inner: &str) -> bool {
    let text = format!("x={{{inner}}}");
    let prepared = prepare(&text, &scan(&text));
    let is_wrong = |pair: &Pair<'_, Rule>| is_error(pair.as_rule());
    let is_entry =
        |pair: Pair<'_, Rule>| !is_wrong(&pair) && !pair.into_inner().any(|part| is_wrong(&part));
    let Ok(read) = Grammar::parse(Rule::strict_args, &prepared.text) else { return false };
    let record = read.flatten().find(|pair| pair.as_rule() == Rule::record);
    !prepared.is_mended && record.is_some_and(|record| record.into_inner().all(is_entry))
}

fn behind_comments(text: &str) -> &str {
    let mut rest = text.trim_start();
    while rest.starts_with("//") {
        rest = rest.split_once('\n').map_or("", |(_, rest)| rest.trim_start());
    }
    rest
}

fn braced(diag: Diag, open: usize, close: usize) -> Diag {
    let edit = |at: usize, text: &str| Edit { span: span(at, at + 1), text: text.to_owned() };
    diag.fix_all("write braces", vec![edit(open, "{"), edit(close, "}")])
}

/// The brackets that stand in no others, each by its two places.
fn groups(text: &str) -> Vec<(usize, usize)> {
    let mut groups = Vec::new();
    let mut open = Vec::new();
    for mark in scan(text).marks {
        match mark {
            Mark::Open { at, .. } => open.push(at),
            Mark::Close { at, .. } => match (open.pop(), open.is_empty()) {
                (Some(opener), true) => groups.push((opener, at)),
                (Some(_), false) => {}
                (None, _) => return groups,
            },
            _ => {}
        }
    }
    groups
}

/// The square or round brackets right around a place.
fn around(text: &str, place: usize) -> Option<(usize, usize)> {
    let open = opener(text.get(..place)?)?;
    let rest = text.get(open..)?;
    let rest = rest.get(..rest.floor_char_boundary(FAR))?;
    let (_, close) = groups(rest).first().copied().filter(|_| !rest.starts_with('{'))?;
    (open + close > place).then_some((open, open + close))
}
