//! `in` and `not in`: lists, sets, maps, networks and ranges.

use std::sync::Arc;

use super::constant::{is_const, value};
use super::context::{Context, Scope, reported};
use super::expr::expr;
use super::fit::{Why, fit};
use super::operators::{Sides, is_plain};
use crate::diag::Diag;
use crate::diag::absent_comparison::absent_comparison;
use crate::diag::bad_operator::bad_operator;
use crate::policy::{Expr, ExprKind};
use crate::source::Span;
use crate::syntax::ast::{self};
use crate::types::Ty;
use crate::value::Value;

/// `a in b` and `a not in b`.
pub(super) fn member<'a>(
    cx: &mut Context<'a>,
    scope: &Scope<'a>,
    sides: Sides<'a>,
    negated: bool,
) -> Expr {
    let (item, of);
    if is_plain(sides.left) && !is_plain(sides.right) {
        of = expr(cx, scope, sides.right, None);
        let element = element(&of.ty);
        item = expr(cx, scope, sides.left, element.as_ref());
    } else {
        item = expr(cx, scope, sides.left, None);
        let list = match item.ty.present() {
            Ty::Ip => Ty::list(Ty::Cidr),
            other => Ty::list(other.clone()),
        };
        of = match sides.right {
            ast::Expr::List(list_written) if !item.ty.is_error() => {
                choices(cx, scope, list_written, item.ty.present(), sides.left.span())
            }
            ast::Expr::Binary(range) => {
                let hint = Ty::Range(Arc::new(item.ty.present().clone()));
                expr(cx, scope, ast::Expr::Binary(range), Some(&hint))
            }
            other => expr(cx, scope, other, Some(&list)),
        };
    }
    if item.ty.is_error() || of.ty.is_error() && !matches!(of.ty, Ty::List(_)) {
        return reported(sides.span);
    }
    let Some(element) = element(&of.ty) else {
        cx.report(not_a_group(cx, &sides, &item, &of));
        return reported(sides.span);
    };
    if element == Ty::String && matches!(item.ty.present(), Ty::Ip | Ty::Cidr) {
        let diag = bad_operator(of.span, "an address is in no list of texts", "these are texts");
        cx.report(diag.help("addresses and networks stand without quotes, as in `[10.0.0.0/8]`"));
        return reported(sides.span);
    }
    let want = if item.ty.is_optional() { element.clone().optional() } else { element.clone() };
    let fits_network = element == Ty::Cidr && matches!(item.ty.present(), Ty::Ip | Ty::Cidr);
    let why = Why::place(of.span, format!("these are of type {element}"));
    let item = if fits_network || element.fits(item.ty.present()) && !is_const(&item) {
        item
    } else {
        fit(cx, scope, item, &want, &why)
    };
    let of = if element == Ty::Status { as_statuses(cx, scope, of) } else { of };
    if item.ty.is_error() || of.ty.is_error() && !matches!(of.ty, Ty::List(_)) {
        return reported(sides.span);
    }
    let slips = item.ty.is_optional() || of.ty.is_optional();
    if negated && slips && !scope.facts.is_lost() {
        let side = if item.ty.is_optional() { &item } else { &of };
        let (a, b) = (cx.text(sides.left.span()), cx.text(sides.right.span()));
        let whole = cx.text(sides.span);
        let present = cx.text(side.span);
        let (only, also) =
            (format!("({present} is present and {whole})"), format!("not ({a} in {b})"));
        cx.report(
            absent_comparison(
                side.span,
                "`not in` with a value that may be absent",
                "if it were absent, it would be in nothing, and slip through",
            )
            .help(format!("say whether an absent value should pass: only if it is present, `{only}`; also if it is absent, `{also}`"))
            .suggest("only if it is present", sides.span, only)
            .suggest("also if it is absent", sides.span, also),
        );
        return reported(sides.span);
    }
    let test =
        Expr { kind: ExprKind::In(Box::new(item), Box::new(of)), ty: Ty::Bool, span: sides.span };
    if negated {
        Expr { kind: ExprKind::Not(Box::new(test)), ty: Ty::Bool, span: sides.span }
    } else {
        test
    }
}

/// A range of integers is one of statuses where those are looked for.
fn as_statuses(cx: &mut Context<'_>, scope: &Scope<'_>, of: Expr) -> Expr {
    match &of.ty {
        Ty::Range(inner) if **inner == Ty::Int => {
            fit(cx, scope, of, &Ty::Range(Arc::new(Ty::Status)), &Why::default())
        }
        _ => of,
    }
}

/// What the items of a group are.
fn element(of: &Ty) -> Option<Ty> {
    Some(match of.present() {
        Ty::List(of) | Ty::Set(of) | Ty::Range(of) => Ty::clone(of),
        Ty::Cidr => Ty::Cidr,
        Ty::Map(_) => Ty::String,
        _ => return None,
    })
}

/// A list behind `in`: each item is a value, or a range or network of them.
fn choices<'a>(
    cx: &mut Context<'a>,
    scope: &Scope<'a>,
    list: ast::List<'a>,
    of: &Ty,
    asked: Span,
) -> Expr {
    let element = if *of == Ty::Ip { Ty::Cidr } else { of.clone() };
    let why = Why::place(asked, format!("this is {of}"));
    let mut items = Vec::new();
    for written in list.items() {
        let read = expr(cx, scope, written, Some(&element));
        let is_range = matches!(&read.ty, Ty::Range(inner) if inner.fits(&element))
            || matches!((&read.ty, &element), (Ty::Range(inner), Ty::Status) if **inner == Ty::Int);
        let read = if is_range && element == Ty::Status {
            as_statuses(cx, scope, read)
        } else if is_range
            || matches!(&read.ty, Ty::String) && matches!(element, Ty::OneOf(_)) && !is_const(&read)
        {
            read
        } else {
            fit(cx, scope, read, &element, &why)
        };
        items.push(read);
    }
    let read = Expr { kind: ExprKind::List(items), ty: Ty::list(element), span: list.span() };
    super::constant::fold(cx, read)
}

fn not_a_group(cx: &Context<'_>, sides: &Sides<'_>, item: &Expr, of: &Expr) -> Diag {
    let (a, b) = (item.ty.present(), of.ty.present());
    let message = format!("nothing is `in` a value of type {b}");
    let diag = bad_operator(of.span, message, format!("this is {b}"));
    let (x, y) = (cx.text(sides.left.span()), cx.text(sides.right.span()));
    let unquoted = match value(of) {
        Some(Value::String(text)) => crate::literal::literal(text, of.span, None)
            .ok()
            .filter(|(_, ty)| element(ty).is_some())
            .map(|_| text.to_string()),
        _ => None,
    };
    match (a, b) {
        _ if unquoted.is_some() => {
            let text = unquoted.unwrap_or_default();
            diag.help(format!("write `{text}`, without quotes")).fix(
                "remove the quotes",
                of.span,
                text,
            )
        }
        (_, Ty::String | Ty::OneOf(_)) => diag
            .help(format!("`contains({y}, {x})` looks into a text"))
            .suggest("write `contains(…)`", sides.span, format!("contains({y}, {x})")),
        (_, other) if a.fits(other) || other.fits(a) => {
            diag.help("`==` compares two values").suggest("write `==`", sides.op, "==")
        }
        (_, Ty::Record(fields)) => {
            let of = fields.first().map_or("String".to_owned(), |(_, ty)| ty.to_string());
            diag.help(format!(
                "this is a record, whose members are named; a map, whose keys are asked, says its type: `let {}: Map<String, {of}> = {{ … }}`",
                if y.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') { y } else { "NAME" }
            ))
        }
        _ => diag.help("a list, a set, a map, a network or a range belongs here"),
    }
}
