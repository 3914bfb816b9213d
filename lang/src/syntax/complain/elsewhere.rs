//! What other gateways and languages write so: a comment, a verb, an operator, or a line that begins with a value.

use super::complaint::Complaint;
use super::tokens::{before, is_single, is_word, item_word, last_token, span};
use crate::diag::Diag;
use crate::diag::foreign_syntax::{foreign_comment, foreign_verb, foreign_word, no_verb};
use crate::diag::unexpected_text::unexpected_text;
use crate::foreign;
use crate::source::Span;
use crate::syntax::parse::Rule;

/// What other gateways and languages write so: a comment, a verb, an operator, or a line that begins with a value.
pub(super) fn of_elsewhere(
    text: &str,
    complaint: &Complaint<'_>,
    next: Span,
    next_text: &str,
) -> Option<Diag> {
    let rest = text.get(next.start as usize..)?;
    if rest.starts_with("/*") {
        return Some(foreign_comment(next.part(0, 2.min(next.len() + 1))));
    }
    let is_assert = item_word(text) == "assert";
    let at = complaint.verb.and_then(|verb| Some((verb, verb_place(text, complaint.start, verb)?)));
    let is_item =
        |place: Span| text.get(..place.start as usize).is_some_and(|head| head.trim().is_empty());
    if let Some((verb, place)) = at.filter(|(_, place)| !is_item(*place)) {
        let behind = text.get(place.end as usize..).unwrap_or("");
        if let Some(row) = foreign::verb_anywhere(verb) {
            let help = match verb {
                "if" | "when" | "unless" if is_assert => CLAIM,
                _ => row.help,
            };
            return Some(foreign_verb(place, verb, help));
        }
        if behind.starts_with(['.', '(', '['])
            && (complaint.rule != Rule::bad_rest || is_assert)
            && !is_single(Some(verb))
        {
            let help = match item_word(text) {
                "assert" => CLAIM,
                "test" => {
                    "a line of a test begins with `stub`, `send`, `advance`, `expect` or `each`"
                }
                _ => {
                    "`where CONDITION` chooses a route, `require CONDITION` refuses where it does not hold, `let NAME = VALUE` names a value"
                }
            };
            return Some(no_verb(place, verb, help));
        }
        let value = behind.trim_start_matches([' ', '\t']);
        if value.starts_with(['=', '<', '>', '!']) {
            let mark = text.len() - value.len();
            let is_assigned = value.starts_with('=') && !value.starts_with("==");
            let is_type =
                value.trim_start_matches(['=', ' ']).starts_with(|c: char| c.is_ascii_uppercase());
            let help = match item_word(text) {
                "auth" if is_assigned && is_type => {
                    let diag = unexpected_text(span(mark, mark + 1), "`:`", "=");
                    let gone = span(place.end as usize, mark + 1);
                    return Some(diag.help("a claim has a type: `sub: String`").fix(
                        "write `:`",
                        gone,
                        ":",
                    ));
                }
                "listener" | "upstream" | "limit" | "auth" if is_assigned => {
                    let diag = unexpected_text(span(mark, mark + 1), "a value", "=");
                    let help =
                        format!("a setting is its name and its values, without `=`: `{verb} …`");
                    let gone = span(place.end as usize, mark + 1);
                    return Some(diag.help(help).suggest("remove the `=`", gone, " "));
                }
                "fn" => {
                    "a function is one expression, without braces: `fn f(x: String): Bool = x == \"a\"`"
                }
                "assert" if !is_single(Some(verb)) => CLAIM,
                _ if is_assigned
                    && let Some(row) = foreign::verb(verb)
                    && matches!(item_word(text), "route" | "site" | "policy") =>
                {
                    return Some(foreign_verb(place, verb, row.help));
                }
                _ if is_assigned && !is_single(Some(verb)) => {
                    let diag = unexpected_text(span(mark, mark + 1), "a value", "=");
                    let gone = span(place.end as usize, mark + 1);
                    return Some(diag.help(format!("a line is a verb and its values, without `=`: `{verb} …`; `let NAME = VALUE` names a value for good, `set resp.header[\"x\"] = VALUE` changes a message")).suggest("remove the `=`", gone, " "));
                }
                _ => return None,
            };
            return Some(no_verb(place, verb, help));
        }
    }
    if next_text == "="
        && complaint.rule == Rule::missing_expr
        && last_token(text, before(text, next.start as usize)) == "=="
    {
        let row = foreign::operator("===")?;
        let place = span(before(text, next.start as usize) - 2, next.end as usize);
        let diag = foreign_word(place, "===", None, row.help);
        return Some(diag.fix("write `==`", place, "=="));
    }
    let operator = match (next_text, complaint.rule) {
        (">", Rule::missing_expr) if last_token(text, before(text, next.start as usize)) == "-" => {
            let row = foreign::operator("->")?;
            let arrow = span(before(text, next.start as usize) - 1, next.end as usize);
            return Some(foreign_word(arrow, "->", None, row.help));
        }
        ("=", _)
            if rest.starts_with("=>")
                && matches!(complaint.verb, Some("for" | "expect" | "where" | "require")) =>
        {
            let row = foreign::operator("=>")?;
            return Some(foreign_word(next.part(0, 1), "=>", None, row.help));
        }
        _ => next_text,
    };
    let row = foreign::operator(operator).filter(|_| {
        !rest.get(operator.len()..).is_some_and(|rest| rest.starts_with(['=', '(', ',']))
    });
    if let Some(row) = row {
        let help = if operator == "if" && is_assert { CLAIM } else { row.help };
        return Some(foreign_word(next, operator, row.ours, help));
    }
    // `if` where a value is to be: what stands behind it is what the grammar trips over.
    let element = text.get(complaint.from..next.start as usize)?.trim_end();
    if element.ends_with("if") && !element.trim_end_matches("if").ends_with(is_word) {
        let row = foreign::operator("if")?;
        let end = complaint.from + element.len();
        return Some(foreign_word(span(end - "if".len(), end), "if", None, row.help));
    }
    None
}

/// How an assert is written.
pub(super) const CLAIM: &str =
    "an assert is written `for req where CONDITION`, and in a line of its own `expect OUTCOME`";

/// Where the verb of the line stands that `at` lies in.
fn verb_place(text: &str, at: usize, verb: &str) -> Option<Span> {
    let head = text.get(..at.max(verb.len()))?;
    let begins = |start: &usize| {
        let before = head.get(..*start).unwrap_or("").trim_end_matches([' ', '\t', '\r']);
        let behind = text.get(start + verb.len()..).unwrap_or("");
        before.is_empty()
            || before.ends_with(['\n', '{', ';', '}', ',']) && !behind.starts_with(is_word)
    };
    let start = head.rmatch_indices(verb).map(|(start, _)| start).find(begins)?;
    Some(span(start, start + verb.len()))
}
