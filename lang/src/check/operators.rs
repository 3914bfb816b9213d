//! Operators: what each joins, what absence does to it, and what it gives.

use std::sync::Arc;

use super::constant::{is_const, value};
use super::context::{Context, Scope, reported};
use super::expr::{constant, expr, wanted};
use super::facts::learned;
use super::fit::{Why, fit};
use crate::diag::absent_comparison::absent_comparison;
use crate::diag::bad_division::bad_division;
use crate::diag::bad_literal::bad_literal;
use crate::diag::bad_operator::bad_operator;
use crate::diag::exposed_secret::exposed_secret;
use crate::diag::needless_default::needless_default;
use crate::diag::needless_test::needless_test;
use crate::diag::not_available::not_available;
use crate::diag::not_constant::not_constant;
use crate::diag::unknown_name::unknown_name;
use crate::diag::{Diag, Edit};
use crate::policy::{Arithmetic, Compare, Expr, ExprKind};
use crate::source::Span;
use crate::syntax::ast::{self, BinaryOp, UnaryOp};
use crate::types::Ty;
use crate::value::Value;
use crate::vocab::nearest;

/// `not e` and `-e`.
pub(super) fn unary<'a>(
    cx: &mut Context<'a>,
    scope: &Scope<'a>,
    unary: ast::Unary<'a>,
    want: Option<&Ty>,
) -> Expr {
    let span = unary.span();
    let (Some(op), Some(operand)) = (unary.op(), unary.operand()) else { return reported(span) };
    if op.op == UnaryOp::Not {
        let why = Why::place(op.span, "`not` takes a Bool").absence("it would count as false");
        let inner = wanted(cx, scope, operand, &Ty::Bool, &why);
        return Expr { kind: ExprKind::Not(Box::new(inner)), ty: Ty::Bool, span };
    }
    let inner = expr(cx, scope, operand, want);
    match (value(&inner), &inner.ty) {
        (_, Ty::Error) => reported(span),
        (Some(Value::Int(number)), _) => {
            constant(Value::Int(number.saturating_neg()), Ty::Int, span)
        }
        (Some(Value::Float(number)), _) => constant(Value::Float(-number), Ty::Float, span),
        (_, Ty::Int | Ty::Float) => {
            let zero = constant(Value::Int(0), Ty::Int, span);
            let ty = inner.ty.clone();
            let kind = ExprKind::Arithmetic(Arithmetic::Sub, Box::new(zero), Box::new(inner));
            Expr { kind, ty, span }
        }
        (_, ty) => {
            let message = format!("a value of type {ty} has no negative");
            cx.report(bad_operator(op.span, message, "only numbers have one"));
            reported(span)
        }
    }
}

/// `a op b`.
pub(super) fn binary<'a>(
    cx: &mut Context<'a>,
    scope: &Scope<'a>,
    binary: ast::Binary<'a>,
    want: Option<&Ty>,
) -> Expr {
    let span = binary.span();
    let Some(op) = binary.op() else { return reported(span) };
    if matches!(op.op, BinaryOp::And | BinaryOp::Or) {
        return logic(cx, scope, binary, op.op, op.span);
    }
    let (Some(left), Some(right)) = (binary.left(), binary.right()) else { return reported(span) };
    let sides = Sides { left, right, op: op.span, span };
    match op.op {
        BinaryOp::Equal => compare(cx, scope, sides, Compare::Eq),
        BinaryOp::NotEqual => compare(cx, scope, sides, Compare::Ne),
        BinaryOp::Less => compare(cx, scope, sides, Compare::Lt),
        BinaryOp::LessEqual => compare(cx, scope, sides, Compare::Le),
        BinaryOp::Greater => compare(cx, scope, sides, Compare::Gt),
        BinaryOp::GreaterEqual => compare(cx, scope, sides, Compare::Ge),
        BinaryOp::In => member(cx, scope, sides, false),
        BinaryOp::NotIn => member(cx, scope, sides, true),
        BinaryOp::Otherwise => otherwise(cx, scope, sides, want),
        BinaryOp::Range => range(cx, scope, sides, want),
        BinaryOp::Add => arithmetic(cx, scope, sides, Arithmetic::Add, want),
        BinaryOp::Subtract => arithmetic(cx, scope, sides, Arithmetic::Sub, want),
        BinaryOp::Multiply => arithmetic(cx, scope, sides, Arithmetic::Mul, want),
        BinaryOp::Divide => arithmetic(cx, scope, sides, Arithmetic::Div, want),
        BinaryOp::And | BinaryOp::Or | BinaryOp::Alternative => {
            cx.report(
                bad_operator(op.span, "`|` joins patterns, not values", "no value comes of this")
                    .fix("write `or`", op.span, "or"),
            );
            reported(span)
        }
    }
}

#[derive(Clone, Copy)]
struct Sides<'a> {
    left: ast::Expr<'a>,
    right: ast::Expr<'a>,
    op: Span,
    span: Span,
}

/// A chain of `and` or `or`, flat: a condition may be long without being deep.
fn logic<'a>(
    cx: &mut Context<'a>,
    scope: &Scope<'a>,
    binary: ast::Binary<'a>,
    op: BinaryOp,
    op_span: Span,
) -> Expr {
    let mut written = Vec::new();
    let mut at = binary;
    loop {
        written.extend(at.right());
        match at.left() {
            Some(ast::Expr::Binary(left)) if left.op().is_some_and(|left| left.op == op) => {
                at = left;
            }
            Some(left) => {
                written.push(left);
                break;
            }
            None => break,
        }
    }
    written.reverse();
    let is_and = op == BinaryOp::And;
    let word = if is_and { "and" } else { "or" };
    let mut scope = scope.clone();
    let mut parts = Vec::new();
    for part in written {
        let why = Why::place(op_span, format!("`{word}` joins values of type Bool"))
            .absence("it would count as false");
        let read = wanted(cx, &scope, part, &Ty::Bool, &why);
        scope.facts.add(&learned(&read, is_and));
        parts.push(read);
    }
    let kind = if is_and { ExprKind::And(parts) } else { ExprKind::Or(parts) };
    Expr { kind, ty: Ty::Bool, span: binary.span() }
}

/// `e is present` and its like.
pub(super) fn is<'a>(cx: &mut Context<'a>, scope: &Scope<'a>, is: ast::Is<'a>) -> Expr {
    let span = is.span();
    let (Some(operand), Some(state)) = (is.operand(), is.state()) else { return reported(span) };
    let inner = expr(cx, scope, operand, None);
    let is_present = match state.text {
        "present" => true,
        "absent" => false,
        "failed" => {
            cx.report(not_available(state.span, "is failed"));
            return reported(span);
        }
        other => {
            let near = nearest(other, ["present", "absent"]).map(|near| (near, None));
            let diag = unknown_name(state.span, "state", other, near);
            cx.report(diag.help("a value is `present` or `absent`"));
            return reported(span);
        }
    };
    if inner.ty.is_error() {
        return reported(span);
    }
    let negated = is_present == is.is_negated();
    if !inner.ty.is_optional() && cx.repeating == 0 && inner.ty != Ty::Json {
        cx.report(needless_test(span, &inner.ty.to_string(), !negated));
    }
    let test = Expr { kind: ExprKind::Present(Box::new(inner)), ty: Ty::Bool, span };
    if negated { Expr { kind: ExprKind::Not(Box::new(test)), ty: Ty::Bool, span } } else { test }
}

/// Whether it is so plain that the other side should say what it is.
fn is_plain(written: ast::Expr<'_>) -> bool {
    match written {
        ast::Expr::Literal(_) | ast::Expr::Str(_) | ast::Expr::List(_) | ast::Expr::Record(_) => {
            true
        }
        ast::Expr::Name(name) => name.text().bytes().all(|byte| byte.is_ascii_uppercase()),
        ast::Expr::Paren(paren) => paren.inner().is_some_and(is_plain),
        ast::Expr::Unary(unary) => unary.operand().is_some_and(is_plain),
        _ => false,
    }
}

fn compare<'a>(cx: &mut Context<'a>, scope: &Scope<'a>, sides: Sides<'a>, how: Compare) -> Expr {
    let (mut left, mut right);
    if is_plain(sides.left) && !is_plain(sides.right) {
        right = expr(cx, scope, sides.right, None);
        let ty = right.ty.present().clone();
        left = expr(cx, scope, sides.left, known(&ty));
        left = matched(cx, scope, left, &right);
    } else {
        left = expr(cx, scope, sides.left, None);
        let ty = left.ty.present().clone();
        right = expr(cx, scope, sides.right, known(&ty));
        right = matched(cx, scope, right, &left);
    }
    if left.ty.is_error() || right.ty.is_error() {
        return reported(sides.span);
    }
    if let Some(diag) = incomparable(cx, &sides, &left, &right, how) {
        cx.report(diag);
        return reported(sides.span);
    }
    if let Some(diag) = slips(cx, &sides, &left, &right, how) {
        cx.report(diag);
        return reported(sides.span);
    }
    let kind = ExprKind::Compare(how, Box::new(left), Box::new(right));
    Expr { kind, ty: Ty::Bool, span: sides.span }
}

/// A type as a hint; an unknown one is none.
fn known(ty: &Ty) -> Option<&Ty> {
    (!ty.is_error()).then_some(ty)
}

/// One side of a comparison, read as the other; absence stays for the operator to judge.
fn matched(cx: &mut Context<'_>, scope: &Scope<'_>, side: Expr, other: &Expr) -> Expr {
    let (have, want) = (side.ty.present(), other.ty.present());
    let is_scalar = |ty: &Ty| super::fit::is_text_like(ty);
    if have.is_error() || want.is_error() || side.ty == Ty::Secret || other.ty == Ty::Secret {
        return side;
    }
    // A network or a range is looked at by the operator, which knows what is meant.
    if matches!(have, Ty::Regex | Ty::Cidr | Ty::Range(_) | Ty::List(_) | Ty::Set(_)) {
        return side;
    }
    let joins = have.fits(want) || want.fits(have);
    if joins && (is_scalar(have) || is_scalar(want)) && !is_const(&side) {
        return side;
    }
    if joins && *want == Ty::Json {
        return side;
    }
    let why = Why::place(other.span, format!("compared with this, which is {want}"));
    let want = if side.ty.is_optional() { want.clone().optional() } else { want.clone() };
    fit(cx, scope, side, &want, &why)
}

/// Why two values cannot be compared at all.
fn incomparable(
    cx: &Context<'_>,
    sides: &Sides<'_>,
    left: &Expr,
    right: &Expr,
    how: Compare,
) -> Option<Diag> {
    let (a, b) = (left.ty.present(), right.ty.present());
    for (side, ty) in [(left, a), (right, b)] {
        if *ty == Ty::Secret {
            return Some(exposed_secret(side.span, "a secret is never compared"));
        }
    }
    let op = cx.text(sides.op);
    let is_equality = matches!(how, Compare::Eq | Compare::Ne);
    let lies_in = match (a, b) {
        (Ty::Ip, Ty::Cidr) => true,
        (_, Ty::Range(of)) => a.fits(of),
        (_, Ty::List(of) | Ty::Set(of)) => a.fits(of) || of.is_error(),
        _ => false,
    };
    if lies_in && is_equality {
        let word = if how == Compare::Eq { "in" } else { "not in" };
        let message = format!("`{op}` does not compare {a} with {b}");
        return Some(
            bad_operator(sides.op, message, "these are never equal")
                .help(format!("`{word}` asks whether it lies in there"))
                .fix(format!("write `{word}`"), sides.op, word),
        );
    }
    if *b == Ty::Regex {
        let (x, re) = (cx.text(left.span), cx.text(right.span));
        return Some(
            bad_operator(sides.op, "a pattern is not compared", format!("`{op}` compares values"))
                .help(format!("write `matches({x}, {re})`"))
                .fix("write `matches(…)`", sides.span, format!("matches({x}, {re})")),
        );
    }
    let fails = |ty: &Ty| match ty {
        Ty::Regex | Ty::Secret | Ty::Item(_) | Ty::Range(_) => true,
        Ty::Bool | Ty::Ip | Ty::Cidr | Ty::Method | Ty::Uuid | Ty::OneOf(_) | Ty::Json => {
            !is_equality
        }
        Ty::List(_) | Ty::Set(_) | Ty::Map(_) | Ty::Record(_) => !is_equality,
        _ => false,
    };
    let joins = a.fits(b) || b.fits(a);
    (fails(a) || fails(b) || !joins).then(|| {
        let message = format!("`{op}` does not compare {a} with {b}");
        let reason = if joins { "these have no order" } else { "these never compare" };
        bad_operator(sides.op, message, reason)
            .label(left.span, format!("this is {a}"))
            .label(right.span, format!("this is {b}"))
    })
}

/// Why absence would slip through a comparison.
fn slips(
    cx: &Context<'_>,
    sides: &Sides<'_>,
    left: &Expr,
    right: &Expr,
    how: Compare,
) -> Option<Diag> {
    let op = cx.text(sides.op);
    let both = left.ty.is_optional() && right.ty.is_optional();
    if !both && (how != Compare::Ne || !(left.ty.is_optional() || right.ty.is_optional())) {
        return None;
    }
    let side = if left.ty.is_optional() { left } else { right };
    let (message, reason) = if both {
        (
            format!("both sides of `{op}` may be absent"),
            "if both were absent, they would be neither equal nor different".to_owned(),
        )
    } else {
        (
            format!("`{op}` with a value that may be absent"),
            "if it were absent, it would not be equal, and slip through".to_owned(),
        )
    };
    let (text, other) = (cx.text(side.span), cx.text(if both { right.span } else { sides.span }));
    let mut diag = absent_comparison(side.span, message, reason);
    if both {
        diag = diag
            .label(right.span, "this may be absent too")
            .help("say what absence is on one side: `?? default`, or `is present` before it");
    } else {
        diag = diag
            .help("say whether an absent value should pass")
            .fix("only if it is present", sides.span, format!("({text} is present and {other})"))
            .fix("also if it is absent", sides.span, negated(cx, sides));
    }
    Some(match super::fit::asserting_verb(cx) {
        Some(_) if !both && *side.ty.present() == Ty::String => {
            let (from, to) = (
                Span { end: side.span.start, ..side.span },
                Span { start: side.span.end, ..side.span },
            );
            let edits = vec![
                Edit { span: from, text: "(".to_owned() },
                Edit { span: to, text: " ?? \"\")".to_owned() },
            ];
            diag.fix_all("read an absent value as empty", edits)
        }
        _ => diag,
    })
}

fn negated(cx: &Context<'_>, sides: &Sides<'_>) -> String {
    let (a, b) = (cx.text(sides.left.span()), cx.text(sides.right.span()));
    format!("not ({a} == {b})")
}

/// `a in b` and `a not in b`.
fn member<'a>(cx: &mut Context<'a>, scope: &Scope<'a>, sides: Sides<'a>, negated: bool) -> Expr {
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
    if negated && (item.ty.is_optional() || of.ty.is_optional()) {
        let side = if item.ty.is_optional() { &item } else { &of };
        let (a, b) = (cx.text(sides.left.span()), cx.text(sides.right.span()));
        let whole = cx.text(sides.span);
        let present = cx.text(side.span);
        cx.report(
            absent_comparison(
                side.span,
                "`not in` with a value that may be absent",
                "if it were absent, it would be in nothing, and slip through",
            )
            .help("say whether an absent value should pass")
            .fix("only if it is present", sides.span, format!("({present} is present and {whole})"))
            .fix("also if it is absent", sides.span, format!("not ({a} in {b})")),
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
            .fix("write `contains(…)`", sides.span, format!("contains({y}, {x})")),
        (_, other) if a.fits(other) || other.fits(a) => {
            diag.help("`==` compares two values").fix("write `==`", sides.op, "==")
        }
        _ => diag.help("a list, a set, a map, a network or a range belongs here"),
    }
}

/// `a ?? b`.
fn otherwise<'a>(
    cx: &mut Context<'a>,
    scope: &Scope<'a>,
    sides: Sides<'a>,
    want: Option<&Ty>,
) -> Expr {
    let first = expr(cx, scope, sides.left, want);
    let present = first.ty.present().clone();
    let hint = if present.is_error() { want } else { Some(&present) };
    let second = expr(cx, scope, sides.right, hint);
    if first.ty.is_error() || second.ty.is_error() {
        return reported(sides.span);
    }
    if first.ty == Ty::Secret {
        cx.report(exposed_secret(first.span, "a secret is never absent"));
        return reported(sides.span);
    }
    if !first.ty.is_optional() {
        if cx.repeating == 0 && first.ty != Ty::Json {
            let default = Span { start: first.span.end, ..sides.span };
            cx.report(needless_default(first.span, default, &first.ty.to_string()));
        }
        return Expr { span: sides.span, ..first };
    }
    let ty = if present.fits(second.ty.present()) && !second.ty.present().fits(&present) {
        second.ty.clone()
    } else {
        let want =
            if second.ty.is_optional() { present.clone().optional() } else { present.clone() };
        let why = Why::place(first.span, format!("this is {present} when it is present"));
        let second = fit(cx, scope, second, &want, &why);
        if second.ty.is_error() {
            return reported(sides.span);
        }
        let ty = want;
        let kind = ExprKind::Coalesce(Box::new(first), Box::new(second));
        return Expr { kind, ty, span: sides.span };
    };
    let kind = ExprKind::Coalesce(Box::new(first), Box::new(second));
    Expr { kind, ty, span: sides.span }
}

/// `a..b`, of constants.
fn range<'a>(cx: &mut Context<'a>, scope: &Scope<'a>, sides: Sides<'a>, want: Option<&Ty>) -> Expr {
    let hint = match want.map(Ty::present) {
        Some(Ty::Range(of)) => Some(Ty::clone(of)),
        _ => None,
    };
    let mut low = expr(cx, scope, sides.left, hint.as_ref());
    if let Some(of) = &hint {
        let why = Why::says(format!("a range of {of} is wanted"));
        low = fit(cx, scope, low, of, &why);
    }
    let why = Why::place(low.span, format!("the other end is {}", low.ty));
    let high = wanted(cx, scope, sides.right, &low.ty.clone(), &why);
    if low.ty.is_error() || high.ty.is_error() {
        return reported(sides.span);
    }
    let (Some(from), Some(to)) = (value(&low), value(&high)) else {
        let side = if is_const(&low) { &high } else { &low };
        cx.report(not_constant(side.span, "the ends of a range are literals"));
        return reported(sides.span);
    };
    if from > to {
        let (a, b) = (cx.text(sides.left.span()), cx.text(sides.right.span()));
        cx.report(
            bad_literal(
                high.span,
                format!("the range `{a}..{b}` holds nothing"),
                format!("this end is below `{a}`"),
            )
            .fix("swap the ends", sides.span, format!("{b}..{a}")),
        );
        return reported(sides.span);
    }
    let ends = Value::Range(Arc::new((from.clone(), to.clone())));
    constant(ends, Ty::Range(Arc::new(low.ty.clone())), sides.span)
}

fn arithmetic<'a>(
    cx: &mut Context<'a>,
    scope: &Scope<'a>,
    sides: Sides<'a>,
    how: Arithmetic,
    want: Option<&Ty>,
) -> Expr {
    let want = want.filter(|ty| !matches!(ty.present(), Ty::Status | Ty::Json));
    let left = present(cx, scope, sides.left, want, sides.op);
    let hint = match (&left.ty, how) {
        (Ty::Duration | Ty::Size | Ty::Percent, Arithmetic::Mul | Arithmetic::Div) => None,
        (Ty::Time, _) => Some(Ty::Duration),
        (ty, _) => known(ty).cloned(),
    };
    let right = present(cx, scope, sides.right, hint.as_ref(), sides.op);
    if left.ty.is_error() || right.ty.is_error() {
        return reported(sides.span);
    }
    let is_sum = matches!(how, Arithmetic::Add | Arithmetic::Sub);
    let ty = match (&left.ty, &right.ty) {
        (Ty::Int, Ty::Int) => Ty::Int,
        (Ty::Float | Ty::Int, Ty::Float) | (Ty::Float, Ty::Int) => Ty::Float,
        (Ty::Duration, Ty::Duration) if is_sum => Ty::Duration,
        (Ty::Size, Ty::Size) if is_sum => Ty::Size,
        (Ty::Duration | Ty::Size | Ty::Rate, Ty::Int) if !is_sum => left.ty.clone(),
        (Ty::Time, Ty::Duration) if is_sum => Ty::Time,
        (a, b) => {
            let diag = unfit(cx, &sides, a, b, how);
            cx.report(diag);
            return reported(sides.span);
        }
    };
    if how == Arithmetic::Div {
        let zero = match value(&right) {
            Some(Value::Int(number)) => *number == 0,
            Some(Value::Float(number)) => *number == 0.0,
            _ => {
                cx.report(bad_division(right.span, "this is no literal"));
                return reported(sides.span);
            }
        };
        if zero {
            cx.report(bad_division(right.span, "this is zero"));
            return reported(sides.span);
        }
    }
    let kind = ExprKind::Arithmetic(how, Box::new(left), Box::new(right));
    Expr { kind, ty, span: sides.span }
}

/// An operand that must be there.
fn present<'a>(
    cx: &mut Context<'a>,
    scope: &Scope<'a>,
    written: ast::Expr<'a>,
    hint: Option<&Ty>,
    op: Span,
) -> Expr {
    let read = expr(cx, scope, written, hint);
    if read.ty == Ty::Secret {
        cx.report(exposed_secret(read.span, "a secret is opaque"));
        return reported(read.span);
    }
    if read.ty.is_optional() {
        let ty = read.ty.present().clone();
        let why = Why::place(op, "this operator needs both sides")
            .absence("there would be nothing to count with");
        return fit(cx, scope, read, &ty, &why);
    }
    read
}

fn unfit(cx: &Context<'_>, sides: &Sides<'_>, a: &Ty, b: &Ty, how: Arithmetic) -> Diag {
    let op = cx.text(sides.op);
    let message = format!("`{op}` does not join {a} and {b}");
    let diag = bad_operator(sides.op, message, "these do not go together")
        .label(sides.left.span(), format!("this is {a}"))
        .label(sides.right.span(), format!("this is {b}"));
    let is_text = |ty: &Ty| matches!(ty, Ty::String | Ty::OneOf(_));
    if how == Arithmetic::Add && (is_text(a) || is_text(b)) {
        let piece = |span: Span| {
            let text = cx.text(span);
            match text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
                Some(inner) => inner.to_owned(),
                None => format!("{{{text}}}"),
            }
        };
        let mended = format!("\"{}{}\"", piece(sides.left.span()), piece(sides.right.span()));
        return diag.help(format!("texts are put together as `{mended}`")).fix(
            "write one text",
            sides.span,
            mended,
        );
    }
    diag
}
