//! Who asks: an auth's name in an expression stands for the claims it has verified, and for whether there are any where a
//! condition is wanted. A test says by `as=` who is to have been verified.

use std::rc::Rc;
use std::sync::Arc;

use super::claims::claims;
use super::context::{Claims, Context, Entry, Item, ItemId, Scope, When, kind_name, reported};
use super::erase;
use super::expr::{constant, wanted};
use super::fields;
use super::fit::Why;
use super::items::exported;
use super::modules;
use super::names::names_of;
use crate::diag::bad_operator::bad_operator;
use crate::diag::missing_argument::missing_argument;
use crate::diag::not_constant::not_constant;
use crate::diag::repeated_argument::repeated_argument;
use crate::diag::too_many_arguments::too_many_arguments;
use crate::diag::unknown_argument::unknown_argument;
use crate::diag::unknown_name::unknown_name;
use crate::diag::wrong_form::wrong_form;
use crate::diag::wrong_kind::wrong_kind;
use crate::policy::{Call, Expr, ExprKind};
use crate::source::Span;
use crate::syntax::Keyword;
use crate::syntax::ast;
use crate::types::Ty;
use crate::value::Value;
use crate::vocab::identity::CLAIMS;
use crate::vocab::nearest;

/// The parameter of a verb that says what is answered where its condition does not hold.
const ELSE: &str = "else";

/// The status of an answer to somebody unknown (RFC 9110, section 15.5.2).
const UNAUTHORIZED: u16 = 401;

/// An auth's name where a value is read.
pub(super) fn read<'a>(
    cx: &mut Context<'a>,
    scope: &Scope<'a>,
    id: ItemId,
    word: ast::Word<'a>,
) -> Expr {
    let Some(claims) = claims(cx, id) else { return reported(word.span) };
    if cx.trial.is_some() {
        let message = format!("`{}` is not seen by an expectation", word.text);
        let diag = bad_operator(word.span, message, "what came of the request is");
        cx.report(diag.help("`send …, as=NAME(claim=…)` says who asks"));
        return reported(word.span);
    }
    if scope.when == When::Load {
        let why = "what configures the gateway knows no request, and nobody who sends one";
        cx.report(not_constant(word.span, why));
        return reported(word.span);
    }
    let name = cx.item(id).unique.clone();
    let kind = ExprKind::Field(&CLAIMS, Some(name));
    Expr { kind, ty: claims.ty.clone().optional(), span: word.span }
}

/// Whether it is the claims of an auth.
pub(super) fn is_claims(expr: &Expr) -> bool {
    matches!(&expr.kind, ExprKind::Field(row, _) if row.path == CLAIMS.path)
}

/// Whether there are any.
pub(super) fn is_there(claims: Expr) -> Expr {
    let span = claims.span;
    Expr { kind: ExprKind::Present(Box::new(claims)), ty: Ty::Bool, span }
}

/// Whether a condition asks for nothing but that somebody is known.
pub(super) fn asks_who(condition: &Expr) -> bool {
    match &condition.kind {
        ExprKind::Present(inner) => is_claims(inner),
        ExprKind::And(parts) | ExprKind::Or(parts) => parts.iter().all(asks_who),
        _ => false,
    }
}

/// Where the policy does not say what is answered to somebody unknown, it is 401.
pub(super) fn refuse_as_unknown(call: &mut Call, verb: Span) {
    let at = call.row.place_of(ELSE);
    if let Some(status) = at.and_then(|at| call.args.get_mut(at))
        // A default has the place of the verb.
        && status.span == verb
        && status.ty == Ty::Status
    {
        *status = constant(Value::Status(UNAUTHORIZED), Ty::Status, verb);
    }
}

/// The auth that a word names; reported if it names none.
pub(super) fn auth<'a>(
    cx: &mut Context<'a>,
    scope: &Scope<'a>,
    word: ast::Word<'a>,
) -> Option<ItemId> {
    let entry = cx.names.get(scope.unit).and_then(|names| names.get(word.text)).copied();
    // Examples name every auth of the policy, also one that the first file does not import: a test takes that name.
    let of_policy = || {
        let is_it = |item: &Item<'_>| item.keyword == Keyword::Auth && *item.unique == *word.text;
        let is_asked = scope.unit == 0 && cx.trial.is_some();
        cx.items.iter().position(is_it).filter(|_| is_asked).map(|at| Entry::Item(ItemId(at)))
    };
    match entry.or_else(of_policy) {
        Some(Entry::Item(id)) if cx.item(id).keyword == Keyword::Auth => {
            cx.use_item(id, word.span);
            Some(id)
        }
        Some(Entry::Item(id)) => {
            let (keyword, place) = (cx.item(id).keyword, cx.item(id).span);
            if keyword != Keyword::Unknown {
                cx.report(wrong_kind(word.span, word.text, kind_name(keyword), "an auth", place));
            }
            None
        }
        _ => {
            if !cx.is_lost(scope.unit, word.text, &[Keyword::Auth]) {
                let names = names_of(cx, scope, &[Keyword::Auth]);
                let near = nearest(word.text, names.iter().map(|(name, _)| *name));
                let place =
                    near.and_then(|near| names.iter().find(|(n, _)| *n == near).map(|(_, p)| *p));
                let similar = near.map(|near| (near, place));
                let diag = unknown_name(word.span, "auth", word.text, similar);
                let known: Vec<Arc<str>> = names.iter().map(|(name, _)| Arc::from(*name)).collect();
                cx.report(match (near, known.len()) {
                    (Some(_), _) | (None, 9..) => diag,
                    (None, 0) => {
                        diag.help(format!("an auth is an item: `auth {} = jwt {{ … }}`", word.text))
                    }
                    (None, _) => {
                        diag.help(format!("the auths are {}", super::names::listed(&known)))
                    }
                });
            }
            None
        }
    }
}

/// The auth that is named, by a name of this file or as `file.token`, and in the first file as `module.token`. None if
/// these are no words that could name one; reported if they name none.
pub(super) fn named<'a>(
    cx: &mut Context<'a>,
    scope: &Scope<'a>,
    written: ast::Expr<'a>,
) -> Option<Option<ItemId>> {
    let words = fields::words(written)?;
    if let [word] = words.as_slice() {
        return Some(auth(cx, scope, *word));
    }
    if let Some(found) = modules::theirs(cx, scope.unit, &words, Keyword::Auth) {
        return Some(found);
    }
    let [file, word] = words.as_slice() else { return None };
    if cx.is_missing(scope.unit, file.text) {
        return Some(None);
    }
    let Some(Entry::File(file)) = cx.names.get(scope.unit)?.get(file.text).copied() else {
        return None;
    };
    let Some(id) = exported(cx, file, *word) else { return Some(None) };
    let (keyword, place) = (cx.item(id).keyword, cx.item(id).span);
    if keyword == Keyword::Auth {
        return Some(Some(id));
    }
    if keyword != Keyword::Unknown {
        cx.report(wrong_kind(word.span, word.text, kind_name(keyword), "an auth", place));
    }
    Some(None)
}

/// Every auth of the policy: whether its claims are there, as conditions.
pub(super) fn all(cx: &mut Context<'_>, span: Span) -> Vec<Expr> {
    let ids = (0..cx.items.len()).map(ItemId);
    let auths: Vec<ItemId> = ids
        .filter(|id| {
            let item = cx.item(*id);
            item.keyword == Keyword::Auth && item.definition != usize::MAX
        })
        .collect();
    auths.into_iter().filter_map(|id| condition(cx, id, span)).collect()
}

/// Whether an auth's claims are there, as a condition.
pub(super) fn condition(cx: &mut Context<'_>, id: ItemId, span: Span) -> Option<Expr> {
    let claims = claims(cx, id)?;
    let kind = ExprKind::Field(&CLAIMS, Some(cx.item(id).unique.clone()));
    Some(is_there(Expr { kind, ty: claims.ty.clone().optional(), span }))
}

/// `token(sub="u1", scope=["x"])` of a test: who is to have been verified, as a record of the auth's name and its
/// claims. A claim that a token must have is given here too.
pub(super) fn assumed<'a>(
    cx: &mut Context<'a>,
    scope: &Scope<'a>,
    written: ast::Expr<'a>,
) -> Option<Expr> {
    let (callee, call) = match written {
        ast::Expr::Call(call) => (call.callee(), Some(call)),
        ast::Expr::Error(_) => return None,
        other => (Some(other), None),
    };
    let Some((callee, id)) = callee.and_then(|callee| Some((callee, named(cx, scope, callee)?)))
    else {
        let diag = wrong_form(written.span(), "this is nobody", "an auth with claims belongs here");
        cx.report(diag.help("write `as=token(sub=\"u1\")`, with the name of an auth"));
        return None;
    };
    let id = id?;
    let word = ast::Word { text: cx.text(callee.span()), span: callee.span() };
    let claims = claims(cx, id)?;
    let record = record(cx, scope, (word, written.span()), call, &claims);
    let auth = constant(Value::String(cx.item(id).unique.clone()), Ty::String, word.span);
    let parts = vec![(Arc::from("auth"), auth), (Arc::from("claims"), record)];
    let ty =
        Ty::Record(parts.iter().map(|(name, part)| (Arc::clone(name), part.ty.clone())).collect());
    Some(Expr { kind: ExprKind::Record(parts), ty, span: written.span() })
}

fn record<'a>(
    cx: &mut Context<'a>,
    scope: &Scope<'a>,
    (word, span): (ast::Word<'a>, Span),
    call: Option<ast::Call<'a>>,
    claims: &Rc<Claims>,
) -> Expr {
    let Ty::Record(fields) = &claims.ty else { return reported(span) };
    let names = || fields.iter().map(|(name, _)| &**name);
    let takes = super::names::listed(&names().map(Arc::from).collect::<Vec<_>>());
    if let Some(extra) = call.and_then(|call| call.positional().next()) {
        cx.report(
            too_many_arguments(extra.span(), word.text, &takes)
                .help("a claim is given by its name: `token(sub=\"u1\")`"),
        );
        return reported(span);
    }
    let mut given: Vec<(Arc<str>, Expr)> = Vec::new();
    let mut places: Vec<Span> = Vec::new();
    // What is called otherwise may be what is missing.
    let mut is_misnamed = false;
    for arg in call.into_iter().flat_map(|call| call.named()) {
        let Some((name, ty)) = fields.iter().find(|(name, _)| **name == *arg.name.text) else {
            let near = nearest(arg.name.text, names()).map(|near| (near, None));
            cx.report(unknown_argument(arg.name.span, word.text, arg.name.text, near, &takes));
            is_misnamed = true;
            continue;
        };
        if let Some(at) = given.iter().position(|(known, _)| known == name)
            && let Some(first) = places.get(at)
        {
            let diag = repeated_argument(arg.name.span, arg.name.text, *first);
            cx.report(erase::twice(cx, diag, (*first, arg.span), erase::argument));
            continue;
        }
        let Some(value) = arg.value else { continue };
        let why = Why::says(format!("the claim `{name}` is {ty}"));
        given.push((name.clone(), wanted(cx, scope, value, ty, &why)));
        places.push(arg.span);
    }
    for (name, ty) in fields.iter().filter(|(_, ty)| !ty.is_optional()) {
        if given.iter().any(|(known, _)| known == name) {
            continue;
        }
        match claims.defaults.get(name) {
            Some(value) => {
                given.push((name.clone(), constant(value.clone(), ty.clone(), word.span)));
            }
            None if is_misnamed => {}
            None => {
                let diag = missing_argument(word.span, word.text, name, &ty.to_string());
                cx.report(diag.help("without it the token would not be verified"));
            }
        }
    }
    Expr { kind: ExprKind::Record(given), ty: claims.ty.clone(), span }
}
