//! Constants: folding them, telling them from what depends on the request, and measuring what is put together.

use std::collections::{HashMap, HashSet};

use super::context::Context;
use crate::diag::too_large::too_large;
use crate::eval::{Nothing, eval};
pub(super) use crate::policy::parts::{children, children_mut};
use crate::policy::{Expr, ExprKind, LocalId};
use crate::value::Value;

/// How much a constant may hold, counted in bytes of text and in values.
const WEIGHT: usize = 64 << 10;

/// The same expression; computed now, if everything in it is known.
pub(super) fn fold(cx: &mut Context<'_>, expr: Expr) -> Expr {
    let known = match &expr.kind {
        ExprKind::Const(_) | ExprKind::Error => false,
        ExprKind::Match(subject, arms) => {
            // The other arms do not matter once the subject is known.
            if let ExprKind::Const(value) = &subject.kind {
                let taken = arms.iter().find(|arm| crate::eval::holds(arm, value));
                if let Some(arm) = taken {
                    return Expr { ty: expr.ty, ..arm.value.clone() };
                }
            }
            false
        }
        ExprKind::Input(_)
        | ExprKind::Field(..)
        | ExprKind::Capture(_)
        | ExprKind::Local(_)
        | ExprKind::Quantified(..) => false,
        kind => children(kind).iter().all(|child| is_const(child)),
    };
    if !known {
        return expr;
    }
    let value = eval(&expr, &Nothing);
    if weight(&value, WEIGHT).is_none() {
        let reason = "a constant holds at most 64 KiB";
        cx.report(too_large(expr.span, "this constant is too large", reason));
        return super::context::reported(expr.span);
    }
    Expr { kind: ExprKind::Const(value), ty: expr.ty, span: expr.span }
}

/// Whether its value is known now.
pub(super) fn is_const(expr: &Expr) -> bool {
    matches!(expr.kind, ExprKind::Const(_))
}

/// The value, if it is known now.
pub(super) fn value(expr: &Expr) -> Option<&Value> {
    match &expr.kind {
        ExprKind::Const(value) => Some(value),
        _ => None,
    }
}

/// Whether its value is known once inputs are bound. Parameters in `open` count as known.
pub(super) fn is_load_time(expr: &Expr, open: &HashSet<LocalId>) -> bool {
    fn holds(expr: &Expr, open: &HashSet<LocalId>, bound: &mut Vec<LocalId>) -> bool {
        match &expr.kind {
            ExprKind::Field(..) | ExprKind::Capture(_) => false,
            ExprKind::Local(local) => open.contains(local) || bound.contains(local),
            ExprKind::Quantified(_, name, list, predicate) => {
                bound.push(*name);
                let all = holds(list, open, bound) && holds(predicate, open, bound);
                bound.pop();
                all
            }
            kind => children(kind).iter().all(|child| holds(child, open, bound)),
        }
    }
    holds(expr, open, &mut Vec::new())
}

/// Whether it reads one of these locals.
pub(super) fn reads_one_of(expr: &Expr, locals: &HashSet<LocalId>) -> bool {
    match &expr.kind {
        ExprKind::Local(local) => locals.contains(local),
        kind => children(kind).iter().any(|child| reads_one_of(child, locals)),
    }
}

/// How many expressions it has in it, and how deep they nest.
pub(super) fn measure(expr: &Expr) -> (usize, u32) {
    let mut total = (1, 0);
    for child in children(&expr.kind) {
        let (size, depth) = measure(child);
        total = (total.0 + size, total.1.max(depth));
    }
    (total.0, total.1 + 1)
}

/// How deep expressions nest in it; a local stands for as much as `locals` says.
pub(super) fn depth(expr: &Expr, locals: &HashMap<LocalId, u32>) -> u32 {
    match &expr.kind {
        ExprKind::Local(id) => locals.get(id).copied().unwrap_or(1),
        kind => {
            let inner = children(kind).into_iter().map(|child| depth(child, locals)).max();
            inner.unwrap_or(0).saturating_add(1)
        }
    }
}

/// How many values may stand in what one expression comes to, once locals are put in: a request's texts are short, and so
/// is then what is made of them.
const COPIES: usize = 4_096;

/// The same expression; reported where what it comes to may hold more than [`COPIES`] values.
pub(super) fn bounded(cx: &mut Context<'_>, expr: Expr) -> Expr {
    let gathers = matches!(
        expr.kind,
        ExprKind::Template(_) | ExprKind::List(_) | ExprKind::Record(_) | ExprKind::Call(..)
    );
    if !gathers || copies(&expr, &cx.copies) <= COPIES {
        return expr;
    }
    let reason = format!("more than {COPIES} values side by side, once every `let` is put in");
    cx.report(too_large(expr.span, "this comes to too much", reason));
    super::context::reported(expr.span)
}

/// How many values stand in what an expression comes to; a local stands for as many as `locals` says.
pub(super) fn copies(expr: &Expr, locals: &HashMap<LocalId, usize>) -> usize {
    let of = |expr: &Expr| copies(expr, locals);
    match &expr.kind {
        ExprKind::Local(id) => locals.get(id).copied().unwrap_or(1),
        ExprKind::Member(base, _) => of(base),
        ExprKind::Coalesce(a, b) => of(a).max(of(b)),
        ExprKind::Match(_, arms) => arms.iter().map(|arm| of(&arm.value)).max().unwrap_or(1),
        ExprKind::Call(_, parts) | ExprKind::Template(parts) | ExprKind::List(parts) => {
            parts.iter().fold(1, |sum: usize, part| sum.saturating_add(of(part)))
        }
        ExprKind::Record(fields) => {
            fields.iter().fold(1, |sum: usize, (_, value)| sum.saturating_add(of(value)))
        }
        // A flag, a number, or what stands in the policy or the request.
        _ => 1,
    }
}

/// What is left of `room` after a value; `None` if it does not fit.
fn weight(value: &Value, room: usize) -> Option<usize> {
    let room = room.checked_sub(1)?;
    match value {
        Value::String(text) | Value::Method(text) | Value::Item(text) => {
            room.checked_sub(text.len())
        }
        Value::List(items) => items.iter().try_fold(room, |room, item| weight(item, room)),
        Value::Set(items) => items.iter().try_fold(room, |room, item| weight(item, room)),
        Value::Map(fields) => fields
            .iter()
            .try_fold(room, |room, (name, item)| weight(item, room.checked_sub(name.len())?)),
        _ => Some(room),
    }
}
