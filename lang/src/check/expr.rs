//! Expressions: what they say, typed. Literals, lists and records are here; names, texts, fields, operators, calls and
//! `match` have rooms of their own.

use std::sync::Arc;

use super::constant::{bounded, fold, measure};
use super::context::{Context, DEPTH, Scope, reported};
use super::facts::narrow;
use super::fit::{Why, fit};
use super::names::name;
use super::text::text;
use super::{calls, fields, matches, members, operators};
use crate::diag::duplicate_name::duplicate_name;
use crate::diag::not_constant::not_written_out;
use crate::diag::too_large::too_large;
use crate::diag::wrong_form::wrong_form;
use crate::literal;
use crate::policy::{Expr, ExprKind};
use crate::source::Span;
use crate::syntax::ast;
use crate::types::Ty;
use crate::value::Value;

/// Types an expression. What is `want`ed there decides how bare words and literals are read; whether the result fits is
/// for [`wanted`] to say.
pub(super) fn expr<'a>(
    cx: &mut Context<'a>,
    scope: &Scope<'a>,
    written: ast::Expr<'a>,
    want: Option<&Ty>,
) -> Expr {
    if cx.depth >= DEPTH {
        let reason = format!("deeper than {DEPTH} levels");
        cx.report(too_large(written.span(), "this expression nests too deep", reason));
        return reported(written.span());
    }
    cx.depth += 1;
    let read = unfolded(cx, scope, written, want);
    cx.depth -= 1;
    let folded = fold(cx, read);
    let folded = bounded(cx, folded);
    narrow(&scope.facts, folded)
}

/// Types an expression where a value of type `ty` is wanted, and says so if it is none.
pub(super) fn wanted<'a>(
    cx: &mut Context<'a>,
    scope: &Scope<'a>,
    written: ast::Expr<'a>,
    ty: &Ty,
    why: &Why,
) -> Expr {
    let read = expr(cx, scope, written, Some(ty));
    fit(cx, scope, read, ty, why)
}

fn unfolded<'a>(
    cx: &mut Context<'a>,
    scope: &Scope<'a>,
    written: ast::Expr<'a>,
    want: Option<&Ty>,
) -> Expr {
    match written {
        ast::Expr::Literal(literal) => self::literal(cx, literal, want),
        ast::Expr::Str(text) => self::text(cx, scope, text),
        ast::Expr::Name(name) => self::name(cx, scope, name.word(), want),
        ast::Expr::Member(member) => members::member(cx, scope, member, want),
        ast::Expr::Index(index) => fields::index(cx, scope, index),
        ast::Expr::Call(call) => calls::call(cx, scope, call, want),
        ast::Expr::Unary(unary) => operators::unary(cx, scope, unary, want),
        ast::Expr::Binary(binary) => operators::binary(cx, scope, binary, want),
        ast::Expr::Is(is) => operators::is(cx, scope, is),
        ast::Expr::Match(read) => matches::matches(cx, scope, read, want),
        ast::Expr::List(list) if want.map(Ty::present) == Some(&Ty::Item("upstream")) => {
            let mut names = list.items().map(|item| cx.text(item.span()));
            let (first, second) = (names.next().unwrap_or("a"), names.next().unwrap_or("NAME"));
            let diag = wrong_form(list.span(), "one upstream belongs here", "a list of them");
            cx.report(diag.help(format!(
                "several share what comes as `{{ 90% => {first}, 10% => {second} }}`; what answers alike is several `server` lines of one `upstream`"
            )));
            reported(list.span())
        }
        ast::Expr::List(list) => self::list(cx, scope, list, want),
        ast::Expr::Record(record) => self::record(cx, scope, record, want),
        ast::Expr::Paren(paren) => match paren.inner() {
            Some(inner) => expr(cx, scope, inner, want),
            None => reported(paren.span()),
        },
        ast::Expr::Error(span) => reported(span),
    }
}

/// A constant.
pub(super) fn constant(value: Value, ty: Ty, span: Span) -> Expr {
    Expr { kind: ExprKind::Const(value), ty, span }
}

fn literal(cx: &mut Context<'_>, literal: ast::Literal<'_>, want: Option<&Ty>) -> Expr {
    let (text, span) = (literal.text(), literal.span());
    match text {
        "true" | "false" => return constant(Value::Bool(text == "true"), Ty::Bool, span),
        _ => {}
    }
    if let Some(Ty::OneOf(words)) = want.map(Ty::present)
        && words.iter().any(|word| **word == *text)
    {
        return constant(Value::string(text), Ty::OneOf(words.clone()), span);
    }
    let read = match literal.pattern() {
        Some(pattern) => literal::regex(pattern.text, pattern.span),
        None => literal::literal(text, span, want),
    };
    match read {
        Ok((value, ty)) => constant(value, ty, span),
        Err(diag) => {
            cx.report(*diag);
            reported(span)
        }
    }
}

/// Reads again what was already found sound by itself. What is wrong with it now is wrong with the use at `span`,
/// and is said once. Its size counts.
pub(super) fn repeated<'a>(
    cx: &mut Context<'a>,
    span: Span,
    label: &str,
    read: impl FnOnce(&mut Context<'a>) -> Expr,
) -> Expr {
    let known = cx.diags.len();
    cx.repeating += 1;
    let put = read(cx);
    cx.repeating -= 1;
    relabel(cx, known, span, label);
    let (size, depth) = measure(&put);
    if !cx.spend(size, span) {
        return reported(span);
    }
    if depth > 2 * DEPTH {
        let reason = format!("deeper than {} levels, once everything is put in", 2 * DEPTH);
        cx.report(too_large(span, "this expression nests too deep", reason));
        return reported(span);
    }
    put
}

/// Keeps the first of the diagnostics since `known`, as one about the place `span`.
pub(super) fn relabel(cx: &mut Context<'_>, known: usize, span: Span, label: &str) {
    cx.diags.truncate(known + 1);
    if cx.diags.len() > known
        && let Some(diag) = cx.diags.pop()
    {
        let mut diag = diag.label(span, label);
        // A mend would be made in a place that other uses share.
        diag.fixes.clear();
        cx.diags.push(diag);
    }
}

fn list<'a>(
    cx: &mut Context<'a>,
    scope: &Scope<'a>,
    list: ast::List<'a>,
    want: Option<&Ty>,
) -> Expr {
    let span = list.span();
    let of = match want.map(Ty::present) {
        Some(Ty::List(of) | Ty::Set(of)) => Some(Ty::clone(of)),
        _ => None,
    };
    if let Some(of) = of {
        let why = Why::says(format!("a list of {of} is wanted"));
        let items = list.items().map(|item| wanted(cx, scope, item, &of, &why)).collect();
        let ty = match want.map(Ty::present) {
            Some(Ty::Set(_)) => Ty::set(of),
            _ => Ty::list(of),
        };
        return Expr { kind: ExprKind::List(items), ty, span };
    }
    let is_document = want.map(Ty::present) == Some(&Ty::Json);
    let mut items: Vec<Expr> = Vec::new();
    let mut of = Ty::Error;
    for item in list.items() {
        let hint = if is_document { Ty::Json } else { of.clone() };
        let hint = if hint.is_error() { None } else { Some(&hint) };
        let read = expr(cx, scope, item, hint);
        let read = if is_document {
            fit(cx, scope, read, &Ty::Json, &Why::says("a document holds plain values"))
        } else if read.ty.is_optional() {
            let present = read.ty.present().clone();
            let why = Why::default().absence("the list would hold nothing in its place");
            fit(cx, scope, read, &present, &why)
        } else {
            read
        };
        if is_document || read.ty.is_error() {
            items.push(read);
            continue;
        }
        if of == Ty::String && matches!(read.ty, Ty::Ip | Ty::Cidr) {
            // Nobody means texts that look like addresses beside addresses.
            let why = Why::place(read.span, format!("the list has {}", read.ty));
            let known = std::mem::take(&mut items).into_iter();
            items = known.map(|item| fit(cx, scope, item, &read.ty, &why)).collect();
            of = read.ty.clone();
        } else if of.is_error() || of.fits(&read.ty) {
            of = read.ty.clone();
        } else if !read.ty.fits(&of) {
            let first = items.first().map_or(span, |item| item.span);
            let why = Why::place(first, format!("the list is of {of}"));
            items.push(fit(cx, scope, read, &of, &why));
            continue;
        }
        items.push(read);
    }
    let ty = Ty::list(if is_document { Ty::Json } else { of });
    Expr { kind: ExprKind::List(items), ty, span }
}

fn record<'a>(
    cx: &mut Context<'a>,
    scope: &Scope<'a>,
    record: ast::Record<'a>,
    want: Option<&Ty>,
) -> Expr {
    let span = record.span();
    let is_document = want.map(Ty::present) == Some(&Ty::Json);
    let mut fields: Vec<(Arc<str>, Expr)> = Vec::new();
    let mut places: Vec<Span> = Vec::new();
    for entry in record.entries() {
        let Some(key) = entry.key() else { continue };
        let Some(name) = entry.name() else {
            cx.report(not_written_out(key.span, "names in braces are fixed, values are not"));
            continue;
        };
        let known = fields.iter().position(|(known, _)| **known == *name);
        if let Some(&first) = known.and_then(|at| places.get(at)) {
            cx.report(duplicate_name(key.span, &name, first));
            continue;
        }
        let hint = match want.map(Ty::present) {
            Some(Ty::Json) => Some(Ty::Json),
            Some(Ty::Map(of)) => Some(Ty::clone(of)),
            Some(Ty::Record(of)) => {
                of.iter().find(|(known, _)| **known == *name).map(|(_, ty)| ty.clone())
            }
            _ => None,
        };
        let value = match (entry.value(), &hint) {
            (Some(value), Some(Ty::Json)) => {
                let why = Why::says("a document holds plain values");
                wanted(cx, scope, value, &Ty::Json, &why)
            }
            (Some(value), Some(ty)) => {
                let why = Why::says(format!("`{name}` is {ty}"));
                wanted(cx, scope, value, ty, &why)
            }
            (Some(value), None) => expr(cx, scope, value, None),
            (None, _) => reported(key.span),
        };
        fields.push((Arc::from(name), value));
        places.push(key.span);
    }
    let ty = match want.map(Ty::present) {
        Some(ty @ Ty::Map(_)) => ty.clone(),
        Some(Ty::Json) if is_document => Ty::Json,
        _ => Ty::Record(
            fields.iter().map(|(name, value)| (name.clone(), value.ty.clone())).collect(),
        ),
    };
    Expr { kind: ExprKind::Record(fields), ty, span }
}
