//! Names: what a word stands for where it stands, and the nearest that it may have meant.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use super::constant::{is_const, measure};
use super::context::{Bound, Context, Entry, ItemId, Scope, State, When, kind_name, reported};
use super::expr::{constant, expr, repeated, wanted};
use super::fit::Why;
use super::index::Meaning;
use super::{fields, inputs, types};
use crate::diag::Diag;
use crate::diag::bad_operator::bad_operator;
use crate::diag::not_available::{is_planned, not_available};
use crate::diag::recursion::recursion;
use crate::diag::unknown_name::{ENTRY as UNKNOWN_NAME, unknown_name};
use crate::diag::wrong_kind::wrong_kind;
use crate::diag::wrong_phase::unserved;
use crate::foreign;
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

pub(super) fn name<'a>(
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
    if let Some(Ty::OneOf(words)) = wanted
        && cx.trial.as_ref() == Some(words)
        && let Some(route) = super::trial::route(cx, &[word], word.span)
    {
        return route;
    }
    if let Some(stub) = super::trial::bare(cx, word, wanted) {
        return stub;
    }
    if let Some(Ty::Item("balancer")) = wanted
        && let Some(row) = cx.vocabulary.balancer(word.text)
    {
        cx.note(word.span, Meaning::Balancer(row));
        return constant(Value::Item(row.name.into()), Ty::Item("balancer"), word.span);
    }
    let entry = match wanted {
        Some(Ty::Item(_)) => cx.entry(scope.unit, word.text),
        _ => {
            cx.entry(scope.unit, word.text).filter(|_| !fields::is_open(cx, scope.unit, word.text))
        }
    };
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
        if let ("absent", Some(ty)) = (word.text, want) {
            return constant(Value::Absent, ty.clone().optional(), word.span);
        }
    }
    let kinds: &[Keyword] = match wanted {
        Some(Ty::Item("upstream")) => &[Keyword::Upstream],
        Some(Ty::Item(_)) => &[],
        _ => &[Keyword::Let, Keyword::Param, Keyword::Secret, Keyword::Auth],
    };
    if !cx.is_lost(scope.unit, word.text, kinds) {
        let diag = unknown(cx, scope, word, wanted);
        cx.report(diag);
    }
    reported(word.span)
}

/// Whether it is the word `absent`, and nothing is called so.
pub(super) fn is_absent(cx: &Context<'_>, scope: &Scope<'_>, written: ast::Expr<'_>) -> bool {
    matches!(written, ast::Expr::Name(name) if name.text() == "absent")
        && scope.local("absent").is_none()
        && cx.entry(scope.unit, "absent").is_none()
}

/// The word that a value with `-` in it is as a whole, if something is defined so: that is reported where it stands.
pub(super) fn defined_dashed<'a>(
    cx: &Context<'a>,
    scope: &Scope<'a>,
    written: ast::Expr<'a>,
) -> Option<ast::Word<'a>> {
    let ast::Expr::Binary(binary) = written else { return None };
    let span = binary.span();
    let text = cx.text(span);
    let is_known = || cx.entry(scope.unit, text).is_some() || scope.local(text).is_some();
    (text.contains('-') && is_known()).then_some(ast::Word { text, span })
}

/// A word with `-` in it, which no name has: `gateway-error` reads as a difference, of which nobody knows the first part.
pub(super) fn dashed<'a>(
    cx: &mut Context<'a>,
    scope: &Scope<'a>,
    left: ast::Expr<'a>,
    span: Span,
    want: Option<&Ty>,
) -> Option<Diag> {
    let text = cx.text(span);
    let is_word = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    let mut first = left;
    while let ast::Expr::Binary(binary) = first {
        first = binary.left()?;
    }
    let ast::Expr::Name(first) = first else { return None };
    let known = cx.diags.len();
    name(cx, scope, first.word(), want);
    let is_unknown = cx.diags.get(known).is_some_and(|diag| diag.slug == UNKNOWN_NAME.slug);
    cx.diags.truncate(known);
    if !is_word || !is_unknown {
        return None;
    }
    Some(unknown(cx, scope, ast::Word { text, span }, want.map(Ty::present)))
}

/// Whether it is a method: a registered one, or a word of one's own that is not near a usual one.
fn is_method(text: &str) -> bool {
    let is_upper = text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    let is_known = METHODS.contains(&text) || REGISTERED.contains(&text);
    is_upper && (is_known || nearest(text, METHODS.iter().copied()).is_none())
}

/// A name that stands for nothing, with the nearest that does.
fn unknown(cx: &Context<'_>, scope: &Scope<'_>, word: ast::Word<'_>, wanted: Option<&Ty>) -> Diag {
    if let Some(Ty::OneOf(words)) = wanted {
        let near = nearest(word.text, words.iter().map(|known| &**known));
        if is_planned(word.text) {
            return not_available(word.span, word.text);
        }
        let what = if cx.trial.as_ref() == Some(words) { "route" } else { "option" };
        let meant =
            foreign::option(word.text).filter(|ours| words.iter().any(|word| **word == **ours));
        let near = meant.or(near);
        let diag = unknown_name(word.span, what, word.text, near.map(|near| (near, None)));
        return if near.is_none() {
            diag.help(format!("one of {} belongs here", listed(words)))
        } else {
            diag
        };
    }
    if let Some(Ty::List(of)) = wanted
        && let Ty::OneOf(words) = &**of
        && words.iter().any(|known| **known == *word.text)
    {
        let list = format!("[{}]", word.text);
        let diag = unknown_name(word.span, "value", word.text, None);
        return diag.help(format!("a list belongs here: `{list}`")).fix(
            "make it a list",
            word.span,
            list,
        );
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
            let upper = word.text.to_ascii_uppercase();
            let is_plain = METHODS.contains(&&*upper);
            return unknown_name(word.span, "method", word.text, near.map(|near| (near, None)))
                .help("methods are written in upper case")
                .certain_if(is_plain);
        }
        Some(Ty::Status) => {
            let diag = unknown_name(word.span, "status", word.text, None);
            return match foreign::status(word.text) {
                Some(status) => diag.help(format!("a status is a number: `{status}`")).suggest(
                    format!("write `{status}`"),
                    word.span,
                    status.to_string(),
                ),
                None => diag.help("a status is a number, such as `403`"),
            };
        }
        _ if super::trial::is_outside(cx, word.text) => return unserved(word.span, word.text),
        _ => ("value", &[Keyword::Let, Keyword::Param, Keyword::Secret, Keyword::Auth]),
    };
    if kinds.contains(&Keyword::Let)
        && let Some(captures) = &scope.captures
        && captures.iter().any(|(known, ..)| **known == *word.text)
    {
        let meant = format!("path.{}", word.text);
        return unknown_name(word.span, what, word.text, None)
            .help(format!("what the path captures is `{meant}`"))
            .fix(format!("write `{meant}`"), word.span, meant);
    }
    if let Some(help) = elsewhere(cx, scope.unit, word.text, kinds) {
        return unknown_name(word.span, what, word.text, None).help(help);
    }
    let places = names_of(cx, scope, kinds);
    let names = places.iter().map(|(name, _)| *name);
    let spaces = cx.vocabulary.fields.iter().filter_map(|field| field.path.split('.').next());
    let near = if kinds.contains(&Keyword::Let) {
        nearest(word.text, names.chain(spaces))
    } else {
        nearest(word.text, names)
    };
    let place = |near: &str| places.iter().find(|(name, _)| *name == near).map(|(_, place)| *place);
    let meant = foreign::value(word.text).filter(|_| kinds.contains(&Keyword::Let));
    // `user` is `users` where that is defined, whatever it is elsewhere.
    let is_form = |near: &str| near.starts_with(word.text) || word.text.starts_with(near);
    let meant = meant.filter(|_| !near.is_some_and(is_form));
    let near = near.filter(|_| meant.is_none());
    let diag = unknown_name(word.span, what, word.text, near.map(|near| (near, place(near))))
        .certain_if(near.is_some_and(|near| word.text.replace('-', "_") == near));
    if let Some(meant) = meant {
        let diag = diag.help(meant.help);
        return match meant.ours {
            Some(ours) => diag.suggest(format!("write `{ours}`"), word.span, ours),
            None => diag,
        };
    }
    if near.is_none()
        && kinds.contains(&Keyword::Let)
        && let Some(field) = fields::ending_in(cx, scope.when, word.text)
    {
        return diag
            .help(format!("did you mean `{field}`?"))
            .suggest(format!("write `{field}`"), word.span, field)
            .certain_if(field.starts_with("req."));
    }
    match wanted {
        Some(Ty::Item("upstream")) if near.is_none() => diag.help(upstreams(&word, &places)),
        _ if near.is_none() && word.text == "absent" => diag.help(
            "`x is absent` asks whether something is missing; as a value it stands where a type says of what: `let x: String? = absent`",
        ),
        _ if near.is_none() && word.text == "present" => diag.help("write `x is present`"),
        _ if near.is_none() && matches!(word.text, "default" | "otherwise") => {
            diag.help("the arm for all that is left is `_ => …`")
        }
        _ if near.is_none() && matches!(word.text, "nil" | "none" | "None" | "undefined") => {
            diag.help("write `x is absent`")
        }
        None | Some(Ty::Bool) if near.is_none() && word.text.contains('-') => diag.help(format!(
            "a name has no `-`; a field of the request is `req.header[\"{}\"]`",
            word.text.to_ascii_lowercase()
        )),
        Some(Ty::Bool) if near.is_none() => diag.help(format!(
            "who sends a request is known by an auth, `auth {0} = jwt {{ … }}`; a condition gets a name by `let {0} = …`",
            word.text
        )),
        Some(Ty::String) if near.is_none() => diag.help("a text stands in quotes").suggest(
            "put it in quotes",
            word.span,
            format!("\"{}\"", word.text),
        ),
        _ => diag,
    }
}

/// How an item is named or brought in that another file has under this very name.
pub(super) fn elsewhere(
    cx: &Context<'_>,
    unit: usize,
    name: &str,
    kinds: &[Keyword],
) -> Option<String> {
    let has = |file: usize| {
        let entry = cx.names.get(file).and_then(|names| names.get(name));
        matches!(entry, Some(Entry::Item(id)) if kinds.contains(&cx.item(*id).keyword)
            && (cx.item(*id).view.head().is_pub() || super::modules::owner(cx, file).is_some()))
    };
    let mut files: Vec<(&str, usize)> = cx
        .names
        .get(unit)?
        .iter()
        .filter_map(|(alias, entry)| match entry {
            Entry::File(file) => Some((*alias, *file)),
            Entry::Item(_) => None,
        })
        .collect();
    files.sort_unstable();
    if let Some((alias, _)) = files.into_iter().find(|(_, file)| has(*file)) {
        return Some(format!("the file that is `{alias}` here has it: write `{alias}.{name}`"));
    }
    let first = cx.units.first().filter(|_| unit != 0 && has(0))?;
    let path = super::items::path_of_first(cx, unit).unwrap_or(&first.source.name);
    Some(format!(
        "the first file has one that is `pub`: `use \"{path}\" {{ {name} }}` brings it in"
    ))
}

/// Which upstreams there are, or how one is written.
fn upstreams(word: &ast::Word<'_>, places: &[(&str, Span)]) -> String {
    let name = word.text.replace('-', "_");
    let write = format!("`upstream {name} {{ server \"10.0.0.1:8080\" }}`");
    let known: Vec<String> = places.iter().take(8).map(|(name, _)| format!("`{name}`")).collect();
    match known.as_slice() {
        [] => format!("no upstream is defined: write {write}"),
        [only] => format!("the only upstream is {only}; another one is written {write}"),
        [..] if places.len() > known.len() => format!(
            "there are {} upstreams, such as {}; another one is written {write}",
            places.len(),
            known.join(", ")
        ),
        _ => format!("the upstreams are {}; another one is written {write}", known.join(", ")),
    }
}

/// The names that a scope sees, locals first, of these kinds.
pub(super) fn names_of<'a>(
    cx: &Context<'a>,
    scope: &Scope<'a>,
    kinds: &[Keyword],
) -> Vec<(&'a str, Span)> {
    let mut names = Vec::new();
    if !cx.may_search(cx.names.get(scope.unit).map_or(0, HashMap::len)) {
        return names;
    }
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

/// What each further value in a local costs where it is read, in expressions.
const COPY: usize = 4;

fn local(cx: &mut Context<'_>, local: super::context::Local<'_>, span: Span) -> Expr {
    local.used.set(true);
    if let Some(definition) = local.definition {
        cx.note(span, Meaning::Definition(definition));
    }
    match local.bound {
        Bound::Local(id, ty) => {
            // What a route holds at once is bounded too, not each of its values alone.
            let more = cx.copies.get(&id).map_or(0, |copies| copies.saturating_sub(1));
            if !cx.spend(more.saturating_mul(COPY), span) {
                return reported(span);
            }
            Expr { kind: ExprKind::Local(id), ty, span }
        }
        Bound::Put(put) => {
            let (size, _) = measure(&put);
            if let ExprKind::Field(row, _) = put.kind
                && cx.trial.is_some()
            {
                cx.note(span, Meaning::Field(row));
            }
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
        if cx.is_contested(id) {
            return reported(word.span);
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
        Keyword::Auth => super::identity::read(cx, scope, id, word),
        Keyword::Store => reported(word.span),
        _ if cx.is_contested(id) => reported(word.span),
        _ => {
            let diag = wrong_kind(word.span, word.text, kind_name(keyword), "a value", definition);
            cx.report(match keyword {
                Keyword::Fn => diag.help(format!("call it: `{}(…)`", word.text)),
                Keyword::Upstream => diag.help(format!(
                    "`forward {0}` sends there; several share what comes as `forward {{ 90% => {0}, 10% => NAME }}`",
                    word.text
                )),
                _ => diag,
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
    let aside = cx.set_aside(at)?;
    cx.items[id.0].state = State::Busy;
    let known = cx.diags.len();
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
    cx.resume(aside);
    let definition = cx.item(id).definition;
    let ty = declared.unwrap_or_else(|| value.ty.clone());
    if let Some(definition) = cx.index.definitions.get_mut(definition) {
        definition.ty = Some(ty.clone());
    }
    let empty = matches!(&value.ty, Ty::List(_));
    let broken = super::calls::has_errors(cx, known)
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
