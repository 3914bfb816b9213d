//! Expressions: what they say, typed. Literals, names, lists, records and texts are here; fields, operators, calls and
//! `match` have rooms of their own.

use std::rc::Rc;
use std::sync::Arc;

use super::constant::{fold, is_const, measure};
use super::context::{
    Bound, Context, DEPTH, Entry, ItemId, Scope, State, When, kind_name, reported,
};
use super::facts::narrow;
use super::fit::{Why, fit, is_text_like};
use super::index::Meaning;
use super::{calls, fields, inputs, matches, operators, types};
use crate::diag::bad_operator::bad_operator;
use crate::diag::bad_text::bad_text;
use crate::diag::duplicate_name::duplicate_name;
use crate::diag::exposed_secret::exposed_secret;
use crate::diag::recursion::recursion;
use crate::diag::too_large::too_large;
use crate::diag::unknown_name::unknown_name;
use crate::diag::wrong_kind::wrong_kind;
use crate::diag::wrong_type::wrong_type;
use crate::literal;
use crate::policy::{Expr, ExprKind};
use crate::source::Span;
use crate::syntax::Keyword;
use crate::syntax::ast;
use crate::types::Ty;
use crate::value::Value;
use crate::vocab::nearest;

const METHODS: &[&str] =
    &["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT"];

/// More of the IANA registry of methods, and one that caches use.
const REGISTERED: &[&str] = &[
    "ACL",
    "BIND",
    "CHECKIN",
    "CHECKOUT",
    "COPY",
    "LABEL",
    "LINK",
    "LOCK",
    "MERGE",
    "MKACTIVITY",
    "MKCALENDAR",
    "MKCOL",
    "MOVE",
    "ORDERPATCH",
    "PROPFIND",
    "PROPPATCH",
    "PURGE",
    "QUERY",
    "REBIND",
    "REPORT",
    "SEARCH",
    "UNBIND",
    "UNCHECKOUT",
    "UNLINK",
    "UNLOCK",
    "UPDATE",
];

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
        ast::Expr::Member(member) => fields::member(cx, scope, member, want),
        ast::Expr::Index(index) => fields::index(cx, scope, index),
        ast::Expr::Call(call) => calls::call(cx, scope, call, want),
        ast::Expr::Unary(unary) => operators::unary(cx, scope, unary, want),
        ast::Expr::Binary(binary) => operators::binary(cx, scope, binary, want),
        ast::Expr::Is(is) => operators::is(cx, scope, is),
        ast::Expr::Match(read) => matches::matches(cx, scope, read, want),
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

fn text<'a>(cx: &mut Context<'a>, scope: &Scope<'a>, written: ast::Str<'a>) -> Expr {
    let span = written.span();
    let mut parts: Vec<Expr> = Vec::new();
    let mut plain = String::new();
    let mut sound = true;
    for part in written.parts() {
        match part {
            ast::Part::Text(word) => plain.push_str(word.text),
            ast::Part::Escape(word) => match ast::unescape(word.text) {
                Some(c) => plain.push(c),
                None => {
                    sound = false;
                    cx.report(
                        bad_text(
                            word.span,
                            format!("`{}` stands for nothing", word.text),
                            "no such escape",
                        )
                        .help("the escapes are `\\n \\r \\t \\\" \\\\ \\{ \\}`")
                        .fix(
                            "write a backslash",
                            word.span,
                            format!("\\{}", word.text),
                        ),
                    );
                }
            },
            ast::Part::Hole(hole) => {
                let Some(inner) = hole.expr() else {
                    sound = false;
                    bad_hole(cx, hole);
                    continue;
                };
                if !plain.is_empty() {
                    let value = Value::string(std::mem::take(&mut plain));
                    parts.push(constant(value, Ty::String, span));
                }
                let part = self::hole(cx, scope, inner);
                sound &= !part.ty.is_error();
                parts.push(part);
            }
        }
    }
    if !sound {
        // Its type is known all the same, so that what uses it is still checked.
        return Expr { kind: ExprKind::Error, ty: Ty::Error, span };
    }
    if parts.is_empty() {
        return constant(Value::string(plain), Ty::String, span);
    }
    if !plain.is_empty() {
        parts.push(constant(Value::string(plain), Ty::String, span));
    }
    Expr { kind: ExprKind::Template(parts), ty: Ty::String, span }
}

fn bad_hole(cx: &mut Context<'_>, hole: ast::Hole<'_>) {
    if let Some((name, _)) = hole.capture() {
        cx.report(
            bad_text(
                hole.span(),
                format!("`{{{}}}` captures nothing here", hole.text()),
                "a typed capture belongs in a `path`",
            )
            .help(format!("write `{{path.{}}}` for what the route's path captured", name.text)),
        );
    } else if !hole.node().is_broken() {
        cx.report(
            bad_text(
                hole.span(),
                format!("`{{{}}}` is no value", hole.text()),
                "a value belongs between the braces",
            )
            .help("write `\\{` for a brace as it is"),
        );
    }
}

/// A value inside text.
fn hole<'a>(cx: &mut Context<'a>, scope: &Scope<'a>, inner: ast::Expr<'a>) -> Expr {
    // `{id}` may stand for `{path.id}`, as in the path it came from.
    let part = match inner {
        ast::Expr::Name(name) if captured(cx, scope, name.text()) => {
            fields::capture(cx, scope, name.word(), name.span())
        }
        _ => expr(cx, scope, inner, None),
    };
    if part.ty == Ty::Secret {
        let reason = "a text can be seen";
        cx.report(exposed_secret(part.span, reason));
        return reported(part.span);
    }
    if let Ty::Optional(of) = &part.ty {
        if is_text_like(of) {
            let why = Why::default().absence("the text would silently lack this part");
            let of = Ty::clone(of);
            return fit(cx, scope, part, &of, &why);
        }
    } else if is_text_like(&part.ty) {
        return part;
    }
    let diag = wrong_type(part.span, &part.ty.to_string(), "a value with one text form", None);
    cx.report(diag.help("texts, numbers, addresses and their like can stand in a text"));
    reported(part.span)
}

/// Whether a bare name in a text is a capture: nothing else has that name.
fn captured(cx: &Context<'_>, scope: &Scope<'_>, name: &str) -> bool {
    let captures = scope.captures.as_deref().unwrap_or_default();
    let taken = scope.local(name).is_some()
        || cx.names.get(scope.unit).is_some_and(|names| names.contains_key(name));
    !taken && captures.iter().any(|(known, ..)| **known == *name)
}

fn name<'a>(
    cx: &mut Context<'a>,
    scope: &Scope<'a>,
    word: ast::Word<'a>,
    want: Option<&Ty>,
) -> Expr {
    let wanted = want.map(Ty::present);
    if let Some(Ty::OneOf(words)) = wanted
        && words.iter().any(|known| **known == *word.text)
        && scope.local(word.text).is_none()
    {
        return constant(Value::string(word.text), Ty::OneOf(words.clone()), word.span);
    }
    if let Some(Ty::Item("balancer")) = wanted
        && let Some(row) = cx.vocabulary.balancer(word.text)
    {
        cx.note(word.span, Meaning::Balancer(row));
        return constant(Value::Item(row.name.into()), Ty::Item("balancer"), word.span);
    }
    let entry = cx.names.get(scope.unit).and_then(|names| names.get(word.text)).copied();
    let names_item = matches!((wanted, entry), (Some(Ty::Item(kind)), Some(Entry::Item(id)))
        if cx.item(id).keyword.as_str() == *kind);
    if let Some(local) = scope.local(word.text).filter(|_| !names_item) {
        return self::local(cx, local.clone(), word.span);
    }
    match entry {
        Some(Entry::Item(id)) => return item(cx, scope, id, word, want),
        Some(Entry::File(_)) => {
            cx.report(bad_operator(
                word.span,
                format!("`{}` is an imported file, not a value", word.text),
                "a name of the file belongs behind it, as in `file.name`",
            ));
            return reported(word.span);
        }
        None => {}
    }
    if let Some(Ty::Method) = wanted
        && is_method(word.text)
    {
        return constant(Value::Method(word.text.into()), Ty::Method, word.span);
    }
    if !matches!(wanted, Some(Ty::Item(_))) {
        if METHODS.contains(&word.text) {
            return constant(Value::Method(word.text.into()), Ty::Method, word.span);
        }
        if fields::is_namespace(cx, word.text) {
            return fields::path(cx, scope, &[word], word.span);
        }
        if word.text == "null" {
            return constant(Value::Null, Ty::Json, word.span);
        }
    }
    let kinds: &[Keyword] = match wanted {
        Some(Ty::Item("upstream")) => &[Keyword::Upstream],
        Some(Ty::Item(_)) => &[],
        _ => &[Keyword::Let, Keyword::Param, Keyword::Secret],
    };
    if !cx.is_lost(scope.unit, word.text, kinds) {
        let diag = unknown(cx, scope, word, wanted);
        cx.report(diag);
    }
    reported(word.span)
}

/// Whether it is a method: a registered one, or a word of one's own that is not near a usual one.
fn is_method(text: &str) -> bool {
    let is_upper = text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    let is_known = METHODS.contains(&text) || REGISTERED.contains(&text);
    is_upper && (is_known || nearest(text, METHODS.iter().copied()).is_none())
}

/// A name that stands for nothing, with the nearest that does.
fn unknown(
    cx: &Context<'_>,
    scope: &Scope<'_>,
    word: ast::Word<'_>,
    wanted: Option<&Ty>,
) -> crate::diag::Diag {
    if let Some(Ty::OneOf(words)) = wanted {
        let near = nearest(word.text, words.iter().map(|known| &**known));
        let diag = unknown_name(word.span, "option", word.text, near.map(|near| (near, None)));
        return if near.is_none() {
            diag.help(format!("one of {} belongs here", listed(words)))
        } else {
            diag
        };
    }
    let (what, kinds): (&str, &[Keyword]) = match wanted {
        Some(Ty::Item("balancer")) => {
            let names = cx.vocabulary.balancers.iter().map(|row| row.name);
            let near = nearest(word.text, names.clone()).map(|near| (near, None));
            let diag = unknown_name(word.span, "balancer", word.text, near);
            let known: Vec<Arc<str>> = names.map(Arc::from).collect();
            return match near {
                Some(_) => diag,
                None => diag.help(format!("the balancers are {}", listed(&known))),
            };
        }
        Some(Ty::Item("upstream")) => ("upstream", &[Keyword::Upstream]),
        Some(Ty::Item("listener")) => ("listener", &[Keyword::Listener]),
        Some(Ty::Item(kind)) => (*kind, &[]),
        Some(Ty::Method) => {
            let near = nearest(word.text, METHODS.iter().copied());
            return unknown_name(word.span, "method", word.text, near.map(|near| (near, None)))
                .help("methods are written in upper case");
        }
        _ => ("value", &[Keyword::Let, Keyword::Param, Keyword::Secret]),
    };
    let places = names_of(cx, scope, kinds);
    let names = places.iter().map(|(name, _)| *name);
    let spaces = cx.vocabulary.fields.iter().filter_map(|field| field.path.split('.').next());
    let near = if kinds.contains(&Keyword::Let) {
        nearest(word.text, names.chain(spaces))
    } else {
        nearest(word.text, names)
    };
    let place = |near: &str| places.iter().find(|(name, _)| *name == near).map(|(_, place)| *place);
    let diag = unknown_name(word.span, what, word.text, near.map(|near| (near, place(near))));
    if near.is_none()
        && kinds.contains(&Keyword::Let)
        && let Some(field) = fields::ending_in(cx, scope.when, word.text)
    {
        return diag.help(format!("did you mean `{field}`?")).fix(
            format!("write `{field}`"),
            word.span,
            field,
        );
    }
    match wanted {
        Some(Ty::String) if near.is_none() => diag.help("a text stands in quotes").fix(
            "put it in quotes",
            word.span,
            format!("\"{}\"", word.text),
        ),
        None | Some(Ty::Bool) if word.text == "absent" || word.text == "present" => {
            diag.help(format!("write `x is {}`", word.text))
        }
        _ => diag,
    }
}

/// The names that a scope sees, locals first, of these kinds.
pub(super) fn names_of<'a>(
    cx: &Context<'a>,
    scope: &Scope<'a>,
    kinds: &[Keyword],
) -> Vec<(&'a str, Span)> {
    let mut names = Vec::new();
    if kinds.contains(&Keyword::Let) {
        names.extend(scope.locals.iter().rev().map(|local| (local.name, local.span)));
    }
    let entries = cx.names.get(scope.unit).into_iter().flatten();
    let mut items: Vec<(&'a str, Span)> = entries
        .filter_map(|(name, entry)| match entry {
            Entry::Item(id) if kinds.contains(&cx.item(*id).keyword) => {
                Some((*name, cx.item(*id).span))
            }
            _ => None,
        })
        .collect();
    items.sort_unstable_by_key(|(name, _)| *name);
    names.extend(items);
    names
}

/// Words as a sentence lists them.
pub(super) fn listed(words: &[Arc<str>]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => "none".to_owned(),
    }
}

fn local(cx: &mut Context<'_>, local: super::context::Local<'_>, span: Span) -> Expr {
    local.used.set(true);
    if let Some(definition) = local.definition {
        cx.note(span, Meaning::Definition(definition));
    }
    match local.bound {
        Bound::Local(id, ty) => Expr { kind: ExprKind::Local(id), ty, span },
        Bound::Put(put) => {
            let (size, _) = measure(&put);
            if cx.spend(size, span) { Expr { span, ..(*put).clone() } } else { reported(span) }
        }
    }
}

/// The value of an item where it is used.
pub(super) fn item<'a>(
    cx: &mut Context<'a>,
    scope: &Scope<'a>,
    id: ItemId,
    word: ast::Word<'a>,
    want: Option<&Ty>,
) -> Expr {
    cx.use_item(id, word.span);
    let (keyword, definition, unique) = {
        let item = cx.item(id);
        (item.keyword, item.span, item.unique.clone())
    };
    if keyword == Keyword::Unknown {
        return reported(word.span);
    }
    if let Some(Ty::Item(kind)) = want.map(Ty::present) {
        if *kind == keyword.as_str() {
            return constant(Value::Item(unique), Ty::Item(kind), word.span);
        }
        let wanted = match *kind {
            "upstream" => "an upstream",
            "listener" => "a listener",
            "balancer" => "a way of balancing",
            other => other,
        };
        cx.report(wrong_kind(word.span, word.text, kind_name(keyword), wanted, definition));
        return reported(word.span);
    }
    match keyword {
        Keyword::Let => put_value(cx, scope, id, word.span),
        Keyword::Param | Keyword::Secret => match inputs::input(cx, id) {
            Some((input, ty)) => Expr { kind: ExprKind::Input(input), ty, span: word.span },
            None => reported(word.span),
        },
        Keyword::Auth | Keyword::Limit | Keyword::Store | Keyword::Module => reported(word.span),
        _ => {
            let diag = wrong_kind(word.span, word.text, kind_name(keyword), "a value", definition);
            cx.report(if keyword == Keyword::Fn {
                diag.help(format!("call it: `{}(…)`", word.text))
            } else {
                diag
            });
            reported(word.span)
        }
    }
}

/// Checks a top-level `let` by itself, once.
pub(super) fn define_value(cx: &mut Context<'_>, id: ItemId, at: Span) -> Option<Rc<Expr>> {
    let (unit, span, view, name) = {
        let item = cx.item(id);
        (item.unit, item.span, item.view, item.name)
    };
    match &cx.item(id).state {
        State::Value(value) => return Some(value.clone()),
        State::Busy => {
            cx.report(recursion(at, name, span));
            return None;
        }
        State::Fresh => {}
        _ => return None,
    }
    let ast::Item::Let(item) = view else { return None };
    let kept = (std::mem::take(&mut cx.repeating), std::mem::take(&mut cx.depth), cx.spent);
    cx.spent = 0;
    cx.items[id.0].state = State::Busy;
    let (known, errors) = (cx.diags.len(), super::calls::n_errors(cx));
    let declared = item.ty().map(|ty| types::ty(cx, ty));
    let scope = Scope::new(unit, When::Anywhere);
    let value = match (item.value(), &declared) {
        (Some(value), Some(ty)) => {
            let place = item.ty().map_or(span, |ty| ty.span());
            let why = Why::place(place, format!("declared as {ty} here"));
            wanted(cx, &scope, value, ty, &why)
        }
        (Some(value), None) => expr(cx, &scope, value, None),
        (None, _) => reported(span),
    };
    (cx.repeating, cx.depth, cx.spent) = kept;
    let definition = cx.item(id).definition;
    let ty = declared.unwrap_or_else(|| value.ty.clone());
    if let Some(definition) = cx.index.definitions.get_mut(definition) {
        definition.ty = Some(ty.clone());
    }
    let empty = matches!(&value.ty, Ty::List(_));
    let broken = super::calls::n_errors(cx) > errors
        || item.is_broken()
        || ((value.ty.is_error() || ty.is_error()) && !empty);
    if item.is_broken() {
        cx.diags.truncate(known);
    }
    let value = Rc::new(Expr { ty, ..value });
    cx.items[id.0].state = if broken { State::Broken } else { State::Value(value.clone()) };
    (!broken).then_some(value)
}

fn put_value<'a>(cx: &mut Context<'a>, scope: &Scope<'a>, id: ItemId, span: Span) -> Expr {
    let Some(value) = define_value(cx, id, span) else { return reported(span) };
    if is_const(&value) {
        return Expr { span, ..(*value).clone() };
    }
    let (unit, view) = (cx.item(id).unit, cx.item(id).view);
    let ast::Item::Let(item) = view else { return reported(span) };
    let Some(written) = item.value() else { return reported(span) };
    // Read again where it is used, so that phases and what is known there are those of the use.
    let mut inner = Scope::new(unit, scope.when);
    inner.facts = scope.facts.clone();
    let ty = value.ty.clone();
    let put =
        repeated(cx, span, "used here", |cx| wanted(cx, &inner, written, &ty, &Why::default()));
    Expr { span, ..put }
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
        if of.is_error() || of.fits(&read.ty) {
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
        let known = fields.iter().position(|(name, _)| **name == *key.text);
        if let Some(&first) = known.and_then(|at| places.get(at)) {
            cx.report(duplicate_name(key.span, key.text, first));
            continue;
        }
        let hint = match want.map(Ty::present) {
            Some(Ty::Json) => Some(Ty::Json),
            Some(Ty::Map(of)) => Some(Ty::clone(of)),
            Some(Ty::Record(of)) => {
                of.iter().find(|(name, _)| **name == *key.text).map(|(_, ty)| ty.clone())
            }
            _ => None,
        };
        let value = match (entry.value(), &hint) {
            (Some(value), Some(Ty::Json)) => {
                let why = Why::says("a document holds plain values");
                wanted(cx, scope, value, &Ty::Json, &why)
            }
            (Some(value), Some(ty)) => {
                let why = Why::says(format!("`{}` is {ty}", key.text));
                wanted(cx, scope, value, ty, &why)
            }
            (Some(value), None) => expr(cx, scope, value, None),
            (None, _) => reported(key.span),
        };
        fields.push((Arc::from(key.text), value));
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
