//! What goes when something that is written goes: a line with its end, an element of a list with its comma. Looks at the
//! text alone, and says nothing where a comment stands between.

use super::context::Context;
use crate::diag::Diag;
use crate::source::Span;

/// The place of a statement, with the line it is alone on or the `;` that divides it from its neighbour.
pub(super) fn statement(cx: &Context<'_>, span: Span) -> Span {
    let (before, after) = around(cx, span);
    let (head, tail) = (before.trim_end_matches(is_blank), after.trim_start_matches(is_blank));
    if let Some(rest) = tail.strip_prefix(';') {
        let end = after.len() - rest.trim_start_matches(is_blank).len();
        let marked = Span { end: span.end + end as u32, ..span };
        return line(cx, marked).unwrap_or(marked);
    }
    if let Some(head) = head.strip_suffix(';') {
        return Span { start: head.len() as u32, ..span };
    }
    let beside = !head.is_empty() && !head.ends_with('\n');
    let plain = if beside { Span { start: head.len() as u32, ..span } } else { span };
    line(cx, span).unwrap_or(plain)
}

/// The place of an element of a list, with the `mark` that divides it from its neighbour. None if it has no neighbour.
pub(super) fn element(cx: &Context<'_>, span: Span, mark: char) -> Option<Span> {
    let (before, after) = around(cx, span);
    let head = before.trim_end_matches(is_blank);
    if let Some(head) = head.strip_suffix(mark) {
        return Some(Span { start: head.trim_end_matches(is_blank).len() as u32, ..span });
    }
    let rest = after.trim_start_matches(is_blank).strip_prefix(mark)?;
    let end = after.len() - rest.trim_start_matches(is_blank).len();
    let marked = Span { end: span.end + end as u32, ..span };
    Some(line(cx, marked).unwrap_or(marked))
}

/// The place of an argument, with the comma in front of it.
pub(super) fn argument(cx: &Context<'_>, span: Span) -> Option<Span> {
    element(cx, span, ',')
}

/// The place of an arm, which a line's end or a comma divides from the next.
pub(super) fn arm(cx: &Context<'_>, span: Span) -> Option<Span> {
    element(cx, span, ',').or_else(|| line(cx, span))
}

/// The place of a condition that always holds, with the `and` that joins it to another, or with the statement that asks for
/// nothing else.
pub(super) fn condition(cx: &Context<'_>, span: Span) -> Option<Span> {
    let (before, after) = around(cx, span);
    let (head, tail) = (before.trim_end_matches(is_blank), after.trim_start_matches(is_blank));
    let last = |text: &str| text.rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or("").len();
    let (others, word) = head.split_at_checked(head.len().checked_sub(last(head))?)?;
    let is_last = tail.starts_with(['\n', ';', '}', ')', ',']) || tail.starts_with("and ");
    match word {
        "and" if is_last => {
            Some(Span { start: others.trim_end_matches(is_blank).len() as u32, ..span })
        }
        "where" | "require" | "and" | "or" if tail.starts_with("and ") => {
            let rest = tail.strip_prefix("and")?.trim_start_matches(is_blank);
            Some(Span { end: span.end + (after.len() - rest.len()) as u32, ..span })
        }
        "where" | "require" if tail.starts_with(['\n', ';', '}']) => {
            Some(statement(cx, Span { start: others.len() as u32, ..span }))
        }
        _ => None,
    }
}

/// Mends what stands twice, if it may stand once: the second goes if it says the same, else one of them has to be chosen.
pub(super) fn twice(
    cx: &Context<'_>,
    diag: Diag,
    (first, second): (Span, Span),
    erased: impl Fn(&Context<'_>, Span) -> Option<Span>,
) -> Diag {
    let places = (erased(cx, first), erased(cx, second));
    match places {
        (_, Some(place)) if cx.text(first) == cx.text(second) => diag.fix("say it once", place, ""),
        (Some(one), Some(other)) => {
            diag.suggest("keep the first", other, "").suggest("keep the second", one, "")
        }
        _ => diag,
    }
}

/// The line that this stands on, if nothing else does.
fn line(cx: &Context<'_>, span: Span) -> Option<Span> {
    let (before, after) = around(cx, span);
    let head = before.trim_end_matches(is_blank);
    let rest = after.trim_start_matches(is_blank).strip_prefix('\n')?;
    let end = span.end as usize + after.len() - rest.len();
    let is_alone = head.is_empty() || head.ends_with('\n');
    is_alone.then_some(Span { start: head.len() as u32, end: end as u32, ..span })
}

/// The text before and behind a place.
fn around<'a>(cx: &Context<'a>, span: Span) -> (&'a str, &'a str) {
    let unit = cx.units.iter().find(|unit| unit.source.id == span.source);
    let text = unit.map_or("", |unit| &*unit.source.text);
    let (start, end) = (span.start as usize, span.end as usize);
    (text.get(..start).unwrap_or(""), text.get(end..).unwrap_or(""))
}

fn is_blank(letter: char) -> bool {
    matches!(letter, ' ' | '\t' | '\r')
}
