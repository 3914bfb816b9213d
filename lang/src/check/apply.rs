//! `apply`: a policy checked by itself, and its statements read again where it is applied, with its parameters bound. A
//! limit is applied in the same way; what it comes to there is for `limits`.

use std::cell::Cell;
use std::rc::Rc;

use super::args::{self, Given};
use super::calls::{has_errors, open};
use super::constant::is_const;
use super::context::{
    Bound, Context, Entry, ItemId, Local, Scope, State, When, is_head_broken, kind_name,
};
use super::expr::relabel;
use super::fields;
use super::items::exported;
use super::limits;
use super::names::{elsewhere, names_of};
use super::steps::{Flow, is_refused, not_a_statement, statement, unused_locals};
use crate::diag::missing_argument::missing_argument;
use crate::diag::recursion::recursion;
use crate::diag::unknown_name::unknown_name;
use crate::diag::wrong_form::wrong_form;
use crate::diag::wrong_kind::wrong_kind;
use crate::policy::{Expr, StepKind};
use crate::source::Span;
use crate::syntax::Keyword;
use crate::syntax::ast;
use crate::types::Ty;
use crate::vocab::{Phase, nearest};

/// What is applied and where.
pub(super) struct Putting<'a> {
    pub(super) id: ItemId,
    /// The word that names it.
    pub(super) word: ast::Word<'a>,
    /// The statement.
    pub(super) span: Span,
}

/// `apply policy(args), …`.
pub(super) fn apply_all<'a>(
    cx: &mut Context<'a>,
    scope: &mut Scope<'a>,
    flow: &mut Flow,
    stmt: ast::Stmt<'a>,
    verb: ast::Word<'a>,
) {
    let mut any = false;
    flow.doubtful |= args::takes_no_block(cx, stmt, "apply");
    for written in stmt.positional() {
        any = true;
        apply(cx, scope, flow, written, stmt.span());
    }
    for named in stmt.named() {
        any = true;
        let limit = stmt.positional().next().and_then(|written| match written {
            ast::Expr::Name(name) => Some(name.text()),
            _ => None,
        });
        let limit = limit.filter(|name| match cx.entry(scope.unit, name) {
            Some(Entry::Item(id)) => cx.item(id).keyword == Keyword::Limit,
            _ => false,
        });
        let diag = wrong_form(named.span, "`apply` has no arguments of its own", "not here");
        cx.report(match limit {
            Some(name) => diag.help(of_each_place(name)),
            None => {
                diag.help("a policy's arguments stand behind its name: `apply policy(name=value)`")
            }
        });
    }
    if !any && !stmt.is_line_broken() {
        cx.report(missing_argument(verb.span, "apply", "policy", "the name of a policy"));
    }
    flow.doubtful |= stmt.is_line_broken() || !any;
}

pub(super) fn apply<'a>(
    cx: &mut Context<'a>,
    scope: &mut Scope<'a>,
    flow: &mut Flow,
    written: ast::Expr<'a>,
    span: Span,
) {
    let (callee, call) = match written {
        ast::Expr::Call(call) => (call.callee(), Some(call)),
        other => (Some(other), None),
    };
    let Some(id_word) = callee.and_then(|callee| policy_named(cx, scope, callee)) else {
        flow.doubtful = true;
        scope.facts.lose();
        return;
    };
    let (id, word) = id_word;
    cx.use_item(id, word.span);
    let is_limit = cx.item(id).keyword == Keyword::Limit;
    let sound =
        if is_limit { limits::define_limit(cx, id) } else { define_policy(cx, id, word.span) };
    let unit = cx.item(id).unit;
    let item: ast::Head<'a> = *cx.item(id).view.head();
    let known = cx.diags.len();
    let slots = args::of_fields(cx, unit, item.params());
    cx.diags.truncate(known);
    let strays = call.is_some_and(|call| args::strays(cx, call.node(), None));
    let given = Given {
        what: word.text,
        positional: call.into_iter().flat_map(|call| call.positional()).collect(),
        named: call.into_iter().flat_map(|call| call.named()).collect(),
        span: word.span,
        broken: strays || call.is_some_and(|call| call.is_broken()),
    };
    let known = cx.diags.len();
    // What a broken policy takes is not known.
    let arguments = cx.quietly(!sound, |cx| args::bind(cx, scope, &given, &slots));
    if is_limit && slots.is_empty() {
        for diag in cx.diags.iter_mut().skip(known) {
            diag.help = Some(of_each_place(word.text));
        }
    }
    if !sound || has_errors(cx, known) {
        flow.doubtful = true;
        scope.facts.lose();
        return;
    }
    let mut inner = Scope::new(unit, scope.when);
    inner.facts = scope.facts.clone();
    inner.end = scope.end;
    for (slot, argument) in slots.iter().zip(arguments) {
        let narrowed = argument.ty.fits(&slot.ty) && !argument.ty.is_optional();
        let ty =
            if narrowed && slot.ty.is_optional() { argument.ty.clone() } else { slot.ty.clone() };
        let bound = if is_const(&argument) || argument.ty == Ty::Secret {
            Bound::Put(Rc::new(Expr { ty, ..argument }))
        } else if super::constant::is_load_time(&argument, &cx.open) {
            // Known once inputs are bound, so it may stand where a constant must.
            Bound::Put(Rc::new(Expr { ty, ..argument }))
        } else {
            let (id, argument) = cx.local_of(argument);
            flow.push(StepKind::Let(id, argument), span);
            Bound::Local(id, ty)
        };
        let used = Rc::new(Cell::new(true));
        let place = slot.span.unwrap_or_default();
        inner.locals.push(Local { name: slot.name, span: place, definition: None, bound, used });
    }
    let known = cx.diags.len();
    cx.repeating += 1;
    if is_limit {
        limits::put(cx, &inner, flow, &Putting { id, word, span });
    } else {
        flow.via.push(cx.item(id).unique.clone());
        for stmt in item.block().into_iter().flat_map(|block| block.stmts()) {
            statement(cx, &mut inner, flow, stmt, "policy");
        }
        flow.via.pop();
    }
    cx.repeating -= 1;
    if cx.diags.len() > known {
        relabel(cx, known, word.span, "applied here");
        flow.doubtful = true;
    }
    // What the policy required holds behind it too, and what it changed is known no more.
    scope.facts = inner.facts;
    scope.when = When::Step(flow.phase);
}

/// How a limit is written that is another one in each place where it is applied.
fn of_each_place(limit: &str) -> String {
    format!(
        "what differs from place to place is a parameter: `limit {limit}(rate: Rate) {{ key …; allow rate }}`, and `apply {limit}(rate=10/s)`"
    )
}

/// What can be applied.
const APPLIED: [Keyword; 2] = [Keyword::Policy, Keyword::Limit];

fn policy_named<'a>(
    cx: &mut Context<'a>,
    scope: &Scope<'a>,
    callee: ast::Expr<'a>,
) -> Option<(ItemId, ast::Word<'a>)> {
    let dashed = || Some(vec![super::names::defined_dashed(cx, scope, callee)?]);
    let words = match fields::words(callee).or_else(dashed) {
        Some(words) => words,
        None => {
            let text = cx.text(callee.span());
            let is_word =
                text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
            if is_word && text.contains('-') {
                let names = names_of(cx, scope, &APPLIED);
                let meant = text.replace('-', "_");
                let near = names.iter().find(|(name, _)| *name == meant);
                let similar = near.map(|(name, place)| (*name, Some(*place)));
                let diag = unknown_name(callee.span(), "policy", text, similar);
                cx.report(diag.certain_if(near.is_some()));
                return None;
            }
            if !matches!(callee, ast::Expr::Error(_)) {
                let diag = wrong_form(callee.span(), "this is no policy", "a name belongs here");
                cx.report(diag.help("write `apply policy(name=value)`"));
            }
            return None;
        }
    };
    let &first = words.first()?;
    let entry = cx.entry(scope.unit, first.text);
    let (id, word) = match (entry, words.as_slice()) {
        (Some(Entry::Item(id)), [word]) => (id, *word),
        (Some(Entry::File(file)), [_, word]) => (exported(cx, file, *word)?, *word),
        _ => {
            if cx.is_lost(scope.unit, first.text, &APPLIED) || cx.is_missing(scope.unit, first.text)
            {
                return None;
            }
            if let Some(help) = elsewhere(cx, scope.unit, first.text, &APPLIED) {
                cx.report(unknown_name(first.span, "policy", first.text, None).help(help));
                return None;
            }
            let names = names_of(cx, scope, &APPLIED);
            let near = nearest(first.text, names.iter().map(|(name, _)| *name));
            let place =
                |near: &str| names.iter().find(|(name, _)| *name == near).map(|(_, place)| *place);
            let similar = near.map(|near| (near, place(near)));
            let diag = unknown_name(first.span, "policy", first.text, similar);
            cx.report(match near {
                Some(_) => diag,
                None => diag.help(format!(
                    "`policy {0} {{ … }}` holds statements to be applied, `limit {0} {{ key client.ip; allow 10/s }}` counts requests",
                    first.text
                )),
            });
            return None;
        }
    };
    match cx.item(id).keyword {
        Keyword::Policy | Keyword::Limit => Some((id, word)),
        keyword => {
            cx.use_item(id, word.span);
            let is_known = matches!(cx.item(id).state, State::Broken) || cx.is_contested(id);
            if !is_known && !is_refused(keyword) {
                let place = cx.item(id).span;
                let diag = wrong_kind(
                    word.span,
                    word.text,
                    kind_name(keyword),
                    "a policy or a limit",
                    place,
                );
                cx.report(match keyword {
                    Keyword::Auth => diag.help(format!(
                        "a token is asked for by `require {0}`: whoever has none is answered 401",
                        word.text
                    )),
                    Keyword::Upstream => {
                        diag.help(format!("`forward {}` sends to an upstream", word.text))
                    }
                    _ => diag,
                });
            }
            None
        }
    }
}

/// Checks a policy by itself, once: its parameters are not known yet, and it may stand anywhere in a route.
pub(super) fn define_policy(cx: &mut Context<'_>, id: ItemId, at: Span) -> bool {
    let (unit, span, view, name) = {
        let item = cx.item(id);
        (item.unit, item.span, item.view, item.name)
    };
    match cx.item(id).state {
        State::Policy => return true,
        State::Busy => {
            cx.report(recursion(at, name, span));
            return false;
        }
        State::Fresh => {}
        _ => return false,
    }
    let ast::Item::Policy(item) = view else { return false };
    let Some(aside) = cx.set_aside(at) else { return false };
    cx.item_mut(id).state = State::Busy;
    let known = cx.diags.len();
    let slots = args::of_fields(cx, unit, item.params());
    let mut scope = Scope::new(unit, When::Anywhere);
    let opened = open(cx, &mut scope, &slots);
    let n_params = scope.locals.len();
    let mut flow = Flow::new();
    // Every phase, until it is applied.
    flow.phase = Phase::Origin;
    lines(cx, &mut scope, &mut flow, item.block(), "policy");
    unused_locals(cx, &Scope { locals: scope.locals.split_off(n_params), ..scope.clone() }, "let");
    unused_locals(cx, &scope, "parameter");
    for local in opened {
        cx.open.remove(&local);
    }
    cx.resume(aside);
    let sound = !has_errors(cx, known) && !item.is_broken();
    if is_head_broken(&item) {
        // Its parameters are not known, nor then what is wrong with their uses.
        cx.diags.truncate(known);
    }
    cx.item_mut(id).state = if sound { State::Policy } else { State::Broken };
    sound
}

/// Checks the lines of a block that holds nothing but statements.
fn lines<'a>(
    cx: &mut Context<'a>,
    scope: &mut Scope<'a>,
    flow: &mut Flow,
    block: Option<ast::Block<'a>>,
    place: &str,
) {
    for line in block.into_iter().flat_map(|block| block.lines()) {
        match line {
            ast::Line::Stmt(stmt) => statement(cx, scope, flow, stmt, place),
            other => not_a_statement(cx, flow, other, place),
        }
    }
}
