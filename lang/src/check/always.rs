//! `always { … }`: statements that run on whatever is answered from where they stand on. They change the answer and
//! decide nothing: neither the way in nor another answer begins among them.

use super::context::{Context, Scope};
use super::steps::{Flow, not_a_statement, statement, unused_locals};
use crate::diag::misplaced_clause::misplaced_clause;
use crate::diag::wrong_form::wrong_form;
use crate::policy::StepKind;
use crate::source::Span;
use crate::syntax::ast;
use crate::vocab::identity::CLAIMS;
use crate::vocab::{Action, Ends, Phase};

/// What messages call the place of these statements.
const PLACE: &str = "block of `always`";

/// Checks an `always` and adds what it does.
pub(super) fn always<'a>(
    cx: &mut Context<'a>,
    scope: &Scope<'a>,
    flow: &mut Flow,
    stmt: ast::Stmt<'a>,
    verb: ast::Word<'a>,
) {
    let misplaced = match (flow.always, flow.ended) {
        (true, _) => Some("another `always`"),
        (false, Some(_)) => Some("the way back"),
        (false, None) => None,
    };
    if let Some(place) = misplaced {
        let diag = misplaced_clause(verb.span, verb.text, place);
        cx.report(diag.help("what stands here runs on the answer anyway: write it by itself"));
        return;
    }
    let extra = stmt.positional().next().map(|extra| extra.span());
    if let Some(span) = extra.or(stmt.named().next().map(|arg| arg.span)) {
        let diag = wrong_form(span, "`always` takes a block alone", "not here");
        cx.report(diag.help(format!("as in `{}`", example())));
    }
    let Some(block) = stmt.block() else {
        if !stmt.is_line_broken() {
            let diag = wrong_form(verb.span, "`always` takes a block", "no block behind this");
            cx.report(diag.help(format!("as in `{}`", example())));
        }
        return;
    };
    // It runs later, when only that is sure which no statement can change.
    let mut inner = scope.clone();
    let fields = cx.vocabulary;
    inner.facts.keep(|path| {
        let row = fields.field(path);
        path == CLAIMS.path
            || row.is_some_and(|row| row.from <= Phase::Request && !row.is_writable())
    });
    let shared = inner.locals.len();
    let mut held = Flow::new();
    held.always = true;
    held.phase = Phase::Origin;
    held.ended = Some(verb.span);
    held.via = flow.via.clone();
    let mut is_empty = true;
    for line in block.lines() {
        is_empty = false;
        match line {
            ast::Line::Stmt(stmt) => statement(cx, &mut inner, &mut held, stmt, PLACE),
            other => not_a_statement(cx, &mut held, other, PLACE),
        }
    }
    if is_empty && !block.is_broken() {
        let diag =
            wrong_form(block.span(), "this `always` holds nothing", "a statement belongs here");
        cx.report(diag.help(format!("as in `{}`", example())));
    }
    let own = inner.locals.split_off(shared);
    unused_locals(cx, &Scope { locals: own, ..inner }, "let");
    flow.doubtful |= held.doubtful;
    flow.push(StepKind::Always(held.steps), stmt.span());
}

/// Whether an action cannot stand in an `always`; that is reported.
pub(super) fn refuse(cx: &mut Context<'_>, flow: &mut Flow, row: &Action, place: Span) -> bool {
    let help = match row.ends {
        _ if !flow.always => return false,
        Ends::No if row.asserts.is_some() => "a requirement stands before the request is answered",
        Ends::No if !row.late => "the request is sent by then; this stands before `forward`",
        Ends::No => return false,
        Ends::Forwards | Ends::Responds => "an `always` changes the answer that others gave",
    };
    flow.doubtful = true;
    cx.report(misplaced_clause(place, row.name, "an `always`").help(help));
    true
}

fn example() -> &'static str {
    let clause = crate::vocab::clauses::CLAUSES.iter().find(|clause| clause.name == "always");
    clause.map_or("", |clause| clause.example)
}
