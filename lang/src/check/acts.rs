//! The verbs of the vocabulary: each in its form, at its time, with what it asserts for the statements behind it.

use std::sync::Arc;

use super::args::{self, Given};
use super::constant::{children, value};
use super::context::{Context, Scope, When};
use super::erase;
use super::expr::{expr, wanted};
use super::facts::learned;
use super::fit::Why;
use super::index::Meaning;
use super::steps::Flow;
use super::{accept, always, fields, identity, names, phases};
use crate::diag::bad_sum::bad_sum;
use crate::diag::bad_value::bad_value;
use crate::diag::constant_condition::constant_condition;
use crate::diag::ends_twice::ends_twice;
use crate::diag::late_require::late_require;
use crate::diag::missing_argument::missing_argument;
use crate::diag::out_of_range::out_of_range;
use crate::diag::read_only::read_only;
use crate::diag::wrong_form::wrong_form;
use crate::policy::{Call, Expr, ExprKind, Place, StepKind};
use crate::source::Span;
use crate::syntax::ast;
use crate::types::Ty;
use crate::value::Value;
use crate::vocab::{Action, Ends, Form, Phase};

/// A verb of the vocabulary.
pub(super) fn act<'a>(
    cx: &mut Context<'a>,
    scope: &mut Scope<'a>,
    flow: &mut Flow,
    stmt: ast::Stmt<'a>,
    row: &'static Action,
    verb: ast::Word<'a>,
) {
    cx.note(verb.span, Meaning::Action(row));
    if always::refuse(cx, flow, row, verb.span) {
        return;
    }
    if row.ends != Ends::No
        && let Some(first) = flow.ended
    {
        let whole = erase::statement(cx, stmt.span());
        cx.report(ends_twice(verb.span, row.name, first, whole));
        return;
    }
    if !phases::is_there(scope.when, row.phase) {
        phases::too_early(cx, scope, row.name, row.phase, verb.span);
        flow.doubtful = true;
        return;
    }
    if let (false, Ends::No, Some(end)) = (row.late, row.ends, flow.ended) {
        cx.report(phases::too_late(cx, scope, row.name, verb.span, end));
        return;
    }
    flow.doubtful |= stmt.is_line_broken() && row.ends == Ends::No;
    let known = cx.diags.len();
    let call = match row.form {
        Form::Assign | Form::Append | Form::Place if args::takes_no_block(cx, stmt, row.name) => {
            None
        }
        Form::Assign | Form::Append => assign(cx, scope, flow, stmt, row, verb),
        Form::Place => place(cx, scope, flow, stmt, row, verb),
        Form::Plain | Form::Arms { .. } | Form::Applied => plain(cx, scope, stmt, row, verb),
    };
    let condition = row.asserted().and_then(|at| call.as_ref()?.args.get(at));
    if row.asserts.is_some() && condition.is_none_or(|condition| cx.is_obscure(condition, known)) {
        scope.facts.lose();
    }
    if let Some(mut call) = call {
        if let Some(at) = row.asserted()
            && let Some(condition) = call.args.get(at)
        {
            if let Some(Value::Bool(outcome)) = value(condition)
                && cx.repeating == 0
            {
                let whole = erase::condition(cx, condition.span).filter(|_| *outcome);
                cx.report(constant_condition(condition.span, *outcome, whole));
            }
            if let Some(end) = flow.ended.filter(|_| flow.phase == Phase::Origin)
                && known_before(condition)
            {
                let diag = late_require(verb.span, row.name, end);
                cx.report(match phases::moved_before(cx, scope, end) {
                    Some(edits) => diag.fix_all("move it to the way in", edits),
                    None => diag,
                });
            }
            let facts = learned(condition, true);
            scope.facts.add(&facts);
            if identity::asks_who(condition) {
                identity::refuse_as_unknown(&mut call, verb.span);
            }
        }
        flow.push(StepKind::Act(call), stmt.span());
    }
    if row.ends != Ends::No {
        flow.end(row.ends, stmt.span());
        scope.when = When::Step(flow.phase);
    }
}

/// Whether nothing in it hangs on what is there behind `forward` only. What a name stands for is not looked at.
fn known_before(condition: &Expr) -> bool {
    match &condition.kind {
        ExprKind::Field(row, _) => row.from < Phase::Response,
        ExprKind::Local(_) | ExprKind::Error => false,
        kind => children(kind).into_iter().all(known_before),
    }
}

fn plain<'a>(
    cx: &mut Context<'a>,
    scope: &Scope<'a>,
    stmt: ast::Stmt<'a>,
    row: &'static Action,
    verb: ast::Word<'a>,
) -> Option<Call> {
    if let Some(assignment) = stmt.assignment() {
        let diag = wrong_form(
            assignment.equals,
            format!("`{}` assigns nothing", row.name),
            "no `=` belongs here",
        );
        cx.report(if row.asserts.is_some() {
            diag.help("`==` compares two values").fix("write `==`", assignment.equals, "==")
        } else {
            diag.help(format!("as in `{}`", row.example))
        });
        return None;
    }
    let mut slots = args::of_rows(row.params);
    let mut arms = Vec::new();
    let mut has_arms = false;
    if let Some(block) = stmt.block() {
        let Form::Arms { pattern, value } = row.form else {
            let diag =
                wrong_form(block.span(), format!("`{}` takes no block", row.name), "not here");
            cx.report(diag.help(format!("as in `{}`", row.example)));
            return None;
        };
        has_arms = true;
        arms = self::arms(cx, scope, block, row, &pattern(), &value())?;
    }
    let strays = args::strays(cx, stmt.node(), None);
    let given = Given {
        what: row.name,
        positional: stmt.positional().collect(),
        named: stmt.named().collect(),
        span: verb.span,
        broken: stmt.is_line_broken() || strays,
    };
    let first = if has_arms && !slots.is_empty() { Some(slots.remove(0)) } else { None };
    let mut args = args::bind(cx, scope, &given, &slots);
    if let Some(first) = first {
        let absent = super::expr::constant(Value::Absent, first.ty, verb.span);
        args.insert(0, absent);
    }
    let values: Vec<Option<&Value>> = args.iter().map(value).collect();
    if let Some(coherent) = row.coherent
        && !args.iter().any(|arg| arg.ty.is_error())
        && let Err((at, reason)) = coherent(&values)
    {
        let place = args.get(at).map_or(verb.span, |arg| arg.span);
        cx.report(bad_value(place, reason, "not beside the others"));
    }
    Some(Call { row, args, place: None, arms })
}

/// `{ pattern => value }`; shares are of a whole.
fn arms<'a>(
    cx: &mut Context<'a>,
    scope: &Scope<'a>,
    block: ast::Block<'a>,
    row: &'static Action,
    pattern: &Ty,
    target: &Ty,
) -> Option<Vec<(Expr, Expr)>> {
    let mut load = scope.clone();
    load.when = When::Load;
    let mut arms: Vec<(Expr, Expr)> = Vec::new();
    let mut sound = !block.is_broken();
    let mut reversed: Option<Span> = None;
    for line in block.lines() {
        let arm = match line {
            ast::Line::Arm(arm) if arm.is_broken() => {
                sound = false;
                continue;
            }
            ast::Line::Arm(arm) => arm,
            ast::Line::Error(_) => continue,
            ast::Line::Stmt(other) => {
                sound = false;
                let message = format!("the block of `{}` holds arms", row.name);
                let diag = wrong_form(other.span(), message, "this is none");
                cx.echoes.insert(diag.span(), other.span());
                cx.report(diag.help(format!("as in `{}`", row.example)));
                continue;
            }
            ast::Line::Field(_) | ast::Line::Item(_) => {
                sound = false;
                if block.is_broken() {
                    break;
                }
                let message = format!("the block of `{}` holds arms", row.name);
                cx.report(
                    wrong_form(block.span(), message, "something else stands here")
                        .help(format!("as in `{}`", row.example)),
                );
                break;
            }
        };
        if let (
            Some(ast::Expr::Name(name)),
            Some(ast::ArmValue::Expr(share @ ast::Expr::Literal(_))),
        ) = (arm.pattern(), arm.value())
            && cx.text(share.span()).ends_with('%')
        {
            sound = false;
            let (name, share) = (cx.text(name.span()), cx.text(share.span()));
            if reversed.replace(arm.span()).is_none() {
                let message = "a share stands in front of what it leads to";
                cx.report(
                    wrong_form(arm.span(), message, "the other way round")
                        .help(format!("write `{share} => {name}`"))
                        .suggest(
                            format!("write `{share} => {name}`"),
                            arm.span(),
                            format!("{share} => {name}"),
                        ),
                );
            }
            continue;
        }
        let says = |ty: &Ty| Why::says(format!("an arm of `{}` has {ty} here", row.name));
        let left = match arm.pattern() {
            Some(written) => wanted(cx, &load, written, pattern, &says(pattern)),
            None => super::context::reported(arm.span()),
        };
        if let Some(Value::Percent(share)) = value(&left)
            && !(0.0..=100.0).contains(share)
        {
            let message = format!("`{share}%` is no share of a whole");
            cx.report(out_of_range(left.span, message, "a share is 0% to 100%"));
            sound = false;
        }
        let right = match arm.value() {
            Some(ast::ArmValue::Expr(written)) => {
                let why = Why::says(match target {
                    Ty::Item(kind) => format!("an arm of `{}` leads to an {kind}", row.name),
                    other => format!("an arm of `{}` gives {other}", row.name),
                });
                wanted(cx, &load, written, target, &why)
            }
            Some(ast::ArmValue::Block(inner)) => {
                cx.report(wrong_form(inner.span(), "an arm leads to a value", "no block here"));
                super::context::reported(inner.span())
            }
            None => super::context::reported(arm.span()),
        };
        sound &= !left.ty.is_error() && !right.ty.is_error();
        arms.push((left, right));
    }
    if arms.is_empty() && sound {
        let message = format!("the block of `{}` is empty", row.name);
        let diag = wrong_form(block.span(), message, "an arm belongs here");
        cx.report(diag.help(format!("as in `{}`", row.example)));
        return None;
    }
    if sound && *pattern == Ty::Percent {
        let shares: Option<Vec<f64>> = arms
            .iter()
            .map(|(share, _)| match value(share) {
                Some(Value::Percent(share)) => Some(*share),
                _ => None,
            })
            .collect();
        if let Some(shares) = shares {
            let sum: f64 = shares.iter().sum();
            if (sum - 100.0).abs() > 1e-6
                && let (Some((last, _)), Some(own)) = (arms.last(), shares.last())
            {
                let mut diag = bad_sum(last.span, (sum * 1e6).round() / 1e6);
                let rest = ((100.0 - (sum - own)) * 1e6).round() / 1e6;
                if rest > 0.0 {
                    diag = diag.suggest(format!("make it {rest}%"), last.span, format!("{rest}%"));
                }
                cx.report(diag);
                return None;
            }
        }
    }
    sound.then_some(arms)
}

/// `set place = value`.
fn assign<'a>(
    cx: &mut Context<'a>,
    scope: &mut Scope<'a>,
    flow: &Flow,
    stmt: ast::Stmt<'a>,
    row: &'static Action,
    verb: ast::Word<'a>,
) -> Option<Call> {
    let Some(assignment) = stmt.assignment() else {
        if !stmt.is_line_broken() {
            let message = format!("`{}` takes a place and a value", row.name);
            let place = stmt.positional().next().map_or(verb.span, |written| written.span());
            let diag = wrong_form(place, message, "no `= value` behind this");
            cx.report(diag.help(format!("as in `{}`", row.example)));
        }
        return None;
    };
    no_more(cx, &stmt, row);
    args::strays(cx, stmt.node(), Some(assignment.equals));
    let changed = writable(cx, scope, flow, assignment.target, row, verb);
    let written = assignment.value?;
    let Some((field, key, span)) = changed else {
        if !names::is_absent(cx, scope, written) {
            expr(cx, scope, written, None);
        }
        return None;
    };
    if matches!(row.form, Form::Append)
        && let Some(diag) = accept::addition(cx, field, key.as_deref(), span)
    {
        cx.report(diag.fix("write `set`", verb.span, "set"));
        return None;
    }
    let ty = (field.ty)();
    let why = Why::place(span, format!("`{}` is {ty}", field.path));
    let value = wanted(cx, scope, written, &ty, &why);
    let value = accept::assigned(cx, field, key.as_deref(), value);
    if matches!(row.form, Form::Append) && value.ty.is_optional() {
        // What stands there stays.
    } else if value.ty.is_optional() || value.ty.is_error() {
        scope.facts.forget(field.path, key.as_deref());
    } else {
        let kind = ExprKind::Field(field, key.clone());
        scope.facts.learn(&Expr { kind, ty, span });
    }
    Some(Call { row, args: vec![value], place: Some(Place { field, key, span }), arms: Vec::new() })
}

/// `unset place`.
pub(super) fn place<'a>(
    cx: &mut Context<'a>,
    scope: &mut Scope<'a>,
    flow: &Flow,
    stmt: ast::Stmt<'a>,
    row: &'static Action,
    verb: ast::Word<'a>,
) -> Option<Call> {
    if let Some(assignment) = stmt.assignment() {
        let value = assignment.value.map_or(assignment.equals, |value| value.span());
        let extra = Span { start: assignment.target.span().end, ..assignment.equals.to(value) };
        let message = format!("`{}` takes a place alone", row.name);
        cx.report(
            wrong_form(assignment.equals, message, "no value belongs here")
                .help(format!("as in `{}`", row.example))
                .fix("remove the value", extra, ""),
        );
        return None;
    }
    let mut positional = stmt.positional();
    let Some(written) = positional.next() else {
        if !stmt.is_line_broken() {
            cx.report(missing_argument(
                verb.span,
                row.name,
                "place",
                "a field that can be changed",
            ));
        }
        return None;
    };
    if let Some(extra) = positional.next() {
        let message = format!("`{}` takes one place", row.name);
        let diag = wrong_form(extra.span(), message, "one too many");
        cx.report(diag.help(format!("write a line for each: `{}`", row.example)));
    }
    let (field, key, span) = writable(cx, scope, flow, written, row, verb)?;
    if let Some(diag) = accept::removal(field, key.as_deref(), span) {
        cx.report(diag);
        return None;
    }
    scope.facts.forget(field.path, key.as_deref());
    Some(Call { row, args: Vec::new(), place: Some(Place { field, key, span }), arms: Vec::new() })
}

fn no_more<'a>(cx: &mut Context<'a>, stmt: &ast::Stmt<'a>, row: &'static Action) {
    let extra = stmt.positional().next().map(|extra| extra.span());
    let named = stmt.named().next().map(|arg| arg.span);
    if let Some(span) = extra.or(named) {
        let message = format!("`{}` takes one place and one value", row.name);
        let diag = wrong_form(span, message, "one too many");
        cx.report(diag.help(format!("write a line for each: `{}`", row.example)));
    }
}

/// The field that a statement changes, if it may.
fn writable<'a>(
    cx: &mut Context<'a>,
    scope: &Scope<'a>,
    flow: &Flow,
    written: ast::Expr<'a>,
    row: &'static Action,
    verb: ast::Word<'a>,
) -> Option<(&'static crate::vocab::Field, Option<Arc<str>>, Span)> {
    let (field, key, span) = fields::place(cx, scope, written)?;
    if !field.is_writable() {
        let tail = field.path.split_once('.').map_or("", |(_, tail)| tail);
        let instead = ["up", "resp"].iter().find_map(|root| {
            let row =
                cx.vocabulary.field(&format!("{root}.{tail}")).filter(|row| row.is_writable())?;
            (field.path.starts_with("req") == (*root == "up")).then_some(row.path)
        });
        let mut diag = read_only(span, field.path, instead);
        if let Some(instead) = instead {
            let root = span.part(0, field.path.len().min(span.len()));
            if cx.text(root) == field.path {
                diag = diag.fix(format!("write `{instead}`"), root, instead);
            }
        }
        cx.report(diag);
        return None;
    }
    if let Some(end) = flow.ended
        && field.from <= Phase::Route
    {
        let what = format!("{} {}", row.name, field.path);
        let mut diag = phases::too_late(cx, scope, &what, verb.span, end);
        if flow.always {
            diag.labels.truncate(1);
            diag = diag.label(end, "this runs when there is an answer");
        }
        let answer = field.path.strip_prefix("up.").map(|tail| format!("resp.{tail}"));
        if let Some(answer) = answer.filter(|path| cx.vocabulary.field(path).is_some()) {
            let help =
                format!("move it before the statement that ends the way in, or change `{answer}`");
            let place = Span { end: span.start + field.path.len() as u32, ..span };
            diag = diag.help(help);
            if cx.text(place) == field.path {
                diag = diag.suggest(format!("change `{answer}`"), place, answer);
            }
        }
        cx.report(diag);
        return None;
    }
    if let Some(diag) = accept::place(field, key.as_deref(), span) {
        cx.report(diag);
        return None;
    }
    Some((field, key, span))
}
