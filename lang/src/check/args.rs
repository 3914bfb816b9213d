//! Arguments to parameters, for whatever takes them: functions, actions, settings, balancers and policies.

use super::accept;
use super::constant::{children_mut, is_load_time};
use super::context::{Context, Scope, When, reported};
use super::erase;
use super::expr::{constant, expr, wanted};
use super::fit::{Why, expected_type, fit};
use super::index::Meaning;
use crate::diag::missing_argument::{ENTRY as MISSING_ARGUMENT, missing_argument};
use crate::diag::not_constant::{ENTRY as NOT_CONSTANT, not_constant};
use crate::diag::repeated_argument::repeated_argument;
use crate::diag::too_many_arguments::too_many_arguments;
use crate::diag::unknown_argument::unknown_argument;
use crate::diag::wrong_form::wrong_form;
use crate::diag::wrong_type::ENTRY as WRONG_TYPE;
use crate::diag::{Diag, Edit};
use crate::foreign;
use crate::policy::{Expr, ExprKind};
use crate::source::Span;
use crate::syntax::ast;
use crate::syntax::{Kind, Node};
use crate::types::Ty;
use crate::value::Value;
use crate::vocab::trial::STUB;
use crate::vocab::{Param, Setting, is_plainly, nearest};

/// A parameter, of a row or of a policy's own.
#[derive(Clone)]
pub(super) struct Slot<'a> {
    pub(super) name: &'a str,
    pub(super) ty: Ty,
    pub(super) preset: Preset<'a>,
    /// Whether it may depend on the request.
    pub(super) dynamic: bool,
    pub(super) rest: bool,
    /// Where a policy defines it.
    pub(super) span: Option<Span>,
    row: Option<&'static Param>,
}

/// What a parameter is when not given.
#[derive(Clone, Copy)]
pub(super) enum Preset<'a> {
    /// It must be given, or is absent.
    None,
    /// A row's text.
    Text(&'static str),
    /// An expression in the policy, in this unit.
    Written(ast::Expr<'a>, usize),
}

/// What is given.
pub(super) struct Given<'a> {
    /// Who takes it, as messages call it.
    pub(super) what: &'a str,
    pub(super) positional: Vec<ast::Expr<'a>>,
    pub(super) named: Vec<ast::NamedArg<'a>>,
    /// Where a missing argument is missed.
    pub(super) span: Span,
    /// Whether a part of it did not parse; nothing is missed then.
    pub(super) broken: bool,
}

/// A line in which this verb or setting stands, if it is one.
fn example(cx: &Context<'_>, what: &str) -> Option<&'static str> {
    let settings = cx.vocabulary.blocks.iter().flat_map(|block| block.settings);
    let setting = settings.clone().find(|row| row.name == what).map(|row| row.example);
    setting.or_else(|| {
        cx.vocabulary.actions.iter().find(|row| row.name == what).map(|row| row.example)
    })
}

/// In which line of the same block a value of this name stands, where it is none of this line.
fn in_another_line(
    cx: &Context<'_>,
    given: &Given<'_>,
    slots: &[Slot<'_>],
    name: ast::Word<'_>,
) -> Option<String> {
    let takes = |row: &&Setting, name: &str| row.params.iter().any(|param| param.name == name);
    let is_this = |row: &Setting| {
        let names = row.params.iter().map(|param| param.name);
        row.name == given.what && names.eq(slots.iter().map(|slot| slot.name))
    };
    let block = cx.vocabulary.blocks.iter().find(|block| block.settings.iter().any(is_this))?;
    if let Some(row) = block.settings.iter().find(|row| row.name == name.text) {
        return Some(format!("`{}` is a line of its own: `{}`", row.name, row.example));
    }
    let row = block.settings.iter().find(|row| takes(row, name.text))?;
    Some(format!("`{0}` is a value of `{1}`: `{1} {0}=…`", name.text, row.name))
}

/// The slots of a row's parameters.
pub(super) fn of_rows<'a>(params: &'static [Param]) -> Vec<Slot<'a>> {
    params.iter().map(of_row).collect()
}

fn of_row<'a>(param: &'static Param) -> Slot<'a> {
    Slot {
        name: param.name.strip_prefix("r#").unwrap_or(param.name),
        ty: (param.ty)(),
        preset: param.default.map_or(Preset::None, Preset::Text),
        dynamic: param.dynamic,
        rest: param.rest,
        span: None,
        row: Some(param),
    }
}

/// The slots of a function's or policy's own parameters.
pub(super) fn of_fields<'a>(
    cx: &mut Context<'a>,
    unit: usize,
    fields: impl Iterator<Item = ast::Field<'a>>,
) -> Vec<Slot<'a>> {
    let mut slots: Vec<Slot<'a>> = Vec::new();
    for field in fields {
        let Some(name) = field.name() else { continue };
        let ty =
            match field.ty() {
                Some(ty) => super::types::ty(cx, ty),
                None => {
                    if !field.is_broken() {
                        let diag = missing_argument(name.span, name.text, "type", "a type");
                        cx.report(diag.help(format!(
                            "a parameter says what it takes: `{}: String`",
                            name.text
                        )));
                    }
                    Ty::Error
                }
            };
        slots.push(Slot {
            name: name.text,
            ty,
            preset: field.default().map_or(Preset::None, |value| Preset::Written(value, unit)),
            dynamic: true,
            rest: false,
            span: Some(name.span),
            row: None,
        });
    }
    slots
}

/// Says which `target = value` among the arguments is neither an argument's name with its value nor the statement's
/// own assignment.
pub(super) fn strays(cx: &mut Context<'_>, node: Node<'_>, assigned: Option<Span>) -> bool {
    let mut found = false;
    for arg in node.children().filter(|child| child.kind() == Kind::Arg) {
        let Some(equals) = arg.mark("=") else { continue };
        let parts = || arg.children().filter_map(ast::Expr::from_node);
        let is_named = arg.children().next().is_some_and(|child| child.kind() == Kind::Word)
            || matches!(parts().next(), Some(ast::Expr::Name(_)));
        if is_named || assigned == Some(equals.span()) {
            continue;
        }
        found = true;
        cx.report(
            wrong_form(equals.span(), "an argument's name is a plain word", "no name before this")
                .help("`==` compares two values")
                .fix("write `==`", equals.span(), "=="),
        );
    }
    found
}

/// Reports the block of a line that takes none; gives whether there was one.
pub(super) fn takes_no_block(cx: &mut Context<'_>, stmt: ast::Stmt<'_>, verb: &str) -> bool {
    let Some(block) = stmt.block() else { return false };
    if stmt.is_line_broken() {
        return true;
    }
    let message = format!("`{verb}` takes no block");
    let diag = wrong_form(block.span(), message, "not here");
    // Nothing in it stands where it could be read.
    cx.echoes.insert(block.span(), block.span());
    cx.report(match verb {
        "where" => diag.help("what happens then is said by the statements below it"),
        "send" | "expect" | "each" => diag.help("each line of a test stands by itself"),
        _ if let Some(example) = example(cx, verb) => {
            diag.help(format!("its values stand behind it, as in `{example}`"))
        }
        _ => diag.help(format!(
            "the values of `{verb}` stand behind it, and statements in lines of their own"
        )),
    });
    true
}

/// Says which value without a name stands behind one that has a name: by its place nobody could tell what it is.
fn ordered(cx: &mut Context<'_>, given: &Given<'_>) {
    let Some(named) = given.named.iter().map(|arg| arg.span).min_by_key(|span| span.start) else {
        return;
    };
    let behind = |value: &&ast::Expr<'_>| value.span().start > named.start;
    if let Some(value) = given.positional.iter().find(behind).filter(|_| !given.broken) {
        let message =
            format!("a value of `{}` without a name stands behind one that has one", given.what);
        let diag = wrong_form(value.span(), message, "what is this?");
        cx.report(
            diag.label(named, "this has a name")
                .help("values come in the order of the parameters, those with names behind them"),
        );
    }
}

/// A value that looks into the name of a parameter, as in `key[…]`: its `=` is missing.
fn looked_into(
    cx: &Context<'_>,
    scope: &Scope<'_>,
    slots: &[Slot<'_>],
    value: ast::Expr<'_>,
) -> Option<Diag> {
    let ast::Expr::Index(index) = value else { return None };
    let words = super::fields::words(index.base()?)?;
    let [name] = words.as_slice() else { return None };
    let is_value = scope.local(name.text).is_some() || cx.entry(scope.unit, name.text).is_some();
    if is_value || !slots.iter().any(|slot| slot.name == name.text) {
        return None;
    }
    let behind = Span { start: name.span.end, end: name.span.end, ..name.span };
    let message = format!("the `=` behind `{}` is missing", name.text);
    let mended = cx.text(Span { start: behind.start, ..index.span() });
    Some(
        wrong_form(name.span, message, "this is the name of a value")
            .help(format!("write `{}={mended}`", name.text))
            .fix("insert `=`", behind, "="),
    )
}

/// Whether no text is a value of this type.
fn is_word_free(ty: &Ty) -> bool {
    matches!(ty.present(), Ty::Status | Ty::Int | Ty::Duration | Ty::Size | Ty::Bool)
}

/// One expression for each slot, in order.
pub(super) fn bind<'a>(
    cx: &mut Context<'a>,
    scope: &Scope<'a>,
    given: &Given<'a>,
    slots: &[Slot<'a>],
) -> Vec<Expr> {
    let begun = cx.diags.len();
    let mut written: Vec<Option<(ast::Expr<'a>, Span)>> = vec![None; slots.len()];
    let mut rest: Vec<ast::Expr<'a>> = Vec::new();
    let mut too_many = None;
    if let Some(diag) =
        given.positional.iter().find_map(|value| looked_into(cx, scope, slots, *value))
    {
        cx.report(diag);
        return slots.iter().map(|_| reported(given.span)).collect();
    }
    let mut positional = given.positional.iter().enumerate();
    for (at, value) in positional.by_ref() {
        match (slots.get(at), written.get_mut(at)) {
            (Some(slot), _) if slot.rest => {
                rest.push(*value);
                break;
            }
            (Some(_), Some(place)) => *place = Some((*value, value.span())),
            _ => {
                let diag = too_many_arguments(value.span(), given.what, &takes(slots));
                too_many = Some(match erase::argument(cx, value.span()) {
                    Some(whole) => diag.suggest("remove it", whole, ""),
                    None => diag,
                });
                break;
            }
        }
    }
    if !rest.is_empty() {
        rest.extend(positional.map(|(_, value)| *value));
    }
    let mut broken = given.broken;
    for arg in &given.named {
        let found = slots.iter().position(|slot| slot.name == arg.name.text);
        let Some(at) = found else {
            let names = slots.iter().map(|slot| slot.name);
            let is_ours = |ours: &str| slots.iter().any(|slot| slot.name == ours);
            let meant = foreign::argument(given.what, arg.name.text)
                .filter(|meant| meant.ours.is_none_or(is_ours));
            let near = nearest(arg.name.text, names.clone()).filter(|_| meant.is_none());
            let plain = near.is_some_and(|near| is_plainly(arg.name.text, near, names));
            let place = near.and_then(|near| slots.iter().find(|slot| slot.name == near)?.span);
            let diag = unknown_argument(
                arg.name.span,
                given.what,
                arg.name.text,
                near.map(|near| (near, place)),
                &takes(slots),
            );
            cx.report(match meant {
                Some(meant) => {
                    let diag = diag.help(meant.help);
                    match meant.ours {
                        Some(ours) => diag.suggest(format!("write `{ours}`"), arg.name.span, ours),
                        None => diag,
                    }
                }
                None => match near.is_none().then(|| in_another_line(cx, given, slots, arg.name)) {
                    Some(Some(help)) => diag.help(help),
                    _ => diag.certain_if(plain),
                },
            });
            // What was meant by it may be what is missing.
            broken = true;
            if let Some(value) = arg.value {
                expr(cx, scope, value, None);
            }
            continue;
        };
        if let Some(row) = slots.get(at).and_then(|slot| slot.row) {
            cx.note(arg.name.span, Meaning::Param(row));
        }
        let Some(place) = written.get_mut(at) else { continue };
        match (&place, arg.value) {
            // What stands without a name behind one that has it is told by its place.
            (Some((_, first)), _) if first.start > arg.span.start => {
                ordered(cx, given);
                return slots.iter().map(|_| reported(given.span)).collect();
            }
            (Some((ast::Expr::Str(text), first)), Some(value))
                if slots.get(at).is_some_and(|slot| is_word_free(&slot.ty)) =>
            {
                let (name, text) = (arg.name.text, cx.text(text.span()));
                let (value, first) = (cx.text(value.span()), *first);
                let message = format!("`{name}` stands in front, without its name");
                let mut diag = wrong_form(arg.name.span, message, "not behind");
                diag = diag.label(first, format!("`{name}` is expected here"));
                diag = diag.help(format!("write `{} {value}, {text}`", given.what));
                if let Some(whole) = erase::argument(cx, arg.span) {
                    let front = Span { end: first.start, ..first };
                    let edits = vec![
                        Edit { span: front, text: format!("{value}, ") },
                        Edit { span: whole, text: String::new() },
                    ];
                    diag = diag.suggest_all("put it in front", edits);
                }
                cx.report(diag);
                return slots.iter().map(|_| reported(given.span)).collect();
            }
            (Some((_, first)), _) => {
                let diag = repeated_argument(arg.name.span, arg.name.text, *first);
                cx.report(erase::twice(cx, diag, (*first, arg.span), erase::argument));
            }
            (None, Some(value)) => *place = Some((value, arg.span)),
            (None, None) => broken = true,
        }
    }
    if let Some(diag) = skipped(given, slots).filter(|_| !broken) {
        cx.report(diag);
        return slots.iter().map(|_| reported(given.span)).collect();
    }
    let known = cx.diags.len();
    let mut bound = Vec::with_capacity(slots.len());
    for (slot, written) in slots.iter().zip(&written) {
        bound.push(match written {
            _ if slot.rest => collected(cx, scope, given, slot, &rest),
            Some((value, _)) => one(cx, scope, given.what, slot, *value),
            None => preset(cx, scope, given, slot, broken),
        });
    }
    if let Some(diag) = exchanged(cx, scope, given, slots, known) {
        cx.diags.truncate(known);
        cx.report(diag);
    }
    // Whose values are wrong thought of something else that takes more of them, or others: said of the first.
    let is_wrong = |diag: &Diag| is_positional(given, diag.span());
    if cx.diags.iter().skip(known).any(is_wrong) {
        let found = cx.diags.split_off(known);
        cx.diags.extend(found.into_iter().filter(|diag| diag.code != MISSING_ARGUMENT.code));
    } else if let Some(diag) = too_many {
        cx.report(diag);
    } else if !super::calls::has_errors(cx, begun) {
        ordered(cx, given);
    }
    bound
}

/// Whether a place is in a value without a name.
fn is_positional(given: &Given<'_>, place: Span) -> bool {
    let mut values = given.positional.iter().map(|value| value.span());
    values.any(|value| value.start <= place.start && place.end <= value.end)
}

/// Two values of wrong types, said behind `known`, each of which would be right in the place of the other.
fn exchanged<'a>(
    cx: &mut Context<'a>,
    scope: &Scope<'a>,
    given: &Given<'a>,
    slots: &[Slot<'a>],
    known: usize,
) -> Option<Diag> {
    let said = cx.diags.get(known..)?;
    let within = |value: &ast::Expr<'_>, diag: &Diag| {
        let (value, place) = (value.span(), diag.span());
        value.source == place.source && value.start <= place.start && place.end <= value.end
    };
    let is_wrong = |value: &ast::Expr<'_>| {
        let of = |diag: &&Diag| [WRONG_TYPE.code, NOT_CONSTANT.code].contains(&diag.code);
        said.iter().filter(of).any(|diag| within(value, diag))
    };
    let given_slots = given.positional.iter().zip(slots);
    let wrong: Vec<_> = given_slots.filter(|(value, _)| is_wrong(value)).collect();
    let &[(&one, its), (&other, others)] = wrong.as_slice() else { return None };
    if said.iter().any(|diag| !within(&one, diag) && !within(&other, diag)) {
        return None;
    }
    let said = cx.diags.len();
    cx.repeating += 1;
    self::one(cx, scope, given.what, its, other);
    self::one(cx, scope, given.what, others, one);
    cx.repeating -= 1;
    let fits = cx.diags.len() == said;
    cx.diags.truncate(said);
    let (one, other) = (one.span(), other.span());
    let (text, other_text) = (cx.text(one).to_owned(), cx.text(other).to_owned());
    let message = format!("two values of `{}` stand in each other's place", given.what);
    let help =
        format!("`{}` comes before `{}`: write `{other_text}, {text}`", its.name, others.name);
    fits.then(|| {
        let edit = |span, text| Edit { span, text };
        wrong_form(one, message, format!("this is its `{}`", others.name))
            .label(other, format!("this is its `{}`", its.name))
            .help(help)
            .fix_all("exchange the two", vec![edit(one, other_text), edit(other, text)])
    })
}

/// A text alone, where the second parameter is one that must be given and the first is another thing that need not.
fn skipped(given: &Given<'_>, slots: &[Slot<'_>]) -> Option<Diag> {
    let ([ast::Expr::Str(text)], [], [first, second, ..]) =
        (given.positional.as_slice(), given.named.as_slice(), slots)
    else {
        return None;
    };
    let may_skip = matches!(first.preset, Preset::Text(_)) && first.ty == Ty::Status;
    let is_meant = matches!(second.preset, Preset::None) && second.ty == Ty::String;
    if !may_skip || !is_meant {
        return None;
    }
    let start = Span { end: text.span().start, ..text.span() };
    let message = format!("the first value of `{}` is its `{}`", given.what, first.name);
    let diag = wrong_form(text.span(), message, format!("this is its `{}`", second.name));
    let named = format!("{}=", second.name);
    Some(
        diag.help(format!("write `{} {named}…`, or its `{}` first", given.what, first.name))
            .fix("name it", start, named),
    )
}

fn one<'a>(
    cx: &mut Context<'a>,
    scope: &Scope<'a>,
    what: &str,
    slot: &Slot<'a>,
    value: ast::Expr<'a>,
) -> Expr {
    let says = format!("`{}` of `{what}` is {}", slot.name, described(&slot.ty));
    let why = match slot.span {
        Some(place) => Why::place(place, format!("`{}` is {} here", slot.name, slot.ty)),
        None => Why::says(says),
    };
    let mut why = why.absence(format!("`{what}` would have no `{}`", slot.name));
    why.accepts = slot.row.filter(|row| !row.rest).map(|row| row.accepts);
    why.hint = slot.row.and_then(|row| row.hint);
    if slot.dynamic {
        let read = wanted(cx, scope, value, &slot.ty, &why);
        return accepted(cx, what, slot, read);
    }
    let mut load = scope.clone();
    load.when = When::Load;
    let known = cx.diags.len();
    let read = wanted(cx, &load, value, &slot.ty, &why);
    // Where requests are at hand, the rule of this parameter says more than that of all settings.
    if let (When::Step(_), Some(diag)) = (scope.when, cx.diags.get_mut(known))
        && diag.slug == NOT_CONSTANT.slug
        && slot.row.is_some()
    {
        let hint = slot.row.and_then(|row| row.hint);
        diag.help = Some(match (&slot.ty, hint) {
            (Ty::Item("upstream"), _) => "routes choose an upstream: one for each, with a `where` of its own; shares of requests are written `{ 90% => a, 10% => b }`".to_owned(),
            (_, Some(hint)) => hint.to_owned(),
            (_, None) => format!(
                "`{}` of `{what}` is fixed when the policy is loaded, and no request has a part in it",
                slot.name
            ),
        });
    }
    if !read.ty.is_error() && !is_load_time(&read, &cx.open) {
        let help = format!("`{}` of `{what}` is fixed when the policy is loaded", slot.name);
        cx.report(not_constant(read.span, help));
        return reported(read.span);
    }
    accepted(cx, what, slot, read)
}

/// The argument, if the parameter's row accepts it.
fn accepted(cx: &mut Context<'_>, what: &str, slot: &Slot<'_>, read: Expr) -> Expr {
    match slot.row {
        Some(row) if row.rest => accept::element(cx, what, row, read),
        Some(row) => accept::argument(cx, what, row, read),
        None => read,
    }
}

fn described(ty: &Ty) -> String {
    match ty {
        ty if *ty == STUB => "what an upstream does, such as `respond(200)`".to_owned(),
        Ty::Item(kind) => format!("the name of a {kind}").replace("a upstream", "an upstream"),
        Ty::Optional(of) => described(of),
        other => expected_type(other),
    }
}

fn collected<'a>(
    cx: &mut Context<'a>,
    scope: &Scope<'a>,
    given: &Given<'a>,
    slot: &Slot<'a>,
    rest: &[ast::Expr<'a>],
) -> Expr {
    let of = match &slot.ty {
        Ty::List(of) | Ty::Set(of) => Ty::clone(of),
        other => other.clone(),
    };
    let each = Slot { ty: of, rest: false, ..slot.clone() };
    let items = rest.iter().map(|value| one(cx, scope, given.what, &each, *value)).collect();
    let list = Expr { kind: ExprKind::List(items), ty: slot.ty.clone(), span: given.span };
    super::constant::fold(cx, list)
}

fn preset<'a>(
    cx: &mut Context<'a>,
    scope: &Scope<'a>,
    given: &Given<'a>,
    slot: &Slot<'a>,
    broken: bool,
) -> Expr {
    match slot.preset {
        Preset::Written(value, unit) => {
            let inner = Scope::new(unit, scope.when);
            let ty = slot.ty.clone();
            let read = super::expr::repeated(cx, given.span, "used here", |cx| {
                wanted(cx, &inner, value, &ty, &Why::default())
            });
            respan(read, given.span)
        }
        Preset::Text(text) => {
            let found = cx.defaults.get(text).and_then(|tree| {
                ast::items(tree).find_map(|item| match item {
                    ast::Item::Let(item) => item.value(),
                    _ => None,
                })
            });
            let Some(value) = found else { return reported(given.span) };
            // A row's own text; a test over all rows holds it to its type.
            let known = cx.diags.len();
            cx.repeating += 1;
            let inner = Scope::new(usize::MAX, scope.when);
            let read = expr(cx, &inner, value, Some(&slot.ty));
            let read = fit(cx, &inner, read, &slot.ty, &Why::default());
            cx.repeating -= 1;
            cx.diags.truncate(known);
            respan(read, given.span)
        }
        Preset::None if slot.ty.is_optional() => {
            constant(Value::Absent, slot.ty.clone(), given.span)
        }
        Preset::None => {
            if !broken {
                let ty = described(&slot.ty);
                let diag = missing_argument(given.span, given.what, slot.name, &ty);
                cx.report(match example(cx, given.what) {
                    Some(example) => diag.help(format!("as in `{example}`")),
                    None => {
                        diag.help(format!("give it in brackets: `{}({}=…)`", given.what, slot.name))
                    }
                });
            }
            reported(given.span)
        }
    }
}

/// Says that all of it stands at `span`.
pub(super) fn respan(mut expr: Expr, span: Span) -> Expr {
    expr.span = span;
    for child in children_mut(&mut expr.kind) {
        let kept = std::mem::replace(child, reported(span));
        *child = respan(kept, span);
    }
    expr
}

/// The parameters as a sentence lists them.
pub(super) fn takes(slots: &[Slot<'_>]) -> String {
    let listed: Vec<String> = slots.iter().map(|slot| format!("`{}`", slot.name)).collect();
    match listed.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => String::new(),
    }
}
