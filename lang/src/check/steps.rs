//! Statements in their order: whose turn it is, what a `let` names, and what is no statement. Verbs and `apply` have
//! rooms of their own.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use super::acts::act;
use super::always::always;
use super::apply::apply_all;
use super::constant::is_const;
use super::context::{Bound, Context, Entry, Local, Scope, When};
use super::erase;
use super::expr::{expr, wanted};
use super::fields;
use super::fit::Why;
use super::index::{Definition, Meaning};
use super::types;
use crate::diag::Diag;
use crate::diag::duplicate_name::duplicate_name;
use crate::diag::misplaced_clause::misplaced_clause;
use crate::diag::not_available::{is_planned, not_available};
use crate::diag::shadowed::shadowed;
use crate::diag::unknown_verb::unknown_verb;
use crate::diag::unused::unused;
use crate::diag::wrong_form::wrong_form;
use crate::foreign;
use crate::policy::{Expr, Step, StepKind};
use crate::source::Span;
use crate::syntax::Keyword;
use crate::syntax::ast;
use crate::types::Ty;
use crate::vocab::clauses::CLAUSES;
use crate::vocab::{Ends, Phase, is_plainly, nearest};

/// The clauses that choose a route.
pub(super) const CHOOSING: &[&str] = &["host", "path", "method", "where"];

/// A route's statements as they come together.
pub(super) struct Flow {
    pub(super) phase: Phase,
    /// The statement that ended the way in.
    pub(super) ended: Option<Span>,
    /// Whether these are the statements of an `always`.
    pub(super) always: bool,
    /// Whether something was reported that may have ended it.
    pub(super) doubtful: bool,
    pub(super) steps: Vec<Step>,
    pub(super) via: Vec<Arc<str>>,
}

impl Flow {
    pub(super) fn new() -> Flow {
        Flow {
            phase: Phase::Route,
            ended: None,
            always: false,
            doubtful: false,
            steps: Vec::new(),
            via: Vec::new(),
        }
    }

    pub(super) fn end(&mut self, ends: Ends, span: Span) {
        self.ended = Some(span);
        self.phase = if ends == Ends::Forwards { Phase::Origin } else { Phase::Response };
    }

    /// Something unknown stands here: it may have ended the way in, so that anything may follow.
    pub(super) fn lose_track(&mut self) {
        self.doubtful = true;
        self.phase = Phase::Origin;
    }

    pub(super) fn push(&mut self, kind: StepKind, span: Span) {
        self.steps.push(Step { kind, span, via: self.via.clone() });
    }
}

/// Checks one statement and adds what it does. `place` says whose it is: a route, a site or a policy. Nothing more is
/// said of a line that did not parse.
pub(super) fn statement<'a>(
    cx: &mut Context<'a>,
    scope: &mut Scope<'a>,
    flow: &mut Flow,
    stmt: ast::Stmt<'a>,
    place: &str,
) {
    let broken = stmt.is_line_broken();
    cx.quietly(broken, |cx| whole(cx, scope, flow, stmt, place));
    flow.doubtful |= broken;
    if broken && asks(cx, stmt) {
        scope.facts.lose();
    }
}

/// Whether a statement may say what is present behind it.
fn asks(cx: &Context<'_>, stmt: ast::Stmt<'_>) -> bool {
    stmt.verb().is_none_or(|verb| {
        let row = cx.vocabulary.action(verb.text);
        row.is_none_or(|row| row.asserts.is_some()) && verb.text != "let"
    })
}

pub(super) fn whole<'a>(
    cx: &mut Context<'a>,
    scope: &mut Scope<'a>,
    flow: &mut Flow,
    stmt: ast::Stmt<'a>,
    place: &str,
) {
    let Some(verb) = stmt.verb() else {
        flow.lose_track();
        return;
    };
    scope.when = When::Step(flow.phase);
    scope.statement = Some(stmt.span());
    if !cx.spend(1, verb.span) {
        flow.doubtful = true;
        return;
    }
    if let Some(clause) = CLAUSES.iter().find(|clause| clause.name == verb.text) {
        cx.note(verb.span, Meaning::Clause(clause));
    }
    match verb.text {
        "let" => define(cx, scope, flow, stmt),
        "apply" => apply_all(cx, scope, flow, stmt, verb),
        "always" => always(cx, scope, flow, stmt, verb),
        word if CHOOSING.contains(&word) => {
            let diag = misplaced_clause(verb.span, word, &format!("a {place}"));
            cx.report(match word {
                "where" => diag
                    .help("a statement that must hold is a `require`; `where` chooses a route")
                    .suggest("write `require`", verb.span, "require"),
                _ => {
                    let whole = erase::statement(cx, stmt.span());
                    diag.help("it stands in a route, or in a site for all of its routes").suggest(
                        "remove it",
                        whole,
                        "",
                    )
                }
            });
            flow.doubtful = true;
        }
        _ => match cx.vocabulary.action(verb.text) {
            Some(row) => act(cx, scope, flow, stmt, row, verb),
            None => unknown(cx, scope, flow, stmt, verb, place),
        },
    }
}

fn unknown<'a>(
    cx: &mut Context<'a>,
    scope: &mut Scope<'a>,
    flow: &mut Flow,
    stmt: ast::Stmt<'a>,
    verb: ast::Word<'a>,
    place: &str,
) {
    if is_planned(verb.text) {
        flow.lose_track();
        cx.report(not_available(verb.span, verb.text));
        return;
    }
    let actions = cx.vocabulary.actions.iter().map(|action| action.name);
    let words = CLAUSES.iter().map(|clause| clause.name);
    let known = actions.chain(words);
    let meant = foreign::verb(verb.text);
    let near = nearest(verb.text, known.clone()).filter(|_| meant.is_none());
    let plain = near.is_some_and(|near| is_plainly(verb.text, near, known));
    match near.and_then(|near| cx.vocabulary.action(near)).map(|row| row.ends) {
        Some(Ends::No) => {}
        Some(ends) if flow.ended.is_none() => flow.end(ends, stmt.span()),
        _ => flow.lose_track(),
    }
    let near_row = near.and_then(|near| cx.vocabulary.action(near));
    if near_row.is_none_or(|row| row.asserts.is_some()) {
        scope.facts.lose();
    }
    let mut diag =
        unknown_verb(verb.span, verb.text, &format!("a {place}"), near).certain_if(plain);
    if near.is_none() {
        let is_policy = matches!(
            cx.names.get(scope.unit).and_then(|names| names.get(verb.text)),
            Some(Entry::Item(id)) if cx.item(*id).keyword == Keyword::Policy
        );
        let home = cx.vocabulary.blocks.iter().find(|block| block.setting(verb.text).is_some());
        let takes =
            cx.vocabulary.actions.iter().find(|row| row.params.iter().any(|p| p.name == verb.text));
        diag = match home {
            _ if is_policy => {
                let start = Span { end: verb.span.start, ..verb.span };
                diag.help(format!("`{}` is a policy: apply it", verb.text)).fix(
                    "apply the policy",
                    start,
                    "apply ",
                )
            }
            _ if place == "site" && meant.is_none() && is_headless(stmt) => headless(diag, verb),
            _ if let Some(meant) = foreign::condition(verb.text)
                && stmt.block().is_none()
                && stmt.positional().count() == 1
                && stmt.named().next().is_none() =>
            {
                let diag = diag.help(meant.help);
                let ours = meant.ours.map(|ours| if takes_where(place) { ours } else { "require" });
                match ours {
                    Some(ours) => diag.suggest(format!("write `{ours}`"), verb.span, ours),
                    None => diag,
                }
            }
            _ if let Some(meant) = meant => {
                let diag = diag.help(meant.help);
                match meant.ours {
                    Some(ours) => diag.suggest(format!("write `{ours}`"), verb.span, ours),
                    None => diag,
                }
            }
            _ if place == "site" && verb.text == "route" => {
                diag.help("what belongs to a route stands in braces: `route NAME { … }`")
            }
            _ if takes.is_some() => {
                let of = takes.map_or("", |row| row.name);
                diag.help(format!("`{0}` is an argument of `{of}`: `{of} …, {0}=…`", verb.text))
            }
            Some(block) => diag.help(format!("`{}` is a setting of `{}`", verb.text, block.name)),
            None => {
                let mut known: Vec<Arc<str>> =
                    cx.vocabulary.actions.iter().map(|action| action.name.into()).collect();
                let words = CLAUSES.iter().map(|clause| clause.name);
                known.extend(words.filter(|word| !CHOOSING.contains(word)).map(Arc::from));
                known.sort_unstable();
                let verbs = super::names::listed(&known);
                diag.help(match takes_where(place) {
                    true => {
                        let clauses = CHOOSING.iter().map(|clause| Arc::from(*clause));
                        let clauses = super::names::listed(&clauses.collect::<Vec<_>>());
                        format!("the clauses are {clauses}, the verbs {verbs}")
                    }
                    false => format!("the verbs are {verbs}"),
                })
            }
        };
    }
    cx.report_verb(stmt, diag);
    // What a misspelt verb is given is looked at by whoever mends the verb; names in it count as used.
    let known = cx.diags.len();
    for value in stmt.positional().chain(stmt.named().filter_map(|arg| arg.value)) {
        expr(cx, scope, value, None);
        touch(cx, scope, value);
    }
    cx.diags.truncate(known);
}

/// Whether the clauses that choose requests stand in a block of this kind.
fn takes_where(place: &str) -> bool {
    matches!(place, "route" | "site")
}

/// Whether it looks like a route whose `route` is missing: a name and a block.
pub(super) fn is_headless(stmt: ast::Stmt<'_>) -> bool {
    stmt.block().is_some() && stmt.positional().next().is_none() && stmt.named().next().is_none()
}

/// Asks whether `route` is missing in front of a name and its block.
pub(super) fn headless(diag: Diag, verb: ast::Word<'_>) -> Diag {
    let start = Span { end: verb.span.start, ..verb.span };
    let help =
        format!("is `route` missing in front of it? A site holds `route {} {{ … }}`", verb.text);
    diag.help(help).suggest("write `route`", start, "route ")
}

/// Counts a bare name as used.
fn touch<'a>(cx: &mut Context<'a>, scope: &Scope<'a>, written: ast::Expr<'a>) {
    if let ast::Expr::Name(name) = written
        && let Some(Entry::Item(id)) =
            cx.names.get(scope.unit).and_then(|names| names.get(name.text())).copied()
    {
        cx.use_item(id, name.span());
    }
}

/// `let name = value`.
fn define<'a>(cx: &mut Context<'a>, scope: &mut Scope<'a>, flow: &mut Flow, stmt: ast::Stmt<'a>) {
    let Some(binding) = stmt.binding() else { return };
    let declared = binding.ty.map(|ty| (types::ty(cx, ty), ty.span()));
    let value = match (binding.value, &declared) {
        (Some(value), Some((ty, place))) => {
            let why = Why::place(*place, format!("declared as {ty} here"));
            wanted(cx, scope, value, ty, &why)
        }
        (Some(value), None) => expr(cx, scope, value, None),
        (None, _) => super::context::reported(stmt.span()),
    };
    let Some(name) = binding.name else { return };
    if let Some(first) = scope.local(name.text) {
        let first = first.span;
        cx.report(duplicate_name(name.span, name.text, first));
        return;
    }
    if cx.repeating == 0 {
        let hidden = match cx.names.get(scope.unit).and_then(|names| names.get(name.text)) {
            Some(Entry::Item(id)) => Some(Some(cx.item(*id).span)),
            Some(Entry::File(_)) => Some(None),
            None => fields::is_namespace(cx, name.text).then_some(None),
        };
        if let Some(place) = hidden {
            cx.report(shadowed(name.span, name.text, place));
        }
    }
    // Of a value that did not parse nothing is known but what is declared.
    let of_value = || if stmt.is_line_broken() { Ty::Error } else { value.ty.clone() };
    let ty = declared.map_or_else(of_value, |(ty, _)| ty);
    if ty == Ty::Secret {
        // A secret keeps its place among the inputs; a copy would have none.
        bind_local(cx, scope, name, Bound::Put(Rc::new(value)), &ty);
        return;
    }
    let bound = if is_const(&value) || value.ty == Ty::Error {
        Bound::Put(Rc::new(Expr { ty: ty.clone(), ..value }))
    } else {
        let (id, value) = cx.local_of(value);
        flow.push(StepKind::Let(id, value), stmt.span());
        Bound::Local(id, ty.clone())
    };
    bind_local(cx, scope, name, bound, &ty);
}

fn bind_local<'a>(
    cx: &mut Context<'a>,
    scope: &mut Scope<'a>,
    name: ast::Word<'a>,
    bound: Bound,
    ty: &Ty,
) {
    let definition = cx.define(Definition {
        name: name.text.into(),
        kind: "let",
        span: name.span,
        ty: Some(ty.clone()),
        doc: "".into(),
    });
    let used = Rc::new(Cell::new(false));
    scope.locals.push(Local { name: name.text, span: name.span, definition, bound, used });
}

/// Says which locals nobody read.
pub(super) fn unused_locals(cx: &mut Context<'_>, scope: &Scope<'_>, kind: &str) {
    if cx.repeating > 0 {
        return;
    }
    for local in &scope.locals {
        if !local.used.get() && !local.name.starts_with('_') {
            let diag = unused(local.span, kind, local.name).help("remove it, or use it");
            cx.unread.push(diag);
        }
    }
}

/// Items that are refused as a whole; using them says nothing more.
pub(super) fn is_refused(keyword: Keyword) -> bool {
    matches!(keyword, Keyword::Store)
}

/// Says that a line is no statement.
pub(super) fn not_a_statement(
    cx: &mut Context<'_>,
    flow: &mut Flow,
    line: ast::Line<'_>,
    place: &str,
) {
    flow.lose_track();
    match line {
        ast::Line::Arm(arm) if arm.is_broken() => {}
        ast::Line::Field(field) if field.is_broken() => {}
        ast::Line::Arm(arm) => cx.report(wrong_form(
            arm.span(),
            format!("an arm does not stand in a {place} by itself"),
            "a verb belongs before it",
        )),
        ast::Line::Field(field) => {
            let name = field.name().map_or("verb", |name| name.text);
            let colon = colon(cx, field.span());
            cx.report(
                wrong_form(field.span(), "a statement has no `:`", "not a statement")
                    .help(format!("write the verb and its values: `{name} value`"))
                    .suggest("remove the `:`", colon, " "),
            );
        }
        ast::Line::Item(item) => {
            let word = item.head().keyword();
            let (span, text) =
                word.map_or((item.head().span(), "this"), |word| (word.span, word.text));
            cx.report(
                misplaced_clause(span, text, &format!("a {place}"))
                    .help("items stand by themselves; only a site holds routes"),
            );
        }
        ast::Line::Stmt(_) | ast::Line::Error(_) => {}
    }
}

/// The place of the first `:` in what looks like a field, with the blanks behind it.
pub(super) fn colon(cx: &Context<'_>, field: Span) -> Span {
    let text = cx.text(field);
    let at = text.find(':').unwrap_or(0);
    let rest = text.get(at + 1..).unwrap_or("");
    let blanks = rest.len() - rest.trim_start_matches([' ', '\t']).len();
    field.part(at, (at + 1 + blanks).min(text.len()))
}
