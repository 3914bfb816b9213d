//! Operators: what each joins, what absence does to it, and what it gives. Comparisons and `in` have rooms of their own.

use std::sync::Arc;

use super::compare::{compare, known};
use super::constant::{is_const, value};
use super::context::{Context, Scope, reported};
use super::erase;
use super::expr::{constant, expr, wanted};
use super::facts::learned;
use super::fields;
use super::fit::{Why, fit};
use super::membership::member;
use super::names;
use crate::diag::Diag;
use crate::diag::bad_division::bad_division;
use crate::diag::bad_literal::bad_literal;
use crate::diag::bad_operator::bad_operator;
use crate::diag::exposed_secret::exposed_secret;
use crate::diag::needless_default::needless_default;
use crate::diag::needless_test::needless_test;
use crate::diag::not_available::not_available;
use crate::diag::not_constant::not_constant;
use crate::diag::unknown_name::unknown_name;
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
    if let ast::Expr::Literal(literal) = operand
        && literal.text().bytes().all(|byte| byte.is_ascii_digit())
    {
        // Read with its sign: there is one more below zero than above.
        let text = format!("-{}", literal.text());
        return match crate::literal::literal(&text, span, want) {
            Ok((value, ty)) => constant(value, ty, span),
            Err(diag) => {
                cx.report(*diag);
                reported(span)
            }
        };
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
    if is_comparison(op.op)
        && let ast::Expr::Binary(before) = left
        && let Some(first) = before.op().filter(|first| is_comparison(first.op))
    {
        cx.report(
            bad_operator(
                op.span,
                "comparisons do not chain",
                "this compares the answer of another",
            )
            .label(first.span, "the other one")
            .help("join two of them: `1 < x and x < 9`"),
        );
        return reported(span);
    }
    if op.op == BinaryOp::Subtract
        && let Some(word) = names::defined_dashed(cx, scope, ast::Expr::Binary(binary))
    {
        return names::name(cx, scope, word, want);
    }
    if op.op == BinaryOp::Subtract
        && let Some(diag) = fields::dashed(cx, scope, left, span)
    {
        cx.report(diag);
        return reported(span);
    }
    if op.op == BinaryOp::Subtract
        && let Some(diag) = names::dashed(cx, scope, left, span, want)
    {
        cx.report(diag);
        return reported(span);
    }
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
            let diag =
                bad_operator(op.span, "`|` joins patterns, not values", "no value comes of this");
            let (a, b) = (cx.text(left.span()), cx.text(right.span()));
            cx.report(match want.map(Ty::present) {
                // `or` does not hold its sides as tightly: beside other words it may join other conditions.
                None | Some(Ty::Bool) => diag
                    .help("`or` joins two conditions")
                    .suggest("write `or`", op.span, "or")
                    .certain_if(!scope.statement.is_some_and(|span| joins(cx.text(span)))),
                Some(Ty::Item("upstream")) => diag.help(format!(
                    "several share what comes as `forward {{ 50% => {a}, 50% => {b} }}`"
                )),
                _ => diag.help(format!("values are separated by commas: `{a}, {b}`")).fix(
                    "write `,`",
                    span,
                    format!("{a}, {b}"),
                ),
            });
            reported(span)
        }
    }
}

/// Whether a text has words that join conditions, in quotes or not.
fn joins(text: &str) -> bool {
    let mut words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    words.any(|word| matches!(word, "and" | "or" | "not"))
        || text.contains("&&")
        || text.contains("||")
}

fn is_comparison(op: BinaryOp) -> bool {
    matches!(
        op,
        BinaryOp::Equal
            | BinaryOp::NotEqual
            | BinaryOp::Less
            | BinaryOp::LessEqual
            | BinaryOp::Greater
            | BinaryOp::GreaterEqual
            | BinaryOp::In
            | BinaryOp::NotIn
    )
}

#[derive(Clone, Copy)]
pub(super) struct Sides<'a> {
    pub(super) left: ast::Expr<'a>,
    pub(super) right: ast::Expr<'a>,
    pub(super) op: Span,
    pub(super) span: Span,
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
        let known = cx.diags.len();
        let read = wanted(cx, &scope, part, &Ty::Bool, &why);
        scope.facts.add(&learned(&read, is_and));
        if cx.is_obscure(&read, known) {
            scope.facts.lose();
        }
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
            let negated = is.is_negated();
            let (word, asked) = (cx.text(inner.span), if negated { "!=" } else { "==" });
            let state_for = |absent: bool| if absent == negated { "present" } else { "absent" };
            let meant = match other {
                "null" | "nil" | "none" | "None" | "undefined" | "missing" => Some(state_for(true)),
                "set" | "defined" | "there" | "given" => Some(state_for(false)),
                _ => None,
            };
            cx.report(match (meant, other) {
                (Some(meant), _) => diag.help(format!("write `{word} is {meant}`")).suggest(
                    format!("write `is {meant}`"),
                    span,
                    format!("{word} is {meant}"),
                ),
                (None, "empty") => diag.help(format!(
                    "`{word} {asked} \"\"` asks whether a text is empty, `is absent` whether there is none"
                )),
                (None, "true" | "false") => diag.help("a condition is asked as it is, or with `not`"),
                _ => diag.help("a value is `present` or `absent`; `==` compares two values"),
            });
            return reported(span);
        }
    };
    if inner.ty.is_error() {
        return reported(span);
    }
    let negated = is_present == is.is_negated();
    if !inner.ty.is_optional() && cx.repeating == 0 && inner.ty != Ty::Json {
        let whole = erase::condition(cx, span).filter(|_| !negated);
        cx.report(needless_test(span, &inner.ty.to_string(), !negated, whole));
    }
    let test = Expr { kind: ExprKind::Present(Box::new(inner)), ty: Ty::Bool, span };
    if negated { Expr { kind: ExprKind::Not(Box::new(test)), ty: Ty::Bool, span } } else { test }
}

/// Whether it is so plain that the other side should say what it is.
pub(super) fn is_plain(written: ast::Expr<'_>) -> bool {
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
    let other = second.ty.present();
    // One of its words stands among them, whatever other texts there are.
    let is_word = match (&present, &second.kind) {
        (Ty::OneOf(words), ExprKind::Const(Value::String(text))) => words.contains(text),
        _ => false,
    };
    let ty = if !is_word && present.fits(other) && !other.fits(&present) {
        second.ty.clone()
    } else if want.map(Ty::present) == Some(&Ty::Json)
        && !other.fits(&present)
        && present.fits(&Ty::Json)
        && other.fits(&Ty::Json)
    {
        // Where any plain value is taken, either is.
        if second.ty.is_optional() { Ty::Json.optional() } else { Ty::Json }
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
pub(super) fn range<'a>(
    cx: &mut Context<'a>,
    scope: &Scope<'a>,
    sides: Sides<'a>,
    want: Option<&Ty>,
) -> Expr {
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
            .suggest("swap the ends", sides.span, format!("{b}..{a}")),
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
    if how == Arithmetic::Add
        && let Some(parts) = texts(&sides)
    {
        let read: Vec<Expr> = parts.into_iter().map(|part| expr(cx, scope, part, None)).collect();
        if read.iter().all(|part| !part.ty.is_error()) {
            let diag = joined(cx, &sides, &read);
            cx.report(diag);
        }
        return reported(sides.span);
    }
    let want = want.filter(|ty| !matches!(ty.present(), Ty::Status | Ty::Json));
    let left = expr(cx, scope, sides.left, want);
    let hint = match (left.ty.present(), how) {
        (Ty::Duration | Ty::Size | Ty::Percent, Arithmetic::Mul | Arithmetic::Div) => None,
        (Ty::Time, _) => Some(Ty::Duration),
        (ty, _) => known(ty).cloned(),
    };
    let right = expr(cx, scope, sides.right, hint.as_ref());
    let is_text = |side: &Expr| matches!(side.ty.present(), Ty::String | Ty::OneOf(_));
    let is_secret = [&left, &right].iter().any(|side| side.ty == Ty::Secret);
    if how == Arithmetic::Add && !is_secret && (is_text(&left) || is_text(&right)) {
        if !left.ty.is_error() && !right.ty.is_error() {
            let diag = joined(cx, &sides, &[left, right]);
            cx.report(diag);
        }
        return reported(sides.span);
    }
    let left = present(cx, scope, left, sides.op);
    let right = present(cx, scope, right, sides.op);
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
            let diag = unfit(cx, &sides, a, b);
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

/// An operand, which must be there.
fn present(cx: &mut Context<'_>, scope: &Scope<'_>, read: Expr, op: Span) -> Expr {
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

fn unfit(cx: &Context<'_>, sides: &Sides<'_>, a: &Ty, b: &Ty) -> Diag {
    let op = cx.text(sides.op);
    let message = format!("`{op}` does not join {a} and {b}");
    bad_operator(sides.op, message, "these do not go together")
        .label(sides.left.span(), format!("this is {a}"))
        .label(sides.right.span(), format!("this is {b}"))
}

/// The values of a chain of `+` with a text among them, which is one mistake.
fn texts<'a>(sides: &Sides<'a>) -> Option<Vec<ast::Expr<'a>>> {
    let mut parts = vec![sides.right];
    let mut first = sides.left;
    while let ast::Expr::Binary(binary) = first
        && binary.op().is_some_and(|op| op.op == BinaryOp::Add)
    {
        parts.push(binary.right()?);
        first = binary.left()?;
    }
    parts.push(first);
    parts.reverse();
    parts.iter().any(|part| matches!(part, ast::Expr::Str(_))).then_some(parts)
}

/// Says how texts become one that are joined by `+`.
fn joined(cx: &Context<'_>, sides: &Sides<'_>, read: &[Expr]) -> Diag {
    let piece = |part: &Expr| {
        let text = cx.text(part.span);
        let inner = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        match inner.filter(|_| matches!(part.kind, ExprKind::Const(_) | ExprKind::Template(_))) {
            Some(inner) => inner.to_owned(),
            None if part.ty.is_optional() => format!("{{{text} ?? \"\"}}"),
            None => format!("{{{text}}}"),
        }
    };
    let mended = format!("\"{}\"", read.iter().map(piece).collect::<String>());
    let diag = bad_operator(sides.op, "`+` adds numbers, and joins no texts", "no sum")
        .help(format!("values stand in a text in braces: `{mended}`"));
    match read.iter().any(|part| part.ty.is_optional()) {
        // What an absent value is to be is for its author to say.
        true => diag.suggest("write one text", sides.span, mended),
        false => diag.fix("write one text", sides.span, mended),
    }
}
