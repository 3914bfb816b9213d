//! `param` and `secret`: what is bound when the policy is loaded. No value is needed to check.

use std::sync::Arc;

use super::calls::has_errors;
use super::constant::value;
use super::context::{Context, ItemId, Scope, State, When};
use super::expr::wanted;
use super::fields::{plain_text, words};
use super::fit::Why;
use super::types;
use crate::diag::bad_operator::bad_operator;
use crate::diag::missing_argument::missing_argument;
use crate::diag::not_constant::not_constant;
use crate::diag::repeated_clause::repeated_clause;
use crate::diag::too_many_arguments::too_many_arguments;
use crate::diag::unknown_argument::unknown_argument;
use crate::diag::unknown_function::unknown_function;
use crate::diag::wrong_form::wrong_form;
use crate::policy::{From, Input, InputId};
use crate::source::Span;
use crate::syntax::{Keyword, ast};
use crate::types::Ty;
use crate::vocab::nearest;

/// The input that an item is, with its type. Checked once; `None` where it was reported.
pub(super) fn input(cx: &mut Context<'_>, id: ItemId) -> Option<(InputId, Ty)> {
    match cx.item(id).state {
        State::Input(input) => {
            let ty = cx.inputs.get(input.0 as usize)?.ty.clone();
            return Some((input, ty));
        }
        State::Fresh => {}
        _ => return None,
    }
    cx.items[id.0].state = State::Busy;
    let kept = std::mem::take(&mut cx.repeating);
    let broken = cx.item(id).view.head().is_broken();
    let read = cx.quietly(broken, |cx| read(cx, id));
    cx.repeating = kept;
    match read {
        Some(input) => {
            let (at, ty) = (InputId(cx.inputs.len() as u32), input.ty.clone());
            let definition = cx.item(id).definition;
            if let Some(definition) = cx.index.definitions.get_mut(definition) {
                definition.ty = Some(ty.clone());
            }
            cx.inputs.push(input);
            cx.items[id.0].state = State::Input(at);
            Some((at, ty))
        }
        None => {
            cx.items[id.0].state = State::Broken;
            None
        }
    }
}

fn read(cx: &mut Context<'_>, id: ItemId) -> Option<Input> {
    let (unit, span, view, name) = {
        let item = cx.item(id);
        (item.unit, item.span, item.view, item.name)
    };
    let unique = cx.item(id).unique.clone();
    let doc: Arc<str> = view.head().docs().unwrap_or_default().into();
    match view {
        ast::Item::Param(item) => {
            let ty = match item.ty() {
                Some(ty) => {
                    let (place, ty) = (ty.span(), types::ty(cx, ty));
                    if !is_bindable(&ty) {
                        cx.report(
                            bad_operator(place, format!("a `param` is no {ty}"), "cannot be given")
                                .help("a `param` is a text, a number, an address or their like, or a list of them"),
                        );
                        return None;
                    }
                    ty
                }
                None if item.is_broken() => return None,
                None => {
                    let diag = missing_argument(span, name, "type", "as in `param name: String`");
                    cx.report(
                        diag.help(format!("an input says what it takes: `param {name}: String`")),
                    );
                    return None;
                }
            };
            let from = match item.from() {
                Some(from) => source(cx, from)?,
                None => From::Given,
            };
            let default = match item.default() {
                Some(written) => {
                    let scope = Scope::new(unit, When::Load);
                    let place = item.ty().map_or(span, |ty| ty.span());
                    let why = Why::place(place, format!("`{name}` is {ty}"));
                    let known = cx.diags.len();
                    let read = wanted(cx, &scope, written, &ty, &why);
                    if read.ty.is_error() {
                        return (!ty.is_error()).then_some(Input {
                            name: unique,
                            ty,
                            from,
                            default: None,
                            doc,
                            span,
                        });
                    }
                    match value(&read) {
                        Some(value) => Some(value.clone()),
                        None => {
                            if !has_errors(cx, known) {
                                cx.report(not_constant(read.span, "a default is a literal"));
                            }
                            None
                        }
                    }
                }
                None => None,
            };
            (!ty.is_error()).then_some(Input { name: unique, ty, from, default, doc, span })
        }
        ast::Item::Secret(item) => {
            if let Some(default) = item.default() {
                cx.report(
                    bad_operator(
                        default.span(),
                        "a secret has no default",
                        "whoever reads the policy reads it",
                    )
                    .help("let it come `from env(\"NAME\")` or `from file(\"/path\")`"),
                );
            }
            if let Some(ty) = item.ty() {
                cx.report(
                    bad_operator(ty.span(), "a secret has no type", "it is opaque")
                        .help("leave the type out"),
                );
            }
            let from = match item.from() {
                Some(from) => source(cx, from)?,
                None => From::Given,
            };
            Some(Input { name: unique, ty: Ty::Secret, from, default: None, doc, span })
        }
        _ => None,
    }
}

/// Says what stands twice behind a name: a source, a default, a value.
pub(super) fn said_once(cx: &mut Context<'_>, id: ItemId) {
    let head = *cx.item(id).view.head();
    if head.is_broken() {
        return;
    }
    let mut said: Vec<ast::Word<'_>> = Vec::new();
    for word in head.value_clauses() {
        match said.iter().find(|known| known.text == word.text) {
            Some(first) => {
                let diag = repeated_clause(word.span, word.text, first.span);
                cx.report(diag.help(match word.text {
                    "from" => "a value has one source; what it is without that is its `default`",
                    _ => "one of them has to go",
                }));
            }
            None => said.push(word),
        }
    }
    if let Some(more) = head.second_value() {
        let diag = wrong_form(more.span(), "a name stands for one value", "a second one");
        cx.report(diag.help("one of them has to go"));
    }
    if cx.item(id).keyword == Keyword::Let
        && let Some(word) = said.first()
    {
        let diag = wrong_form(word.span, "a `let` is its value", "not here");
        cx.report(diag.help("what is given when the policy is loaded is a `param`"));
    }
}

fn is_bindable(ty: &Ty) -> bool {
    match ty {
        Ty::Regex | Ty::Json | Ty::Record(_) | Ty::Map(_) | Ty::Secret | Ty::Item(_) => false,
        Ty::List(of) | Ty::Set(of) | Ty::Optional(of) => {
            is_bindable(of) && !matches!(**of, Ty::List(_) | Ty::Set(_))
        }
        Ty::Range(of) => is_bindable(of),
        _ => true,
    }
}

/// `env("NAME")` or `file("/path")`.
fn source(cx: &mut Context<'_>, written: ast::Expr<'_>) -> Option<From> {
    let call = match written {
        ast::Expr::Call(call) => call,
        ast::Expr::Error(_) => return None,
        other => {
            cx.report(
                bad_operator(other.span(), "this says no source", "not a source")
                    .help("write `from env(\"NAME\")` or `from file(\"/path\")`"),
            );
            return None;
        }
    };
    let name = call.callee().and_then(words).and_then(|words| words.first().copied())?;
    let mut arguments = call.positional();
    let argument = arguments.next();
    if !matches!(name.text, "env" | "file") {
        let near = nearest(name.text, ["env", "file"]).map(|near| (near, None));
        let diag = unknown_function(name.span, name.text, near);
        cx.report(if near.is_none() {
            diag.help("the sources are `env` and `file`")
        } else {
            diag
        });
        return None;
    }
    if let Some(extra) = arguments.next() {
        cx.report(too_many_arguments(extra.span(), name.text, "`name`"));
    }
    if let Some(named) = call.named().next() {
        let diag = unknown_argument(named.name.span, name.text, named.name.text, None, "a name");
        cx.report(match named.name.text {
            "default" => diag.help("what it is without that stands behind it: `default VALUE`"),
            _ => diag,
        });
    }
    let Some(argument) = argument else {
        if !call.is_broken() {
            cx.report(missing_argument(name.span, name.text, "name", "String"));
        }
        return None;
    };
    let what = if name.text == "env" { "the variable's name" } else { "the file's path" };
    let (text, place): (Arc<str>, Span) = plain_text(cx, argument, what)?;
    if text.is_empty() || text.contains('\0') || (name.text == "env" && text.contains('=')) {
        cx.report(bad_operator(place, format!("this is not {what}"), "not possible"));
        return None;
    }
    Some(if name.text == "env" { From::Env(text) } else { From::File(text) })
}
