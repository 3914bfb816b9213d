//! `limit NAME(params) { … }`: its lines checked by themselves, and put where it is applied as one action, with its
//! parameters bound. What counts as one key may never be absent: requests without it would share a count, or have none.

use super::always;
use super::apply::Putting;
use super::args::{self, Given};
use super::blocks;
use super::calls::{has_errors, open};
use super::context::{Context, ItemId, Scope, State, When, is_head_broken};
use super::expr::constant;
use super::fit::{Why, absent, is_simple};
use super::index::Meaning;
use super::steps::{Flow, unused_locals};
use crate::diag::Edit;
use crate::diag::no_effect::no_effect;
use crate::diag::not_available::not_available;
use crate::policy::{Call, Expr, ExprKind, StepKind};
use crate::source::Span;
use crate::syntax::ast;
use crate::types::Ty;
use crate::value::Value;
use crate::vocab::{self, Phase};

/// Checks a limit by itself, once: its parameters are not known yet.
pub(super) fn define_limit(cx: &mut Context<'_>, id: ItemId) -> bool {
    match cx.item(id).state {
        State::Policy => return true,
        State::Fresh => {}
        _ => return false,
    }
    let (unit, span, view) = {
        let item = cx.item(id);
        (item.unit, item.span, item.view)
    };
    let head = *view.head();
    let word = head.keyword();
    let place = word.map_or(span, |word| word.span);
    let Some(row) = cx.vocabulary.block("limit") else {
        cx.report(not_available(place, "limit"));
        return false;
    };
    cx.note(place, Meaning::Block(row));
    let Some(aside) = cx.set_aside(place) else { return false };
    cx.item_mut(id).state = State::Busy;
    let known = cx.diags.len();
    let slots = args::of_fields(cx, unit, head.params());
    let mut scope = Scope::new(unit, When::Step(Phase::Route));
    let opened = open(cx, &mut scope, &slots);
    let block = blocks::read(cx, &scope, row, &head, span, None);
    // Of a line that did not parse nothing more is said.
    let stmts = head.block().into_iter().flat_map(|block| block.stmts());
    let broken: Vec<Span> =
        stmts.filter(|stmt| stmt.is_line_broken()).map(|stmt| stmt.span()).collect();
    for setting in block.iter().filter(|setting| !broken.contains(&setting.span)) {
        present(cx, &scope, &setting.args);
    }
    unused_locals(cx, &scope, "parameter");
    for local in opened {
        cx.open.remove(&local);
    }
    cx.resume(aside);
    let sound = !has_errors(cx, known) && !head.is_broken();
    if is_head_broken(&head) {
        // Its parameters are not known, nor then what is wrong with their uses.
        cx.diags.truncate(known);
    }
    cx.item_mut(id).state = if sound { State::Policy } else { State::Broken };
    sound
}

/// Puts a limit where it is applied; `scope` has its parameters bound.
pub(super) fn put<'a>(cx: &mut Context<'a>, scope: &Scope<'a>, flow: &mut Flow, at: &Putting<'a>) {
    let Some(row) = cx.vocabulary.block("limit") else { return };
    let Some(action) = row.applied else { return };
    let place = at.word.span;
    if always::refuse(cx, flow, action, place) {
        return;
    }
    if let Some(end) = flow.ended {
        cx.report(no_effect(place, action.name, end));
        return;
    }
    let head: ast::Head<'a> = *cx.item(at.id).view.head();
    let span = cx.item(at.id).span;
    let settings = blocks::read(cx, scope, row, &head, span, None);
    let name = Value::Item(cx.item(at.id).unique.clone());
    let mut values = vec![constant(name, Ty::Item("limit"), place)];
    for known in row.settings {
        match settings.iter().find(|setting| setting.row.name == known.name) {
            Some(setting) => values.extend(setting.args.iter().cloned()),
            None => values.extend(presets(cx, scope, known, place)),
        }
    }
    let call = Call { row: action, args: values, place: None, arms: Vec::new() };
    flow.push(StepKind::Act(call), at.span);
}

/// The arguments of a line that is not written.
fn presets<'a>(
    cx: &mut Context<'a>,
    scope: &Scope<'a>,
    row: &'static vocab::Setting,
    span: Span,
) -> Vec<Expr> {
    let given = Given {
        what: row.name,
        positional: Vec::new(),
        named: Vec::new(),
        span,
        // A line that must be there is missed already.
        broken: true,
    };
    args::bind(cx, scope, &given, &args::of_rows(row.params))
}

/// Reports what may be absent among values of which any kind is taken, the items of lists included.
pub(super) fn present(cx: &mut Context<'_>, scope: &Scope<'_>, values: &[Expr]) {
    for value in values {
        if let ExprKind::List(items) = &value.kind {
            present(cx, scope, items);
            continue;
        }
        let is_given = !matches!(value.kind, ExprKind::Const(_));
        if !value.ty.is_optional() || !is_given || scope.facts.is_lost() {
            continue;
        }
        let why = Why::default().absence("all requests without it would count as one");
        let wanted = value.ty.present().clone();
        let mut diag = absent(cx, scope, value, &wanted, &why);
        diag.fixes.clear();
        let place = |at| Span { start: at, end: at, ..value.span };
        let edit = |at, text: &str| Edit { span: place(at), text: text.to_owned() };
        let (start, end) = (value.span.start, value.span.end);
        let edits = match is_simple(cx.text(value.span)) {
            true => vec![edit(end, " ?? client.ip")],
            false => vec![edit(start, "("), edit(end, ") ?? client.ip")],
        };
        let diag = diag.help("say what counts instead: `?? client.ip`");
        cx.report(diag.suggest_all("write `?? client.ip`", edits));
    }
}
