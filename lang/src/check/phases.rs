//! When fields and verbs exist, and the move of a statement to where they do.

use super::context::{Context, Scope, When};
use super::fit::indentation;
use crate::diag::no_effect::no_effect;
use crate::diag::wrong_phase::wrong_phase;
use crate::diag::{Diag, Edit};
use crate::source::Span;
use crate::vocab::{Form, Phase};

/// When fields of a phase exist, as a sentence says it.
pub(super) fn when_exists(from: Phase) -> &'static str {
    match from {
        Phase::Connection => "always",
        Phase::Request => "from the request on",
        Phase::Route => "in the statements of a route",
        Phase::Response => "after `forward` or `respond`, on the way back",
        Phase::Origin => "after `forward`, on the way back",
    }
}

/// Where a scope is, as a sentence says it.
pub(super) fn where_is(when: When) -> &'static str {
    match when {
        When::Load => "when the policy is loaded",
        When::Choice => "while a route is chosen",
        When::Claim => "where an assert asks about requests",
        When::Step(Phase::Response) => "in an answer of the gateway's own",
        When::Step(_) => "before the request is answered",
        When::Anywhere => "here",
    }
}

/// Whether what begins with phase `from` is there.
pub(super) fn is_there(when: When, from: Phase) -> bool {
    match when {
        When::Load => false,
        When::Choice | When::Claim => from <= Phase::Request,
        When::Step(phase) => from <= phase,
        When::Anywhere => true,
    }
}

/// Says that `name` does not exist yet, and offers the move.
pub(super) fn too_early(
    cx: &mut Context<'_>,
    scope: &Scope<'_>,
    name: &str,
    from: Phase,
    span: Span,
) {
    let mut diag = wrong_phase(span, name, where_is(scope.when), when_exists(from));
    match (scope.when, scope.end, scope.statement) {
        (When::Step(_), Some(end), Some(statement)) if end.start > statement.start => {
            diag = diag.label(end, "the way back begins here").help("move the statement behind it");
            if let Some(edits) = moved(cx, statement, end, Beside::Behind) {
                // Only what changes the answer belongs there beyond doubt. Whatever asks would no longer ask in time.
                let changes = changes(cx, statement, span);
                diag = diag
                    .suggest_all("move the statement to the way back", edits)
                    .certain_if(changes);
            }
        }
        (When::Choice, ..) => {
            diag = diag.help(
                "a route is chosen by the connection and the request; look at the rest in a statement",
            );
        }
        (When::Claim, ..) => {
            diag = diag.help(
                "an assert asks about a request as it comes; of what is sent and answered it knows the status, and header fields that it compares by themselves, such as `up.header[\"x\"] == \"1\"`",
            );
        }
        _ => {}
    }
    cx.report(diag);
}

/// Whether a statement is there to change what stands at `place`.
fn changes(cx: &Context<'_>, statement: Span, place: Span) -> bool {
    let verb = cx.text(Span { end: place.start, ..statement }).trim_end();
    let row = cx.vocabulary.actions.iter().find(|row| row.name == verb);
    row.is_some_and(|row| matches!(row.form, Form::Assign | Form::Append | Form::Place))
}

/// Says that `what` comes after the way in has ended, and offers the move.
pub(super) fn too_late(
    cx: &Context<'_>,
    scope: &Scope<'_>,
    what: &str,
    span: Span,
    end: Span,
) -> Diag {
    let diag = no_effect(span, what, end);
    match moved_before(cx, scope, end) {
        Some(edits) => diag.fix_all("move the statement to the way in", edits),
        None => diag,
    }
}

/// The edits that move the statement of a scope in front of the one at `end`, if that ends the route of its own: what ends
/// the way in may stand in a policy that others apply too.
pub(super) fn moved_before(cx: &Context<'_>, scope: &Scope<'_>, end: Span) -> Option<Vec<Edit>> {
    let statement = scope.statement?;
    (scope.end == Some(end)).then(|| moved(cx, statement, end, Beside::Before)).flatten()
}

/// On which side of another statement one is put.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Beside {
    Before,
    Behind,
}

/// The edits that move a statement with a line of its own to the side of another one.
fn moved(cx: &Context<'_>, statement: Span, other: Span, side: Beside) -> Option<Vec<Edit>> {
    let whole = |span: Span| {
        let before = cx.text(Span { start: 0, end: span.start, ..span });
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        Span { start: u32::try_from(start).unwrap_or(span.start), ..span }
    };
    let unit = cx.units.iter().find(|unit| unit.source.id == statement.source)?;
    let text: &str = &unit.source.text;
    let line_end = |at: u32| {
        let rest = text.get(at as usize..)?;
        let end = rest.find('\n')?;
        let tail = rest.get(..end)?.trim();
        (tail.is_empty() || tail.starts_with("//")).then_some(at + u32::try_from(end).ok()? + 1)
    };
    // Where the lines of a statement begin that stands in lines of its own, with the comments above it.
    let begin = |span: Span| {
        let start = whole(span).start as usize;
        let lead = text.get(start..span.start as usize)?;
        let above = text.get(..start)?;
        let comments = above.split_inclusive('\n').rev();
        let comments = comments.take_while(|line| line.trim_start().starts_with("//"));
        let length: usize = comments.map(str::len).sum();
        lead.trim().is_empty().then_some(start - length)
    };
    let from = begin(statement)?;
    let to = line_end(statement.end)?;
    let insert = match side {
        Beside::Behind => line_end(other.end)?,
        Beside::Before => u32::try_from(begin(other)?).ok()?,
    };
    let lines = text.get(from..to as usize)?;
    let indent = indentation(cx, other);
    let (above, own) = lines.split_at_checked(statement.start as usize - from)?;
    let above = above.trim().lines().map(|line| format!("{indent}{}\n", line.trim()));
    let above: String = above.collect();
    let line = Span { start: u32::try_from(from).ok()?, end: to, ..statement };
    let at = Span { start: insert, end: insert, ..statement };
    Some(vec![
        Edit { span: line, text: String::new() },
        Edit { span: at, text: format!("{above}{indent}{own}") },
    ])
}
