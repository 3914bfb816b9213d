//! Members of values, and what is looked up by a key.

use super::constant::value;
use super::context::{Context, Entry, Scope, reported};
use super::expr::{constant, expr};
use super::fields::{is_open, path, words};
use super::fit::{Why, absent, report_absent};
use super::items::exported;
use super::names::item;
use crate::diag::Diag;
use crate::diag::bad_operator::bad_operator;
use crate::diag::not_constant::not_constant;
use crate::diag::unknown_member::unknown_member;
use crate::diag::unknown_name::unknown_name;
use crate::foreign;
use crate::policy::{Expr, ExprKind};
use crate::source::Span;
use crate::syntax::Keyword;
use crate::syntax::ast;
use crate::types::Ty;
use crate::value::Value;
use crate::vocab::nearest;

/// `base.name` and `base?.name`.
pub(super) fn member<'a>(
    cx: &mut Context<'a>,
    scope: &Scope<'a>,
    member: ast::Member<'a>,
    want: Option<&Ty>,
) -> Expr {
    let span = member.span();
    if let Some(words) = words(ast::Expr::Member(member))
        && let Some(root) = words.first()
        && scope.local(root.text).is_none()
    {
        if let Some(route) = super::trial::route(cx, &words, span)
            .or_else(|| super::trial::no_route(cx, scope.unit, &words, span, want))
        {
            return route;
        }
        if let Some(Ty::Item(kind)) = want.map(Ty::present)
            && let Some(wanted) = Keyword::from_word(kind).filter(|_| cx.trial.is_some())
            && let Some(found) = super::modules::theirs(cx, scope.unit, &words, wanted)
        {
            return found.map_or_else(
                || reported(span),
                |id| constant(Value::Item(cx.item(id).unique.clone()), Ty::Item(kind), span),
            );
        }
        match cx.names.get(scope.unit).and_then(|names| names.get(root.text)).copied() {
            _ if is_open(cx, scope.unit, root.text) => return path(cx, scope, &words, span),
            Some(Entry::File(file)) if words.len() == 2 => {
                return from_file(cx, scope, file, &words, span, want);
            }
            None => {
                let whole = words.iter().map(|word| word.text).collect::<Vec<_>>().join(".");
                if let Some(meant) = foreign::value(&whole) {
                    let diag = unknown_name(span, "value", &whole, None).help(meant.help);
                    cx.report(match meant.ours {
                        Some(ours) => diag.suggest(format!("write `{ours}`"), span, ours),
                        None => diag,
                    });
                    return reported(span);
                }
            }
            _ => {}
        }
    }
    let (Some(base), Some(name)) = (member.base(), member.name()) else { return reported(span) };
    let read = expr(cx, scope, base, None);
    part(cx, scope, read, name, member, span)
}

fn part<'a>(
    cx: &mut Context<'a>,
    scope: &Scope<'a>,
    base: Expr,
    name: ast::Word<'a>,
    member: ast::Member<'a>,
    span: Span,
) -> Expr {
    let is_taken = member.is_optional() || scope.facts.is_lost();
    if base.ty.is_optional() && !is_taken && has_members(&base.ty) {
        let present = base.ty.present().clone();
        let why = Why::default().absence(format!("there would be no `{}` to look at", name.text));
        let mut diag = absent(cx, scope, &base, &present, &why);
        if let Some(dot) = member.dot() {
            diag = chain(diag, dot, cx.text(base.span), name.text);
        }
        report_absent(cx, scope, &base, diag);
        return reported(span);
    }
    let chained = member.is_optional() && base.ty.is_optional();
    let known = cx.diags.len();
    let Some(ty) = member_type(cx, base.ty.present(), name) else {
        if super::identity::is_claims(&base)
            && let Some(diag) = cx.diags.get_mut(known).filter(|diag| diag.help.is_none())
        {
            diag.help = Some(format!(
                "the claims that are read of a token stand in its `auth`: `claims {{ {}: String? }}`",
                name.text
            ));
        }
        return reported(span);
    };
    let ty = if chained { ty.optional() } else { ty };
    Expr { kind: ExprKind::Member(Box::new(base), name.text.into()), ty, span }
}

/// Whether anything is a member of such a value. Where nothing is, it is no matter whether it may be absent.
fn has_members(ty: &Ty) -> bool {
    matches!(ty.present(), Ty::Record(_) | Ty::Map(_) | Ty::Json | Ty::Error)
}

/// The type of a member; reported if there is none.
fn member_type(cx: &mut Context<'_>, of: &Ty, name: ast::Word<'_>) -> Option<Ty> {
    let near = match of {
        Ty::Record(fields) => {
            if let Some((_, ty)) = fields.iter().find(|(known, _)| **known == *name.text) {
                return Some(ty.clone());
            }
            nearest(name.text, fields.iter().map(|(known, _)| &**known)).map(str::to_owned)
        }
        Ty::Map(of) => return Some(Ty::clone(of).optional()),
        Ty::Json => return Some(Ty::Json.optional()),
        Ty::Error => return None,
        _ => None,
    };
    let diag = unknown_member(name.span, name.text, &of.to_string(), near.as_deref());
    cx.report(match of {
        Ty::Status if diag.help.is_none() => {
            diag.help("a status is compared as it is: `status == 200`, `status in 5xx`")
        }
        _ => diag,
    });
    None
}

/// `file.name`, of an imported file.
fn from_file<'a>(
    cx: &mut Context<'a>,
    scope: &Scope<'a>,
    file: usize,
    words: &[ast::Word<'a>],
    span: Span,
    want: Option<&Ty>,
) -> Expr {
    let Some(&name) = words.last() else { return reported(span) };
    match exported(cx, file, name) {
        Some(id) => {
            let read = item(cx, scope, id, name, want);
            Expr { span, ..read }
        }
        None => reported(span),
    }
}

pub(super) fn members<'a>(
    cx: &mut Context<'a>,
    scope: &Scope<'a>,
    base: Expr,
    words: &[ast::Word<'a>],
) -> Expr {
    let mut read = base;
    for name in words {
        let span = read.span.to(name.span);
        if read.ty.is_error() {
            return reported(span);
        }
        if read.ty.is_optional() && has_members(&read.ty) && !scope.facts.is_lost() {
            let present = read.ty.present().clone();
            let why =
                Why::default().absence(format!("there would be no `{}` to look at", name.text));
            let dot = Span { start: read.span.end, end: name.span.start, ..span };
            let diag = absent(cx, scope, &read, &present, &why);
            let diag = chain(diag, dot, cx.text(read.span), name.text);
            report_absent(cx, scope, &read, diag);
            return reported(span);
        }
        let Some(ty) = member_type(cx, read.ty.present(), *name) else { return reported(span) };
        let kind = ExprKind::Member(Box::new(read), name.text.into());
        read = super::facts::narrow(&scope.facts, Expr { kind, ty, span });
    }
    read
}

/// Says of a reading of what may be absent how it is made one that is absent then too.
fn chain(diag: Diag, dot: Span, base: &str, name: &str) -> Diag {
    // Of a token it is said already what asks for one.
    let help = match &diag.help {
        Some(known) if known.starts_with("write `require") => {
            format!("{known}; or `{base}?.{name}`, which is absent where `{base}` is")
        }
        _ => format!(
            "`{base}?.{name}` is absent where `{base}` is; or say what it is then: `?? default`, or a test for presence before it"
        ),
    };
    let mut diag = diag.help(help).suggest("write `?.`, which is absent then too", dot, "?.");
    diag.fixes.rotate_right(1);
    diag
}

pub(super) fn looked_up<'a>(
    cx: &mut Context<'a>,
    scope: &Scope<'a>,
    base: ast::Expr<'a>,
    key: ast::Expr<'a>,
    span: Span,
) -> Expr {
    let base = expr(cx, scope, base, None);
    if let Ty::List(_) | Ty::Set(_) = base.ty.present() {
        // Before the key is judged: no key would do.
        let help = "ask it as a whole: `x in list`, `any(x in list, …)`, `count(x in list, …)`";
        let diag = bad_operator(span, "a list is not looked into", "there is no such reading");
        cx.report(diag.help(help));
        return reported(span);
    }
    let why = Why::says("a map is looked into by a text");
    let known = cx.diags.len();
    let mut read = expr(cx, scope, key, Some(&Ty::String));
    let is_fixed = matches!(base.ty.present(), Ty::Map(_) | Ty::Record(_));
    if is_fixed && !read.ty.is_error() && value(&read).is_none() {
        // No key of a request would do, whether it may be absent or not.
        cx.diags.truncate(known);
        cx.report(by_request(cx, &base, read.span));
        return reported(span);
    }
    read = super::fit::fit(cx, scope, read, &Ty::String, &why);
    let key = read;
    if base.ty.is_error() || key.ty.is_error() {
        return reported(span);
    }
    let ty = match base.ty.present() {
        Ty::Map(of) => Ty::clone(of).optional(),
        Ty::Json => Ty::Json.optional(),
        other => {
            let of = match other {
                Ty::Record(_) => "a record".to_owned(),
                other => format!("a value of type {other}"),
            };
            let message = format!("{of} is not looked into by a text");
            let diag = bad_operator(span, message, "nothing is read so");
            let part = match value(&key) {
                Some(Value::String(part)) => part.clone(),
                _ => "part".into(),
            };
            let name = cx.text(base.span);
            cx.report(match other {
                Ty::Record(_) => diag.help(format!(
                    "a part of a record is read as `{name}.{part}`; a map, whose keys are texts, says its type: `let {name}: Map<String, String> = {{ … }}`",
                )),
                _ => diag,
            });
            return reported(span);
        }
    };
    match value(&key) {
        Some(Value::String(name)) => {
            let name = name.clone();
            Expr { kind: ExprKind::Member(Box::new(base), name), ty, span }
        }
        _ => {
            cx.report(by_request(cx, &base, key.span));
            reported(span)
        }
    }
}

/// Says that a map is not looked into by a value of the request, and what is written for it.
fn by_request(cx: &Context<'_>, base: &Expr, key: Span) -> Diag {
    let entry = match value(base) {
        Some(Value::Map(entries)) => entries.iter().next(),
        _ => None,
    };
    let (name, of) = match entry {
        Some((name, Value::String(of))) => (&**name, format!("\"{of}\"")),
        Some((name, of)) => (&**name, of.to_string()),
        None => ("a", "…".to_owned()),
    };
    let key_text = cx.text(key);
    not_constant(
        key,
        format!(
            "a map is looked into by a literal; what belongs to a value of the request is said by `match {key_text} {{ \"{name}\" => {of}, _ => absent }}`"
        ),
    )
}
