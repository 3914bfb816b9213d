//! Statements: `let`, `apply` and the verbs of the vocabulary, each at its time. An applied policy's statements are read
//! again where it is applied, with its parameters bound.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use super::args::{self, Given};
use super::calls::{n_errors, open};
use super::constant::{is_const, value};
use super::context::{
    Bound, Context, Entry, ItemId, Local, Scope, State, When, is_head_broken, kind_name,
};
use super::expr::{expr, names_of, relabel, wanted};
use super::facts::learned;
use super::fields;
use super::fit::Why;
use super::index::{Definition, Meaning};
use super::items::exported;
use super::types;
use crate::diag::bad_sum::bad_sum;
use crate::diag::constant_condition::constant_condition;
use crate::diag::duplicate_name::duplicate_name;
use crate::diag::ends_twice::ends_twice;
use crate::diag::misplaced_clause::misplaced_clause;
use crate::diag::missing_argument::missing_argument;
use crate::diag::no_effect::no_effect;
use crate::diag::read_only::read_only;
use crate::diag::recursion::recursion;
use crate::diag::shadowed::shadowed;
use crate::diag::unknown_name::unknown_name;
use crate::diag::unknown_verb::unknown_verb;
use crate::diag::unused::unused;
use crate::diag::wrong_form::wrong_form;
use crate::diag::wrong_kind::wrong_kind;
use crate::policy::{Call, Expr, ExprKind, Place, Step, StepKind};
use crate::source::Span;
use crate::syntax::Keyword;
use crate::syntax::ast;
use crate::types::Ty;
use crate::value::Value;
use crate::vocab::clauses::CLAUSES;
use crate::vocab::{Action, Ends, Form, Phase, nearest};

/// The clauses that choose a route.
pub(super) const CHOOSING: &[&str] = &["host", "path", "method", "where"];

/// A route's statements as they come together.
pub(super) struct Flow {
    pub(super) phase: Phase,
    /// The statement that ended the way in.
    pub(super) ended: Option<Span>,
    /// Whether something was reported that may have ended it.
    pub(super) doubtful: bool,
    pub(super) steps: Vec<Step>,
    via: Vec<Arc<str>>,
}

impl Flow {
    pub(super) fn new() -> Flow {
        Flow {
            phase: Phase::Route,
            ended: None,
            doubtful: false,
            steps: Vec::new(),
            via: Vec::new(),
        }
    }

    fn end(&mut self, ends: Ends, span: Span) {
        self.ended = Some(span);
        self.phase = if ends == Ends::Forwards { Phase::Origin } else { Phase::Response };
    }

    /// Something unknown stands here: it may have ended the way in, so that anything may follow.
    fn lose_track(&mut self) {
        self.doubtful = true;
        self.phase = Phase::Origin;
    }

    fn push(&mut self, kind: StepKind, span: Span) {
        self.steps.push(Step { kind, span, via: self.via.clone() });
    }
}

/// Checks one statement and adds what it does. `place` says whose it is: a route, a site or a policy. Nothing more is
/// said of a line that did not parse.
pub(super) fn statement<'a>(
    cx: &mut Context<'a>,
    scope: &mut Scope<'a>,
    flow: &mut Flow,
    stmt: ast::Stmt<'a>,
    place: &str,
) {
    let broken = stmt.is_line_broken();
    cx.quietly(broken, |cx| whole(cx, scope, flow, stmt, place));
    flow.doubtful |= broken;
}

fn whole<'a>(
    cx: &mut Context<'a>,
    scope: &mut Scope<'a>,
    flow: &mut Flow,
    stmt: ast::Stmt<'a>,
    place: &str,
) {
    let Some(verb) = stmt.verb() else {
        flow.lose_track();
        return;
    };
    scope.when = When::Step(flow.phase);
    scope.statement = Some(stmt.span());
    if !cx.spend(1, verb.span) {
        flow.doubtful = true;
        return;
    }
    if let Some(clause) = CLAUSES.iter().find(|clause| clause.name == verb.text) {
        cx.note(verb.span, Meaning::Clause(clause));
    }
    match verb.text {
        "let" => define(cx, scope, flow, stmt),
        "apply" => apply_all(cx, scope, flow, stmt, verb),
        word if CHOOSING.contains(&word) => {
            let diag = misplaced_clause(verb.span, word, &format!("a {place}"));
            cx.report(diag.help(match word {
                "where" => "a statement that must hold is a `require`; `where` chooses a route",
                _ => "it stands in a route, or in a site for all of its routes",
            }));
            flow.doubtful = true;
        }
        _ => match cx.vocabulary.action(verb.text) {
            Some(row) => act(cx, scope, flow, stmt, row, verb),
            None => unknown(cx, scope, flow, stmt, verb, place),
        },
    }
}

fn unknown<'a>(
    cx: &mut Context<'a>,
    scope: &Scope<'a>,
    flow: &mut Flow,
    stmt: ast::Stmt<'a>,
    verb: ast::Word<'a>,
    place: &str,
) {
    let actions = cx.vocabulary.actions.iter().map(|action| action.name);
    let words = CLAUSES.iter().map(|clause| clause.name);
    let near = nearest(verb.text, actions.chain(words));
    match near.and_then(|near| cx.vocabulary.action(near)).map(|row| row.ends) {
        Some(Ends::No) => {}
        Some(ends) if flow.ended.is_none() => flow.end(ends, stmt.span()),
        _ => flow.lose_track(),
    }
    let mut diag = unknown_verb(verb.span, verb.text, &format!("a {place}"), near);
    if matches!(verb.text, "if" | "when" | "unless" | "else") {
        cx.report(diag.help(
            "statements do not branch: `where` chooses between routes, and `match` between values",
        ));
        return;
    }
    if near.is_none() {
        let is_policy = matches!(
            cx.names.get(scope.unit).and_then(|names| names.get(verb.text)),
            Some(Entry::Item(id)) if cx.item(*id).keyword == Keyword::Policy
        );
        let home = cx.vocabulary.blocks.iter().find(|block| block.setting(verb.text).is_some());
        diag = match home {
            _ if is_policy => {
                let start = Span { end: verb.span.start, ..verb.span };
                diag.help(format!("`{}` is a policy: apply it", verb.text)).fix(
                    "apply the policy",
                    start,
                    "apply ",
                )
            }
            Some(block) => diag.help(format!("`{}` is a setting of `{}`", verb.text, block.name)),
            None => {
                let known: Vec<Arc<str>> =
                    cx.vocabulary.actions.iter().map(|action| action.name.into()).collect();
                diag.help(format!("the verbs are {}", super::expr::listed(&known)))
            }
        };
    }
    cx.report(diag);
    // What a misspelt verb is given is looked at by whoever mends the verb; names in it count as used.
    let known = cx.diags.len();
    for value in stmt.positional().chain(stmt.named().filter_map(|arg| arg.value)) {
        expr(cx, scope, value, None);
        touch(cx, scope, value);
    }
    cx.diags.truncate(known);
}

/// Counts a bare name as used.
fn touch<'a>(cx: &mut Context<'a>, scope: &Scope<'a>, written: ast::Expr<'a>) {
    if let ast::Expr::Name(name) = written
        && let Some(Entry::Item(id)) =
            cx.names.get(scope.unit).and_then(|names| names.get(name.text())).copied()
    {
        cx.use_item(id, name.span());
    }
}

/// `let name = value`.
fn define<'a>(cx: &mut Context<'a>, scope: &mut Scope<'a>, flow: &mut Flow, stmt: ast::Stmt<'a>) {
    let Some(binding) = stmt.binding() else { return };
    let declared = binding.ty.map(|ty| (types::ty(cx, ty), ty.span()));
    let value = match (binding.value, &declared) {
        (Some(value), Some((ty, place))) => {
            let why = Why::place(*place, format!("declared as {ty} here"));
            wanted(cx, scope, value, ty, &why)
        }
        (Some(value), None) => expr(cx, scope, value, None),
        (None, _) => super::context::reported(stmt.span()),
    };
    let Some(name) = binding.name else { return };
    if let Some(first) = scope.local(name.text) {
        let first = first.span;
        cx.report(duplicate_name(name.span, name.text, first));
        return;
    }
    if cx.repeating == 0 {
        let hidden = match cx.names.get(scope.unit).and_then(|names| names.get(name.text)) {
            Some(Entry::Item(id)) => Some(Some(cx.item(*id).span)),
            Some(Entry::File(_)) => Some(None),
            None => fields::is_namespace(cx, name.text).then_some(None),
        };
        if let Some(place) = hidden {
            cx.report(shadowed(name.span, name.text, place));
        }
    }
    let ty = declared.map_or_else(|| value.ty.clone(), |(ty, _)| ty);
    if ty == Ty::Secret {
        // A secret keeps its place among the inputs; a copy would have none.
        bind_local(cx, scope, name, Bound::Put(Rc::new(value)), &ty);
        return;
    }
    let bound = if is_const(&value) || value.ty == Ty::Error {
        Bound::Put(Rc::new(Expr { ty: ty.clone(), ..value }))
    } else {
        let id = cx.fresh_local();
        flow.push(StepKind::Let(id, value), stmt.span());
        Bound::Local(id, ty.clone())
    };
    bind_local(cx, scope, name, bound, &ty);
}

fn bind_local<'a>(
    cx: &mut Context<'a>,
    scope: &mut Scope<'a>,
    name: ast::Word<'a>,
    bound: Bound,
    ty: &Ty,
) {
    let definition = cx.define(Definition {
        name: name.text.into(),
        kind: "let",
        span: name.span,
        ty: Some(ty.clone()),
        doc: "".into(),
    });
    let used = Rc::new(Cell::new(false));
    scope.locals.push(Local { name: name.text, span: name.span, definition, bound, used });
}

/// Says which locals nobody read.
pub(super) fn unused_locals(cx: &mut Context<'_>, scope: &Scope<'_>, kind: &str) {
    if cx.repeating > 0 {
        return;
    }
    for local in &scope.locals {
        if !local.used.get() && !local.name.starts_with('_') {
            let diag = unused(local.span, kind, local.name).help("remove it, or use it");
            cx.unread.push(diag);
        }
    }
}

/// `apply policy(args), …`.
fn apply_all<'a>(
    cx: &mut Context<'a>,
    scope: &mut Scope<'a>,
    flow: &mut Flow,
    stmt: ast::Stmt<'a>,
    verb: ast::Word<'a>,
) {
    let mut any = false;
    for written in stmt.positional() {
        any = true;
        apply(cx, scope, flow, written, stmt.span());
    }
    for named in stmt.named() {
        any = true;
        cx.report(
            wrong_form(named.span, "`apply` has no arguments of its own", "not here")
                .help("a policy's arguments stand behind its name: `apply policy(name=value)`"),
        );
    }
    if !any && !stmt.is_line_broken() {
        cx.report(missing_argument(verb.span, "apply", "policy", "the name of a policy"));
    }
    flow.doubtful |= stmt.is_line_broken() || !any;
}

fn apply<'a>(
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
        return;
    };
    let (id, word) = id_word;
    cx.use_item(id, word.span);
    let sound = define_policy(cx, id, word.span);
    let (unit, view) = (cx.item(id).unit, cx.item(id).view);
    let ast::Item::Policy(item) = view else { return };
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
    let errors = n_errors(cx);
    // What a broken policy takes is not known.
    let arguments = cx.quietly(!sound, |cx| args::bind(cx, scope, &given, &slots));
    if !sound || n_errors(cx) > errors {
        flow.doubtful = true;
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
            let id = cx.fresh_local();
            flow.push(StepKind::Let(id, argument), span);
            Bound::Local(id, ty)
        };
        let used = Rc::new(Cell::new(true));
        let place = slot.span.unwrap_or_default();
        inner.locals.push(Local { name: slot.name, span: place, definition: None, bound, used });
    }
    let known = cx.diags.len();
    cx.repeating += 1;
    flow.via.push(cx.item(id).unique.clone());
    for stmt in item.block().into_iter().flat_map(|block| block.stmts()) {
        statement(cx, &mut inner, flow, stmt, "policy");
    }
    flow.via.pop();
    cx.repeating -= 1;
    if cx.diags.len() > known {
        relabel(cx, known, word.span, "applied here");
        flow.doubtful = true;
    }
    // What the policy required holds behind it too.
    scope.facts.add(&inner.facts);
    scope.when = When::Step(flow.phase);
}

fn policy_named<'a>(
    cx: &mut Context<'a>,
    scope: &Scope<'a>,
    callee: ast::Expr<'a>,
) -> Option<(ItemId, ast::Word<'a>)> {
    let words = match fields::words(callee) {
        Some(words) => words,
        None => {
            if !matches!(callee, ast::Expr::Error(_)) {
                let diag = wrong_form(callee.span(), "this is no policy", "a name belongs here");
                cx.report(diag.help("write `apply policy(name=value)`"));
            }
            return None;
        }
    };
    let &first = words.first()?;
    let entry = cx.names.get(scope.unit).and_then(|names| names.get(first.text)).copied();
    let (id, word) = match (entry, words.as_slice()) {
        (Some(Entry::Item(id)), [word]) => (id, *word),
        (Some(Entry::File(file)), [_, word]) => (exported(cx, file, *word)?, *word),
        _ => {
            if cx.is_lost(scope.unit, first.text, &[Keyword::Policy]) {
                return None;
            }
            let names = names_of(cx, scope, &[Keyword::Policy]);
            let near = nearest(first.text, names.iter().map(|(name, _)| *name));
            let place =
                |near: &str| names.iter().find(|(name, _)| *name == near).map(|(_, place)| *place);
            let similar = near.map(|near| (near, place(near)));
            cx.report(unknown_name(first.span, "policy", first.text, similar));
            return None;
        }
    };
    match cx.item(id).keyword {
        Keyword::Policy => Some((id, word)),
        keyword => {
            cx.use_item(id, word.span);
            if !matches!(cx.item(id).state, State::Broken) && !is_refused(keyword) {
                let place = cx.item(id).span;
                cx.report(wrong_kind(word.span, word.text, kind_name(keyword), "a policy", place));
            }
            None
        }
    }
}

/// Items that are refused as a whole; using them says nothing more.
pub(super) fn is_refused(keyword: Keyword) -> bool {
    matches!(keyword, Keyword::Auth | Keyword::Limit | Keyword::Store | Keyword::Module)
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
    let kept = (std::mem::take(&mut cx.repeating), std::mem::take(&mut cx.depth), cx.spent);
    cx.spent = 0;
    cx.item_mut(id).state = State::Busy;
    let (errors, known) = (n_errors(cx), cx.diags.len());
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
    (cx.repeating, cx.depth, cx.spent) = kept;
    let sound = n_errors(cx) == errors && !item.is_broken();
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

/// Says that a line is no statement.
pub(super) fn not_a_statement(
    cx: &mut Context<'_>,
    flow: &mut Flow,
    line: ast::Line<'_>,
    place: &str,
) {
    flow.lose_track();
    match line {
        ast::Line::Arm(arm) if arm.is_broken() => {}
        ast::Line::Field(field) if field.is_broken() => {}
        ast::Line::Arm(arm) => cx.report(wrong_form(
            arm.span(),
            format!("an arm does not stand in a {place} by itself"),
            "a verb belongs before it",
        )),
        ast::Line::Field(field) => {
            let name = field.name().map_or("verb", |name| name.text);
            cx.report(
                wrong_form(field.span(), "a statement has no `:`", "not a statement")
                    .help(format!("write the verb and its values: `{name} value`")),
            );
        }
        ast::Line::Item(item) => {
            let word = item.head().keyword();
            let (span, text) =
                word.map_or((item.head().span(), "this"), |word| (word.span, word.text));
            cx.report(
                misplaced_clause(span, text, &format!("a {place}"))
                    .help("items stand by themselves; only a site holds routes"),
            );
        }
        ast::Line::Stmt(_) | ast::Line::Error(_) => {}
    }
}

/// A verb of the vocabulary.
fn act<'a>(
    cx: &mut Context<'a>,
    scope: &mut Scope<'a>,
    flow: &mut Flow,
    stmt: ast::Stmt<'a>,
    row: &'static Action,
    verb: ast::Word<'a>,
) {
    cx.note(verb.span, Meaning::Action(row));
    if row.ends != Ends::No
        && let Some(first) = flow.ended
    {
        cx.report(ends_twice(verb.span, row.name, first));
        return;
    }
    if !fields::is_there(scope.when, row.phase) {
        fields::too_early(cx, scope, row.name, row.phase, verb.span);
        flow.doubtful = true;
        return;
    }
    flow.doubtful |= stmt.is_line_broken() && row.ends == Ends::No;
    let call = match row.form {
        Form::Assign => assign(cx, scope, flow, stmt, row, verb),
        Form::Place => place(cx, scope, flow, stmt, row, verb),
        Form::Plain | Form::Arms { .. } => plain(cx, scope, stmt, row, verb),
    };
    if let Some(call) = call {
        if let Some(at) =
            row.asserts.and_then(|name| row.params.iter().position(|p| p.name == name))
            && let Some(condition) = call.args.get(at)
        {
            if let Some(Value::Bool(outcome)) = value(condition)
                && cx.repeating == 0
            {
                cx.report(constant_condition(condition.span, *outcome));
            }
            let facts = learned(condition, true);
            scope.facts.add(&facts);
        }
        flow.push(StepKind::Act(call), stmt.span());
    }
    if row.ends != Ends::No {
        flow.end(row.ends, stmt.span());
        scope.when = When::Step(flow.phase);
    }
}

fn plain<'a>(
    cx: &mut Context<'a>,
    scope: &Scope<'a>,
    stmt: ast::Stmt<'a>,
    row: &'static Action,
    verb: ast::Word<'a>,
) -> Option<Call> {
    if let Some(assignment) = stmt.assignment() {
        let diag = wrong_form(
            assignment.equals,
            format!("`{}` assigns nothing", row.name),
            "no `=` belongs here",
        );
        cx.report(if row.asserts.is_some() {
            diag.help("`==` compares two values").fix("write `==`", assignment.equals, "==")
        } else {
            diag.help(format!("as in `{}`", row.example))
        });
        return None;
    }
    let mut slots = args::of_rows(row.params);
    let mut arms = Vec::new();
    let mut has_arms = false;
    if let Some(block) = stmt.block() {
        let Form::Arms { pattern, value } = row.form else {
            let diag =
                wrong_form(block.span(), format!("`{}` takes no block", row.name), "not here");
            cx.report(diag.help(format!("as in `{}`", row.example)));
            return None;
        };
        has_arms = true;
        arms = self::arms(cx, scope, block, row, &pattern(), &value())?;
    }
    let strays = args::strays(cx, stmt.node(), None);
    let given = Given {
        what: row.name,
        positional: stmt.positional().collect(),
        named: stmt.named().collect(),
        span: verb.span,
        broken: stmt.is_line_broken() || strays,
    };
    let first = if has_arms && !slots.is_empty() { Some(slots.remove(0)) } else { None };
    let mut args = args::bind(cx, scope, &given, &slots);
    if let Some(first) = first {
        let absent = super::expr::constant(Value::Absent, first.ty, verb.span);
        args.insert(0, absent);
    }
    Some(Call { row, args, place: None, arms })
}

/// `{ pattern => value }`; shares are of a whole.
fn arms<'a>(
    cx: &mut Context<'a>,
    scope: &Scope<'a>,
    block: ast::Block<'a>,
    row: &'static Action,
    pattern: &Ty,
    target: &Ty,
) -> Option<Vec<(Expr, Expr)>> {
    let mut load = scope.clone();
    load.when = When::Load;
    let mut arms: Vec<(Expr, Expr)> = Vec::new();
    let mut sound = !block.is_broken();
    for line in block.lines() {
        let arm = match line {
            ast::Line::Arm(arm) if arm.is_broken() => {
                sound = false;
                continue;
            }
            ast::Line::Arm(arm) => arm,
            ast::Line::Error(_) => continue,
            ast::Line::Stmt(other) => {
                sound = false;
                let message = format!("the block of `{}` holds arms", row.name);
                cx.report(
                    wrong_form(other.span(), message, "this is none")
                        .help(format!("as in `{}`", row.example)),
                );
                continue;
            }
            ast::Line::Field(_) | ast::Line::Item(_) => {
                sound = false;
                let message = format!("the block of `{}` holds arms", row.name);
                cx.report(wrong_form(block.span(), message, "something else stands here"));
                break;
            }
        };
        let says = |ty: &Ty| Why::says(format!("an arm of `{}` has {ty} here", row.name));
        let left = match arm.pattern() {
            Some(written) => wanted(cx, &load, written, pattern, &says(pattern)),
            None => super::context::reported(arm.span()),
        };
        let right = match arm.value() {
            Some(ast::ArmValue::Expr(written)) => {
                let why = Why::says(match target {
                    Ty::Item(kind) => format!("an arm of `{}` leads to an {kind}", row.name),
                    other => format!("an arm of `{}` gives {other}", row.name),
                });
                wanted(cx, &load, written, target, &why)
            }
            Some(ast::ArmValue::Block(inner)) => {
                cx.report(wrong_form(inner.span(), "an arm leads to a value", "no block here"));
                super::context::reported(inner.span())
            }
            None => super::context::reported(arm.span()),
        };
        sound &= !left.ty.is_error() && !right.ty.is_error();
        arms.push((left, right));
    }
    if arms.is_empty() && sound {
        let message = format!("the block of `{}` is empty", row.name);
        let diag = wrong_form(block.span(), message, "an arm belongs here");
        cx.report(diag.help(format!("as in `{}`", row.example)));
        return None;
    }
    if sound && *pattern == Ty::Percent {
        let shares: Option<Vec<f64>> = arms
            .iter()
            .map(|(share, _)| match value(share) {
                Some(Value::Percent(share)) => Some(*share),
                _ => None,
            })
            .collect();
        if let Some(shares) = shares {
            let sum: f64 = shares.iter().sum();
            if (sum - 100.0).abs() > 1e-6
                && let (Some((last, _)), Some(own)) = (arms.last(), shares.last())
            {
                let mut diag = bad_sum(last.span, (sum * 1e6).round() / 1e6);
                let rest = ((100.0 - (sum - own)) * 1e6).round() / 1e6;
                if rest > 0.0 {
                    diag = diag.fix(format!("make it {rest}%"), last.span, format!("{rest}%"));
                }
                cx.report(diag);
                return None;
            }
        }
    }
    sound.then_some(arms)
}

/// `set place = value`.
fn assign<'a>(
    cx: &mut Context<'a>,
    scope: &mut Scope<'a>,
    flow: &Flow,
    stmt: ast::Stmt<'a>,
    row: &'static Action,
    verb: ast::Word<'a>,
) -> Option<Call> {
    let Some(assignment) = stmt.assignment() else {
        if !stmt.is_line_broken() {
            let message = format!("`{}` takes a place and a value", row.name);
            let place = stmt.positional().next().map_or(verb.span, |written| written.span());
            let diag = wrong_form(place, message, "no `= value` behind this");
            cx.report(diag.help(format!("as in `{}`", row.example)));
        }
        return None;
    };
    no_more(cx, &stmt, row);
    args::strays(cx, stmt.node(), Some(assignment.equals));
    let changed = writable(cx, scope, flow, assignment.target, row, verb);
    let written = assignment.value?;
    let Some((field, key, span)) = changed else {
        expr(cx, scope, written, None);
        return None;
    };
    let ty = (field.ty)();
    let why = Why::place(span, format!("`{}` is {ty}", field.path));
    let value = wanted(cx, scope, written, &ty, &why);
    if value.ty.is_optional() || value.ty.is_error() {
        scope.facts.forget(field.path, key.as_deref());
    } else {
        let kind = ExprKind::Field(field, key.clone());
        scope.facts.learn(&Expr { kind, ty, span });
    }
    Some(Call { row, args: vec![value], place: Some(Place { field, key, span }), arms: Vec::new() })
}

/// `unset place`.
fn place<'a>(
    cx: &mut Context<'a>,
    scope: &mut Scope<'a>,
    flow: &Flow,
    stmt: ast::Stmt<'a>,
    row: &'static Action,
    verb: ast::Word<'a>,
) -> Option<Call> {
    if let Some(assignment) = stmt.assignment() {
        let value = assignment.value.map_or(assignment.equals, |value| value.span());
        let extra = Span { start: assignment.target.span().end, ..assignment.equals.to(value) };
        let message = format!("`{}` takes a place alone", row.name);
        cx.report(
            wrong_form(assignment.equals, message, "no value belongs here")
                .help(format!("as in `{}`", row.example))
                .fix("remove the value", extra, ""),
        );
        return None;
    }
    let mut positional = stmt.positional();
    let Some(written) = positional.next() else {
        if !stmt.is_line_broken() {
            cx.report(missing_argument(
                verb.span,
                row.name,
                "place",
                "a field that can be changed",
            ));
        }
        return None;
    };
    if let Some(extra) = positional.next() {
        let message = format!("`{}` takes one place", row.name);
        let diag = wrong_form(extra.span(), message, "one too many");
        cx.report(diag.help(format!("write a line for each: `{}`", row.example)));
    }
    let (field, key, span) = writable(cx, scope, flow, written, row, verb)?;
    scope.facts.forget(field.path, key.as_deref());
    Some(Call { row, args: Vec::new(), place: Some(Place { field, key, span }), arms: Vec::new() })
}

fn no_more<'a>(cx: &mut Context<'a>, stmt: &ast::Stmt<'a>, row: &'static Action) {
    let extra = stmt.positional().next().map(|extra| extra.span());
    let named = stmt.named().next().map(|arg| arg.span);
    if let Some(span) = extra.or(named) {
        let message = format!("`{}` takes one place and one value", row.name);
        let diag = wrong_form(span, message, "one too many");
        cx.report(diag.help(format!("write a line for each: `{}`", row.example)));
    }
}

/// The field that a statement changes, if it may.
fn writable<'a>(
    cx: &mut Context<'a>,
    scope: &Scope<'a>,
    flow: &Flow,
    written: ast::Expr<'a>,
    row: &'static Action,
    verb: ast::Word<'a>,
) -> Option<(&'static crate::vocab::Field, Option<Arc<str>>, Span)> {
    let (field, key, span) = fields::place(cx, scope, written)?;
    if !field.writable {
        let tail = field.path.split_once('.').map_or("", |(_, tail)| tail);
        let instead = ["up", "resp"].iter().find_map(|root| {
            let row = cx.vocabulary.field(&format!("{root}.{tail}")).filter(|row| row.writable)?;
            (field.path.starts_with("req") == (*root == "up")).then_some(row.path)
        });
        let mut diag = read_only(span, field.path, instead);
        if let Some(instead) = instead {
            let root = span.part(0, field.path.len().min(span.len()));
            if cx.text(root) == field.path {
                diag = diag.fix(format!("write `{instead}`"), root, instead);
            }
        }
        cx.report(diag);
        return None;
    }
    if let Some(end) = flow.ended
        && field.from <= Phase::Route
    {
        let what = format!("{} {}", row.name, field.path);
        let mut diag = no_effect(verb.span, &what, end);
        let answer = field.path.strip_prefix("up.").map(|tail| format!("resp.{tail}"));
        if let Some(answer) = answer.filter(|path| cx.vocabulary.field(path).is_some()) {
            diag = diag.help(format!(
                "move it before the statement that ends the way in, or change `{answer}`"
            ));
        }
        cx.report(diag);
        return None;
    }
    Some((field, key, span))
}
