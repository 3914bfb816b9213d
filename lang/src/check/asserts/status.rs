//! Claims about the status: it is compared with one, or asked to be in a list or a range of them.

use std::sync::Arc;

use super::reader::nothing;
use crate::check::constant::value;
use crate::check::context::{Context, Scope};
use crate::check::expr::expr;
use crate::check::fit::{Why, fit};
use crate::diag::not_constant::not_constant;
use crate::diag::wrong_form::wrong_form;
use crate::policy::{Claim, Compare, Expr};
use crate::source::Span;
use crate::syntax::ast;
use crate::types::Ty;
use crate::value::Value;

/// `status == 403`. What is a range of statuses has no order with one: it is asked with `in`, whose place is `op`.
pub(super) fn status<'a>(
    cx: &mut Context<'a>,
    scope: &Scope<'a>,
    written: ast::Expr<'a>,
    how: Compare,
    op: Span,
) -> Claim {
    let read = expr(cx, scope, written, Some(&Ty::Status));
    if let Ty::Range(_) = read.ty {
        let (message, reason) = ("these are several statuses", "one of them is meant");
        let diag = wrong_form(read.span, message, reason);
        let word = match how {
            Compare::Eq => "in",
            Compare::Ne => "not in",
            _ => {
                cx.report(diag.help("write one status, as in `status >= 400`"));
                return nothing();
            }
        };
        let help = format!("write `status {word} {}`", cx.text(read.span));
        cx.report(diag.help(help).fix(format!("write `{word}`"), op, word));
        return nothing();
    }
    let why = Why::says("`status` is compared with a status");
    let read = fit(cx, scope, read, &Ty::Status, &why);
    match value(&read) {
        Some(Value::Status(status)) => Claim::Status(how, *status),
        _ => not_literal(cx, &read),
    }
}

/// What `status` may be in: a status, or a range of them.
pub(super) fn statuses<'a>(
    cx: &mut Context<'a>,
    scope: &Scope<'a>,
    written: ast::Expr<'a>,
) -> Claim {
    let read = expr(cx, scope, written, Some(&Ty::Status));
    let ty = match read.ty {
        Ty::Range(_) => Ty::Range(Arc::new(Ty::Status)),
        _ => Ty::Status,
    };
    let why = Why::says("`status` is in a list or a range of statuses");
    let read = fit(cx, scope, read, &ty, &why);
    match value(&read) {
        Some(Value::Status(status)) => Claim::Status(Compare::Eq, *status),
        Some(Value::Range(ends)) => match (&ends.0, &ends.1) {
            (Value::Status(low), Value::Status(high)) => {
                let low = Claim::Status(Compare::Ge, *low);
                Claim::All(vec![low, Claim::Status(Compare::Le, *high)])
            }
            _ => nothing(),
        },
        _ => not_literal(cx, &read),
    }
}

fn not_literal(cx: &mut Context<'_>, read: &Expr) -> Claim {
    if !read.ty.is_error() {
        cx.report(not_constant(read.span, "a claim compares the status with a literal"));
    }
    nothing()
}
