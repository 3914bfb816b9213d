//! `claims { name: Type = default, … }` of an auth: the types that a token's claims must have, and what stands for those
//! that may be left out. Whether a token has them is for whoever verifies it.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use super::constant::value;
use super::context::{Claims, Context, ItemId, Scope, State, When};
use super::expr::wanted;
use super::fit::Why;
use super::types;
use crate::diag::Diag;
use crate::diag::bad_operator::bad_operator;
use crate::diag::duplicate_name::duplicate_name;
use crate::diag::missing_argument::missing_argument;
use crate::diag::missing_mark::missing_mark;
use crate::diag::not_constant::not_constant;
use crate::diag::wrong_form::wrong_form;
use crate::source::Span;
use crate::syntax::ast;
use crate::types::Ty;
use crate::value::Value;

/// The claims that an auth declares. Checked once; `None` where that was reported.
pub(super) fn claims(cx: &mut Context<'_>, id: ItemId) -> Option<Rc<Claims>> {
    match &cx.item(id).state {
        State::Auth(claims) => return Some(claims.clone()),
        State::Fresh => {}
        _ => return None,
    }
    cx.items[id.0].state = State::Busy;
    let kept = std::mem::take(&mut cx.repeating);
    let (unit, head) = (cx.item(id).unit, *cx.item(id).view.head());
    let mut sound = true;
    let mut claims = Claims { ty: Ty::Record(Arc::default()), defaults: BTreeMap::new() };
    for stmt in head.block().into_iter().flat_map(|block| block.stmts()) {
        if stmt.verb().is_none_or(|verb| verb.text != "claims") {
            continue;
        }
        let broken = stmt.is_broken();
        match cx.quietly(broken, |cx| declared(cx, unit, stmt)) {
            Some(read) if !broken => claims = read,
            _ => sound = false,
        }
    }
    // The line of the claims may be one that did not parse, or stand in one.
    let is_claims = |stmt: &ast::Stmt<'_>| stmt.verb().is_some_and(|verb| verb.text == "claims");
    let is_odd = |line: ast::Line<'_>| match line {
        ast::Line::Stmt(stmt) => stmt.is_broken() || stmt.block().is_some(),
        _ => true,
    };
    let mut stmts = head.block().into_iter().flat_map(|block| block.stmts());
    let mut lines = head.block().into_iter().flat_map(|block| block.lines());
    sound &= stmts.any(|stmt| is_claims(&stmt)) || !lines.any(is_odd);
    cx.repeating = kept;
    let definition = cx.item(id).definition;
    if let Some(definition) = cx.index.definitions.get_mut(definition) {
        definition.ty = Some(claims.ty.clone().optional());
    }
    if !sound {
        cx.items[id.0].state = State::Broken;
        return None;
    }
    let claims = Rc::new(claims);
    cx.items[id.0].state = State::Auth(claims.clone());
    Some(claims)
}

fn declared<'a>(cx: &mut Context<'a>, unit: usize, stmt: ast::Stmt<'a>) -> Option<Claims> {
    let verb = stmt.verb()?;
    let Some(block) = stmt.block() else {
        let diag = wrong_form(verb.span, "`claims` takes a block", "no block behind this");
        cx.report(diag.help("write `claims { sub: String, scope: Set<String> }`"));
        return None;
    };
    let extra = stmt.positional().next().map(|extra| extra.span());
    if let Some(span) = extra.or(stmt.named().next().map(|arg| arg.span)) {
        cx.report(wrong_form(span, "`claims` takes a block alone", "not here"));
        return None;
    }
    let mut sound = true;
    let mut fields: Vec<(Arc<str>, Ty, Span)> = Vec::new();
    let mut defaults = BTreeMap::new();
    for line in block.lines() {
        let ast::Line::Field(field) = line else {
            sound = false;
            if let Some(diag) = without_mark(cx, line) {
                cx.report(diag);
            } else if let Some(place) = place(line) {
                let diag = wrong_form(place, "this is no claim", "a name and a type belong here");
                cx.report(diag.help("write `name: Type`, as in `sub: String`"));
            }
            continue;
        };
        let Some(name) = field.name() else { continue };
        if let Some((.., first)) = fields.iter().find(|(known, ..)| **known == *name.text) {
            cx.report(duplicate_name(name.span, name.text, *first));
            sound = false;
            continue;
        }
        let Some(written) = field.ty() else {
            cx.report(missing_argument(name.span, name.text, "type", "as in `sub: String`"));
            sound = false;
            continue;
        };
        let ty = types::ty(cx, written);
        if !is_claim(&ty) {
            let diag = bad_operator(written.span(), format!("a claim is no {ty}"), "not in JSON");
            cx.report(diag.help("a claim is a text, a number, a flag, a time, or a list, set, map or record of them"));
            sound = false;
            continue;
        }
        if let Some(default) = field.default() {
            match self::default(cx, unit, default, &ty, written.span()) {
                Some(value) => drop(defaults.insert(Arc::from(name.text), value)),
                None => sound = false,
            }
        }
        sound &= !ty.is_error();
        fields.push((name.text.into(), ty, name.span));
    }
    let ty = Ty::Record(fields.into_iter().map(|(name, ty, _)| (name, ty)).collect());
    sound.then_some(Claims { ty, defaults })
}

/// `sub String`: a name and its type without the mark between them.
fn without_mark(cx: &Context<'_>, line: ast::Line<'_>) -> Option<Diag> {
    let ast::Line::Stmt(stmt) = line else { return None };
    let (name, ty) = (stmt.verb()?, stmt.positional().next()?);
    let written = cx.text(ty.span());
    if stmt.is_broken() || !written.starts_with(|c: char| c.is_ascii_uppercase() || c == '"') {
        return None;
    }
    let gap = Span { start: name.span.end, end: name.span.end, ..name.span };
    let diag = missing_mark(gap, ty.span(), ":", written);
    Some(diag.help("each claim has a type: `claims { sub: String, scope: Set<String> }`"))
}

/// Where a line stands that is none of a record's; nothing where that was reported.
fn place(line: ast::Line<'_>) -> Option<Span> {
    match line {
        ast::Line::Stmt(stmt) => (!stmt.is_broken()).then(|| stmt.span()),
        ast::Line::Arm(arm) => (!arm.is_broken()).then(|| arm.span()),
        ast::Line::Item(item) => Some(item.head().span()),
        ast::Line::Field(_) | ast::Line::Error(_) => None,
    }
}

fn default<'a>(
    cx: &mut Context<'a>,
    unit: usize,
    written: ast::Expr<'a>,
    ty: &Ty,
    place: Span,
) -> Option<Value> {
    let scope = Scope::new(unit, When::Load);
    let why = Why::place(place, format!("the claim is {ty}"));
    let read = wanted(cx, &scope, written, ty, &why);
    match value(&read) {
        Some(value) => Some(value.clone()),
        None => {
            if !read.ty.is_error() {
                cx.report(not_constant(read.span, "a default is a literal"));
            }
            None
        }
    }
}

/// Whether a claim can have this type.
fn is_claim(ty: &Ty) -> bool {
    match ty {
        Ty::Bool
        | Ty::Int
        | Ty::Float
        | Ty::String
        | Ty::Time
        | Ty::Uuid
        | Ty::Ip
        | Ty::Json
        | Ty::OneOf(_)
        | Ty::Error => true,
        Ty::List(of) | Ty::Set(of) | Ty::Map(of) | Ty::Optional(of) => is_claim(of),
        Ty::Record(fields) => fields.iter().all(|(_, ty)| is_claim(ty)),
        _ => false,
    }
}
