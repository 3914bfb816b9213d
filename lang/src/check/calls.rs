//! Calls: built-in functions, functions of the policy, and questions about lists.

use std::cell::Cell;
use std::rc::Rc;

use super::args::{self, Given, Slot};
use super::context::{Bound, Context, Entry, ItemId, Local, Scope, State, When, reported};
use super::expr::{expr, repeated, wanted};
use super::fields;
use super::fit::Why;
use super::index::{Definition, Meaning};
use super::items::exported;
use crate::diag::Diag;
use crate::diag::bad_operator::bad_operator;
use crate::diag::not_available::{is_planned, not_available};
use crate::diag::recursion::recursion;
use crate::diag::too_many_arguments::too_many_arguments;
use crate::diag::unknown_argument::unknown_argument;
use crate::diag::unknown_function::unknown_function;
use crate::diag::wrong_kind::wrong_kind;
use crate::foreign;
use crate::policy::{Expr, ExprKind, Quantifier};
use crate::source::Span;
use crate::syntax::Keyword;
use crate::syntax::ast::{self, BinaryOp};
use crate::types::Ty;
use crate::vocab::trial::STUB;
use crate::vocab::{Key, nearest};

const QUANTIFIERS: &[(&str, Quantifier)] =
    &[("any", Quantifier::Any), ("all", Quantifier::All), ("count", Quantifier::Count)];

/// `callee(args)`.
pub(super) fn call<'a>(
    cx: &mut Context<'a>,
    scope: &Scope<'a>,
    call: ast::Call<'a>,
    want: Option<&Ty>,
) -> Expr {
    let span = call.span();
    let Some(callee) = call.callee() else { return reported(span) };
    let Some(words) = fields::words(callee) else {
        if !matches!(callee, ast::Expr::Error(_)) {
            let help = "a function is called by its name";
            cx.report(
                bad_operator(callee.span(), "this is not a function", "not callable").help(help),
            );
        }
        return reported(span);
    };
    let Some(&first) = words.first() else { return reported(span) };
    let written = words.iter().map(|word| word.text).collect::<Vec<_>>().join(".");
    let is_taken = !fields::is_open(cx, scope.unit, first.text)
        && cx.names.get(scope.unit).is_some_and(|names| names.contains_key(first.text));
    if words.len() > 1 && !is_taken {
        return match cx.vocabulary.field(&written) {
            // Only all values of a name are asked for as by a function.
            Some(row) if row.key != Key::None && !written.ends_with(".all") => {
                let keys = Span { start: callee.span().end, ..span };
                let key = cx.text(keys).trim_start_matches('(').trim_end_matches(')').trim();
                let mended = format!("{written}[{key}]");
                let message = format!("`{written}` is no function");
                cx.report(
                    bad_operator(span, message, "not callable")
                        .help(format!("what has a name is looked up by it: `{mended}`"))
                        .fix("write brackets", span, mended),
                );
                reported(span)
            }
            Some(row) if row.key != Key::None => match call.positional().next() {
                Some(key) => {
                    if let Some(extra) = call.positional().nth(1) {
                        cx.report(too_many_arguments(extra.span(), &written, "`name`"));
                    }
                    if let Some(named) = call.named().next() {
                        let (place, name) = (named.name.span, named.name.text);
                        cx.report(unknown_argument(place, &written, name, None, "a name"));
                    }
                    fields::keyed(cx, scope, row, key, callee.span(), span)
                }
                None => {
                    let help = format!("write `{written}(\"name\")`");
                    cx.report(
                        bad_operator(span, format!("`{written}` needs a name"), "none is given")
                            .help(help),
                    );
                    reported(span)
                }
            },
            _ => unknown(cx, scope, call, &written, callee.span(), want),
        };
    }
    if let [word] = words.as_slice()
        && !is_taken
        && let Some(asked) = super::trial::question(cx, scope, call, *word)
    {
        return asked;
    }
    if let Some((_, how)) = QUANTIFIERS.iter().find(|(name, _)| *name == first.text)
        && !is_taken
    {
        return quantified(cx, scope, call, *how, first);
    }
    let entry = cx.entry(scope.unit, first.text);
    let (id, word) = match (entry, words.as_slice()) {
        (Some(Entry::Item(id)), [word]) => (id, *word),
        (Some(Entry::File(file)), [_, word]) => match exported(cx, file, *word) {
            Some(id) => (id, *word),
            None => return reported(span),
        },
        _ if cx.is_missing(scope.unit, first.text) => return reported(span),
        (None, [word]) => {
            let word = *word;
            let Some(row) = cx.vocabulary.function(word.text) else {
                return unknown(cx, scope, call, word.text, word.span, want);
            };
            cx.note(word.span, Meaning::Function(row));
            let given = given(cx, &call, row.name, word.span);
            let arguments = args::bind(cx, scope, &given, &args::of_rows(row.params));
            if arguments
                .iter()
                .any(|argument| argument.ty.is_error() && !matches!(argument.ty, Ty::List(_)))
            {
                return reported(span);
            }
            return Expr { kind: ExprKind::Call(row, arguments), ty: (row.returns)(), span };
        }
        _ => return unknown(cx, scope, call, &written, callee.span(), want),
    };
    if cx.item(id).keyword != Keyword::Fn {
        cx.use_item(id, word.span);
        if matches!(cx.item(id).state, State::Broken) || cx.is_contested(id) {
            return reported(span);
        }
        let (keyword, place) = (cx.item(id).keyword, cx.item(id).span);
        let found = super::context::kind_name(keyword);
        let diag = wrong_kind(word.span, word.text, found, "a function", place);
        cx.report(match keyword {
            Keyword::Policy => diag.help(format!("a policy is applied: `apply {}`", word.text)),
            _ => diag,
        });
        return reported(span);
    }
    own(cx, scope, call, id, word)
}

fn given<'a>(cx: &mut Context<'a>, call: &ast::Call<'a>, what: &'a str, span: Span) -> Given<'a> {
    let strays = args::strays(cx, call.node(), None);
    Given {
        what,
        positional: call.positional().collect(),
        named: call.named().collect(),
        span,
        broken: call.is_broken() || strays,
    }
}

fn unknown<'a>(
    cx: &mut Context<'a>,
    scope: &Scope<'a>,
    call: ast::Call<'a>,
    name: &str,
    span: Span,
    want: Option<&Ty>,
) -> Expr {
    if cx.is_lost(scope.unit, name, &[Keyword::Fn]) {
        return reported(call.span());
    }
    if is_planned(name) {
        cx.report(not_available(span, name));
        return reported(call.span());
    }
    let own = super::names::names_of(cx, scope, &[Keyword::Fn]);
    let built_in = cx.vocabulary.functions.iter().map(|row| row.name);
    let words = QUANTIFIERS.iter().map(|(name, _)| *name);
    let near = nearest(name, own.iter().map(|(name, _)| *name).chain(built_in).chain(words));
    let place = |near: &str| own.iter().find(|(known, _)| *known == near).map(|(_, place)| *place);
    let meant = foreign::function(name);
    let near = near.filter(|_| meant.is_none());
    let diag = unknown_function(span, name, near.map(|near| (near, place(near))));
    if want.map(Ty::present) == Some(&STUB) && near.is_none() {
        let diag = diag.help("an upstream answers with `respond(200)`, or does `refuse`, `reset`, `delay(…)`, `drip(…)` or `sequence(…)`");
        cx.report(diag);
        return reported(call.span());
    }
    if let Some((base, last)) = name.rsplit_once('.')
        && let Some(last) = cx
            .vocabulary
            .functions
            .iter()
            .map(|row| row.name)
            .find(|row| *row == last)
            .or_else(|| foreign::function(last)?.ours)
    {
        cx.report(
            diag.help(format!("a function takes its values in brackets: `{last}({base}, …)`")),
        );
        return reported(call.span());
    }
    if let Some((base, word @ ("in" | "is" | "not_in"))) = name.rsplit_once('.') {
        let word = word.replace('_', " ");
        cx.report(diag.help(format!("`{word}` stands between two values: `{base} {word} …`")));
        return reported(call.span());
    }
    if let Some((base, "get" | "has" | "contains_key" | "containsKey" | "lookup")) =
        name.rsplit_once('.')
    {
        cx.report(diag.help(format!(
            "a map is looked into by a literal, `{base}[\"key\"]`, and `x in {base}` asks for its keys; what belongs to a value of the request is said by `match VALUE {{ \"key\" => …, _ => … }}`"
        )));
        return reported(call.span());
    }
    if want.map(Ty::present) == Some(&Ty::Status)
        && cx.vocabulary.action(name).is_some()
        && let Some(ast::Expr::Literal(status)) = call.positional().next()
    {
        let text = status.text();
        let diag = diag.help(format!("a status stands alone: `{text}`"));
        cx.report(diag.fix(format!("write `{text}`"), call.span(), text));
        return reported(call.span());
    }
    cx.report(if let Some(meant) = meant {
        let diag = diag.help(meant.help);
        match meant.ours {
            Some(ours) => diag.fix(format!("write `{ours}`"), span, ours),
            None => diag,
        }
    } else if cx.vocabulary.action(name).is_some() {
        diag.help(format!("`{name}` is a verb: it begins a line of its own"))
    } else {
        diag
    });
    // What it is given is looked at once the name is mended; names in it count as used.
    let known = cx.diags.len();
    for argument in call.positional().chain(call.named().filter_map(|named| named.value)) {
        expr(cx, scope, argument, None);
    }
    cx.diags.truncate(known);
    reported(call.span())
}

/// Checks a function by itself, once. Gives its type if it is sound.
pub(super) fn define_function(cx: &mut Context<'_>, id: ItemId, at: Span) -> Option<Ty> {
    let (unit, span, view, name) = {
        let item = cx.item(id);
        (item.unit, item.span, item.view, item.name)
    };
    match &cx.item(id).state {
        State::Function(ty) => return Some(ty.clone()),
        State::Busy => {
            cx.report(recursion(at, name, span));
            return None;
        }
        State::Fresh => {}
        _ => return None,
    }
    let ast::Item::Fn(item) = view else { return None };
    let known = cx.diags.len();
    let aside = cx.set_aside(at)?;
    cx.items[id.0].state = State::Busy;
    let first = cx.diags.len();
    let slots = args::of_fields(cx, unit, item.params());
    let mut scope = Scope::new(unit, When::Anywhere);
    let opened = open(cx, &mut scope, &slots);
    let declared = item.returns().map(|ty| (super::types::ty(cx, ty), ty.span()));
    let value = match (item.value(), &declared) {
        (Some(value), Some((ty, place))) => {
            let why = Why::place(*place, format!("`{name}` gives {ty}"));
            wanted(cx, &scope, value, ty, &why)
        }
        (Some(value), None) => expr(cx, &scope, value, None),
        (None, _) => {
            if let Some(block) = item.block() {
                // Whoever writes blocks has written the types of another language, or none.
                cx.diags.truncate(first);
                // Its word is another language's too, and says how a function is written.
                let is_ours = item.keyword().is_some_and(|word| word.text == "fn");
                if is_ours {
                    let diag =
                        bad_operator(block.span(), "a function is one expression", "no block here");
                    cx.report(diag.help(format!(
                        "write `fn {name}(x: String): String = EXPRESSION`, with the types of what it takes and gives"
                    )));
                }
            }
            reported(span)
        }
    };
    for local in opened {
        cx.open.remove(&local);
    }
    cx.resume(aside);
    let ty = declared.map_or_else(|| value.ty.clone(), |(ty, _)| ty);
    let definition = cx.item(id).definition;
    if let Some(definition) = cx.index.definitions.get_mut(definition) {
        definition.ty = Some(ty.clone());
    }
    let broken =
        has_errors(cx, known) || item.is_broken() || value.ty == Ty::Error || ty.is_error();
    if item.is_broken() {
        cx.diags.truncate(known);
    }
    cx.items[id.0].state = if broken { State::Broken } else { State::Function(ty.clone()) };
    (!broken).then_some(ty)
}

/// Whether an error was reported behind the first `known` diagnostics.
pub(super) fn has_errors(cx: &Context<'_>, known: usize) -> bool {
    cx.diags.get(known..).is_some_and(|fresh| fresh.iter().any(Diag::is_error))
}

/// Puts parameters into a scope as values that are not known yet.
pub(super) fn open<'a>(
    cx: &mut Context<'a>,
    scope: &mut Scope<'a>,
    slots: &[Slot<'a>],
) -> Vec<crate::policy::LocalId> {
    let mut opened = Vec::new();
    for slot in slots {
        let span = slot.span.unwrap_or_default();
        if let Some(first) = scope.local(slot.name) {
            let first = first.span;
            cx.report(crate::diag::duplicate_name::duplicate_name(span, slot.name, first));
            continue;
        }
        if let args::Preset::Written(value, unit) = slot.preset {
            let inner = Scope::new(unit, When::Anywhere);
            let why = Why::place(span, format!("`{}` is {} here", slot.name, slot.ty));
            wanted(cx, &inner, value, &slot.ty, &why);
        }
        let id = cx.fresh_local();
        cx.open.insert(id);
        opened.push(id);
        let definition = cx.define(Definition {
            name: slot.name.into(),
            kind: "parameter",
            span,
            ty: Some(slot.ty.clone()),
            doc: "".into(),
        });
        scope.locals.push(Local {
            name: slot.name,
            span,
            definition,
            bound: Bound::Local(id, slot.ty.clone()),
            used: Rc::new(Cell::new(false)),
        });
    }
    opened
}

/// A call of the policy's own function: its body, with the arguments put in.
fn own<'a>(
    cx: &mut Context<'a>,
    scope: &Scope<'a>,
    call: ast::Call<'a>,
    id: ItemId,
    word: ast::Word<'a>,
) -> Expr {
    let span = call.span();
    cx.use_item(id, word.span);
    let sound = define_function(cx, id, word.span);
    let (unit, view) = (cx.item(id).unit, cx.item(id).view);
    let ast::Item::Fn(item) = view else { return reported(span) };
    let known = cx.diags.len();
    let slots = args::of_fields(cx, unit, item.params());
    cx.diags.truncate(known);
    let given = given(cx, &call, word.text, word.span);
    // What a broken function takes is not known.
    let arguments = cx.quietly(sound.is_none(), |cx| args::bind(cx, scope, &given, &slots));
    let (Some(ty), Some(body)) = (sound, item.value()) else { return reported(span) };
    if arguments.iter().any(|argument| argument.ty == Ty::Error) {
        return reported(span);
    }
    let mut inner = Scope::new(unit, scope.when);
    inner.facts = scope.facts.clone();
    for (slot, argument) in slots.iter().zip(arguments) {
        let ty = if argument.ty.is_optional() == slot.ty.is_optional() {
            slot.ty.clone()
        } else {
            argument.ty.clone()
        };
        inner.locals.push(Local {
            name: slot.name,
            span: slot.span.unwrap_or_default(),
            definition: None,
            bound: Bound::Put(Rc::new(Expr { ty, ..argument })),
            used: Rc::new(Cell::new(true)),
        });
    }
    let known = cx.diags.len();
    let put =
        repeated(cx, span, "called here", |cx| wanted(cx, &inner, body, &ty, &Why::default()));
    super::trial::blame_call(cx, known, word);
    Expr { span, ..put }
}

/// `any(x in list, predicate)` and its like.
fn quantified<'a>(
    cx: &mut Context<'a>,
    scope: &Scope<'a>,
    call: ast::Call<'a>,
    how: Quantifier,
    word: ast::Word<'a>,
) -> Expr {
    let span = call.span();
    let positional: Vec<ast::Expr<'a>> = call.positional().collect();
    if let Some(named) = call.named().next() {
        let takes = "a list and a condition";
        cx.report(unknown_argument(named.name.span, word.text, named.name.text, None, takes));
    }
    let shape = match positional.as_slice() {
        [ast::Expr::Binary(each), rest @ ..] if rest.len() <= 1 => {
            let is_in = each.op().is_some_and(|op| op.op == BinaryOp::In);
            match (is_in, each.left(), each.right()) {
                (true, Some(ast::Expr::Name(name)), Some(list)) => {
                    Some((name.word(), list, rest.first().copied()))
                }
                _ => None,
            }
        }
        _ => None,
    };
    let complete =
        |predicate: Option<ast::Expr<'a>>| predicate.is_some() || how == Quantifier::Count;
    let Some((name, list, predicate)) = shape.filter(|(.., predicate)| complete(*predicate)) else {
        if !call.is_broken() {
            let message = format!("`{}` names an item of a list and asks it", word.text);
            let help = format!("write `{}(x in list, condition on x)`", word.text);
            cx.report(bad_operator(span, message, "not of that form").help(help));
        }
        return reported(span);
    };
    let list = expr(cx, scope, list, None);
    let of = match &list.ty {
        Ty::List(of) | Ty::Set(of) => Ty::clone(of),
        Ty::Error => return reported(span),
        Ty::Optional(_) => {
            let present = list.ty.present().clone();
            let why = Why::default().absence("there would be no list to ask");
            super::fit::fit(cx, scope, list, &present, &why);
            return reported(span);
        }
        other => {
            let message = format!("`{}` asks a list, not a value of type {other}", word.text);
            cx.report(bad_operator(list.span, message, "this is no list"));
            return reported(span);
        }
    };
    let (id, list) = cx.local_of(list);
    let definition = cx.define(Definition {
        name: name.text.into(),
        kind: "item",
        span: name.span,
        ty: Some(of.clone()),
        doc: "".into(),
    });
    let mut inner = scope.clone();
    inner.locals.push(Local {
        name: name.text,
        span: name.span,
        definition,
        bound: Bound::Local(id, of),
        used: Rc::new(Cell::new(false)),
    });
    // The item is as constant as the list it comes from.
    cx.open.insert(id);
    cx.items_at_hand.insert(id);
    let predicate = match predicate {
        Some(predicate) => {
            let why = Why::place(word.span, format!("`{}` asks a condition", word.text))
                .absence("it would count as false");
            wanted(cx, &inner, predicate, &Ty::Bool, &why)
        }
        None => super::expr::constant(crate::value::Value::Bool(true), Ty::Bool, span),
    };
    cx.open.remove(&id);
    cx.items_at_hand.remove(&id);
    let ty = if how == Quantifier::Count { Ty::Int } else { Ty::Bool };
    let kind = ExprKind::Quantified(how, id, Box::new(list), Box::new(predicate));
    Expr { kind, ty, span }
}
